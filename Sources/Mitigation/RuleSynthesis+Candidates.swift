internal import FlowSpec
internal import NetworkTypes

/// The conditions that may be worth adding to a rule, as its samples have it.
struct RuleCandidates {
    let evidence: SampleEvidence
    let lacks: Set<MatchFeature>
    /// What other rules match already.
    let matched: SampleEvidence.Members
    let price: Double

    /// A value that so little of the attack has is not named.
    private static let leastShare = 0.03
    /// Of flows that tell of an average alone no length can be said.
    private static let leastExact = 0.2

    /// Those on lengths; none where the rule has one, or no protocol.
    ///
    /// - Parameter left: what the rule matches and no other does.
    func lengthConditions(within rule: RuleSynthesis.Rule, left: SampleEvidence.Members) -> [RuleCondition] {
        guard !lacks.contains(.packetLength), rule.conditions.contains(where: { $0.type == .ipProtocol }),
            !rule.conditions.contains(where: { $0.type == .packetLength })
        else { return [] }
        func lengths(_ places: SampleSet, _ samples: [SampledPacket]) -> [Length] {
            var lengths: [Length] = []
            places.forEach { place in
                let sample = samples[place]
                lengths.append(
                    Length(
                        exact: sample.exactLength,
                        isKnown: sample.isLengthKnown,
                        one: sample.packet.length,
                        weight: sample.weight
                    )
                )
            }
            return lengths
        }
        return self.lengths(lengths(left.attack, evidence.attack), lengths(left.normal, evidence.normal))
    }

    /// All others.
    func conditions(within rule: RuleSynthesis.Rule, left: SampleEvidence.Members) -> [RuleCondition] {
        let attack = SampleEvidence.samples(left.attack, evidence.attack)
        let normal = SampleEvidence.samples(left.normal, evidence.normal)
        let taken = Set(rule.conditions.map(\.type))
        var ipProtocol: UInt8?
        for case .ipProtocol(let value) in rule.conditions { ipProtocol = value }
        var found: [RuleCondition] = []
        func offer(_ type: MatchComponentType, _ feature: MatchFeature?, _ conditions: () -> [RuleCondition]) {
            guard !taken.contains(type), feature.map({ !lacks.contains($0) }) ?? true else { return }
            found += conditions()
        }
        offer(.sourcePrefix, .remotePrefix) { remotes(attack) }
        guard let ipProtocol else {
            // Many routers take ports, flags and types only where the protocol is said.
            return protocols(within: rule) + found
        }
        offer(.fragment, .fragment) { attack.contains { $0.packet.fragment != 0 } ? [.fragment] : [] }
        switch IPProtocol(rawValue: ipProtocol) {
        case .tcp, .udp, .sctp:
            offer(.sourcePort, .sourcePort) {
                ports(attack, normal, ipProtocol) { $0.packet.sourcePort }.map { .sourcePort($0) }
            }
            offer(.destinationPort, .destinationPort) {
                ports(attack, normal, ipProtocol) { $0.packet.destinationPort }.map { .destinationPort($0) }
            }
            if ipProtocol == IPProtocol.tcp.rawValue { offer(.tcpFlags, .tcpFlags) { flags(attack) } }
        case .icmp, .icmpv6:
            offer(.icmpType, .icmp) { ranked(attack) { $0.packet.icmpType }.prefix(2).map { .icmpType($0.value) } }
            if taken.contains(.icmpType) {
                offer(.icmpCode, .icmp) { ranked(attack) { $0.packet.icmpCode }.prefix(1).map { .icmpCode($0.value) } }
            }
        default: break
        }
        return found
    }

    /// The values of a field by weight, the heaviest first; of equals the smallest.
    private func ranked<Value: Hashable & Comparable>(
        _ samples: [SampledPacket],
        atLeast count: Int = 1,
        _ value: (SampledPacket) -> Value?
    ) -> [(value: Value, weight: Double)] {
        var weights: [Value: (weight: Double, count: Int)] = [:]
        for sample in samples {
            guard let value = value(sample) else { continue }
            weights[value, default: (0, 0)].weight += sample.weight
            weights[value, default: (0, 0)].count += 1
        }
        return weights.filter { $0.value.count >= count }.map { ($0.key, $0.value.weight) }
            .sorted { ($1.weight, $0.value) < ($0.weight, $1.value) }
    }

    // MARK: Fields

    /// The heaviest first.
    func protocols(within rule: RuleSynthesis.Rule) -> [RuleCondition] {
        let attack = SampleEvidence.samples(rule.members.subtracting(matched).attack, evidence.attack)
        return ranked(attack) { $0.packet.ipProtocol }.prefix(4).map { .ipProtocol($0.value) }
    }

