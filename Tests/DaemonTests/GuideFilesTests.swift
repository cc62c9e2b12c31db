import Control
import Foundation
import TestSupport
import Testing

/// What people's guides have them write to ExaBGP's pipe, unchanged but for the pipe's path, through to the router.
@Suite(
    .serialized,
    .enabled(if: SharedFiles.isPresent, Comment(rawValue: SharedFiles.absence)),
    .enabled(if: RouterPeer.Kind.gobgpd.isInstalled, "no gobgpd here")
)
struct GuideFilesTests {
    private static func text(_ path: String) throws -> String {
        String(decoding: try SharedFiles.data("guide/\(path)"), as: UTF8.self)
    }

    /// Runs one of the guide's scripts; its exit status.
    private static func run(
        _ name: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        in piped: PipedDaemon
    ) throws -> Int32 {
        let script = try text("etc/fastnetmon/scripts/\(name)").replacing("/var/run/exabgp.cmd", with: piped.pipe)
        let path = try piped.daemon.folder.write(script, to: name)
        let shell = name.hasSuffix(".py") ? "python3" : "bash"
        let program = try #require(ChildProcess.find(shell))
        let log = piped.daemon.folder.url.appending(path: "\(name).log")
        return try ChildProcess(program, [path] + arguments, environment: environment, log: log).wait()
    }

    @Test func theGuidesRuleAndScriptsReachTheRouter() async throws {
        let piped = try await PipedDaemon()
        defer { piped.stop() }
        let process = try await piped.start()
        defer { process.stop() }

        try piped.write(try Self.text("rules/announce-multiline.txt"))
        #expect(await piped.routerHas("destination: 198.51.100.50/32", "protocol: ==udp", "discard"))

        // By arguments, by environment, from both scripts.
        #expect(try Self.run("exabgp-integration.py", ["198.51.100.1", "udp_flood", "20000"], in: piped) == 0)
        #expect(await piped.routerHas("destination: 198.51.100.1/32", "protocol: ==udp", "discard"))
        let environment = [
            "ATTACK_TARGET_IP": "198.51.100.2", "ATTACK_TYPE": "syn_flood", "ATTACK_POWER": "5000",
        ]
        #expect(try Self.run("exabgp-integration.py", [], environment: environment, in: piped) == 0)
        #expect(await piped.routerHas("destination: 198.51.100.2/32", "protocol: ==tcp", "tcp-flags", "rate: 100000"))
        #expect(try Self.run("exabgp-integration.py", ["198.51.100.3", "icmp_flood", "1"], in: piped) == 0)
        #expect(await piped.routerHas("destination: 198.51.100.3/32", "protocol: ==icmp", "rate: 10000"))
        #expect(try Self.run("exabgp-integration.py", ["198.51.100.4"], in: piped) == 0)
        #expect(await piped.routerHas("destination: 198.51.100.4/32"))
        for (host, kind) in [(11, "udp_flood"), (12, "syn_flood"), (13, "icmp_flood"), (14, "other")] {
            #expect(try Self.run("exabgp-integration.sh", ["198.51.100.\(host)", kind, "7"], in: piped) == 0)
            #expect(await piped.routerHas("destination: 198.51.100.\(host)/32"))
        }
        #expect(try await piped.daemon.rules().count == 9)

        // As announced; and without a word of the protocol, which can mean one rule only.
        #expect(try Self.run("exabgp-unban.py", ["198.51.100.1", "udp"], in: piped) == 0)
        #expect(await piped.routerLacks("198.51.100.1/32"))
        #expect(try Self.run("exabgp-unban.py", ["198.51.100.2", "tcp_syn"], in: piped) == 0)
        #expect(await piped.routerLacks("198.51.100.2/32"))
        for host in [3, 4, 11, 12, 13, 14, 50] {
            #expect(try Self.run("exabgp-unban.py", ["198.51.100.\(host)"], in: piped) == 0)
            #expect(await piped.routerLacks("198.51.100.\(host)/32"))
        }
        #expect(try await piped.daemon.rules().isEmpty)
        let events = try await piped.events()
        #expect(events.contains { $0.hasPrefix("withdrew") && $0.contains("could mean no other rule") })
        #expect(!events.contains { $0.hasPrefix("refused") }, "\(events)")
    }

    /// As the detector's own scripts: they announce by the pipe, and withdraw; nothing else answers the attack.
    @Test(arguments: ["exabgp-integration.py", "exabgp-integration.sh"])
    func theGuidesScriptsAreToldOfAttacks(notify: String) async throws {
        let piped = try await PipedDaemon(
            detection: ["thresholds: {total: {packets: 20k packets/s}}", "quiet_period: 1s"],
            mitigation: ["ban_time: 3s", "kinds: []"],
            more: [
                "exabgp_pipe: {path: $FOLDER/exabgp.cmd}",
                "scripts: {notify: $FOLDER/\(notify), unban: $FOLDER/exabgp-unban.py, arguments: guide}",
            ]
        )
        defer { piped.stop() }
        for name in [notify, "exabgp-unban.py"] {
            let script = try Self.text("etc/fastnetmon/scripts/\(name)")
                .replacing("/var/run/exabgp.cmd", with: piped.pipe)
            _ = try RecordingScript.write(script, to: name, in: piped.daemon.folder)
        }
        let process = try await piped.start()
        defer { process.stop() }
        let flood = try Flood(to: piped.daemon.sFlowPort, packetsPerSecond: 200_000)
        let isHeld = await piped.routerHas("destination: 198.51.100.10/32", "protocol: ==udp")
        let before = try await piped.events()
        #expect(isHeld, "\(before)")
        #expect(try await piped.daemon.rules().count == 1, "the script's alone")
        flood.stop()
        #expect(await piped.routerLacks("198.51.100.10/32"))
        let events = try await piped.events()
        #expect(events.contains { $0.contains("exabgp-unban.py 198.51.100.10 udp: exit status 0") }, "\(events)")
        #expect(!events.contains { $0.hasPrefix("refused a command") }, "\(events)")
    }

    /// `exabgp-pipe.service` of the guide makes the pipe; whoever deletes it and makes it anew finds a reader.
    @Test func aPipeThatIsMadeAnewIsReadAgain() async throws {
        let piped = try await PipedDaemon()
        defer { piped.stop() }
        let process = try await piped.start()
        defer { process.stop() }
        let make = try #require(ChildProcess.find("mkfifo"))
        try FileManager.default.removeItem(atPath: piped.pipe)
        _ = try ChildProcess.output(make, ["-m", "660", piped.pipe])
        try piped.write("announce route 198.51.100.9/32 next-hop 192.0.2.1 community [65001:666]\n")
        #expect(await piped.routerHas("198.51.100.9/32", "65001:666"))
        try FileManager.default.removeItem(atPath: piped.pipe)
        #expect(await eventually { FileManager.default.fileExists(atPath: piped.pipe) }, "made by the daemon itself")
        try piped.write("withdraw route 198.51.100.9/32 next-hop 192.0.2.1\n")
        #expect(await piped.routerLacks("198.51.100.9/32"))
    }
}
