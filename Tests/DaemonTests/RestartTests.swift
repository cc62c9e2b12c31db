import BGP
import Control
import FlowSpec
import Foundation
import Logging
import NetworkTypes
import Simulation
import Speaker
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// What a router sees of a daemon: in order.
private final class SeenByRouter: Sendable {
    enum Sight: Equatable {
        case up, down, endOfRIB(BGPFamily), announced(String), withdrawn(String)
    }

    private let sights = Mutex<[Sight]>([])
    var all: [Sight] { sights.withLock { $0 } }
    func clear() { sights.withLock { $0 = [] } }

    func note(_ event: NeighborEvent) {
        sights.withLock { sights in
            switch event {
            case .up: sights.append(.up)
            case .down: sights.append(.down)
            case .suspects, .quarantined: break
            case .received(_, let update, _):
                if let family = update.endOfRIB { sights.append(.endOfRIB(family)) }
                sights += update.announced.map { .announced("\($0)") }
                sights += update.withdrawn.map { .withdrawn("\($0)") }
            }
        }
    }
}

@Suite(.serialized)
struct RestartTests {
    /// `kill -9` in mid-attack and a new start: the rule is back before End-of-RIB, and goes on time.
    @Test func aRuleOutlivesTheProcessAndIsWithdrawnOnTime() async throws {
        let seen = SeenByRouter()
        let loopback = IPAddress(127, 0, 0, 1)
        let router = Speaker(
            neighbors: [
                NeighborConfiguration(
                    address: loopback,
                    remoteAS: ASN(65001),
                    localAS: ASN(65001),
                    routerID: 1,
                    families: [.ipv4FlowSpec, .ipv6FlowSpec],
                    isPassive: true
                )
            ],
            listen: [.init(address: loopback, port: 0)],
            logger: Logger(label: "router") { _ in SwiftLogNoOpLogHandler() },
            now: { Timestamp(seconds: Date().timeIntervalSince1970) },
            observer: { seen.note($0) }
        )
        try await router.start()
        let port = await router.boundPorts[0]
        let daemon = try RunningDaemon(
            detection: ["thresholds: {total: {packets: 5k packets/s}}", "quiet_period: 5s"],
            mitigation: ["ban_time: 4s"],
            bgp: [
                "router_id: 192.0.2.10", "local_as: 65001",
                "neighbors: [{address: 127.0.0.1, port: \(port), remote_as: 65001}]",
            ]
        )
        defer { daemon.folder.remove() }
        // What else the rule matches was found in the flood's samples.
        func isRule(_ sight: SeenByRouter.Sight) -> Bool {
            guard case .announced(let text) = sight else { return false }
            return text.hasPrefix("destination 198.51.100.10/32 protocol =udp")
        }

        let first = try await daemon.start()
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 50_000)
        #expect(await eventually { seen.all.contains(where: isRule) }, "announced in the first life")
        first.kill()
        #expect(await eventually { seen.all.contains(.down) })
        seen.clear()
        flood.stop()

        let second = try await daemon.start()
        defer { second.stop() }
        #expect(await eventually { seen.all.contains(.endOfRIB(.ipv6FlowSpec)) })
        let afterRestart = seen.all
        let ruleAt = try #require(afterRestart.firstIndex(where: isRule), "the rule is back: \(afterRestart)")
        let endAt = try #require(afterRestart.firstIndex(of: .endOfRIB(.ipv4FlowSpec)))
        #expect(ruleAt < endAt, "before End-of-RIB")
        let gone = afterRestart.compactMap { sight -> SeenByRouter.Sight? in
            if case .announced(let text) = sight { .withdrawn(text) } else { nil }
        }
        #expect(await eventually { gone.allSatisfy(seen.all.contains) }, "withdrawn when the attack is over")
        let left = try await daemon.rules()
        #expect(left.isEmpty, "nothing is left in force")
        await router.stop()
    }
}
