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

private func mix(_ name: String) throws -> PacketMix {
    try #require((PacketMix.attacks + PacketMix.mixedAttacks + PacketMix.services).first { $0.name == name })
}

private func text(_ rules: [PlannedRule]) -> [String] { rules.map { "\($0.announcement.route)" } }

@Test func anAmplificationIsHeldByItsPortAndItsFragmentsByTheirs() throws {
    let seeded = SynthesisCase(service: try mix("VPN gateway"), attack: try mix("dns_amplification"))
    let outcome = try seeded.outcome(synthesisPolicy())
    let rules = outcome.rules
    #expect(outcome.covered >= 0.95 && outcome.normal < 0.01)
    #expect(rules.count == 2 && rules.allSatisfy { $0.isSynthesized }, "\(text(rules))")
    #expect(text(rules).contains { $0.contains("source-port =53") }, "\(text(rules))")
    #expect(text(rules).contains { $0.contains("fragment") }, "\(text(rules))")
    let together = try #require(rules.first?.expectation?.together)
    #expect(together.rules == 2 && together.attackShare > 0.95, "\(together)")
}

@Test func noRuleLooksAtWhatANeighborLacks() throws {
    let names: [MatchFeature: [MatchComponentType]] = [
        .packetLength: [.packetLength], .tcpFlags: [.tcpFlags], .fragment: [.fragment], .icmp: [.icmpType, .icmpCode],
        .sourcePort: [.sourcePort], .destinationPort: [.destinationPort], .remotePrefix: [.sourcePrefix],
    ]
    for (feature, types) in names {
        for attack in PacketMix.attacks + PacketMix.mixedAttacks {
            let seeded = SynthesisCase(service: PacketMix.services[0], attack: attack)
            let record = seeded.attackRecord()
            for rule in try synthesisPolicy({ $0.lacks = [feature] }).plan(against: record, for: target).get() {
                guard case .flowSpec(let match) = rule.announcement.route else { continue }
                #expect(!match.components.contains { types.contains($0.type) }, "\(feature): \(match)")
            }
        }
    }
}

/// Where nothing is found the built-in template is announced without what a router could not match, and where nothing but
/// the target would be left the default; what the operator has written stands.
@Test func aBuiltInTemplateGoesWithoutWhatANeighborLacks() throws {
    let mix = try #require(PacketMix.attacks.first { $0.name == "ntp_amplification" })
    var record = SynthesisCase(service: PacketMix.services[0], attack: mix).attackRecord()
    func route(_ kind: AttackKind, _ change: (inout MitigationPolicy) -> Void) throws -> (String, String) {
        record.kind = kind
        record.samples = []
        let rules = try synthesisPolicy(change).plan(against: record, for: target).get()
        #expect(rules.count == 1)
        let rule = try #require(rules.first)
        return (rule.template, "\(rule.announcement.route)")
    }
    let all = try route(.ntpAmplification) { _ in }
    #expect(all == ("ntp_amplification", "destination \(target) protocol =udp source-port =123"))
    let without = try route(.ntpAmplification) { $0.lacks = [.sourcePort] }
    #expect(without == ("ntp_amplification", "destination \(target) protocol =udp"))
    let fragments = try route(.fragmentFlood) { $0.lacks = [.fragment] }
    #expect(fragments == ("flood", "destination \(target)"), "as any flood of no kind that a rule could name")
    let own = try route(.ntpAmplification) {
        $0.lacks = [.sourcePort]
        $0.fixedTemplates = ["ntp_amplification"]
    }
    #expect(own.1 == "destination \(target) protocol =udp source-port =123")
}

