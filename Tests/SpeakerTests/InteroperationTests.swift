import BGP
import FlowSpec
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

    @Test(arguments: cases)
    func aPeerReceivesShowsAndLosesRules(_ test: Case) async throws {
        let settings: @Sendable (inout RouterPeer.Settings) -> Void = { $0.neighborAS = test.localAS }
        try await Interoperation.run(test.kind, announcing: [], settings: settings) { running in
            await running.speaker.update(announce: Interoperation.announcements)
            try await running.holdsAll()
            await running.speaker.update(withdraw: Interoperation.announcements.map(\.route))
            try await running.holdsNone()
            #expect(await running.status?.state == .established, "nobody complained")
        }
    }

    @Test(arguments: kinds)
    func aPeerThatConnectsIsAcceptedAndGetsTheRulesBeforeEndOfRIB(_ kind: RouterPeer.Kind) async throws {
        let port = FreePort.tcp()
        // Started after us: OpenBGPD does not try again for half a minute.
        guard let peer = try await Interoperation.start(kind, { $0.connectsTo = port }, isStarted: false) else {
            return
        }
        defer { peer.stop() }
        let running = Interoperation(peer: peer, speaker: try Interoperation.speaker(for: peer))
        await running.speaker.update(announce: Interoperation.announcements)
        try await running.speaker.start()
        try await peer.start()
        try await running.holdsAll()
        await running.speaker.stop()
        // The session went with a CEASE: the peer holds nothing more.
        try await running.holdsNone()
    }

    @Test(arguments: kinds)
    func sessionsOverIPv6AreAsGood(_ kind: RouterPeer.Kind) async throws {
        try await Interoperation.run(kind, settings: { $0.usesIPv6 = true }) { _ in }
    }

    #if os(Linux)
    @Test(arguments: kinds)
    func thePasswordIsThePeersToo(_ kind: RouterPeer.Kind) async throws {
        try await Interoperation.run(
            kind,
            settings: { $0.password = "secret" },
            neighbor: { $0.password = "secret" }
        ) { running in
            await running.speaker.stop()
            let stranger = try Interoperation.speaker(for: running.peer) { $0.password = "wrong" }
            try await stranger.start()
            try await Task.sleep(for: .seconds(1))
            let state = await stranger.status().first?.state
            #expect(state != .established && state != .openConfirm)
            await stranger.stop()
        }
    }

    @Test(arguments: kinds)
    func aPeerWithTTLSecurityHearsUs(_ kind: RouterPeer.Kind) async throws {
        try await Interoperation.run(
            kind,
            settings: {
                $0.hasTTLSecurity = true
                $0.neighborAS = 65010
            },
            neighbor: { $0.ttlSecurityHops = 1 }
        ) { _ in }
    }
    #endif

    @Test(arguments: kinds)
    func aPeerThatAsksAgainIsAnswered(_ kind: RouterPeer.Kind) async throws {
        try await Interoperation.run(kind) { running in
            let before = await running.status?.messagesSent ?? 0
            guard try running.peer.askForRefresh() else { return }
            let agreed = await running.status?.parameters
            let isMarked = agreed?.enhancedRouteRefresh == true
            // Each family's routes again, in a message of its own, between two marks where that was agreed.
            let families = UInt64(agreed?.families.count ?? 0)
            let wanted = before + families * (isMarked ? 3 : 1)
            #expect(await eventually { await running.status?.messagesSent ?? 0 >= wanted })
            try await running.holdsAll()
            #expect(await running.status?.state == .established)
        }
    }

    /// BIRD purges at EoRR what it was not told since BoRR. Asked again while they are being said, it loses none.
    @Test func aPeerThatAsksOftenKeepsAllRules() async throws {
        let template = try #require(RuleTemplate.builtIn["udp_flood"])
        var rules = try (0..<10_001).map { index in
            let target = IPPrefix(host: IPAddress(v4: 0xC633_0000 + UInt32(index)))
            return try template.announcement(for: target, direction: .incoming)
        }
        let last = rules.removeLast()
        try await Interoperation.run(.bird, announcing: rules, neighbor: { $0.families = [.ipv4FlowSpec] }) { running in
            /// Routes that went out of its table.
            func gone() throws -> Int {
                try running.peer.birdc("show", "protocols", "all", "peer").split(separator: "\n")
                    .filter { $0.contains("Export withdraws:") }
                    .compactMap { $0.split(separator: ":").last?.split(separator: " ").first.flatMap { Int($0) } }
                    .reduce(0, +)
            }
            try await running.holds(rules.count)
            #expect(await running.status?.parameters?.enhancedRouteRefresh == true)
            for _ in 0..<8 { _ = try running.peer.askForRefresh() }
            // What comes last shows that all before it was said.
            await running.speaker.update(announce: [last])
            try await running.holds(rules.count + 1)
            await running.speaker.update(withdraw: [last.route])
            try await running.holds(rules.count)
            #expect(try await eventually { try gone() >= 1 })
            #expect(try gone() == 1, "the one that was withdrawn")
        }
    }

    @Test(arguments: kinds)
    func aPeerThatRestartsGetsAllAgain(_ kind: RouterPeer.Kind) async throws {
        try await Interoperation.run(kind) { running in
            running.peer.kill()
            #expect(await eventually { await running.status?.state != .established })
            try await running.peer.start()
            try await running.comesUp()
            try await running.holdsAll()
        }
    }

    /// The peer dies while it takes ten thousand rules, and has them all when it is back.
    @Test(arguments: [RouterPeer.Kind.gobgpd, .bird, .frr])
    func aConnectionCutInTheMiddleOfManyRulesLosesNone(_ kind: RouterPeer.Kind) async throws {
        let template = try #require(RuleTemplate.builtIn["udp_flood"])
        let rules = try (0..<10_000).map { index in
            let target = IPPrefix(host: IPAddress(v4: 0xC633_0000 + UInt32(index)))
            return try template.announcement(for: target, direction: .incoming)
        }
        try await Interoperation.run(kind, announcing: [], neighbor: { $0.families = [.ipv4FlowSpec] }) { running in
            await running.speaker.update(announce: rules)
            running.peer.kill()
            try await running.peer.start()
            try await running.comesUp()
            try await running.holds(rules.count)
        }
    }

    /// FRR ends the session over a rule with more than five values in one component. One such rule among others is found,
    /// and the others are back.
    @Test func aRuleThatThePeerCannotReadIsFound() async throws {
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
        let neighbor: (inout NeighborConfiguration) -> Void = {
            $0.families = [.ipv4FlowSpec]
            $0.probation = .seconds(1)
            $0.profile = .unrestricted
        }
        try await Interoperation.run(.frr, announcing: [], neighbor: neighbor) { running in
            await running.speaker.update(announce: Array(good[..<10]) + [bad] + Array(good[10...]))
            let isFound = await eventually(within: 90) { await running.status?.quarantined.isEmpty == false }
            let error = await running.status?.lastError
            #expect(isFound, "\(error ?? "")")
            let quarantined = await running.status?.quarantined ?? []
            #expect(quarantined.map(\.route) == [bad.route])
            #expect(quarantined.first?.error.code == .updateMessage)
            try await running.holds(good.count)
        }
    }

    // MARK: Extensions

    /// ExaBGP shows the distinguisher and the route target beside the rule, gobgpd in its own table.
    @Test(arguments: [RouterPeer.Kind.gobgpd, .exabgp, .exabgp5])
    func rulesOfAVPNArriveInIt(_ kind: RouterPeer.Kind) async throws {
        let rules = Array(Interoperation.announcements.prefix(2))
        let vpn = CompatibilityProfile.VPN(
            try #require(RouteDistinguisher("65001:100")),
            targets: [try #require(ExtendedCommunity(routeTarget: "65001:7"))]
        )
        let neighbor: (inout NeighborConfiguration) -> Void = { $0.profile.vpn = vpn }
        try await Interoperation.run(kind, announcing: rules, settings: { $0.hasVPN = true }, neighbor: neighbor) {
            running in
            func isHeld(_ prefix: String) throws -> Bool {
                try running.peer.routes().split(separator: "\n").contains { line in
                    line.contains(prefix) && line.contains("65001:100") && line.contains("65001:7")
                        && !line.contains("\"withdraw\"")
                }
            }
            for prefix in ["198.51.100.5/32", "2001:db8:100::5/128"] {
                let isThere = try await eventually { try isHeld(prefix) }
                let routes = try running.peer.routes()
                #expect(isThere, "\(prefix): \(routes.suffix(2000)) \(running.peer.log.suffix(1000))")
            }
            #expect(await running.status?.state == .established)
        }
    }

    /// FRR offers to take them before rules too, and could not read those.
    @Test(
        arguments: [RouterPeer.Kind.bird, .frr, .openbgpd, .exabgp5].map { ($0, false) } + [(.bird, true)]
    )
    func pathIdentifiersAreReadByPeersThatAskForThem(_ kind: RouterPeer.Kind, beforeRules: Bool) async throws {
        let neighbor: (inout NeighborConfiguration) -> Void = {
            $0.addPath = .send
            if beforeRules { $0.profile = .unrestricted }
        }
        try await Interoperation.run(kind, settings: { $0.hasAddPath = true }, neighbor: neighbor) { running in
            let agreed = await running.status?.parameters?.sentAddPath
            #expect(agreed?.contains(.ipv4Unicast) == true, "\(kind.rawValue) asked for none")
            #expect(agreed?.contains(.ipv4FlowSpec) == beforeRules)
            await running.speaker.update(withdraw: Interoperation.announcements.map(\.route))
            try await running.holdsNone()
            #expect(await running.status?.state == .established)
        }
    }

    private static let prefix: Announcement? = IPPrefix("198.51.100.5/32").map {
        Announcement(route: .unicast($0), communities: [.blackhole], nextHop: IPAddress("2001:db8::1"))
    }

    /// RFC 8950: a prefix of IPv4 with a next hop of IPv6, which is only sent to who takes it.
    @Test(arguments: [RouterPeer.Kind.bird, .frr])
    func aNextHopOfTheOtherVersionArrives(_ kind: RouterPeer.Kind) async throws {
        let prefix = try #require(Self.prefix)
        let settings: @Sendable (inout RouterPeer.Settings) -> Void = {
            $0.usesIPv6 = true
            $0.hasExtendedNextHop = true
        }
        try await Interoperation.run(
            kind,
            announcing: [prefix],
            settings: settings,
            neighbor: { $0.extendedNextHop = true }
        ) { running in
            #expect(await running.status?.parameters?.extendedNextHop == [.ipv4Unicast])
            try await running.holds("198.51.100.5/32", with: "2001:db8::1")
            await running.speaker.update(withdraw: [prefix.route])
            try await running.holdsNone()
            #expect(await running.status?.state == .established)
        }
    }

    /// RFC 9234: a customer sees by the OTC attribute that the prefix came from its provider.
    @Test(arguments: [RouterPeer.Kind.bird, .frr, .openbgpd])
    func aCustomerSeesThatARouteIsOnlyForIt(_ kind: RouterPeer.Kind) async throws {
        var prefix = try #require(Self.prefix)
        prefix.nextHop = IPAddress(192, 0, 2, 1)
        let settings: @Sendable (inout RouterPeer.Settings) -> Void = {
            $0.neighborAS = 65010
            $0.role = "customer"
        }
        try await Interoperation.run(
            kind,
            announcing: [prefix],
            settings: settings,
            neighbor: {
                $0.role = .provider
                $0.requiresRole = true
            }
        ) { running in
            try await running.holds("198.51.100.5/32", with: "otc")
            #expect(await running.status?.state == .established)
        }
    }

    @Test(arguments: [RouterPeer.Kind.bird, .frr, .openbgpd])
    func twoProvidersDoNotSpeakWithEachOther(_ kind: RouterPeer.Kind) async throws {
        let settings: @Sendable (inout RouterPeer.Settings) -> Void = {
            $0.neighborAS = 65010
            $0.role = "provider"
        }
        guard let peer = try await Interoperation.start(kind, settings) else { return }
        defer { peer.stop() }
        let speaker = try Interoperation.speaker(for: peer) { $0.role = .provider }
        try await speaker.start()
        let isRefused = await eventually(within: 30) {
            await speaker.status().first?.lastError?.contains("role mismatch") == true
        }
        let status = await speaker.status().first
        #expect(isRefused && status?.state != .established, "\(status?.lastError ?? "")")
        await speaker.stop()
    }
}
