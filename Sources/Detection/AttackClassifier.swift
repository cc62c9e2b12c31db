internal import NetworkTypes
internal import Traffic

/// Tells what an attack is made of.
///
/// Each sample is of the kind that its protocol, flags and ports say. A kind of which much more comes than usual is a vector
/// of the attack; the rest is the target's own traffic. What rides on a service's port is an amplification only where its
/// answers are as long, and come from as many servers, as those of a flood do.
struct AttackClassifier {
    let crossing: ThresholdCrossing
    let counters: TrafficCounters
    let direction: TrafficDirection
    /// Of all traffic of the target, in the unit that counts.
    let rate: Double
    let normal: EarlierTraffic

    init(
        _ crossing: ThresholdCrossing,
        _ rates: TrafficRates,
        _ counters: TrafficCounters,
        _ direction: TrafficDirection,
        _ normal: EarlierTraffic
    ) {
        self.crossing = crossing
        self.counters = counters
        self.direction = direction
        self.normal = normal
        let known = rates[.total, crossing.unit == .bits ? .bits : .packets]
        rate = crossing.unit == .flows ? known : max(known, crossing.rate)
    }

    /// The share of what is unusual that a kind must have to be a vector.
    static let smallestShare = 0.05
    /// With fewer samples than this the counters are asked.
    private static let fewSamples = 4
    static let maximumVectors = 8

    /// Bits count in packets unless it was bits that were too many.
    private var unit: TrafficUnit { crossing.unit == .bits ? .bits : .packets }

    private func weight(_ sample: TrafficSample) -> Double {
        unit == .bits ? Double(sample.bytes) * 8 : Double(sample.packets)
    }

    /// Whether there is enough to name an attack anew that was named from other samples: the stragglers of an export come
    /// seconds after the rest, and say nothing of what the whole is made of.
    func knowsMore(from samples: [TrafficSample], than earlier: [TrafficSample]) -> Bool {
        if samples.count >= Self.fewSamples { return true }
        return earlier.count < Self.fewSamples && counters.sum(.total, unit) > 0
    }

    /// The vectors, at least one: first those of the class whose threshold was crossed, the largest share first.
    func vectors(of samples: [TrafficSample]) -> [AttackVector] {
        guard samples.count >= Self.fewSamples else { return [byCounters(samples)] }
        var usual = Self.kinds(of: normal.samples)
        var present = Self.kinds(of: samples)
        settleDoubts(&present, &usual)
        let total = samples.reduce(0) { $0 + weight($1) }
        guard total > 0 else { return [byCounters(samples)] }
        let seconds = normal.duration.inSeconds
        var found: [(vector: AttackVector, excess: Double)] = []
        for kind in AttackKind.allCases {
            guard let own = present[kind] else { continue }
            let share = own.reduce(0) { $0 + weight($1) } / total
            let now = share * rate
            let before = seconds > 0 ? (usual[kind] ?? []).reduce(0) { $0 + weight($1) } / seconds : 0
            let vector = AttackVector(kind: kind, share: share, samples: own)
            found.append((vector, now < 2 * before ? 0 : now - 1.5 * before))
        }
        // More of the same: then all there is, is too much.
        if found.allSatisfy({ $0.excess <= 0 }) {
            for index in found.indices { found[index].excess = found[index].vector.share }
        }
        let excess = found.reduce(0) { $0 + $1.excess }
        var vectors = found.filter { $0.excess / excess >= Self.smallestShare && isFirm($0.vector) }.map(\.vector)
        if !vectors.contains(where: isOfClass) { vectors.append(ofClass(in: found.map(\.vector), samples)) }
        vectors.sort { rank($0) > rank($1) }
        return Array(vectors.prefix(Self.maximumVectors))
    }

    /// A sample or two may be of anything.
    private func isFirm(_ vector: AttackVector) -> Bool { vector.samples.count >= 3 || vector.share >= 0.3 }

    private func rank(_ vector: AttackVector) -> (Int, Double, String) {
        (isOfClass(vector) ? 1 : 0, vector.share, vector.kind.rawValue)
    }

    // MARK: The class that was crossed

    private func isOfClass(_ vector: AttackVector) -> Bool {
        switch crossing.trafficClass {
        case .total: true
        case .tcp:
            [.synFlood, .synACKReflection, .ackFlood, .rstFlood, .tcpNullFlood, .tcpXmasFlood].contains(vector.kind)
        case .tcpSYN: vector.kind == .synFlood
        case .udp: vector.kind == .udpFlood || vector.kind.family == .udpFlood
        case .icmp: vector.kind == .icmpFlood
        case .fragments: vector.kind == .fragmentFlood
        }
    }

    /// The class whose own threshold was crossed is what the attack is, however little the samples say of it.
    private func ofClass(in found: [AttackVector], _ samples: [TrafficSample]) -> AttackVector {
        let kind: AttackKind =
            switch crossing.trafficClass {
            case .total, .tcp: .flood
            case .tcpSYN: .synFlood
            case .udp: .udpFlood
            case .icmp: .icmpFlood
            case .fragments: .fragmentFlood
            }
        if crossing.trafficClass == .total, let all = found.max(by: { $0.share < $1.share }) { return all }
        let own = found.first { $0.kind == kind }
        return own ?? AttackVector(kind: kind, share: share(of: crossing.trafficClass), samples: [])
    }

