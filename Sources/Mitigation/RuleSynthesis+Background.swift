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
        var leastOfMany: Double?
        for trait in TrafficTraits.Trait.allCases {
            // Of what was seldom before, few samples say little.
            for share in traits.shares(of: trait, now, before) where share.before >= 0.2 {
                // The least of several is too little by chance.
                let seen = share.now * count + 0.5
                let deviation = (1 / seen + 1 / (share.before * normalCount)).squareRoot()
                let most = seen / count / share.before * (1 + 0.3 * deviation)
                least = min(least, most)
                if share.remotes >= 3 { leastOfMany = min(leastOfMany ?? 1, most) }
            }
        }
        // What one or two did before, a backup or a call, may have ended: only where many did as much does it tell.
        return min(leastOfMany ?? least, mostBackground)
    }

    /// What was hardly there before and is much of what comes now, by one exact value of a field. The least ratio above
    /// errs to the low side; where what is left without these is as the traffic was before, it tells how much that is.
    ///
    /// - Parameter fewestRemotes: how many there must be at the other end.
    static func novel(_ attack: [SampledPacket], _ normal: [SampledPacket], fewestRemotes: Int) -> Members {
        struct Sum {
            var now = 0.0
            var before = 0.0
            var count = 0
            var remotes: Set<IPAddress> = []
        }
        var sums: [UInt64: Sum] = [:]
        for packet in attack {
            for value in TrafficTraits.exactValues(of: packet) {
                sums[value, default: Sum()].now += packet.weight
                sums[value]?.count += 1
                if sums[value]?.remotes.count ?? 0 < 3 { sums[value]?.remotes.insert(packet.remote) }
            }
        }
        for packet in normal {
            for value in TrafficTraits.exactValues(of: packet) { sums[value]?.before += packet.weight }
        }
        // A single long flow has a port of its own: it takes several samples, or several who send.
        let values = Set(
            sums.filter {
                ($0.value.count >= 4 || $0.value.remotes.count >= 3)
                    && $0.value.now >= max(0.03, 10 * $0.value.before)
                    && $0.value.remotes.count >= fewestRemotes
            }.keys
        )
        func members(_ samples: [SampledPacket]) -> SampleSet {
            var members = SampleSet()
            for (place, sample) in samples.enumerated()
            where TrafficTraits.exactValues(of: sample).contains(where: values.contains) {
                members.insert(place)
            }
            return members
        }
        return Members(attack: members(attack), normal: members(normal))
    }

    /// Whether what a set does not hold of now is of the shape of the traffic before, but for less of the attack than need
    /// not be covered. More than chance explains must be there of something for it to be the attack's.
    ///
    /// - Parameter allowsChance: whether it may be as much more than usual as chance brings of so few samples. How much of it
    ///   is as before must not be learned from these.
    func isRestAsBefore(_ members: Members, _ coverage: Double, allowsChance: Bool = false) -> Bool {
        guard comparedCount >= RuleSynthesis.fewestSamples else { return false }
        let rest = all.subtracting(members)
        let left = weight(rest.attack)
        let before = comparedShare(of: rest)
        // Of a set that holds much of the normal traffic too, what is left says nothing.
        guard before >= 0.7, left <= Self.mostBackground, !isAboveThreshold(rest) else { return false }
        // As much as usual is as usual, though calls and downloads are others than a minute ago.
        let new = weight(rest.attack.intersection(novelOfSeveral.attack))
        if let usualShare {
            let usual = usualShare * before
            if left <= 1.1 * usual + (allowsChance ? chance(usual) : 0),
                max(new, surplus(of: rest, usualShare)) <= (1 - coverage) * (1 - left)
            {
                return true
            }
        }
        if let mostUsualShare, left > mostUsualShare * before + chance(mostUsualShare * before) { return false }
        let ratio = left / before
        let excess = max(excess(of: rest, ratio), weight(rest.attack.intersection(novel.attack)))
        let matched = weight(members.attack) - ratio * comparedShare(of: members)
        return matched > 0 && excess <= (1 - coverage) * (matched + excess)
    }

    /// What chance adds to a share of what comes now.
    private func chance(_ share: Double) -> Double { 2 * (share / count).squareRoot() }

    /// Whether a set holds more of the class whose threshold was crossed than that allows: who leaves as much has not
    /// answered the attack.
    func isAboveThreshold(_ members: Members) -> Bool {
        guard let excess else { return false }
        var (left, sum, count) = (0.0, 0.0, 0.0)
        for (place, sample) in attack.enumerated() where sample.isOf(excess.trafficClass) {
            let share = excess.unit == .bits ? sample.octetShare : sample.packetShare
            sum += share
            count += 1
            if members.attack.contains(place) { left += share }
        }
        let chance = 2 * (excess.mostLeft * (1 - excess.mostLeft) / max(count, 1)).squareRoot()
        return left > sum * (excess.mostLeft + chance)
    }

    /// How much more than usual there is in a set of what no crowd and no download brings more of, where that cannot be
    /// chance: by three deviations, and by one of the class whose threshold was crossed.
    ///
    /// - Parameter usualShare: what comes usually, as a share of what comes now.
    private func surplus(of members: Members, _ usualShare: Double) -> Double {
        Self.telling.reduce(0) { most, trafficClass in
            func share(_ members: SampleSet, _ samples: [SampledPacket]) -> Double {
                Self.samples(members, samples).reduce(0) { $1.isOf(trafficClass) ? $0 + $1.weight : $0 }
            }
            let before = share(members.normal, compared)
            let expected = usualShare * before
            let variance = expected / count + usualShare * usualShare * before / comparedCount
            let surplus = share(members.attack, attack) - expected
            let deviations = trafficClass == excess?.trafficClass ? 1.0 : 3
            return surplus > deviations * variance.squareRoot() + 1 / count ? max(most, surplus) : most
        }
    }
    private static let telling: [TrafficClass] = [.tcpSYN, .icmp, .fragments]

    /// Whether what rules in force leave may be usual, though it is more than usual now: traffic comes in bursts. It is no
    /// more than there was of it in the fullest stretch before, and next to nothing of it is new.
    func isRestUsual(_ members: Members, _ coverage: Double) -> Bool {
        guard comparedCount >= RuleSynthesis.fewestSamples, let usualShare else { return false }
        let rest = all.subtracting(members)
        guard !isAboveThreshold(rest) else { return false }
        let left = weight(rest.attack)
        let most = usualShare * burst(of: rest)
        let new = max(weight(rest.attack.intersection(novelOfSeveral.attack)), surplus(of: rest, most))
        return left <= 1.1 * most * comparedShare(of: rest) && new <= (1 - coverage) * max(0, 1 - left)
    }

    /// How many times the mean the fullest stretch before brought of a set: one as long as that of which what comes now was
    /// chosen, and so long that eight samples fall into one.
    func burst(of members: Members) -> Double {
        var sums: [Int64: Double] = [:]
        let samples = Self.samples(members.normal, compared)
        guard let first = samples.map(\.time.nanoseconds).min(), let last = samples.map(\.time.nanoseconds).max(),
            last > first
        else { return 1 }
        let duration = Double(last - first) / 1e9
        let length = max(seconds, Self.samplesOfStretch * duration / Double(samples.count))
        guard length < duration / 2 else { return 1 }
        for sample in samples {
            sums[Int64(Double(sample.time.nanoseconds - first) / 1e9 / length), default: 0] += sample.weight
        }
        let all = samples.reduce(0) { $0 + $1.weight }
        guard let most = sums.values.max(), all > 0 else { return 1 }
        return max(1, most / all * duration / length)
    }
    private static let samplesOfStretch = 8.0

    /// Whether all that comes is of the shape of the traffic before: more of the same is no attack that a rule could tell
    /// from it.
    var isAllAsBefore: Bool {
        comparedCount >= RuleSynthesis.fewestSamples && excess(of: all, 1) <= 0.05
            && weight(novel.attack) <= 0.05
    }

    /// How much there is in a set of what was seldom before, where that cannot be chance: three and a half deviations, as traffic
    /// comes in bursts.
    private func excess(of members: Members, _ ratio: Double) -> Double {
        let now = Self.samples(members.attack, attack)
        let before = Self.samples(members.normal, compared)
        return TrafficTraits.Trait.allCases.reduce(0) { most, trait in
            let sum = traits.shares(of: trait, now, before).reduce(0) { sum, share in
                let expected = ratio * share.before
                let variance = expected / count + ratio * ratio * share.before / comparedCount
                let surplus = share.now - expected
                return surplus > 3.5 * variance.squareRoot() + 1 / count ? sum + surplus : sum
            }
            return max(most, sum)
        }
    }

    static func samples(_ members: SampleSet, _ samples: [SampledPacket]) -> [SampledPacket] {
        var result: [SampledPacket] = []
        members.forEach { result.append(samples[$0]) }
        return result
    }
}

