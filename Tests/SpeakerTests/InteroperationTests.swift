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

    /// Daemons of which enough can be asked.
    static let kinds: [RouterPeer.Kind] = [.gobgpd, .bird, .frr, .openbgpd]

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

    private func speaker(for peer: RouterPeer, _ change: (inout NeighborConfiguration) -> Void = { _ in }) throws
        -> Speaker
    {
        var neighbor = NeighborConfiguration(
            address: try #require(IPAddress(peer.address)),
            port: peer.port,
            localAddress: IPAddress(peer.neighborAddress),
            remoteAS: ASN(65001),
            localAS: ASN(peer.settings.neighborAS),
            routerID: IPAddress(10, 255, 0, 1).v4,
            families: BGPFamily.allCases,
            isPassive: peer.settings.connectsTo != nil
        )
        change(&neighbor)
        let host = try #require(IPAddress(peer.neighborAddress))
        return Speaker(
            neighbors: [neighbor],
            listen: peer.settings.connectsTo.map { [.init(address: host, port: $0)] } ?? [],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { Timestamp(seconds: Date().timeIntervalSince1970) },
            observer: { _ in }
        )
    }

    /// The peer, started; nil with a line that says so where it is not installed.
    private func start(
        _ kind: RouterPeer.Kind,
        _ change: @Sendable (inout RouterPeer.Settings) -> Void = { _ in },
        isStarted: Bool = true
    ) async throws -> RouterPeer? {
        guard kind.isInstalled else {
            print("skipped: \(kind.rawValue) is not installed")
            return nil
        }
        return try await RouterPeer(kind, RouterPeer.Settings(change), isStarted: isStarted)
    }

    private func comesUp(_ speaker: Speaker, _ peer: RouterPeer) async throws {
        let isUp = await eventually(within: 30) { await speaker.status().first?.state == .established }
        let error = await speaker.status().first?.lastError
        #expect(isUp, "\(error ?? "") \(peer.log.suffix(2000))")
    }

    private func holdsAll(_ peer: RouterPeer) async throws {
        let hasAll = try await eventually(within: 30) { try Self.holdsAll(peer) }
        let held = try peer.routes()
        #expect(hasAll, "\(held.suffix(3000)) \(peer.log.suffix(2000))")
    }

    private func holdsNone(_ peer: RouterPeer) async throws {
        let hasNone = try await eventually { try Self.holdsNone(peer) }
        let left = try peer.routes()
        #expect(hasNone, "\(left.suffix(3000))")
    }

    @Test(arguments: cases)
    func aPeerReceivesShowsAndLosesRules(_ test: Case) async throws {
        guard let peer = try await start(test.kind, { $0.neighborAS = test.localAS }) else { return }
        defer { peer.stop() }
        let speaker = try speaker(for: peer)
        try await speaker.start()
        try await comesUp(speaker, peer)
        await speaker.update(announce: Self.announcements)
        try await holdsAll(peer)
        await speaker.update(withdraw: Self.announcements.map(\.route))
        try await holdsNone(peer)
        let state = await speaker.status().first?.state
        #expect(state == .established, "nobody complained")
        await speaker.stop()
    }

    @Test(arguments: kinds)
    func aPeerThatConnectsIsAcceptedAndGetsTheRulesBeforeEndOfRIB(_ kind: RouterPeer.Kind) async throws {
        let port = FreePort.tcp()
        // Started after us: OpenBGPD does not try again for half a minute.
        guard let peer = try await start(kind, { $0.connectsTo = port }, isStarted: false) else { return }
        defer { peer.stop() }
        let speaker = try speaker(for: peer)
        await speaker.update(announce: Self.announcements)
        try await speaker.start()
        try await peer.start()
        try await holdsAll(peer)
        await speaker.stop()
        // The session went with a CEASE: the peer holds nothing more.
        try await holdsNone(peer)
    }

    @Test(arguments: kinds)
    func sessionsOverIPv6AreAsGood(_ kind: RouterPeer.Kind) async throws {
        guard let peer = try await start(kind, { $0.usesIPv6 = true }) else { return }
        defer { peer.stop() }
        let speaker = try speaker(for: peer)
        await speaker.update(announce: Self.announcements)
        try await speaker.start()
        try await comesUp(speaker, peer)
        try await holdsAll(peer)
        await speaker.stop()
    }

    #if os(Linux)
    @Test(arguments: kinds)
    func thePasswordIsThePeersToo(_ kind: RouterPeer.Kind) async throws {
        guard let peer = try await start(kind, { $0.password = "secret" }) else { return }
        defer { peer.stop() }
        let stranger = try speaker(for: peer) { $0.password = "wrong" }
        try await stranger.start()
        try await Task.sleep(for: .seconds(1))
        let state = await stranger.status().first?.state
        #expect(state != .established && state != .openConfirm)
        await stranger.stop()
        let speaker = try speaker(for: peer) { $0.password = "secret" }
        await speaker.update(announce: Self.announcements)
        try await speaker.start()
        try await comesUp(speaker, peer)
        try await holdsAll(peer)
        await speaker.stop()
    }

    @Test(arguments: kinds)
    func aPeerWithTTLSecurityHearsUs(_ kind: RouterPeer.Kind) async throws {
        guard
            let peer = try await start(
                kind,
                {
                    $0.hasTTLSecurity = true; $0.neighborAS = 65010
                }
            )
        else { return }
        defer { peer.stop() }
        let speaker = try speaker(for: peer) { $0.ttlSecurityHops = 1 }
        await speaker.update(announce: Self.announcements)
        try await speaker.start()
        try await comesUp(speaker, peer)
        try await holdsAll(peer)
        await speaker.stop()
    }
    #endif

    @Test(arguments: kinds)
    func aPeerThatAsksAgainIsAnswered(_ kind: RouterPeer.Kind) async throws {
        guard let peer = try await start(kind) else { return }
        defer { peer.stop() }
        let speaker = try speaker(for: peer)
        await speaker.update(announce: Self.announcements)
        try await speaker.start()
        try await comesUp(speaker, peer)
        try await holdsAll(peer)
        let before = await speaker.status().first?.messagesSent ?? 0
        guard try peer.askForRefresh() else { return }
        let agreed = await speaker.status().first?.parameters
        let isMarked = agreed?.enhancedRouteRefresh == true
        // Each family's routes again, in a message of its own, between two marks where that was agreed.
        let families = UInt64(agreed?.families.count ?? 0)
        let wanted = before + families * (isMarked ? 3 : 1)
        let isAnswered = await eventually { await speaker.status().first?.messagesSent ?? 0 >= wanted }
        #expect(isAnswered)
        try await holdsAll(peer)
        let state = await speaker.status().first?.state
        #expect(state == .established)
        await speaker.stop()
    }

    @Test(arguments: kinds)
    func aPeerThatRestartsGetsAllAgain(_ kind: RouterPeer.Kind) async throws {
        guard let peer = try await start(kind) else { return }
        defer { peer.stop() }
        let speaker = try speaker(for: peer)
        await speaker.update(announce: Self.announcements)
        try await speaker.start()
        try await comesUp(speaker, peer)
        try await holdsAll(peer)
        peer.kill()
        let isDown = await eventually { await speaker.status().first?.state != .established }
        #expect(isDown)
        try await peer.start()
        try await comesUp(speaker, peer)
        try await holdsAll(peer)
        await speaker.stop()
    }

    /// The peer dies while it takes ten thousand rules, and has them all when it is back.
    @Test(arguments: [RouterPeer.Kind.gobgpd, .bird, .frr])
    func aConnectionCutInTheMiddleOfManyRulesLosesNone(_ kind: RouterPeer.Kind) async throws {
        guard let peer = try await start(kind) else { return }
        defer { peer.stop() }
        let speaker = try speaker(for: peer) { $0.families = [.ipv4FlowSpec] }
        try await speaker.start()
        try await comesUp(speaker, peer)
        let template = try #require(RuleTemplate.builtIn["udp_flood"])
        let rules = try (0..<10_000).map { index in
            let target = IPPrefix(host: IPAddress(v4: 0xC633_0000 + UInt32(index)))
            return try template.announcement(for: target, direction: .incoming)
        }
        await speaker.update(announce: rules)
        peer.kill()
        try await peer.start()
        try await comesUp(speaker, peer)
        let hasAll = try await eventually(within: 60) { try peer.ruleCount() == rules.count }
        let count = try peer.ruleCount()
        #expect(hasAll, "\(count ?? -1)")
        await speaker.stop()
    }

    /// FRR ends the session over a rule with more than five values in one component. One such rule among others is found,
    /// and the others are back.
    @Test func aRuleThatThePeerCannotReadIsFound() async throws {
        guard let peer = try await start(.frr) else { return }
        defer { peer.stop() }
        let speaker = try speaker(for: peer) {
            $0.families = [.ipv4FlowSpec]
            $0.probation = .seconds(1)
            $0.profile = .unrestricted
        }
        try await speaker.start()
        try await comesUp(speaker, peer)
        func rule(_ index: Int, ports: ClosedRange<UInt64>) throws -> Announcement {
            let target = PrefixPattern(IPPrefix(host: IPAddress(198, 51, 100, UInt8(index))))
            let rule = try FlowSpecRule(
                family: .ipv4,
                components: [.destination(target), .destinationPort(ports.map { NumericTerm(.equal, $0 * 1000) })]
            )
            return Announcement(route: .flowSpec(rule), actions: [.discard])
        }
        let good = try (1...20).map { try rule($0, ports: 1...2) }
        let bad = try rule(99, ports: 1...6)
        await speaker.update(announce: Array(good[..<10]) + [bad] + Array(good[10...]))
        let isFound = await eventually(within: 90) { await speaker.status().first?.quarantined.isEmpty == false }
        let error = await speaker.status().first?.lastError
        #expect(isFound, "\(error ?? "")")
        let quarantined = await speaker.status().first?.quarantined ?? []
        #expect(quarantined.map(\.route) == [bad.route])
        #expect(quarantined.first?.error.code == .updateMessage)
        let areBack = try await eventually(within: 60) { try peer.ruleCount() == good.count }
        let count = try peer.ruleCount()
        #expect(areBack, "\(count ?? -1)")
        await speaker.stop()
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
        case .frr:
            return routes.contains("Destination Address 198.51.100.5/32") && routes.contains("FS:rate 0.000000")
                && routes.contains("2001:db8:100::5/128") && routes.contains("198.51.100.5/32 ")
        case .openbgpd:
            return routes.contains("198.51.100.5/32") && routes.contains("2001:db8:100::5/128")
                && routes.contains("BLACKHOLE")
        case .exabgp, .exabgp5:
            return routes.contains("flow destination-ipv4 198.51.100.5/32") && routes.contains("rate-limit:0")
                && routes.contains("2001:db8:100::5/128") && routes.contains("192.0.2.1")
                && routes.contains("\"2001:db8::1\"")
        }
    }

    private static func holdsNone(_ peer: RouterPeer) throws -> Bool {
        let routes = try peer.routes()
        guard peer.kind.isExaBGP else {
            return !routes.contains("198.51.100.5") && !routes.contains("2001:db8:100::5")
        }
        let gone = routes.split(separator: "\n").filter { $0.contains("\"withdraw\"") }
        return ["198.51.100.5/32", "2001:db8:100::5/128"].allSatisfy { prefix in
            gone.contains { $0.contains(prefix) }
        }
    }
}
