import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

/// Rules against fragments: the first ones have ports, the later ones have none.
struct FragmentRulesTests {
    private func samples(_ count: Int, seed: UInt64, _ shape: (Int, inout SeededGenerator) -> PacketShape)
        -> [TrafficSample]
    {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { shape($0, &random).sample(&random) }
    }

    private func first(_ port: UInt16, _ random: inout SeededGenerator) -> PacketShape {
        var shape = PacketShape.udp(port, .random(in: 1024...65_000, using: &random), 1500)
        shape.isFragment = true
        return shape
    }

    /// A reflection by one port, every second packet of which is a later fragment.
    private func reflection(from port: UInt16, later count: Int = 30) -> [TrafficSample] {
        samples(count * 2, seed: 4) { number, random in
            number % 2 == 0 ? first(port, &random) : .fragment(.random(in: 200...1500, using: &random))
        }
    }

    private func questions(_ count: Int) -> [TrafficSample] {
        samples(count, seed: 5) { _, random in .udp(.random(in: 1024...65_000, using: &random), 53, 70) }
    }

    private func rules(
        _ attack: [TrafficSample],
        normal: [TrafficSample],
        _ settings: RuleSynthesis.Settings = .init()
    ) throws -> [FlowSpecRule] {
        let evidence = SampleEvidence(attack: attack, normal: normal, unit: .packets, direction: .incoming)
        return try RuleSynthesis(evidence: evidence, settings: settings).rules().rules.map { rule in
            try FlowSpecRule(family: .ipv4, components: rule.conditions.map { $0.component(.incoming) })
        }
    }

    private func share(_ samples: [TrafficSample], _ rules: [FlowSpecRule]) -> Double {
        Double(samples.count { sample in rules.contains { $0.matches(sample.matchedPacket) } }) / Double(samples.count)
    }

    /// That none of a hundred questions was a fragment does not say that no answer is.
    @Test func answersInFragmentsAreSparedWhereAnAttackIsFromAnotherPort() throws {
        let found = try rules(reflection(from: 389), normal: questions(100))
        let usual = samples(100, seed: 6) { _, random in first(53, &random) }
        #expect(share(reflection(from: 389), found) == 1, "\(found)")
        #expect(share(usual, found) == 0, "\(found)")
        #expect(found.count == 2)
    }

    @Test func oneRuleIsForBothWhereNoMoreAreAllowedOrTheirPortIsUsual() throws {
        let one = try rules(reflection(from: 389), normal: questions(100), .init(maximumRules: 1))
        #expect(one.count == 1 && share(reflection(from: 389), one) == 1, "\(one)")
        let answers = samples(50, seed: 7) { _, random in
            .udp(53, .random(in: 1024...65_000, using: &random), .random(in: 80...500, using: &random))
        }
        let usual = try rules(reflection(from: 53), normal: questions(50) + answers)
        #expect(share(reflection(from: 53), usual) == 1, "\(usual)")
        #expect(usual.count == 1, "a rule more would spare nothing: \(usual)")
    }

    /// Few samples do not say that there are no first ones.
    @Test func laterOnesAloneTakeMoreSamples() throws {
        func found(_ count: Int) throws -> [FlowSpecRule] {
            let later = samples(count, seed: 8) { _, random in .fragment(.random(in: 200...1500, using: &random)) }
            return try rules(later, normal: questions(100))
        }
        let firsts = samples(10, seed: 9) { _, random in first(.random(in: 1024...65_000, using: &random), &random) }
        #expect(try share(firsts, found(12)) == 1)
        #expect(try share(firsts, found(60)) == 0)
    }

    /// Nearly full ones, where those that are usual are shorter.
    @Test func lengthsOfFragmentsAreLookedAtThoughNoneWasSampledBefore() throws {
        let attack = samples(60, seed: 10) { _, random in .fragment(.random(in: 1480...1500, using: &random)) }
        let found = try rules(attack, normal: questions(80))
        #expect(share(attack, found) == 1, "\(found)")
        let usual = samples(100, seed: 11) { _, random in .fragment(.random(in: 120...900, using: &random)) }
        #expect(share(usual, found) == 0, "\(found)")
    }
}