    private func ports(
        _ attack: [SampledPacket],
        _ normal: [SampledPacket],
        _ ipProtocol: UInt8,
        _ port: (SampledPacket) -> UInt16?
    ) -> [ValueRanges] {
        var found: [ValueRanges] = []
        let before = Dictionary(ranked(normal, port).map { ($0.value, $0.weight) }) { first, _ in first }
        // What the background alone brings is not the attack's.
        let values = ranked(attack, atLeast: 2, port).map { ranked in
            (value: ranked.value, weight: ranked.weight - evidence.background * (before[ranked.value] ?? 0))
        }
        let heavy = values.filter { $0.weight >= Self.leastShare }.sorted {
            ($1.weight, $0.value) < ($0.weight, $1.value)
        }
        for count in 1...ValueRanges.maximumTerms where count <= heavy.count {
            if let ranges = ValueRanges(values: heavy.prefix(count).map(\.value)) { found.append(ranges) }
        }
        guard !lacks.contains(.portRange) else { return found }
        // Of a flood to or from any port all is the attack's but what the target's own services use.
        let usual = ranked(evidence.normal.filter { $0.packet.ipProtocol == ipProtocol }, atLeast: 3, port)
        let services = usual.filter { $0.weight >= Self.leastShare }.map(\.value)
        for count in 1...2 where count <= services.count {
            if let ranges = ValueRanges(allBut: Array(services.prefix(count))) { found.append(ranges) }
        }
        return found + Self.portRanges
    }

    /// Ports of services, and those that clients are given.
    private static let portRanges = [ValueRanges(0...1023), ValueRanges(1024...65_535), ValueRanges(32_768...65_535)]

    private func flags(_ attack: [SampledPacket]) -> [RuleCondition] {
        // Established connections go on.
        var found = [RuleCondition.tcpFlags(set: TCPFlags.syn.rawValue, unset: TCPFlags.ack.rawValue)]
        let values = ranked(attack) { $0.packet.tcpFlags.map { UInt8(truncatingIfNeeded: $0) & 0x3F } }
            .filter { $0.weight >= Self.leastShare }.map(\.value)
        for value in values.prefix(3) { found.append(.tcpFlags(set: value, unset: ~value & 0x3F)) }
        // What several have in common.
        for count in 2...4 where count <= values.count {
            let set = values.prefix(count).reduce(0x3F) { $0 & $1 }
            let unset = ~values.prefix(count).reduce(0) { $0 | $1 } & 0x3F
            if set | unset != 0 { found.append(.tcpFlags(set: set, unset: unset)) }
        }
        return found
    }

    private func remotes(_ attack: [SampledPacket]) -> [RuleCondition] {
        guard let family = attack.first?.remote.family else { return [] }
        let all = attack.reduce(0) { $0 + $1.weight }
        return (family == .ipv4 ? [32, 24, 16] : [128, 64, 48, 32]).compactMap { length in
            let top = ranked(attack) { $0.remote.masked(to: length) }.first
            guard let top, top.weight >= 0.2 * all else { return nil }
            return IPPrefix(top.value, length: length).map { .remote($0) }
        }
    }

    /// Hosts, or networks, that together are most of the attack; each a part of it that is more than chance.
    func fewRemotes(upTo count: Int) -> [[IPPrefix]] {
        guard let family = evidence.attack.first?.remote.family else { return [] }
        return (family == .ipv4 ? [32, 24] : [128, 64]).map { length in
            ranked(evidence.attack, atLeast: 3) { $0.remote.masked(to: length) }.prefix(count)
                .compactMap { IPPrefix($0.value, length: length) }
        }.filter { !$0.isEmpty }
    }

    /// The length of a sample's packets, nil where these are of several; whether it is nearly known; that of one of them;
    /// and what it weighs.
    private struct Length {
        var exact: UInt16?
        var isKnown: Bool
        var one: UInt16
        var weight: Double
    }

    /// The lengths by weight, the heaviest first; of equals the smallest.
    private func ranked(_ lengths: [Length]) -> [(value: UInt16, weight: Double)] {
        var weights: [UInt16: Double] = [:]
        for sample in lengths { if let length = sample.exact { weights[length, default: 0] += sample.weight } }
        return weights.map { ($0.key, $0.value) }.sorted { ($1.weight, $0.value) < ($0.weight, $1.value) }
    }

