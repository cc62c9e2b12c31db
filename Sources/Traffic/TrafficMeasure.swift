public import NetworkTypes

/// A class and unit that some threshold is set for, and the lowest limit set: what a history is kept of.
public struct TrafficMeasure: Sendable, Hashable {
    public var trafficClass: TrafficClass
    public var unit: TrafficUnit
    /// Per second.
    public var lowestLimit: Double

    public init(trafficClass: TrafficClass, unit: TrafficUnit, lowestLimit: Double) {
        self.trafficClass = trafficClass
        self.unit = unit
        self.lowestLimit = lowestLimit
    }
}
