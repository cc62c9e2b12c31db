internal import FlowSpec
internal import NetworkTypes

/// How much of what comes during an attack is what would have come without it.
extension SampleEvidence {
    /// The greatest share of the traffic of now that can be as before: nothing that was there before may be there less
    /// often than that. Where both are of one shape it is all.
    static func background(
        _ now: [SampledPacket],
        _ before: [SampledPacket],
        _ traits: TrafficTraits,
        _ count: Double,
        _ normalCount: Double
    ) -> Double {
        var least = 1.0
        for trait in TrafficTraits.Trait.allCases {
            // Of what was seldom before, few samples say little.
            for share in traits.shares(of: trait, now, before) where share.before >= 0.2 {
                // The least of several is too little by chance.
                let seen = share.now * count + 0.5
                let deviation = (1 / seen + 1 / (share.before * normalCount)).squareRoot()
                least = min(least, seen / count / share.before * (1 + 0.3 * deviation))
            }
        }
        return min(least, mostBackground)
    }

    /// Whether what a set does not hold of now is of the shape of the traffic before, but for less of the attack than need
    /// not be covered. More than chance explains must be there of something for it to be the attack's.
    func isRestAsBefore(_ members: Members, _ coverage: Double) -> Bool {
        guard normalCount >= RuleSynthesis.fewestSamples else { return false }
        let rest = all.subtracting(members)
        let left = Self.weight(rest.attack, attack)
        let before = normalShare(of: rest)
        // Of a set that holds much of the normal traffic too, what is left says nothing.
        guard before >= 0.7, left <= Self.mostBackground else { return false }
        let ratio = left / before
        let excess = excess(of: rest, ratio)
        let matched = Self.weight(members.attack, attack) - ratio * normalShare(of: members)
        return matched > 0 && excess <= (1 - coverage) * (matched + excess)
    }

    /// Whether all that comes is of the shape of the traffic before: more of the same is no attack that a rule could tell
    /// from it.
    var isAllAsBefore: Bool {
        normalCount >= RuleSynthesis.fewestSamples && excess(of: all, 1) <= 0.05
    }

    /// How much there is in a set of what was seldom before, where that cannot be chance (two and a half deviations).
    private func excess(of members: Members, _ ratio: Double) -> Double {
        let now = Self.samples(members.attack, attack)
        let before = Self.samples(members.normal, normal)
        return TrafficTraits.Trait.allCases.reduce(0) { most, trait in
            let sum = traits.shares(of: trait, now, before).reduce(0) { sum, share in
                let expected = ratio * share.before
                let variance = expected / count + ratio * ratio * share.before / normalCount
                let surplus = share.now - expected
                return surplus > 2.5 * variance.squareRoot() + 1 / count ? sum + surplus : sum
            }
            return max(most, sum)
        }
    }

    static func samples(_ members: UInt128, _ samples: [SampledPacket]) -> [SampledPacket] {
        var result: [SampledPacket] = []
        var left = members
        while left != 0 {
            result.append(samples[left.trailingZeroBitCount])
            left &= left - 1
        }
        return result
    }
}

/// What traffic is sorted by to see how much of it is as before.
struct TrafficTraits {
    enum Trait: CaseIterable {
        case ipProtocol, sourcePort, destinationPort, flags, length, fragment
    }

    /// Ports that much of the normal traffic has; others count as one of theirs.
    private let sourcePorts: Set<UInt16>
    private let destinationPorts: Set<UInt16>

    init(_ normal: [SampledPacket]) {
        func frequent(_ port: (SampledPacket) -> UInt16?) -> Set<UInt16> {
            var weights: [UInt16: Double] = [:]
            for packet in normal { if let port = port(packet) { weights[port, default: 0] += packet.weight } }
            return Set(weights.filter { $0.value >= 0.05 }.keys)
        }
        sourcePorts = frequent { $0.packet.sourcePort }
        destinationPorts = frequent { $0.packet.destinationPort }
    }

    /// For each value, its share of the one and of the other, in a fixed order.
    func shares(of trait: Trait, _ now: [SampledPacket], _ before: [SampledPacket]) -> [(now: Double, before: Double)] {
        var shares: [UInt64: (now: Double, before: Double)] = [:]
        for packet in before { shares[value(of: trait, packet), default: (0, 0)].before += packet.weight }
        for packet in now { shares[value(of: trait, packet), default: (0, 0)].now += packet.weight }
        // Sums of fractions depend on their order.
        return shares.sorted { $0.key < $1.key }.map(\.value)
    }

    private func value(of trait: Trait, _ sample: SampledPacket) -> UInt64 {
        let packet = sample.packet
        let ipProtocol = UInt64(packet.ipProtocol) << 32
        func port(_ port: UInt16?, _ frequent: Set<UInt16>) -> UInt64 {
            guard let port else { return 0xFFFF_FFFF }
            return frequent.contains(port) ? UInt64(port) : port < 1024 ? 0x1_0000 : 0x2_0000
        }
        switch trait {
        case .ipProtocol: return ipProtocol
        case .sourcePort: return ipProtocol | port(packet.sourcePort, sourcePorts)
        case .destinationPort: return ipProtocol | port(packet.destinationPort, destinationPorts)
        case .flags: return ipProtocol | UInt64(packet.tcpFlags ?? 0)
        case .length: return ipProtocol | UInt64(packet.length / 400)
        case .fragment: return ipProtocol | (packet.fragment == 0 ? 0 : 1)
        }
    }
}
