import FlowSpec
import Foundation
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

/// Each attack against each service. `FLOODGATE_SYNTHESIS_TABLE` prints each line.
@Test func rulesSpareTheServiceAndHoldTheAttack() throws {
    let prints = ProcessInfo.processInfo.environment["FLOODGATE_SYNTHESIS_TABLE"] != nil
    let policy = synthesisPolicy()
    for samples in [16, 32, 64, 128] {
        var covered: [Double] = []
        var normal: [Double] = []
        var template: [Double] = []
        var found = 0
        for attack in PacketMix.attacks + PacketMix.mixedAttacks {
            for service in PacketMix.services {
                for (seed, power) in [0.97, 0.9, 0.6].enumerated() {
                    let seeded = SynthesisCase(
                        service: service,
                        attack: attack,
                        samples: samples,
                        power: power,
                        unit: seed == 1 && !attack.isOfSmallPackets ? .bits : .packets,
                        seed: UInt64(seed + 1)
                    )
                    let outcome = try seeded.outcome(policy)
                    covered.append(outcome.covered)
                    normal.append(outcome.normal)
                    template.append(outcome.templateNormal)
                    if outcome.isSynthesized { found += 1 }
                    if prints, outcome.covered < 0.95 || outcome.normal > 0.01 {
                        print(
                            "\(samples) \(attack.name) / \(service.name) at \(power): covers \(percent(outcome.covered)) %, "
                                + "normal \(percent(outcome.normal)) %, template \(percent(outcome.templateNormal)) %"
                        )
                        for rule in outcome.rules {
                            print(
                                "    \(rule.announcement.route) \(rule.note ?? "") \(rule.expectation.map { "\($0)" } ?? "")"
                            )
                        }
                    }
                }
            }
        }
        let count = Double(covered.count)
        print(
            "\(samples) samples, \(covered.count) cases: found \(found), "
                + "covered >= 95 % in \(percent(Double(covered.count { $0 >= 0.95 }) / count)) %, mean \(percent(covered.reduce(0, +) / count)) %, "
                + "normal < 1 % in \(percent(Double(normal.count { $0 < 0.01 }) / count)) %, mean \(percent(normal.reduce(0, +) / count)) %, "
                + "template \(percent(template.reduce(0, +) / count)) %"
        )
    }
}
