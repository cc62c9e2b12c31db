import Control
import FlowSpec
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// A flood that grows and shrinks, and what gobgpd is told to do with it.
@Suite(.serialized, .enabled(if: RouterPeer.Kind.gobgpd.isInstalled, "no gobgpd here"))
struct EscalationEndToEndTests {
    @Test func theRouterSeesTheLadderUpAndDown() async throws {
        let peer = try await RouterPeer(.gobgpd, neighborAS: 65001)
        defer { peer.stop() }
        let daemon = try RunningDaemon(
            detection: ["thresholds: {total: {packets: 5k packets/s}}", "quiet_period: 5s"],
            mitigation: [
                // Of the loopback gobgpd takes no next hop.
                "blackhole: {next_hop: 192.0.2.254}", "escalation:", "  - then: {rate_limit: 8 Mbit/s}",
                "  - {when: {over: 40k packets/s}, then: {discard: true}}",
                "  - {when: {over: 100k packets/s}, then: {blackhole: true}}", "step_stay: 10s",
            ],
            bgp: [
                "router_id: 192.0.2.10", "local_as: 65001",
                "neighbors: [{address: \(peer.address), port: \(peer.port), remote_as: 65001, "
                    + "families: [ipv4-flowspec, ipv4-unicast]}]",
            ]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        /// Whether the router has the rule with these words in its actions, and a blackhole route beside it or none.
        func router(has action: String, blackhole: Bool) async -> Bool {
            await eventually(within: 30) {
                let lines = ((try? peer.routes()) ?? "").lowercased().split(separator: "\n")
                let rules = lines.filter { $0.contains("destination: 198.51.100.10/32") }
                let isBlackholed = lines.contains { $0.contains("65535:666") || $0.contains("blackhole") }
                return rules.count == 1 && rules[0].contains(action) && isBlackholed == blackhole
            }
        }
        let small = try Flood(to: daemon.sFlowPort, packetsPerSecond: 15_000)
        defer { small.stop() }
        #expect(await router(has: "rate: 1000000", blackhole: false), "\(peer.log.suffix(2000))")
        let middle = try Flood(to: daemon.sFlowPort, packetsPerSecond: 50_000)
        #expect(await router(has: "discard", blackhole: false), "\(peer.log.suffix(2000))")
        let large = try Flood(to: daemon.sFlowPort, packetsPerSecond: 80_000)
        #expect(await router(has: "discard", blackhole: true), "\(peer.log.suffix(2000))")
        large.stop()
        #expect(await router(has: "discard", blackhole: false), "\(peer.log.suffix(2000))")
        middle.stop()
        #expect(await router(has: "rate: 1000000", blackhole: false), "\(peer.log.suffix(2000))")
        #expect(try await daemon.rules().count == 1)
        #expect(try await daemon.rules().first?.effect != nil)
    }
}
