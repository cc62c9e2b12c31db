internal import NetworkTypes

/// When traffic is too far from what is normal for a host.
public struct BaselineConfiguration: Sendable, Hashable {
    /// How many times the normal is too much: over 1.
    public var factor: Double
    /// What is never too much, in packets and bits per second, however little is normal.
    public var packetsFloor: Double
    public var bitsFloor: Double
    /// How long a host must have been learnt before it is judged, counted in minutes with traffic.
    public var learningTime: Duration

    public init(
        factor: Double = 5,
        packetsFloor: Double = 5_000,
        bitsFloor: Double = 50e6,
        learningTime: Duration = .seconds(86_400)
    ) {
        self.factor = factor
        self.packetsFloor = packetsFloor
        self.bitsFloor = bitsFloor
        self.learningTime = learningTime
    }

    /// Nil for what is not held against a baseline.
    func floor(_ unit: TrafficUnit) -> Double? {
        switch unit {
        case .packets: packetsFloor
        case .bits: bitsFloor
        case .flows: nil
        }
    }
}
