internal import NetworkTypes

/// What was let go not long ago: an attack that comes back at once is banned for longer.
struct BanHistory: Sendable {
    private struct Past: Sendable {
        var ban: Duration
        var ended: Timestamp
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

    /// A rule against an attack is gone.
    mutating func note(_ target: IPPrefix, ban: Duration, _ policy: MitigationPolicy, at time: Timestamp) {
        guard let backoff = policy.banBackoff else { return }
        if past.count >= Self.maximumTargets, past[target] == nil {
            past = past.filter { time - $0.value.ended <= backoff.within }
            // As many within so short a time: those that are to be forgotten next give way.
            if past.count >= Self.maximumTargets {
                let latest = past.sorted { $0.value.ended > $1.value.ended }.prefix(Self.maximumTargets / 2)
                past = Dictionary(uniqueKeysWithValues: latest.map { ($0.key, $0.value) })
            }
        }
        // Of several rules for one target the longest counts, until they have been gone for long.
        if let former = past[target], time - former.ended <= .seconds(1) {
            past[target] = Past(ban: max(ban, former.ban), ended: time)
        } else {
            past[target] = Past(ban: ban, ended: time)
        }
    }
}

extension Int64 {
    fileprivate func scaled(by factor: Double) -> Int64 {
        let product = Double(self) * factor
        return product >= 9.2e18 ? .max : Int64(product)
    }
}
