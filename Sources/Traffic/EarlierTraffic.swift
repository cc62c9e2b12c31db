internal import NetworkTypes

/// What a target's traffic looked like in the minutes before an attack.
public struct EarlierTraffic: Sendable, Hashable {
    /// The shares of their amounts are those of the traffic; their exporters are not known. The latest first.
    public var samples: [TrafficSample]
    /// The time in which the amounts of the samples came.
    public var duration: Duration

    public init(samples: [TrafficSample] = [], duration: Duration = .zero) {
        self.samples = samples
        self.duration = duration
    }
}
