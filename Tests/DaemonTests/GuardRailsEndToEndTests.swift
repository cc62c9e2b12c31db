import Control
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// The guard rails of a running daemon, tried over its pipe, its control socket and by traffic.
@Suite(.serialized, .enabled(if: RouterPeer.Kind.gobgpd.isInstalled, "no gobgpd here"))
struct GuardRailsEndToEndTests {
    private static let hostile = [
        "flow route destination 0.0.0.0/0 discard", "route 0.0.0.0/0 next-hop self", "flow route protocol udp discard",
        "flow route destination 192.0.2.1/32 discard", "route 192.0.2.1/32 next-hop self community blackhole",
        "flow route destination 198.51.0.0/16 discard", "flow route destination 198.51.100.53/32 discard",
        "flow route destination 198.51.100.0/24 discard", "flow route destination ::/0 discard",
        "flow route destination 2001:db8:100::1/128/32 discard",
    ]

    @Test func nothingHostileReachesTheRouter() async throws {
        let piped = try await PipedDaemon(
            mitigation: ["max_rules: 2"],
            more: ["exabgp_pipe: {path: $FOLDER/exabgp.cmd}", "whitelist: {destinations: [198.51.100.53]}"]
        )
        defer { piped.stop() }
        let process = try await piped.start()
        defer { process.stop() }
        try piped.write(Self.hostile.map { "announce \($0)\n" }.joined())
        for text in Self.hostile {
            guard case .refused(let reason) = try await piped.daemon.ask(.init(.announce, text: text)) else {
                Issue.record("\(text) was taken")
                continue
            }
            #expect(!reason.isEmpty)
        }
        for target in ["0.0.0.0/0", "192.0.2.1", "198.51.0.0/16", "198.51.100.53", "198.51.100.0/24", "::/0"] {
            guard case .refused = try await piped.daemon.ask(.init(.ban, target: target)) else {
                Issue.record("\(target) was banned")
                continue
            }
        }
        #expect(await eventually { (try? await piped.events().filter { $0.contains("refused") }.count) ?? 0 >= 10 })
        // What came after them on the same pipe shows that all was read; and no more rules than allowed are taken.
        for number in 1...3 {
            try piped.write("announce flow route destination 198.51.100.\(number)/32 protocol =udp discard\n")
        }
        #expect(await piped.routerHas("198.51.100.2/32"))
        #expect(
            await eventually { (try? await piped.events().contains { $0.contains("2 rules are in force") }) == true }
        )
        let routes = try piped.router.routes().split(separator: "\n").filter { $0.contains("/") }
        #expect(routes.count == 2, "\(routes)")
    }

    /// An attack on a protected host is told, and nothing is done about it.
    @Test func aProtectedHostIsNeverMitigated() async throws {
        let router = try await RouterPeer(.gobgpd)
        defer { router.stop() }
        let daemon = try RunningDaemon(
            detection: ["thresholds: {total: {packets: 10k packets/s}}"],
            bgp: PipedDaemon.bgp(router),
            more: ["whitelist: {destinations: [198.51.100.53]}"]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let flood = try Flood(
            to: daemon.sFlowPort,
            packetsPerSecond: 100_000,
            victim: IPAddress(198, 51, 100, 53)
        )
        defer { flood.stop() }
        #expect(await eventually(within: 20) { (try? await daemon.attacks().count) == 1 })
        guard case .events(let events) = try await daemon.ask(.init(.events)) else { return }
        #expect(events.contains { $0.text.contains("198.51.100.53/32 is whitelisted") }, "\(events.map(\.text))")
        #expect(try await daemon.rules().isEmpty)
        #expect(try !router.routes().contains("198.51.100.53"))
    }
}
