import Control
import Foundation
import TestSupport
import Testing

/// The real program with the guide's files, of which only the paths are replaced.
@Suite(.serialized, .enabled(if: SharedFiles.isPresent, Comment(rawValue: SharedFiles.absence)))
struct LegacyRunTests {
    /// A folder with the guide's `etc` in it.
    private func write(_ name: String, to daemon: RunningDaemon, _ change: (String) -> String = { $0 }) throws {
        let text = String(decoding: try SharedFiles.data("guide/etc/\(name)"), as: UTF8.self)
        let file = String(name.split(separator: "/").last ?? "")
        let replaced = text.replacing("/etc/", with: "\(daemon.folder.url.path())/")
        _ = try daemon.folder.write(change(replaced), to: file)
    }

    /// What the guide leaves to chance: ports, the neighbor, and times that a test can wait for.
    private func settings(_ daemon: RunningDaemon, neighbor: String?) -> String {
        """
        telemetry:
          sflow: {listen: "127.0.0.1:\(daemon.sFlowPort)"}
          netflow: {listen: "127.0.0.1:\(daemon.netFlowPort)"}
          workers: 1
        detection: {quiet_period: 2s}
        mitigation: {ban_time: 2s}
        bgp: {router_id: 192.0.2.10, local_as: 65001, neighbors: [\(neighbor ?? "")]}
        exabgp_pipe: {path: \(daemon.folder.path("exabgp.cmd"))}
        store: \(daemon.folder.path("floodgate.db"))
        control_socket: \(daemon.folder.path("control.sock"))

        """
    }

    private func daemon(neighbor: String?) throws -> RunningDaemon {
        let daemon = try RunningDaemon(detection: ["window: 1s"])
        for name in [
            "fastnetmon.conf", "networks_list", "fastnetmon_whitelist.conf", "fastnetmon/flowspec_templates.conf",
        ] {
            try write(name, to: daemon)
        }
        _ = try daemon.folder.write(settings(daemon, neighbor: neighbor), to: "floodgate.yaml")
        return daemon
    }

    /// A flood, the template's rule at gobgpd, and the rule gone; then a changed file is read again.
    @Test func theGuidesFilesProtectAndLetGo() async throws {
        guard RouterPeer.Kind.gobgpd.isInstalled else {
            print("skipped: gobgpd is not installed")
            return
        }
        let peer = try await RouterPeer(.gobgpd)
        defer { peer.stop() }
        let neighbor = "{address: \(peer.address), port: \(peer.port), remote_as: 65001, local_address: 127.0.0.1}"
        let daemon = try daemon(neighbor: neighbor)
        defer { daemon.folder.remove() }
        let process = try await daemon.start(["--fastnetmon", daemon.folder.path("fastnetmon.conf")])
        defer { process.stop() }

        // A thousand megabits are allowed.
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 300_000)
        let isSeen = try await eventually(within: 20) { try peer.routes().contains("198.51.100.10/32") }
        #expect(isSeen, "\(process.isRunning)")
        let rules = try await daemon.rules()
        #expect(
            rules.map { "\($0.match): \($0.action)" } == [
                "destination 198.51.100.10/32 protocol =udp: rate-limit 100000 community [ 65001:666 ]"
            ]
        )
        flood.stop()
        #expect(try await eventually(within: 20) { try !peer.routes().contains("198.51.100.10/32") })

        _ = try daemon.folder.write(
            "udp_flood: {match: [protocol: udp], then: [discard]}\n",
            to: "flowspec_templates.conf"
        )
        guard case .done = try await daemon.ask(.init(.reload)) else {
            Issue.record("not reloaded")
            return
        }
        _ = try await daemon.ask(.init(.ban, target: "203.0.113.9", durationSeconds: 60, template: "udp_flood"))
        #expect(
            try await daemon.rules().map { "\($0.match): \($0.action)" }.contains {
                $0.contains("203.0.113.9/32") && $0.contains("discard")
            }
        )
        // A mistake in any of the files changes nothing, and is told.
        _ = try daemon.folder.write("198.51.100.0/33\n", to: "networks_list")
        let answer = "\(try await daemon.ask(.init(.reload)))"
        #expect(
            answer.contains("networks_list:1: error: \\\"198.51.100.0/33\\\" is no prefix")
                || answer.contains("networks_list:1: error"),
            "\(answer)"
        )
    }

    @Test func checkTellsAllAndImportWritesWhatRuns() throws {
        let daemon = try daemon(neighbor: nil)
        defer { daemon.folder.remove() }
        let file = daemon.folder.path("fastnetmon.conf")
        let output = daemon.folder.path("imported.yaml")
        let imported = try Self.run(["import", "--fastnetmon", file, "--output", output])
        #expect(
            imported.status == 0 && imported.error.contains("warning: switches no capture engine on"),
            "\(imported)"
        )
        let mode = try FileManager.default.attributesOfItem(atPath: output)[.posixPermissions] as? Int
        #expect(mode.map { $0 & 0o137 } == 0, "a password may be in it")
        let checked = try Self.run(["check", "--config", output])
        #expect(checked.status == 0 && checked.output.contains("2 networks"), "\(checked)")
        let again = try Self.run(["import", "--fastnetmon", file, "--output", output])
        #expect(again.status == 1, "what is there is not written over")

        let mistaken = "threshold_mbps = 1k\nenable_ban = yes\nthresold_pps = 5\n"
        try write("fastnetmon.conf", to: daemon) { $0 + mistaken }
        for command in ["check", "import", "run"] {
            let refused = try Self.run([command, "--fastnetmon", file])
            #expect(refused.status == 1 && refused.output.isEmpty)
            #expect(refused.error.split(separator: "\n").filter { $0.contains(": error: ") }.count == 3, "\(refused)")
        }
        #expect(try Self.run(["import"]).status == 64)
    }

    private static func run(_ arguments: [String]) throws -> (status: Int32, output: String, error: String) {
        let process = Process()
        process.executableURL = URL(filePath: RunningDaemon.program)
        process.arguments = arguments
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: said, as: UTF8.self),
            String(decoding: complained, as: UTF8.self)
        )
    }
}
