import Control
import Foundation
import TestSupport
import Testing

/// A real ExaBGP that reads our commands, with gobgpd behind it: the daemon itself has no neighbor.
@Suite(.serialized, .enabled(if: RouterPeer.Kind.gobgpd.isInstalled, "no gobgpd here"))
struct DrivenExaBGPTests {
    @Test(
        .enabled(if: RouterPeer.Kind.exabgp.isInstalled, "no exabgp here"),
        arguments: [RouterPeer.Kind.exabgp]
    )
    func debiansExaBGPAnnouncesWhatItIsTold(kind: RouterPeer.Kind) async throws { try await drive(kind) }

    @Test(
        .enabled(if: RouterPeer.Kind.exabgp5.isInstalled, "FLOODGATE_EXABGP5 names no ExaBGP 5"),
        arguments: [RouterPeer.Kind.exabgp5]
    )
    func exaBGP5AnnouncesWhatItIsTold(kind: RouterPeer.Kind) async throws { try await drive(kind) }

    private func drive(_ kind: RouterPeer.Kind) async throws {
        let piped = try await PipedDaemon(more: ["exabgp_writer: {path: $FOLDER/in.cmd}"])
        defer { piped.stop() }
        // No neighbor of its own: whatever reaches the router comes from ExaBGP.
        try piped.daemon.configure(detection: ["quiet_period: 1s"], more: ["exabgp_writer: {path: $FOLDER/in.cmd}"])
        let process = try await piped.daemon.start()
        let pipe = piped.daemon.folder.path("in.cmd")
        _ = try ChildProcess.output(try #require(ChildProcess.find("mkfifo")), [pipe])
        var exabgp = try start(kind, piped)
        func announce(_ text: String) async throws {
            guard case .done = try await piped.daemon.ask(.init(.announce, durationSeconds: 600, text: text)) else {
                Issue.record("refused: \(text)")
                return
            }
        }
        func withdraw(_ text: String) async throws {
            guard case .done = try await piped.daemon.ask(.init(.withdraw, text: text)) else {
                Issue.record("refused: \(text)")
                return
            }
        }
        _ = try await piped.daemon.ask(.init(.ban, target: "198.51.100.1", durationSeconds: 600, template: "syn_flood"))
        try await announce(
            "flow route destination 198.51.100.2/32 protocol udp source-port [ =53 =123 ] rate-limit 9600"
        )
        try await announce(
            "flow route { match { destination 198.51.100.3/32; packet-length [ >=1000&<=1500 ]; fragment [ is-fragment ]; } "
                + "then { redirect 65001:100; mark 10; community [ 65001:1 65001:2 ]; } }"
        )
        try await announce("flow route destination 2001:db8:100::5/128 next-header udp discard")
        try await announce("route 198.51.100.4/32 next-hop 192.0.2.66 community [ 65001:666 ]")
        try await announce("attributes next-hop 192.0.2.66 nlri 198.51.100.5/32 198.51.100.6/32")
        let context = Comment(rawValue: "\(piped.router.log.suffix(500))")
        #expect(await piped.routerHas("198.51.100.1/32", "==tcp", "discard"), context)
        #expect(await piped.routerHas("198.51.100.2/32", "==53", "==123", "rate: 9600"))
        #expect(await piped.routerHas("198.51.100.3/32", ">=1000", "redirect: 65001:100", "remark: 10"))
        #expect(await piped.routerHas("2001:db8:100::5/128", "udp"))
        #expect(await piped.routerHas("198.51.100.4/32", "192.0.2.66", "65001:666"))
        #expect(await piped.routerHas("198.51.100.6/32"))
        let rules = try await piped.daemon.rules()
        #expect(rules.count == 7 && rules.allSatisfy { $0.neighbors == ["exabgp \(pipe)"] }, "\(rules)")

        try await withdraw("flow route destination 198.51.100.2/32 protocol udp source-port [ =53 =123 ]")
        try await withdraw("route 198.51.100.4/32")
        _ = try await piped.daemon.ask(.init(.unban, target: "198.51.100.1"))
        #expect(await piped.routerLacks("198.51.100.2/32"))
        #expect(await piped.routerLacks("198.51.100.4/32"))
        #expect(await piped.routerLacks("198.51.100.1/32"))

        // ExaBGP dies. What changes meanwhile is told when it is back, with all that stands.
        exabgp.kill()
        #expect(await piped.routerLacks("198.51.100.3/32"))
        #expect(await eventually { (try? await self.isRead(piped)) == false })
        try await withdraw("route 198.51.100.5/32")
        try await announce("flow route destination 198.51.100.7/32 protocol icmp discard")
        exabgp = try start(kind, piped)
        #expect(await piped.routerHas("198.51.100.7/32", "icmp"))
        #expect(await piped.routerHas("198.51.100.3/32", "redirect: 65001:100"))
        #expect(await piped.routerHas("198.51.100.6/32"))
        #expect(await piped.routerLacks("198.51.100.5/32"))

        // The daemon dies and a rule's time is up while it is away: ExaBGP still has it, and is told.
        // Long enough to be seen at the router where the machine has other things to do.
        let banTime = 30
        let end = ContinuousClock.now + .seconds(banTime + 1)
        _ = try await piped.daemon.ask(.init(.ban, target: "198.51.100.8", durationSeconds: Double(banTime)))
        #expect(await piped.routerHas("198.51.100.8/32"))
        process.kill()
        try await Task.sleep(until: end)
        #expect(await piped.routerHas("198.51.100.8/32"), "nobody has told it")
        let second = try await piped.daemon.start()
        #expect(await piped.routerLacks("198.51.100.8/32"))
        #expect(await piped.routerHas("198.51.100.7/32"))

        // A stop takes everything back.
        second.stop()
        #expect(await piped.routerLacks("198.51.100.7/32"))
        #expect(await piped.routerLacks("198.51.100.6/32"))
        exabgp.stop()
    }

    private func isRead(_ piped: PipedDaemon) async throws -> Bool {
        guard case .status(let status) = try await piped.daemon.ask(.init(.status)) else { return false }
        return status.writers.first?.isRead ?? false
    }

    /// As docs/operations.md has it: a helper that goes with ExaBGP, whatever happens to it.
    private func start(_ kind: RouterPeer.Kind, _ piped: PipedDaemon) throws -> ChildProcess {
        let folder = piped.daemon.folder
        let configuration = """
            process floodgate { run /usr/bin/setpriv --pdeathsig TERM /bin/cat \(folder.path("in.cmd")); encoder text; }
            neighbor \(piped.router.address) {
              local-address 127.0.0.1; local-as 65001; peer-as 65001; router-id 10.255.0.16; hold-time 90;
              connect \(piped.router.port);
              family { ipv4 unicast; ipv4 flow; ipv6 flow; }
              api { processes [ floodgate ]; }
            }

            """
        let file = try folder.write(configuration, to: "exabgp.conf")
        return try DrivenExaBGP.start(kind, file: file)
    }
}
