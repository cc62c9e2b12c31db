internal import Detection
internal import NetworkTypes
internal import Traffic

/// Attacks on a whole whose prefix is shorter than a rule may name.
///
/// The guard rails refuse such a rule. But where the samples show that a few longer prefixes take nearly all of the
/// attack, these are answered instead, each judged by the guard rails for itself; where it is spread more widely than
/// that, nothing narrow would help, and the refusal says so.
extension MitigationPolicy {
    /// How many parts of one prefix an attack is answered for.
    static let maximumParts = 16
    /// The share of the samples that the parts must take.
    static let partsCoverage = 0.95

    /// The prefixes to be answered for an attack.
    ///
    /// - Parameter held: prefixes that the attack has rules for already. They count towards `maximumParts`, so that an
    ///   attack that wanders does not have the whole dropped part by part.
    func targets(of attack: Attack, holding held: Set<IPPrefix>) -> [IPPrefix] {
        if case .host = attack.target { return attack.target.prefixes }
        return attack.target.prefixes.flatMap { parts(of: $0, attack, holding: held) }
    }

    private func parts(of prefix: IPPrefix, _ attack: Attack, holding held: Set<IPPrefix>) -> [IPPrefix] {
        let shortest = max(prefix.family == .ipv4 ? shortestIPv4Length : shortestIPv6Length, 1)
        guard prefix.length < shortest else { return [prefix] }
        var weights: [IPPrefix: UInt64] = [:]
        for sample in attack.samples {
            let address = attack.direction == .incoming ? sample.destination : sample.source
            guard prefix.contains(address), let part = IPPrefix(address, length: shortest) else { continue }
            let weight = attack.crossing.unit == .bits ? sample.bytes : sample.packets
            weights[part, default: 0] &+= min(weight, 1 << 50)
        }
        let total = weights.values.reduce(0) { $0 + Double($1) }
        let ranked = weights.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        var chosen: [IPPrefix] = []
        var covered = 0.0
        for (part, weight) in ranked where covered < total * Self.partsCoverage {
            chosen.append(part)
            covered += Double(weight)
        }
        let known = held.filter { prefix.contains($0) && $0.length == shortest }
        guard !chosen.isEmpty, known.union(chosen).count <= Self.maximumParts else { return [prefix] }
        return chosen.sorted()
    }
}
