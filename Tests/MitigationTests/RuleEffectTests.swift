import Detection
import FlowSpec
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }

struct RuleEffectTests {
    private let exporters = [IPAddress(192, 0, 2, 1), IPAddress(192, 0, 2, 2)]

    /// What is told of the rule's effect once an attack of 1 Gbit/s, told of by two exporters, looks like this for ten
    /// seconds.
    private func effect(
        of bits: Double,
        _ change: (inout MitigationPolicy) -> Void = { _ in },
        samples: (Double) -> [TrafficSample]
    ) -> (effect: RuleEffect?, notes: [String]) {
        var ledger = Ledger(policy: Fixture.policy(change))
        let before = exporters.flatMap { Fixture.samples(40, from: $0, at: 0) }
        _ = ledger.handle(.began(Fixture.attack(1, samples: before)), at: time(0))
        var notes: [String] = []
        for second in 1...10 {
            let attack = Fixture.attack(1, bits: bits, samples: samples(Double(second)))
            notes += ledger.handle(.updated(attack), at: time(Double(second))).notes
        }
        return (ledger.entries.keys.first.flatMap { ledger.effect(of: $0) }, notes)
    }

    @Test func whatNoLongerArrivesHolds() {
        let held = effect(of: 5e6) { Fixture.samples(2, at: $0) }
        #expect(held.effect?.verdict == .holding)
        #expect(held.notes == ["holding, 5 Mbit/s arrive"], "said once")
    }

    @Test func aLimitThatIsKeptHolds() {
        let held = effect(of: 1.8e8, { $0.templates["udp_flood"]?.actions = Fixture.limited.actions }) { second in
            exporters.flatMap { Fixture.samples(20, from: $0, at: second) }
        }
        #expect(held.effect?.verdict == .holding, "100 Mbit/s at each of two routers")
    }

    @Test func whatStillArrivesAtOneIsNamed() {
        let leaking = effect(of: 3e8) { Fixture.samples(40, from: exporters[1], at: $0) }
        #expect(leaking.effect?.verdict == .leaking)
        #expect(leaking.effect?.exporters == [exporters[1]])
        #expect(leaking.notes == ["leaking at 192.0.2.2, 300 Mbit/s arrive"])
    }

    @Test func whatDidNotChangeAtAllProvesNothing() throws {
        func all(_ second: Double) -> [TrafficSample] {
            exporters.flatMap { Fixture.samples(40, from: $0, at: second) }
        }
        let uncertain = effect(of: 1e9, samples: all)
        #expect(uncertain.effect?.verdict == .unknown)
        #expect(uncertain.effect?.why.contains("before the filter") == true)
        let prefix = try #require(IPPrefix("192.0.2.0/24"))
        let after = effect(of: 1e9, { $0.samplesBeforeFilter = PrefixTable([(prefix, false)]) }, samples: all)
        #expect(after.effect?.verdict == .leaking)
        let before = effect(of: 1e9, { $0.samplesBeforeFilter = PrefixTable([(prefix, true)]) }, samples: all)
        #expect(before.effect?.verdict == .unknown)
    }

    @Test func whatComesBesideTheRuleIsAnotherShape() {
        let changed = effect(of: 9e8) { Fixture.samples(80, of: .tcp, at: $0) }
        #expect(changed.effect?.verdict == .changedShape)
        #expect(changed.notes.count == 1)
    }

    @Test func fewSamplesSayNothingAndNeitherDoOldOnes() {
        #expect(effect(of: 9e8) { Fixture.samples(5, at: $0) }.effect?.verdict == .unknown)
        #expect(effect(of: 9e8) { Fixture.samples(80, at: $0 - 30) }.effect?.verdict == .unknown)
    }

    @Test func aRedirectionIsNotSeenInTelemetry() throws {
        let redirected = effect(of: 1e9, { $0.templates["udp_flood"]?.actions = [.redirect(.twoOctetAS(65001, 1))] }) {
            Fixture.samples(80, at: $0)
        }
        #expect(redirected.effect?.verdict == .unknown)
    }

    /// A verdict that changes from second to second is not told each time.
    @Test func nothingIsToldEachSecond() {
        var ledger = Ledger(policy: Fixture.policy())
        _ = ledger.handle(.began(Fixture.attack(1, samples: Fixture.samples(40, at: 0))), at: time(0))
        var notes: [String] = []
        for second in 1...600 {
            let samples = Fixture.samples(40, at: Double(second))
            let attack = Fixture.attack(1, bits: second.isMultiple(of: 2) ? 1e6 : 5e8, samples: samples)
            notes += ledger.handle(.updated(attack), at: time(Double(second))).notes
        }
        #expect(notes.isEmpty, "\(notes)")
    }
}
