import Control
import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Log files in the form of other programs', for those who look into them.
@Suite(.serialized)
struct LegacyLogTests {
    private static let detection = ["thresholds: {total: {packets: 20k packets/s}}", "quiet_period: 1s"]

    private func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    /// The guide's script, of which the paths are replaced; there is no systemd here, so `systemctl` is a stub.
    @Test(
        .enabled(if: SharedFiles.isPresent, Comment(rawValue: SharedFiles.absence)),
        .enabled(if: RouterPeer.Kind.gobgpd.isInstalled, "no gobgpd here")
    )
    func theGuidesMonitorSaysWhatIsSo() async throws {
        let piped = try await PipedDaemon(
            detection: Self.detection,
            mitigation: ["templates: {udp_flood: {match: {protocol: udp}, then: {rate_limit: 800 kbit/s}}}"],
            more: ["exabgp_pipe: {path: $FOLDER/exabgp.cmd}"]
        )
        defer { piped.stop() }
        let folder = piped.daemon.folder
        let yaml = text(piped.daemon.configuration).replacing(
            "log: {level: debug}",
            with: "log: {fastnetmon_file: \(folder.path("fnm.log")), exabgp_file: \(folder.path("exa.log"))}"
        )
        _ = try folder.write(yaml, to: "floodgate.yaml")
        let process = try await piped.start()
        defer { process.stop() }
        let flood = try Flood(to: piped.daemon.sFlowPort, packetsPerSecond: 200_000)
        #expect(await piped.routerHas("destination: 198.51.100.10/32", "rate: 100000"))
        try piped.write("announce flow route destination 198.51.100.9/32 discard\n")
        #expect(await piped.routerHas("destination: 198.51.100.9/32"))
        flood.stop()

        let guide = try SharedFiles.data("guide/usr/local/bin/monitor-ddos-mitigation.sh")
        let script = String(decoding: guide, as: UTF8.self)
            .replacing("/var/log/fastnetmon.log", with: folder.path("fnm.log"))
            .replacing("/var/log/exabgp/exabgp.log", with: folder.path("exa.log"))
        let path = try RecordingScript.write(script, to: "monitor.sh", in: folder)
        let stub = "#!/bin/sh\necho \"$2.service\"\necho '     Active: active (running)'\n"
        _ = try RecordingScript.write(stub, to: "systemctl", in: folder)
        let monitor = try ChildProcess(
            "/bin/bash",
            [path],
            environment: ["PATH": "\(folder.url.path()):/usr/bin:/bin"],
            log: folder.url.appending(path: "monitor.out")
        )
        #expect(monitor.wait() == 0)
        let lines = text(folder.path("monitor.out")).split(separator: "\n").map(String.init)
        #expect(lines.count { $0.contains("Active: active (running)") } == 2)
        let attack = "[INFO] Attack with direction: incoming IP: 198.51.100.10 Power: "
        #expect(lines.contains { $0.contains(attack) }, "\(lines)")
        let rules = lines.filter { $0.contains("| api | announce flow route destination") }
        let isLimited = rules.contains {
            $0.contains("198.51.100.10/32 protocol =udp") && $0.hasSuffix("rate-limit 100000 (800 kbit/s)")
        }
        #expect(isLimited, "\(lines)")
        #expect(rules.contains { $0.hasSuffix("198.51.100.9/32 discard") }, "whoever announced it")
        // And everywhere else a limit is told in bit/s.
        #expect(try await piped.events().contains { $0.contains("rate-limit 100000 (800 kbit/s), because") })
        #expect(text(process.log.path()).contains("limit=\"800 kbit/s\""))
        #expect(try await piped.daemon.rules().compactMap(\.limit) == ["800 kbit/s"])
    }

    @Test func rotatedFilesAreOpenedAnewAndFullDisksHurtNobody() async throws {
        let daemon = try RunningDaemon(detection: Self.detection)
        defer { daemon.folder.remove() }
        let (file, own) = (daemon.folder.path("fnm.log"), daemon.folder.path("own.log"))
        let yaml = text(daemon.configuration).replacing(
            "log: {level: debug}",
            with: "log: {file: \(own), fastnetmon_file: \(file), exabgp_file: /dev/full}"
        )
        _ = try daemon.folder.write(yaml, to: "floodgate.yaml")
        let process = try await daemon.start()
        defer { process.stop() }
        _ = try await daemon.ask(.init(.ban, target: "198.51.100.1"))
        #expect(await eventually { text(file).contains("Attack with direction: other IP: 198.51.100.1 Power: 0\n") })
        for path in [file, own] { try FileManager.default.moveItem(atPath: path, toPath: path + ".1") }
        process.signal(SIGHUP)
        #expect(await eventually { text(own).contains("reloaded") })
        guard case .done = try await daemon.ask(.init(.ban, target: "198.51.100.2")) else {
            Issue.record("the full disk of a courtesy kept a rule back")
            return
        }
        #expect(await eventually { text(file).contains("198.51.100.2") })
        #expect(!text(file).contains("198.51.100.1 "))
    }

    @Test func clientsOfFastNetMonFindTheirCommands() async throws {
        let daemon = try RunningDaemon(detection: Self.detection)
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let socket = ["--socket", daemon.folder.path("control.sock")]
        for host in ["198.51.100.77", "198.51.100.10"] {
            _ = try ChildProcess.output(RunningDaemon.program, ["ban", host] + socket)
        }
        let list = try ChildProcess.output(RunningDaemon.program, ["get_banlist"] + socket)
        #expect(list == "198.51.100.10/32\n198.51.100.77/32\n")
        _ = try ChildProcess.output(RunningDaemon.program, ["unban", "198.51.100.77"] + socket)
        #expect(try ChildProcess.output(RunningDaemon.program, ["get_banlist"] + socket) == "198.51.100.10/32\n")
        #expect(!(try ChildProcess.output(RunningDaemon.program, ["--help"])).contains("get_banlist"))
    }

    @Test func checkSaysWhatTemplatesLetThrough() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let yaml = """
            networks: [198.51.100.0/24]
            mitigation: {templates: {udp_flood: {match: {protocol: udp}, then: {rate_limit: 100000 B/s}}}}

            """
        let file = try folder.write(yaml, to: "f.yaml")
        let output = try ChildProcess.output(RunningDaemon.program, ["check", "--config", file])
        let lines = output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("udp_flood destination TARGET protocol =udp rate-limit 100000 800 kbit/s"), "\(output)")
        #expect(lines.contains("flood destination TARGET discard nothing"), "\(output)")
    }
}