/// A rule by the other end's prefix gives way to the template's where that end is one that no rule may touch, or whose group
/// is only observed: the attack is answered all the same.
@Test func whatWouldNameAProtectedEndGivesWayToTheTemplate() throws {
    let remote = try #require(IPPrefix("203.0.113.0/24"))
    let mix = try #require(PacketMix.attacks.first { $0.name == "udp_flood" })
    var record = SynthesisCase(service: PacketMix.services[0], attack: mix).attackRecord()
    record.normal = record.normal.map { sample in
        var sample = sample
        sample.ipProtocol = .udp
        return sample
    }
    for index in record.samples.indices {
        record.samples[index].source = IPAddress(203, 0, 113, UInt8(index % 3))
        record.samples[index].sourcePort = record.normal[index % record.normal.count].sourcePort
        record.samples[index].destinationPort = record.normal[index % record.normal.count].destinationPort
        record.samples[index].bytes =
            record.samples[index].packets * UInt64(record.normal[index % record.normal.count].packetLength)
    }
    func rules(_ change: (inout MitigationPolicy) -> Void) throws -> [PlannedRule] {
        try synthesisPolicy(change).plan(against: record, for: target).get()
    }
    let free = try rules { _ in }
    #expect(free.contains { "\($0.announcement.route)".contains("source 203.0.113.") }, "\(text(free))")
    let whitelisted = try rules { $0.whitelist = [remote] }
    #expect(!whitelisted.isEmpty && !text(whitelisted).contains { $0.contains("source 203") }, "\(text(whitelisted))")
    let observed = try rules { $0.groups = [.init(name: "g", prefixes: [remote], mode: .observe)] }
    #expect(!observed.isEmpty && !text(observed).contains { $0.contains("source 203") }, "\(text(observed))")
}

@Test func withoutRangesPortsAreSingle() throws {
    for attack in PacketMix.attacks + PacketMix.mixedAttacks {
        let record = SynthesisCase(service: PacketMix.services[0], attack: attack).attackRecord()
        for rule in try synthesisPolicy({ $0.lacks = [.portRange] }).plan(against: record, for: target).get() {
            guard case .flowSpec(let match) = rule.announcement.route else { continue }
            for component in match.components {
                switch component {
                case .sourcePort(let terms), .destinationPort(let terms):
                    #expect(terms.allSatisfy { $0.comparison == .equal }, "\(match)")
                default: continue
                }
            }
        }
    }
}

/// What every known router takes, what the guard rails let through, and the same for the same samples.
@Test func foundRulesAreWithinAllBounds() throws {
    let policy = synthesisPolicy { $0.maximumRulesPerAttack = 3 }
    for (number, attack) in (PacketMix.attacks + PacketMix.mixedAttacks).enumerated() {
        for service in PacketMix.services {
            let record = SynthesisCase(service: service, attack: attack, power: 0.8, seed: UInt64(number))
                .attackRecord()
            let rules = try policy.plan(against: record, for: target).get()
            #expect((1...3).contains(rules.count))
            let again = try policy.plan(against: record, for: target).get()
            #expect(again == rules)
            for rule in rules {
                guard case .flowSpec(let match) = rule.announcement.route else { continue }
                #expect(match.encodedNLRI.count <= 240)
                for component in match.components {
                    switch component.terms {
                    case .numeric(let terms): #expect(terms.count <= 5, "\(match)")
                    case .bitmask(let terms): #expect(terms.count <= 5, "\(match)")
                    case nil: continue
                    }
                }
                let objection = policy.objection(to: rule.announcement.route, target: target, direction: .incoming)
                #expect(objection == nil, "\(match)")
            }
        }
    }
}

@Test func whatDiffersInNothingIsAnsweredByTheTemplateWhichSaysSo() throws {
    for service in PacketMix.services {
        let record = SynthesisCase(service: service, attack: service, power: 0.9).attackRecord()
        let rules = try synthesisPolicy().plan(against: record, for: target).get()
        #expect(text(rules) == ["destination 198.51.100.5/32"], "\(service.name): \(text(rules))")
        #expect(rules.first?.note?.hasPrefix("by the template: ") == true)
        #expect(rules.first?.isSynthesized == false)
    }
}

