internal import NetworkTypes
public import Traffic

/// What comes to the target of an attack now, whether or not that is above a threshold.
///
/// What an attack is called, and what rules are made from, are samples of when it was above one: of an attack that is held
/// what is left says nothing. Whether it is held only what is left can say.
public struct PresentTraffic: Sendable, Hashable {
    /// The latest first; at most `Attack.maximumSamples`.
    public var samples: [TrafficSample]
    /// The time in which what they stand for came; zero where only the shares of their amounts mean something, as of flows,
    /// which are told of late.
    public var duration: Duration

    public init(samples: [TrafficSample] = [], duration: Duration = .zero) {
        self.samples = samples
        self.duration = duration
    }

    /// Where there are fewer in a second, those of so long are looked at.
    static let longest = Duration.seconds(4)
    /// Of flows those that were told of within so long.
    static let longestOfFlows = Duration.seconds(5)
    static let enough = 96.0
}
