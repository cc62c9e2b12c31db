import BGP
import Control
import Foundation
import Logging
import NetworkTypes
import Speaker
import Synchronization
import TestSupport
import Testing

/// A router of one of our own speakers: how often its session came up, and why it went.
private final class WatchedRouter: Sendable {
    let address: String
    private let seen = Mutex<(ups: Int, reasons: [String])>((0, []))
    private let speaker: Speaker
    var ups: Int { seen.withLock { $0.ups } }
    var reasons: [String] { seen.withLock { $0.reasons } }

    init(_ address: String) async throws {
        self.address = address
        let host = try #require(IPAddress(address))
        let events = AsyncStream.makeStream(of: NeighborEvent.self)
        speaker = Speaker(
            neighbors: [
                NeighborConfiguration(
                    address: IPAddress(127, 0, 0, 1),
                    remoteAS: ASN(65001),
                    localAS: ASN(65001),
                    routerID: 1,
                    families: [.ipv4FlowSpec],
                    isPassive: true
                )
            ],
            listen: [.init(address: host, port: 0)],
            logger: Logger(label: "router") { _ in SwiftLogNoOpLogHandler() },
            now: { Timestamp(seconds: Date().timeIntervalSince1970) },
            observer: { events.continuation.yield($0) }
        )
        try await speaker.start()
        Task { [weak self] in
            for await event in events.stream {
                self?.seen.withLock { seen in
                    switch event {
                    case .up: seen.ups += 1
                    case .down(_, let reason): seen.reasons.append(reason)
                    default: break
                    }
                }
            }
        }
    }

    var port: UInt16 { get async { await speaker.boundPorts[0] } }
    func stop() async { await speaker.stop() }
}

@Suite(.serialized)
struct ReloadTests {
    private static let detection = ["thresholds: {total: {packets: 5k packets/s}}"]

    private static func bgp(_ routers: [WatchedRouter], _ more: [String] = []) async -> [String] {
        var lines = ["router_id: 192.0.2.10", "local_as: 65001", "neighbors:"]
        for router in routers {
            let port = await router.port
            lines.append(
                "  - {address: \(router.address), port: \(port), remote_as: 65001, families: [ipv4-flowspec], "
                    + "local_address: 127.0.0.1}"
            )
        }
        return lines + more
    }

    @Test func aReloadLeavesUntouchedSessionsUp() async throws {
        let first = try await WatchedRouter("127.0.5.1")
        let second = try await WatchedRouter("127.0.5.2")
        let daemon = try RunningDaemon(detection: Self.detection, bgp: await Self.bgp([first]))
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        #expect(await eventually { first.ups == 1 })

        // One more neighbor.
        try daemon.configure(detection: Self.detection, bgp: await Self.bgp([first, second]))
        let answer = try await daemon.ask(.init(.reload))
        #expect(answer == .done("added 127.0.5.2; 1 neighbor untouched"))
        #expect(await eventually { second.ups == 1 })
        #expect(first.ups == 1 && first.reasons.isEmpty, "its session goes on")

        // A mistake changes nothing.
        try daemon.configure(detection: Self.detection, bgp: await Self.bgp([], ["  - {address: 127.0.5.9}"]))
        guard case .refused(let reason) = try await daemon.ask(.init(.reload)) else {
            Issue.record("a file with a mistake was taken")
            return
        }
        #expect(reason.hasPrefix("nothing was changed: ") && reason.contains("remote_as"), "\(reason)")
        guard case .neighbors(let reports) = try await daemon.ask(.init(.neighbors)) else { return }
        #expect(reports.map(\.state) == ["Established", "Established"])

        // By SIGHUP, one less; what needs a restart is said.
        let changed = ["thresholds: {total: {packets: 6k packets/s}}"]
        try daemon.configure(detection: changed, bgp: await Self.bgp([second]))
        process.signal(SIGHUP)
        #expect(await eventually { !first.reasons.isEmpty })
        #expect(first.reasons.first?.contains("peer de-configured") == true, "\(first.reasons)")
        #expect(second.ups == 1 && second.reasons.isEmpty)
        #expect(
            try await daemon.ask(.init(.reload)) == .done("1 neighbor untouched; a restart is needed for detection")
        )
        await first.stop()
        await second.stop()
    }

    @Test func rulesAreShownAsTheyStandWithANeighbor() async throws {
        let router = try await WatchedRouter("127.0.5.3")
        let daemon = try RunningDaemon(detection: Self.detection, bgp: await Self.bgp([router]))
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        #expect(await eventually { router.ups == 1 })
        _ = try await daemon.ask(.init(.ban, target: "198.51.100.7", durationSeconds: 60))
        func rules() async throws -> [NeighborRuleReport] {
            let answer = try await daemon.ask(.init(.rules, neighbor: router.address))
            if case .neighborRules(let reports) = answer { return reports }
            return []
        }
        let sent = try #require(try await rules().first)
        #expect(sent.state == "sent" && sent.sent != nil && sent.id == 1)
        #expect(try await daemon.rules().first?.neighbors == [router.address])
        _ = try await daemon.ask(.init(.unban, target: "198.51.100.7"))
        let gone = try #require(try await rules().first)
        #expect(gone.state == "withdrawn" && gone.withdrawn != nil)
        guard case .refused = try await daemon.ask(.init(.rules, neighbor: "192.0.2.200")) else {
            Issue.record("an address that is no neighbor's")
            return
        }
        await router.stop()
    }
}