@Test func withoutNormalSamplesTheAttackAloneSaysWhatItIs() throws {
    for name in ["ntp_amplification", "ssdp_amplification", "memcached_amplification"] {
        var record = SynthesisCase(service: PacketMix.services[0], attack: try mix(name), power: 0.97).attackRecord()
        record.normal = []
        let rules = try synthesisPolicy().plan(against: record, for: target).get()
        #expect(text(rules).contains { $0.contains("source-port") }, "\(text(rules))")
        #expect(rules.first?.expectation?.normalShare == nil)
    }
}

@Test func ofOutgoingAttacksTheTargetIsTheSource() throws {
    var record = SynthesisCase(service: PacketMix.services[0], attack: try mix("three hosts")).attackRecord()
    func turned(_ samples: [TrafficSample]) -> [TrafficSample] {
        samples.map { sample in
            var sample = sample
            (sample.source, sample.destination) = (sample.destination, sample.source)
            return sample
        }
    }
    record = Attack(
        id: record.id,
        target: record.target,
        direction: .outgoing,
        began: record.began,
        kind: .udpFlood,
        kindShare: 1,
        crossing: record.crossing,
        rates: record.rates,
        samples: turned(record.samples),
        normal: turned(record.normal)
    )
    let policy = synthesisPolicy()
    let rules = try policy.plan(against: record, for: target).get()
    #expect(rules.allSatisfy { $0.isSynthesized })
    for rule in rules {
        guard case .flowSpec(let match) = rule.announcement.route else { continue }
        #expect(match.components.contains(.source(PrefixPattern(target))))
        #expect(record.samples.contains { match.matches($0.matchedPacket) })
        #expect(policy.objection(to: rule.announcement.route, target: target, direction: .outgoing) == nil)
    }
}

@Test func flowsOfAverageLengthAreNotMatchedByLength() throws {
    var record = SynthesisCase(service: PacketMix.services[1], attack: try mix("udp_flood")).attackRecord()
    for index in record.samples.indices { record.samples[index].bytes += 1 }
    for rule in try synthesisPolicy().plan(against: record, for: target).get() {
        guard case .flowSpec(let match) = rule.announcement.route else { continue }
        #expect(!match.components.contains { $0.type == .packetLength }, "\(match)")
    }
}

/// A flood of small packets is little of an attack by octets, however many samples tell of it; and what no normal sample has
/// yet may come with the next.
@Test func aRuleHasWhatAllOfItsSamplesHaveInCommon() throws {
    var random = SeededGenerator(seed: 5)
    let large = (0..<70).map { PacketShape.udp(389, UInt16(1024 + $0 * 401), 1480).sample(&random) }
    let small = (0..<40).map { PacketShape.tcp(UInt16(2000 + $0 * 900), 22, .syn, 40).sample(&random) }
    let normal = (0..<100).map { PacketShape.tcp(UInt16(33_000 + $0), 873, .ack, 1450).sample(&random) }
    let evidence = SampleEvidence(attack: large + small, normal: normal, unit: .bits, direction: .incoming)
    let rules = RuleSynthesis(evidence: evidence, settings: .init()).rules().rules
    let ofSmall = try #require(rules.first { $0.conditions.contains(.ipProtocol(6)) }, "\(rules.map(\.conditions))")
    let syn = TCPFlags.syn.rawValue
    #expect(ofSmall.conditions.contains(.tcpFlags(set: syn, unset: ~syn & 0x3F)), "\(ofSmall.conditions)")
    #expect(ofSmall.conditions.contains(.destinationPort(ValueRanges(22...22))), "\(ofSmall.conditions)")
    #expect(ofSmall.conditions.contains(.length(ValueRanges(40...40))), "\(ofSmall.conditions)")
    // Of a dozen all may have one port by chance, while tools set one kind of flags.
    let few = SampleEvidence(attack: large + small.prefix(13), normal: normal, unit: .bits, direction: .incoming)
    let ofFew = RuleSynthesis(evidence: few, settings: .init()).rules().rules
    #expect(
        ofFew.contains { $0.conditions.contains(.tcpFlags(set: syn, unset: ~syn & 0x3F)) },
        "\(ofFew.map(\.conditions))"
    )
}

