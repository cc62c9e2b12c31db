import Detection
import Logging
import Mitigation
import NetworkTypes
import Speaker
import Store
import Testing
import Traffic

@testable import Daemon

/// The ledger is told which rules no router has.
struct RuleHoldersTests {
    private static func attack() -> Attack {
        let crossing = ThresholdCrossing(
            trafficClass: .total,
            unit: .packets,
            threshold: 100_000,
            rate: 300_000,
            lowerBound: 300_000,
            upperBound: 300_000,
            window: .seconds(1),
            samples: 300,
            group: nil
        )
        var rates = TrafficRates()
        rates[.total, .packets] = 300_000
        return Attack(
            id: Attack.ID(rawValue: 1),
            target: .host(IPAddress(198, 51, 100, 8)),
            direction: .incoming,
            began: Timestamp(seconds: 1000),
            kind: .udpFlood,
            kindShare: 1,
            crossing: crossing,
            rates: rates,
            samples: []
        )
    }

    @Test func withoutANeighborNoRuleIsJudged() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let clock = DaemonClock()
        let thread = LedgerThread()
        var policy = MitigationPolicy(mode: .enforce, networks: ["198.51.100.0/24"].compactMap { IPPrefix($0) })
        policy.synthesizes = false
        let service = MitigationService(
            on: thread,
            ledger: Ledger(policy: policy),
            store: try Store(path: ":memory:"),
            speaker: Speaker(neighbors: [], listen: [], logger: logger, now: { clock.now }, observer: { _ in }),
            attacks: [],
            logger: logger,
            observer: { _ in }
        )
        let attack = Self.attack()
        await service.handle(EngineTick(time: Timestamp(seconds: 1000), events: [.began(attack)]))
        for second in 1001...1015 {
            // Nothing comes any more: with a router to have the rule it would be said to hold.
            var now = attack
            now.rates = TrafficRates()
            await service.handle(EngineTick(time: Timestamp(seconds: Double(second)), events: [.updated(now)]))
        }
        let effects = await service.effects
        #expect(effects.values.map(\.why) == ["no router has it"])
        await thread.stop()
    }
}
