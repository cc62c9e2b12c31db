import BGP
import FlowSpec
import Foundation
import Logging
import NetworkTypes
import Speaker
import TestSupport
import Testing

/// One real daemon and our speaker against it.
struct Interoperation {
    let peer: RouterPeer
    let speaker: Speaker

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

    static func speaker(for peer: RouterPeer, _ change: (inout NeighborConfiguration) -> Void = { _ in }) throws
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
    static func start(
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

    /// Starts the daemon and the speaker, sees the session come up, hands both to `body` and stops them.
    ///
    /// - Parameter rules: with the speaker before it starts; the daemon is to hold all of them before `body` begins.
    static func run(
        _ kind: RouterPeer.Kind,
        announcing rules: [Announcement] = announcements,
        settings: @Sendable (inout RouterPeer.Settings) -> Void = { _ in },
        neighbor: (inout NeighborConfiguration) -> Void = { _ in },
        _ body: (Interoperation) async throws -> Void
    ) async throws {
        guard let peer = try await start(kind, settings) else { return }
        defer { peer.stop() }
        let running = Interoperation(peer: peer, speaker: try speaker(for: peer, neighbor))
        await running.speaker.update(announce: rules)
        try await running.speaker.start()
        try await running.comesUp()
        if rules == announcements { try await running.holdsAll() }
        try await body(running)
        await running.speaker.stop()
    }

    var status: NeighborStatus? { get async { await speaker.status().first } }

    func comesUp() async throws {
        let isUp = await eventually(within: 30) { await status?.state == .established }
        let error = await status?.lastError
        #expect(isUp, "\(error ?? "") \(peer.log.suffix(2000))")
    }

    func holdsAll() async throws {
        let hasAll = try await eventually(within: 30) { try Self.holdsAll(peer) }
        let held = try peer.routes()
        #expect(hasAll, "\(held.suffix(3000)) \(peer.log.suffix(2000))")
    }

    func holdsNone() async throws {
        let hasNone = try await eventually { try Self.holdsNone(peer) }
        let left = try peer.routes()
        #expect(hasNone, "\(left.suffix(3000))")
    }

    /// Whether the daemon comes to show a prefix of IPv4 and beside it a word, in whatever letters.
    func holds(_ prefix: String, with word: String) async throws {
        func shown() throws -> String { try peer.routes() + (peer.details(of: prefix) ?? "") }
        let isThere = try await eventually {
            let shown = try shown().lowercased()
            return shown.contains(prefix) && shown.contains(word)
        }
        let last = try shown()
        #expect(isThere, "\(word): \(last.suffix(3000)) \(peer.log.suffix(1000))")
    }

    /// Whether the daemon comes to hold so many rules.
    func holds(_ count: Int, within seconds: Double = 60) async throws {
        let hasAll = try await eventually(within: seconds) { try peer.ruleCount() == count }
        let held = try peer.ruleCount()
        #expect(hasAll, "\(held ?? -1)")
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
