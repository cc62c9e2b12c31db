internal import NetworkTypes

/// What was let go not long ago: an attack that comes back at once is banned for longer, and its rules are eased later.
struct BanHistory: Sendable {
    private struct Past: Sendable {
        var ban: Duration
        var ended: Timestamp
        var failedProbes: UInt8
        /// Until when a rule would have stood that a probe had withdrawn.
        var wouldStand: Timestamp?

        /// For how long after its end it matters.
        func memory(_ policy: MitigationPolicy) -> Duration {
            let probed = policy.probe == nil ? .zero : max(ban, (wouldStand ?? ended) - ended)
            return max(policy.banBackoff?.within ?? .zero, probed)
        }
    }

    private var past: [IPPrefix: Past] = [:]
    static let maximumTargets = 20_000

    /// How long the rules against an attack on a target that begins now stay at least.
    func banTime(for target: IPPrefix, _ policy: MitigationPolicy, at time: Timestamp) -> Duration {
        guard let backoff = policy.banBackoff, let past = past[target], time - past.ended <= backoff.within else {
            return policy.banTime
        }
        let longer = past.ban.nanoseconds.scaled(by: backoff.factor)
        return max(policy.banTime, min(.nanoseconds(longer), backoff.longest))
    }

    /// How often it was wrong to ease the rules against attacks on a target, for one that begins now. A probe that showed no
    /// attack was wrong too where one is back while the rule would still stand.
    func failedProbes(for target: IPPrefix, _ policy: MitigationPolicy, at time: Timestamp) -> UInt8 {
        guard policy.probe != nil, let past = past[target], time - past.ended <= past.memory(policy) else { return 0 }
        let isBackEarly = past.wouldStand.map { time < $0 } ?? false
        return min(past.failedProbes + (isBackEarly ? 1 : 0), Probes.mostFailures)
    }

    /// A rule against an attack is gone.
    ///
    /// - Parameter isProbed: whether a probe showed no attack.
    mutating func note(_ entry: LedgerEntry, isProbed: Bool, _ policy: MitigationPolicy, at time: Timestamp) {
        guard policy.banBackoff != nil || policy.probe != nil else { return }
        let target = entry.target
        if past.count >= Self.maximumTargets, past[target] == nil {
            past = past.filter { time - $0.value.ended <= $0.value.memory(policy) }
            // As many within so short a time: those that are to be forgotten next give way.
            if past.count >= Self.maximumTargets {
                let latest = past.sorted { $0.value.ended > $1.value.ended }.prefix(Self.maximumTargets / 2)
                past = Dictionary(uniqueKeysWithValues: latest.map { ($0.key, $0.value) })
            }
        }
        var gone = Past(
            ban: entry.banTime ?? policy.banTime,
            ended: time,
            failedProbes: min(entry.failedProbes, Probes.mostFailures),
            wouldStand: isProbed && entry.expires > time ? entry.expires : nil
        )
        // Of several rules for one target the longest counts, until they have been gone for long.
        if let former = past[target], time - former.ended <= .seconds(1) {
            gone.ban = max(gone.ban, former.ban)
            gone.failedProbes = max(gone.failedProbes, former.failedProbes)
            gone.wouldStand = [gone.wouldStand, former.wouldStand].compactMap { $0 }.max()
        }
        past[target] = gone
    }
}

extension Int64 {
    fileprivate func scaled(by factor: Double) -> Int64 {
        let product = Double(self) * factor
        return product >= 9.2e18 ? .max : Int64(product)
    }
}
