import BGP
import FlowSpec
import Foundation
import Logging
import NetworkTypes
import Speaker
import TestSupport
import Testing

/// Real daemons receive, show and lose the rules. One after another: each takes a processor while it starts.
@Suite(.serialized)
struct InteroperationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var kind: RouterPeer.Kind
        var localAS: UInt32
        var testDescription: String { "\(kind.rawValue), \(localAS == 65001 ? "iBGP" : "eBGP")" }
    }

    static let cases = RouterPeer.Kind.allCases.flatMap { kind in [65001, 65010].map { Case(kind: kind, localAS: $0) } }

    /// A rule of each family, and a prefix of each.
    static let announcements: [Announcement] = {
        guard let v4 = IPPrefix("198.51.100.5/32"), let v6 = IPPrefix("2001:db8:100::5/128"),
            let udp = try? RuleTemplate.builtIn["udp_flood"]?.announcement(for: v4, direction: .incoming),
            let syn = try? RuleTemplate.builtIn["syn_flood"]?.announcement(for: v6, direction: .incoming)
        else { return [] }
        return [
            udp, syn, Announcement(route: .unicast(v4), communities: [.blackhole], nextHop: IPAddress(192, 0, 2, 1)),
            Announcement(route: .unicast(v6), communities: [.blackhole], nextHop: IPAddress("2001:db8::1")),
        ]
    }()

    private func speaker(for peer: RouterPeer, localAS: UInt32, listen: UInt16? = nil) throws -> Speaker {
        let address = try #require(IPAddress(peer.address))
        let neighbor = NeighborConfiguration(
            address: address,
            port: peer.port,
            localAddress: IPAddress(127, 0, 0, 1),
            remoteAS: ASN(65001),
            localAS: ASN(localAS),
            routerID: IPAddress(10, 255, 0, 1).v4,
            families: BGPFamily.allCases,
            isPassive: listen != nil
        )
        return Speaker(
            neighbors: [neighbor],
            listen: listen.map { [.init(address: IPAddress(127, 0, 0, 1), port: $0)] } ?? [],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { Timestamp(seconds: Date().timeIntervalSince1970) },
            observer: { _ in }
        )
    }

    @Test(arguments: cases)
    func aPeerReceivesShowsAndLosesRules(_ test: Case) async throws {
        guard test.kind.isInstalled else {
            print("skipped: \(test.kind.rawValue) is not installed")
            return
        }
        let peer = try await RouterPeer(test.kind, neighborAS: test.localAS)
        defer { peer.stop() }
        let speaker = try speaker(for: peer, localAS: test.localAS)
        try await speaker.start()
        let isUp = await eventually { await speaker.status().first?.state == .established }
        let error = await speaker.status().first?.lastError
        #expect(isUp, "\(error ?? "") \(peer.log.suffix(2000))")
        await speaker.update(announce: Self.announcements)
        let hasAll = try await eventually { try Self.holdsAll(peer) }
        let held = try peer.routes()
        #expect(hasAll, "\(held)")
        await speaker.update(withdraw: Self.announcements.map(\.route))
        let hasNone = try await eventually { try Self.holdsNone(peer) }
        let left = try peer.routes()
        #expect(hasNone, "\(left)")
        let state = await speaker.status().first?.state
        #expect(state == .established, "nobody complained")
        await speaker.stop()
    }

    @Test(arguments: [RouterPeer.Kind.gobgpd, .bird])
    func aPeerThatConnectsIsAcceptedAndGetsTheRulesBeforeEndOfRIB(_ kind: RouterPeer.Kind) async throws {
        guard kind.isInstalled else {
            print("skipped: \(kind.rawValue) is not installed")
            return
        }
        let port = FreePort.tcp()
        let peer = try await RouterPeer(kind, neighborAS: 65001, connectsTo: port)
        defer { peer.stop() }
        let speaker = try speaker(for: peer, localAS: 65001, listen: port)
        await speaker.update(announce: Self.announcements)
        try await speaker.start()
        let hasAll = try await eventually(within: 30) { try Self.holdsAll(peer) }
        let held = try peer.routes()
        #expect(hasAll, "\(held) \(peer.log.suffix(2000))")
        await speaker.stop()
        // The session went with a CEASE: the peer holds nothing more.
        let hasNone = try await eventually { try Self.holdsNone(peer) }
        let left = try peer.routes()
        #expect(hasNone, "\(left)")
    }

    /// Whether the peer shows both rules with their actions, and both prefixes.
    private static func holdsAll(_ peer: RouterPeer) throws -> Bool {
        let routes = try peer.routes()
        switch peer.kind {
        case .gobgpd:
            return routes.contains("[destination: 198.51.100.5/32][protocol: ==udp]")
                && routes.contains("[destination: 2001:db8:100::5/128") && routes.contains("discard")
                && routes.contains("192.0.2.1") && routes.contains("2001:db8::1")
        case .bird:
            return routes.contains("flow4 { dst 198.51.100.5/32; proto 17; }")
                && routes.contains("flow6 { dst 2001:db8:100::5/128; next header 6; tcp flags")
                && routes.contains("BGP.next_hop: 192.0.2.1") && routes.contains("BGP.next_hop: 2001:db8::1")
                && routes.contains("generic, 0x80060000, 0x0")
        case .exabgp:
            return routes.contains("flow destination-ipv4 198.51.100.5/32") && routes.contains("rate-limit:0")
                && routes.contains("2001:db8:100::5/128") && routes.contains("192.0.2.1")
                && routes.contains("\"2001:db8::1\"")
        }
    }

    private static func holdsNone(_ peer: RouterPeer) throws -> Bool {
        let routes = try peer.routes()
        switch peer.kind {
        case .gobgpd, .bird: return !routes.contains("198.51.100.5") && !routes.contains("2001:db8:100::5")
        case .exabgp:
            let gone = routes.split(separator: "\n").filter { $0.contains("\"withdraw\"") }
            return ["198.51.100.5/32", "2001:db8:100::5/128"].allSatisfy { prefix in
                gone.contains { $0.contains(prefix) }
            }
        }
    }
}
