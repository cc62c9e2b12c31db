import Detection
import FlowSpec
import Foundation
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

/// Each attack against each service, of packets that the search has not seen. With `FLOODGATE_SYNTHESIS_TABLE` all
/// strengths and numbers of samples, with a line for each attack and each case that is not as it should be.
struct SynthesisTableTests {
    private static let isLong = ProcessInfo.processInfo.environment["FLOODGATE_SYNTHESIS_TABLE"] != nil

    private struct Tally {
        var covered: [Double] = []
        var normal: [Double] = []
        var template: [Double] = []
        var found = 0

        mutating func add(_ outcome: SynthesisCase.Outcome) {
            covered.append(outcome.covered)
            normal.append(outcome.normal)
            template.append(outcome.templateNormal)
            if outcome.isSynthesized { found += 1 }
        }

        static func mean(_ shares: [Double]) -> Double { shares.reduce(0, +) / Double(max(1, shares.count)) }
        var coveredEnough: Double { Self.mean(covered.map { $0 >= 0.95 ? 1 : 0 }) }
        var spared: Double { Self.mean(normal.map { $0 < 0.01 ? 1 : 0 }) }

        var text: String {
            "found \(found) of \(covered.count), covers \(percent(Self.mean(covered))) % (95 % or more in "
                + "\(percent(coveredEnough)) % of the cases), normal dropped \(percent(Self.mean(normal))) % (under 1 % in "
                + "\(percent(spared)) %), by template \(percent(Self.mean(template))) %"
        }
    }

    private func tally(samples: Int, powers: [Double]) async throws -> Tally {
        let policy = synthesisPolicy()
        var whole = Tally()
        var seed: UInt64 = 0
        for attack in PacketMix.attacks + PacketMix.mixedAttacks {
            var part = Tally()
            for service in PacketMix.services {
                for power in powers {
                    seed += 1
                    let seeded = SynthesisCase(
                        service: service,
                        attack: attack,
                        samples: samples,
                        power: power,
                        unit: seed % 3 == 0 && !attack.isOfSmallPackets ? .bits : .packets,
                        seed: seed
                    )
                    // Minutes of computing in which tests that wait for a peer must have their turn.
                    await Task.yield()
                    let outcome = try seeded.outcome(policy)
                    part.add(outcome)
                    whole.add(outcome)
                    if Self.isLong, outcome.covered < 0.95 || outcome.normal >= 0.01 { tell(seeded, outcome) }
                }
            }
            if Self.isLong { print("\(samples) \(attack.name): \(part.text)") }
        }
        print("\(samples) samples: \(whole.text)")
        return whole
    }

    private func tell(_ seeded: SynthesisCase, _ outcome: SynthesisCase.Outcome) {
        print(
            "  \(seeded.samples) \(seeded.attack.name) / \(seeded.service.name) at \(seeded.power) in \(seeded.unit): covers "
                + "\(percent(outcome.covered)) %, normal \(percent(outcome.normal)) %, template "
                + "\(percent(outcome.templateNormal)) %"
        )
        for rule in outcome.rules {
            print("    \(rule.announcement.route) \(rule.note ?? "") \(rule.expectation.map { "\($0)" } ?? "")")
        }
    }

    @Test func rulesSpareTheServiceAndHoldTheAttack() async throws {
        for samples in Self.isLong ? [16, 32, 64, 128] : [16, 128] {
            let tally = try await tally(samples: samples, powers: Self.isLong ? [0.97, 0.9, 0.6] : [0.9])
            let normal = Tally.mean(tally.normal)
            // Of sixteen, one is six in a hundred: what they say is right on the whole, and is looked at again.
            #expect(Tally.mean(tally.covered) >= 0.96)
            #expect(normal < Tally.mean(tally.template) / 5)
            guard samples == 128 else { continue }
            #expect(tally.coveredEnough >= 0.975)
            #expect(normal < 0.01 && tally.spared >= 0.88)
            // Of a template that is narrow itself there may be no narrower rule.
            #expect(tally.found * 100 >= tally.covered.count * 98)
        }
    }

    /// How long a plan takes is told, and asserted nowhere.
    @Test(.enabled(if: SynthesisTableTests.isLong)) func plansTakeSoLong() throws {
        let policy = synthesisPolicy()
        for samples in [16, 64, 128] {
            let records = (PacketMix.attacks + PacketMix.mixedAttacks).flatMap { attack in
                PacketMix.services.map { service in
                    SynthesisCase(service: service, attack: attack, samples: samples).attackRecord()
                }
            }
            var times: [Duration] = []
            for record in records {
                let start = ContinuousClock.now
                _ = try policy.plan(against: record, for: IPPrefix(host: IPAddress(198, 51, 100, 5))).get()
                times.append(ContinuousClock.now - start)
            }
            times.sort()
            let mean = times.reduce(.zero, +) / times.count
            print("a plan from \(samples) samples takes \(mean) on average, \(times[times.count - 1]) at most")
        }
    }
}
