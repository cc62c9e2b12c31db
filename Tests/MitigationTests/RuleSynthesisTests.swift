import Detection
import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

private let target = IPPrefix(host: IPAddress(198, 51, 100, 5))

/// A service under an attack: what was seen of it, and how the rules that were found do with what was not.
struct SynthesisCase {
    var service: PacketMix
    var attack: PacketMix
    var samples = 128
    /// The attack's share of what comes while it lasts, in packets.
    var power = 0.9
    var unit = TrafficUnit.packets
    var seed: UInt64 = 1

    /// Of packets that the search has not seen, and beside it what the kind's template would do.
    struct Outcome {
        var rules: [PlannedRule]
        var covered: Double
        var normal: Double
        var templateNormal: Double
        var isSynthesized: Bool { rules.contains(where: \.isSynthesized) }
    }

    func attackRecord() -> Attack {
        var random = SeededGenerator(seed: seed)
        let before = (0..<samples).map { _ in service.make(&random).sample(&random) }
        let now = (0..<samples).map { _ in
            let mix = Double.random(in: 0..<1, using: &random) < power ? attack : service
            return mix.make(&random).sample(&random)
        }
        return Attack(
            id: Attack.ID(rawValue: 1),
            target: .host(target.address),
            direction: .incoming,
            began: Timestamp(nanoseconds: 0),
            kind: AttackKind(rawValue: attack.name) ?? .flood,
            kindShare: power,
            crossing: ThresholdCrossing(
                trafficClass: .total,
                unit: unit,
                threshold: 1,
                rate: 2,
                lowerBound: 2,
                upperBound: 2,
                window: .seconds(1),
                samples: UInt64(samples),
                group: nil
            ),
            rates: TrafficRates(),
            samples: now,
            normal: before
        )
    }

    func outcome(_ policy: MitigationPolicy) throws -> Outcome {
        let record = attackRecord()
        let rules = try policy.plan(against: record, for: target).get()
        let template = try policy.templateRule(for: record.kind, record, target).get()
        var random = SeededGenerator(seed: seed &+ 1_000_000)
        let fresh = (0..<1000).map { _ in attack.make(&random).sample(&random) }
        let innocent = (0..<1000).map { _ in service.make(&random).sample(&random) }
        return Outcome(
            rules: rules,
            covered: share(of: fresh, rules),
            normal: share(of: innocent, rules),
            templateNormal: share(of: innocent, [template])
        )
    }

    private func share(of samples: [TrafficSample], _ rules: [PlannedRule]) -> Double {
        var matched = 0.0
        var all = 0.0
        for sample in samples {
            let weight = Double(unit == .bits ? sample.bytes : sample.packets)
            all += weight
            let isMatched = rules.contains { rule in
                guard case .flowSpec(let match) = rule.announcement.route else { return false }
                return match.matches(sample.matchedPacket)
            }
            if isMatched { matched += weight }
        }
        return matched / all
    }
}

func synthesisPolicy(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> MitigationPolicy {
    var policy = MitigationPolicy(mode: .enforce, networks: [IPPrefix("198.51.100.0/24")].compactMap { $0 })
    change(&policy)
    return policy
}

func percent(_ share: Double) -> String { "\(Double((share * 1000).rounded()) / 10)" }