    private func lengths(_ attack: [Length], _ normal: [Length]) -> [RuleCondition] {
        // Flow records tell the average of their packets.
        let all = attack.reduce(0) { $0 + $1.weight }
        guard attack.reduce(0, { $1.isKnown ? $0 + $1.weight : $0 }) >= Self.leastExact * all else { return [] }
        var found: [ValueRanges] = []
        let values = ranked(attack)
        let often = Dictionary(attack.compactMap(\.exact).map { ($0, 1) }, uniquingKeysWith: +).filter {
            isOftener($0.value, of: $0.key, than: normal)
        }
        let heavy = values.filter { $0.weight >= Self.leastShare && often[$0.value] != nil }.map(\.value)
        for count in 1...3 where count <= heavy.count {
            if let ranges = ValueRanges(values: Array(heavy.prefix(count))) { found.append(ranges) }
        }
        let lower = threshold(attack, normal, isLower: true)
        let upper = threshold(attack, normal, isLower: false)
        if let lower { found.append(ValueRanges(lower...UInt16.max)) }
        if let upper { found.append(ValueRanges(0...upper)) }
        if let lower {
            let upper = threshold(
                attack.filter { $0.one >= lower },
                normal.filter { $0.one >= lower },
                isLower: false
            )
            if let upper, upper > lower { found.append(ValueRanges(lower...upper)) }
        }
        if let usual = usualLengths(attack) {
            found += [
                ValueRanges(usual.lowerBound...UInt16.max), ValueRanges(0...usual.upperBound), ValueRanges(usual),
            ]
        }
        return found.map { .length($0) }
    }

    /// Whether there are more samples of a length than the background brings, which has one length here and there more often
    /// than its neighbors by chance: two deviations, and two samples more.
    private func isOftener(_ count: Int, of length: UInt16, than normal: [Length]) -> Bool {
        guard count >= Self.fewestOfOneLength else { return false }
        let span = Double(2 * Self.neighbors + 1)
        let usual = normal.reduce(0) { sum, sample in
            abs(Int(sample.one) - Int(length)) <= Self.neighbors ? sum + sample.weight : sum
        }
        let expected = evidence.background * evidence.count * usual / span
        return Double(count) >= expected + 2 * expected.squareRoot() + 2
    }
    private static let fewestOfOneLength = 3
    private static let neighbors = 20

    /// Where nearly all of the attack lies, and half as much again on either side for what was not sampled.
    private func usualLengths(_ attack: [Length]) -> ClosedRange<UInt16>? {
        let values = attack.sorted { $0.one < $1.one }
        let all = values.reduce(0) { $0 + $1.weight }
        var sum = 0.0
        var lower: UInt16?
        var upper: UInt16 = 0
        for value in values {
            sum += value.weight
            if lower == nil, sum > 0.02 * all { lower = value.one }
            upper = value.one
            if sum >= 0.98 * all { break }
        }
        guard let lower, lower < upper else { return nil }
        let room = max(20, (upper - lower) / 2)
        // To tens, outwards.
        let low = lower > room + 20 ? (lower - room) / 10 * 10 : 0
        let high = upper < UInt16.max - room - 10 ? (upper + room + 9) / 10 * 10 : UInt16.max
        return low > 0 && high < 65_535 ? low...high : nil
    }

    /// The length from which on, or up to which, the most of the attack lies at the least cost. It stands in the middle of
    /// the gap between what is in and what is out, which leaves both sides as much room for what was not sampled. Nil
    /// where nothing is to be gained.
    private func threshold(_ attack: [Length], _ normal: [Length], isLower: Bool) -> UInt16? {
        var gains: [UInt16: Double] = [:]
        let price = self.price + evidence.background / (1 - evidence.background)
        for sample in attack { gains[sample.one, default: 0] += sample.weight / (1 - evidence.background) }
        for sample in normal { gains[sample.one, default: 0] -= price * sample.weight }
        // From what is surely in to what may be out.
        let steps = gains.sorted { isLower ? $0.key > $1.key : $0.key < $1.key }
        var sum = 0.0
        var best = 0.0
        var last: Int?
        for (index, step) in steps.enumerated() {
            sum += step.value
            if sum >= best { (best, last) = (sum, index) }
        }
        guard let last, last + 1 < steps.count else { return nil }
        return Self.between(steps[last].key, steps[last + 1].key)
    }

    /// A length in the middle of what is in and what is out, a round one where there is one near.
    private static func between(_ inside: UInt16, _ outside: UInt16) -> UInt16 {
        let low = min(inside, outside)
        let high = max(inside, outside)
        let middle = low + (high - low) / 2
        for step in [500, 100, 50, 10] as [UInt16] {
            let below = middle / step * step
            // The middle half of the gap.
            if below > low + (high - low) / 4 { return below }
        }
        // The greatest that is below, or the least that is above what is out.
        return inside > outside ? max(middle, low + 1) : middle
    }
}