/// What traffic is sorted by to see how much of it is as before.
struct TrafficTraits {
    enum Trait: CaseIterable {
        case ipProtocol, sourcePort, destinationPort, flags, length, fragment
    }

    /// Ports of services: much of the normal traffic has them, and of several others. Not the port of one long call or
    /// download, which the next has not. Others count as one of theirs.
    private let sourcePorts: Set<UInt16>
    private let destinationPorts: Set<UInt16>

    init(_ normal: [SampledPacket]) {
        func frequent(_ port: (SampledPacket) -> UInt16?) -> Set<UInt16> {
            var users: [UInt16: (weight: Double, remotes: Set<IPAddress>)] = [:]
            for packet in normal {
                guard let port = port(packet) else { continue }
                users[port, default: (0, [])].weight += packet.weight
                users[port, default: (0, [])].remotes.insert(packet.remote)
            }
            let isService = { (port: UInt16, remotes: Int) in port < 1024 || remotes >= 3 }
            return Set(users.filter { $0.value.weight >= 0.05 && isService($0.key, $0.value.remotes.count) }.keys)
        }
        sourcePorts = frequent { $0.packet.sourcePort }
        destinationPorts = frequent { $0.packet.destinationPort }
    }

    /// Each a field with its value, within the protocol.
    static func exactValues(of sample: SampledPacket) -> [UInt64] {
        let packet = sample.packet
        func value(_ field: UInt64, _ value: UInt64) -> UInt64 { field << 56 | UInt64(packet.ipProtocol) << 32 | value }
        var values = [value(0, 0)]
        if let port = packet.sourcePort { values.append(value(1, UInt64(port))) }
        if let port = packet.destinationPort { values.append(value(2, UInt64(port))) }
        if let flags = packet.tcpFlags { values.append(value(3, UInt64(flags & 0x3F))) }
        if let type = packet.icmpType { values.append(value(4, UInt64(type) << 8 | UInt64(packet.icmpCode ?? 0))) }
        if packet.fragment != 0 { values.append(value(5, UInt64(packet.fragment))) }
        if let length = sample.exactLength { values.append(value(6, UInt64(length))) }
        return values
    }

    /// How much of what comes now, and of what came before, has a value.
    struct Share {
        var now = 0.0
        var before = 0.0
        /// What each of those at the other end had of it before.
        fileprivate var parts: [IPAddress: Double] = [:]

        /// How many at the other end with equal parts would be as many (Kish).
        var remotes: Double {
            // Sums of fractions depend on their order.
            let squares = parts.values.sorted().reduce(0) { $0 + $1 * $1 }
            return squares > 0 ? before * before / squares : 0
        }
    }

    /// For each value its shares, in a fixed order.
    func shares(of trait: Trait, _ now: [SampledPacket], _ before: [SampledPacket]) -> [Share] {
        var shares: [UInt64: Share] = [:]
        for packet in before {
            shares[value(of: trait, packet), default: Share()].before += packet.weight
            shares[value(of: trait, packet)]?.parts[packet.remote, default: 0] += packet.weight
        }
        for packet in now { shares[value(of: trait, packet), default: Share()].now += packet.weight }
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
        case .length: return ipProtocol | UInt64(packet.length < 400 ? packet.length / 100 : 4 + packet.length / 400)
        case .fragment: return ipProtocol | (packet.fragment == 0 ? 0 : 1)
        }
    }
}
