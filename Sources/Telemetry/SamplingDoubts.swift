public import NetworkTypes

/// When the sampling rates of an observation domain were last in doubt, so that people can be told of which one.
public struct SamplingDoubts: Sendable, Hashable {
    /// Neither told nor configured.
    public private(set) var missing: Timestamp?
    /// Perhaps in the wrong order of octets.
    public private(set) var swapped: Timestamp?
    /// Told, and cannot be.
    public private(set) var implausible: Timestamp?

    mutating func note(_ run: SamplingRun, at time: Timestamp) {
        if run.counting.source == .unknown { missing = time }
        if run.counting.isMaybeSwapped { swapped = time }
        if run.told.rate > SamplingPolicy.highestPlausible { implausible = time }
    }

    mutating func merge(_ other: Self) {
        missing = Self.later(missing, other.missing)
        swapped = Self.later(swapped, other.swapped)
        implausible = Self.later(implausible, other.implausible)
    }

    private static func later(_ first: Timestamp?, _ second: Timestamp?) -> Timestamp? {
        guard let first, let second else { return first ?? second }
        return max(first, second)
    }
}