    private func share(of trafficClass: TrafficClass) -> Double {
        let total = counters.sum(.total, unit)
        return total > 0 ? counters.sum(trafficClass, unit) / total : 0
    }

    /// From the counters of the window, where samples say too little.
    private func byCounters(_ samples: [TrafficSample]) -> AttackVector {
        let candidates: [(kind: AttackKind, trafficClass: TrafficClass)] = [
            (.udpFlood, .udp), (.synFlood, .tcpSYN), (.icmpFlood, .icmp), (.fragmentFlood, .fragments),
        ]
        if let own = candidates.first(where: { $0.trafficClass == crossing.trafficClass }) {
            return AttackVector(kind: own.kind, share: share(of: own.trafficClass), samples: samples)
        }
        let best = candidates.max { share(of: $0.trafficClass) < share(of: $1.trafficClass) }
        guard let best, share(of: best.trafficClass) >= 0.6 else {
            return AttackVector(kind: .flood, share: 1, samples: samples)
        }
        return AttackVector(kind: best.kind, share: share(of: best.trafficClass), samples: samples)
    }

    // MARK: Kinds of samples

    private typealias Kinds = [AttackKind: [TrafficSample]]

    private static func kinds(of samples: [TrafficSample]) -> Kinds { Dictionary(grouping: samples) { kind(of: $0) } }

    /// What a sample looks like by itself.
    static func kind(of sample: TrafficSample) -> AttackKind {
        // A first fragment has ports, and may be of a longer answer.
        if sample.isFragment, sample.sourcePort == 0 || AmplificationService.at(sample.sourcePort) == nil {
            return .fragmentFlood
        }
        switch sample.ipProtocol {
        case .udp: return AmplificationService.at(sample.sourcePort)?.kind ?? .udpFlood
        case .icmp, .icmpv6: return .icmpFlood
        case .gre: return .greFlood
        case .tcp: return kind(ofTCP: sample)
        default: return .flood
        }
    }

    private static func kind(ofTCP sample: TrafficSample) -> AttackKind {
        let flags = sample.tcpFlags.subtracting([.ece, .cwr])
        if flags.isEmpty { return .tcpNullFlood }
        if flags.isSuperset(of: [.fin, .psh, .urg]) { return .tcpXmasFlood }
        if flags.isConnectionAttempt { return .synFlood }
        // A service answers from its port to one of many. A flow of a client that sent no more than a handshake has the
        // same flags, with the ports the other way round.
        if flags == [.syn, .ack] {
            return sample.sourcePort < 1024 || sample.sourcePort < sample.destinationPort ? .synACKReflection : .flood
        }
        if flags.contains(.rst), flags.isSubset(of: [.rst, .ack]) { return .rstFlood }
        return flags.contains(.ack) && flags.isSubset(of: [.ack, .psh]) ? .ackFlood : .flood
    }

    /// Takes back what only looks like an attack of its kind.
    private func settleDoubts(_ present: inout Kinds, _ usual: inout Kinds) {
        func move(_ kind: AttackKind, to other: AttackKind) {
            if let samples = present.removeValue(forKey: kind) { present[other, default: []] += samples }
            if let samples = usual.removeValue(forKey: kind) { usual[other, default: []] += samples }
        }
        let total = max(1, present.values.joined().reduce(0) { $0 + weight($1) })
        let all = normal.samples.reduce(0) { $0 + weight($1) }
        for service in AmplificationService.all {
            guard let own = present[service.kind] else { continue }
            let before = (usual[service.kind] ?? []).reduce(0) { $0 + weight($1) }
            let share = own.reduce(0) { $0 + weight($1) } / total
            // Who gets much of it every day is a resolver, or another customer of the service.
            let isUsual =
                all > 0 && normal.duration > .zero
                && share * rate < 3 * before / normal.duration.inSeconds
            if isUsual || !isFlood(own, of: service) { move(service.kind, to: .udpFlood) }
        }
        if let own = present[.ackFlood], own.count >= 8, meanLength(own) > 200, peers(own) < 8 {
            // A few who send full packets: a download, a backup, a speed test.
            move(.ackFlood, to: .flood)
        }
        if let own = present[.tcpNullFlood], meanLength(own) > 80 || usual[.tcpNullFlood] != nil {
            // The exporter does not tell flags.
            move(.tcpNullFlood, to: .flood)
        }
    }

    private func isFlood(_ samples: [TrafficSample], of service: AmplificationService) -> Bool {
        guard meanLength(samples) >= service.length else { return false }
        // From ourselves there is one server, which then floods few.
        if direction == .outgoing { return service.servers == 1 || peers(samples) <= 20 }
        return peers(samples) >= service.servers
    }

    private func meanLength(_ samples: [TrafficSample]) -> Double {
        let packets = samples.reduce(0) { $0 + Double($1.packets) }
        return samples.reduce(0) { $0 + Double($1.bytes) } / max(1, packets)
    }

    /// How many there are at the other end, those counting less that send little.
    private func peers(_ samples: [TrafficSample]) -> Double {
        var weights: [IPAddress: Double] = [:]
        for sample in samples {
            weights[direction == .incoming ? sample.source : sample.destination, default: 0] += weight(sample)
        }
        // Sorted, as the sum of fractions depends on their order.
        let sorted = weights.values.sorted()
        let sum = sorted.reduce(0, +)
        let squares = sorted.reduce(0) { $0 + $1 * $1 }
        return squares > 0 ? sum * sum / squares : 0
    }
}
