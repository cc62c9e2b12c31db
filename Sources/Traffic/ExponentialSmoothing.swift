internal import NetworkTypes

/// An exponential moving average over seconds, as FastNetMon has it: `avg = speed + e^(-t / T) * (avg - speed)`, where
/// `t` is the time since the last step and `T` the time constant.
public struct ExponentialSmoothing: Sendable, Hashable {
    /// What `average_calculation_time` is there.
    public let timeConstant: Duration
    /// How much of the average is left after a second.
    public let decayOfSecond: Double

    public init(timeConstant: Duration) {
        self.timeConstant = max(timeConstant, .milliseconds(100))
        decayOfSecond = Self.decay(1 / self.timeConstant.inSeconds)
    }

    /// How much of the average is left after a part of a second.
    public func decay(after seconds: Double) -> Double { Self.decay(max(0, seconds) / timeConstant.inSeconds) }

    /// e to the power of minus `exponent`: by its series near zero, and squared as often as it was halved.
    private static func decay(_ exponent: Double) -> Double {
        let near = min(exponent, 700) / 1024
        var result = 1 - near * (1 - near / 2 * (1 - near / 3 * (1 - near / 4)))
        for _ in 0..<10 { result *= result }
        return result
    }
}

/// An average, and what it rests on.
public struct SmoothedRate: Sendable, Hashable {
    /// Per second.
    public var rate: Double
    /// How much of what was counted, each at its full weight, would be as sure: what is old weighs little and tells
    /// little.
    public var evidence: Double
}
