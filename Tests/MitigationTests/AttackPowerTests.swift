import Detection
import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }

/// Steps are for the attack's own power, and for as much of it as samples surely tell.
struct AttackPowerTests {
    private static let ladder = EscalationLadder(steps: [
        .init(.init(), .actions(Fixture.limited)),
        .init(.init(over: [.init(.bits, 1e9)]), .actions(Fixture.discarded)),
        .init(.init(over: [.init(.bits, 1.2e9)]), .blackhole([])),
    ])

    /// As much usual traffic, of TCP, for ten seconds.
    private static func usual(_ bits: Double) -> [TrafficSample] {
        Fixture.samples(20, of: .tcp, at: -10).map { sample in
            var sample = sample
            sample.bytes = UInt64(bits / 8 * 10 / 20)
            sample.packets = sample.bytes / 1250
            return sample
        }
    }

    private static func attack(_ bits: Double, usual: Double, sampling: UInt32 = 1, id: UInt64 = 1) -> Attack {
        var attack = Fixture.attack(id, "198.51.100.\(id)", bits: bits)
        attack.normal = Self.usual(usual)
        attack.normalDuration = .seconds(10)
        attack.samplingRate = sampling
        return attack
    }

    @Test func usualTrafficIsNoAttack() {
        let attack = Self.attack(2.1e9, usual: 2e9)
        #expect(abs(attack.excess(.bits, of: attack.rates) - 1e8) < 1e3)
        #expect(Fixture.attack(1, bits: 2e9).excess(.bits, of: Fixture.attack(1, bits: 2e9).rates) == 2e9)
        var ledger = Ledger(policy: Fixture.policy { $0.ladder = Self.ladder })
        let begun = ledger.handle(.began(attack), at: time(0))
        #expect(begun.announcements.map(\.actions) == [Fixture.limited.actions], "the customer's own 2 Gbit/s are none")
        let grown = ledger.handle(.updated(Self.attack(3.1e9, usual: 2e9)), at: time(1))
        #expect(grown.announcements.map(\.actions) == [Fixture.discarded.actions])
    }

    @Test func theShareOfALinkIsTheAttacks() {
        let steps: [EscalationLadder.Step] = [
            .init(.init(), .actions(Fixture.limited)), .init(.init(linkShare: 0.5), .actions(Fixture.discarded)),
        ]
        var ledger = Ledger(
            policy: Fixture.policy {
                $0.ladder = EscalationLadder(steps: steps)
                $0.capacity = 1e10
            }
        )
        #expect(ledger.handle(.began(Self.attack(6e9, usual: 4e9)), at: time(0)).announcements.count == 1)
        #expect(ledger.handle(.updated(Self.attack(9.5e9, usual: 4e9)), at: time(1)).announcements.count == 1)
    }

    /// Of two attacks the one beside much usual traffic is not the worse for it.
    @Test func roomIsMadeForTheWorseAttack() {
        var ledger = Ledger(policy: Fixture.policy { $0.maximumRules = 1 })
        _ = ledger.handle(.began(Self.attack(5e9, usual: 4.9e9, id: 1)), at: time(0))
        let second = ledger.handle(.began(Self.attack(1e9, usual: 0, id: 2)), at: time(1))
        #expect(second.withdrawals.count == 1 && second.announcements.count == 1)
        #expect(ledger.inForce.map(\.requesters) == [[.attack(.init(rawValue: 2))]])
    }

    /// Five samples in a second: each second shows between none and twice of what there is.
    @Test func fewSamplesTakeNoStep() {
        var random = SeededGenerator(seed: 7)
        var ledger = Ledger(policy: Fixture.policy { $0.ladder = Self.ladder })
        let each = 1400.0 * 8 * 10_000
        var actions: [[TrafficAction]] = []
        var highest = 0.0
        for second in 0..<300 {
            let count = Self.poisson(6e8 / each, &random)
            highest = max(highest, Double(count) * each)
            let attack = Self.attack(Double(count) * each, usual: 0, sampling: 10_000)
            let event: AttackEvent = second == 0 ? .began(attack) : .updated(attack)
            actions += ledger.handle(event, at: time(Double(second))).announcements.map(\.actions)
        }
        #expect(highest > 1.2e9, "by one second it would be on the last step")
        #expect(actions == [Fixture.limited.actions])
    }

    @Test func manySecondsOfFewSamplesDo() {
        var random = SeededGenerator(seed: 8)
        var ledger = Ledger(policy: Fixture.policy { $0.ladder = Self.ladder })
        let each = 1400.0 * 8 * 10_000
        func attack(_ bits: Double) -> Attack {
            Self.attack(Double(Self.poisson(bits / each, &random)) * each, usual: 0, sampling: 10_000)
        }
        _ = ledger.handle(.began(attack(3e8)), at: time(0))
        var blackholed: Int?
        var gone: Int?
        for second in 1..<400 {
            // From 10 s on twice what the last step asks for; then half of what keeps it on the second.
            let effects = ledger.handle(
                .updated(attack((10..<100).contains(second) ? 2.4e9 : 4e8)),
                at: time(Double(second))
            )
            if blackholed == nil,
                effects.announcements.contains(where: { $0.route != ledger.inForce[0].announcement.route })
            {
                blackholed = second
            }
            if !effects.withdrawals.isEmpty { gone = gone ?? second }
        }
        #expect((10...18).contains(blackholed ?? 0), "\(blackholed.map(String.init) ?? "never")")
        #expect(
            (160...185).contains(gone ?? 0),
            "a noisy second is no reason to stay; \(gone.map(String.init) ?? "never")"
        )
        #expect(ledger.inForce.map(\.announcement.actions) == [Fixture.limited.actions], "down to the first")
    }

    /// How many come in a time in which so many come on average.
    private static func poisson(_ mean: Double, _ random: inout SeededGenerator) -> Int {
        var count = 0
        var left = mean
        while true {
            // What passes between two of them is exponentially distributed.
            let uniform = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &random)
            left += Self.logarithm(uniform)
            if left < 0 { return count }
            count += 1
        }
    }

    /// The natural logarithm, without Foundation.
    private static func logarithm(_ value: Double) -> Double {
        let (mantissa, exponent) = (value.significand, Double(value.exponent))
        let ratio = (mantissa - 1) / (mantissa + 1)
        var (term, sum) = (ratio, 0.0)
        for power in stride(from: 1.0, through: 41, by: 2) {
            sum += term / power
            term *= ratio * ratio
        }
        return 2 * sum + exponent * 0.693_147_180_559_945_3
    }
}