/// A rule for each of few senders is worth it where one for all would drop some of the usual traffic.
@Test func fewSendersAreNamedWhereTheRestIsAsUsual() {
    var random = SeededGenerator(seed: 6)
    let senders: [UInt32] = [0x0A01_0203, 0x0B04_0506, 0x0C07_0809]
    let attack = (0..<120).map { number in
        var sample = PacketShape(ipProtocol: .gre, length: 550).sample(&random)
        sample.source = IPAddress(v4: senders[number % 3])
        // Averages of long flows, which stray as those of packets of any length do.
        sample.bytes = UInt64(sample.packets) * 550 - 30_000 + UInt64(number * 7919 % 60_000)
        return sample
    }
    let normal = (0..<500).map { number in
        number % 80 == 0
            ? PacketShape(ipProtocol: .gre, length: 700).sample(&random)
            : PacketShape.tcp(UInt16(33_000 + number), 443, .ack, 700).sample(&random)
    }
    let evidence = SampleEvidence(attack: attack, normal: normal, unit: .packets, direction: .incoming)
    let rules = RuleSynthesis(evidence: evidence, settings: .init()).rules().rules
    let named = rules.flatMap(\.conditions).compactMap { if case .remote(let prefix) = $0 { prefix } else { nil } }
    #expect(Set(named.map(\.address.v4)) == Set(senders), "\(rules.map(\.conditions))")
}

@Test func rangesOfValuesAreAsTheyAreSaid() {
    #expect(ValueRanges(allBut: [80, 443])?.terms.count == 4)
    #expect(ValueRanges(allBut: [0])?.ranges == [1...65_535])
    #expect(ValueRanges(allBut: [65_535])?.ranges == [0...65_534])
    #expect(ValueRanges(allBut: [0, 65_535])?.ranges == [1...65_534])
    #expect(ValueRanges(allBut: []) == nil)
    #expect(ValueRanges(allBut: [5, 10, 15, 20]) == nil, "more terms than a router may take")
    #expect(ValueRanges(values: [1, 2, 3, 4, 5, 6]) == nil)
    #expect(ValueRanges(values: [443, 80])?.contains(80) == true)
}

@Test func anExpectationSaysWhatItRestsOn() {
    var expectation = RuleExpectation(attackShare: 0.974, attackSamples: 118, normalShare: 0.004, normalSamples: 64)
    #expect(
        "\(expectation)"
            == "expected to match 97 % of the attack (of 118 samples) and 0.4 % of the traffic before it (of 64)"
    )
    expectation.attackShare = 0.9999
    #expect("\(expectation)".contains("match 99 % of"), "what is not all is not called all")
    expectation.normalShare = nil
    #expect("\(expectation)".hasSuffix("nothing is known of the traffic before it"))
    func cutsOff(_ share: Double, of samples: Int, together: Double? = nil) -> Bool {
        expectation.normalShare = share
        expectation.normalSamples = samples
        expectation.together = together.map { .init(rules: 2, attackShare: 1, normalShare: $0) }
        return "\(expectation)".hasSuffix(
            "this is nearly all of its usual traffic: what is done with it cuts the target off, as a blackhole would"
        )
    }
    #expect(cutsOff(0.96, of: 64) && cutsOff(0.5, of: 64, together: 0.97))
    #expect(!cutsOff(0.8, of: 64) && !cutsOff(0.5, of: 64, together: 0.6))
    #expect(!cutsOff(1, of: 3), "three samples may all match by chance")
    #expect(RuleExpectation.percent(.nan) == "0 %" && RuleExpectation.percent(1) == "100 %")
}
