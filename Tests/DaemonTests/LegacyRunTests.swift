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
        // A network more: the whitelist, which names the others, still is not one.
        let list = try String(contentsOfFile: daemon.folder.path("networks_list"), encoding: .utf8)
        _ = try daemon.folder.write(list + "\n192.0.2.0/24\n", to: "networks_list")
        let grown = "\(try await daemon.ask(.init(.reload)))"
        #expect(grown.contains("a restart is needed for networks"), "\(grown)")
        #expect(try await daemon.rules().contains { $0.match.contains("203.0.113.9/32") })
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

    /// With a file of ours laid on them, what is imported is what would run.
    @Test func importTakesTheFileThatIsLaidOn() throws {
        let daemon = try daemon(neighbor: nil)
        defer { daemon.folder.remove() }
        let sources = ["--fastnetmon", daemon.folder.path("fastnetmon.conf"), "--config", daemon.configuration]
        let output = daemon.folder.path("imported.yaml")
        let imported = try Self.run(["import", "--output", output] + sources)
        #expect(imported.status == 0, "\(imported)")
        let text = try String(contentsOfFile: output, encoding: .utf8)
        #expect(text.contains("ban_time: 2s") && text.contains("router_id: 192.0.2.10"), "\(text)")
        func checked(_ arguments: [String]) throws -> [Substring] {
            let checked = try Self.run(["check"] + arguments)
            #expect(checked.status == 0, "\(checked)")
            // But for the names of the files.
            return checked.output.split(separator: "\n").map { $0.split(separator: " is valid").last ?? $0 }
        }
        #expect(try checked(["--config", output]) == checked(sources))

        _ = try daemon.folder.write("mitigation: {ban_tme: 3s}\n", to: "floodgate.yaml")
        let refused = try Self.run(["import"] + sources)
        #expect(refused.status == 1 && refused.error.contains("floodgate.yaml:1"), "\(refused)")
        #expect(refused.output.isEmpty)
    }

    /// Why, in the system's words.
    @Test func filesThatCannotBeReadAreNamedWithTheReason() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        try Data([0x6E, 0xFF, 0xFE]).write(to: URL(filePath: folder.path("octets")))
        let yaml = try folder.write("networks: [198.51.100.0/24]\n", to: "own.yaml")
        let cases = [
            (["check", "--config", "/nowhere/x.yaml"], "/nowhere/x.yaml: No such file or directory"),
            (["check", "--config", folder.path("")], "\(folder.path("")): Is a directory"),
            (["check", "--config", folder.path("octets")], "no text: it has octets that are not UTF-8"),
            (["check", "--fastnetmon", "/nowhere/x"], "/nowhere/x: error: cannot be read: No such file or directory"),
            (
                ["check", "--exabgp", folder.path(""), "--config", yaml],
                ": error: cannot be read: Is a directory"
            ), (["import", "--exabgp", "/nowhere/x"], "/nowhere/x: error: cannot be read: No such file or directory"),
            (
                ["run", "--config", yaml, "--record", "/nowhere/x.pcap"],
                "cannot write to /nowhere/x.pcap: No such file or directory"
            ),
        ]
        _ = try folder.write(
            """
            networks: [198.51.100.0/24]
            mitigation: {mode: observe}
            store: \(folder.path("s.db"))
            control_socket: \(folder.path("c.sock"))

            """,
            to: "own.yaml"
        )
        for (arguments, told) in cases {
            let run = try Self.run(arguments)
            #expect(run.status == 1 && run.error.contains(told), "\(arguments): \(run.error)")
            #expect(!run.error.contains("operation could") && !run.error.contains("Cocoa"), "\(run.error)")
        }
        let store = try folder.write("store: /proc/nowhere/s.db\n", to: "store.yaml")
        let text = try String(contentsOfFile: yaml, encoding: .utf8)
        _ = try folder.write(text.replacing(folder.path("s.db"), with: "/proc/nowhere/s.db"), to: "store.yaml")
        let log = try folder.write(text + "log: {file: /nowhere/x.log}\n", to: "log.yaml")
        let logging = try Self.run(["run", "--config", log])
        #expect(logging.error.contains("/nowhere/x.log: No such file or directory"), "\(logging)")
        let run = try Self.run(["run", "--config", store])
        #expect(run.error.contains("/proc/nowhere/: the folder cannot be made: No such file or directory"), "\(run)")
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
