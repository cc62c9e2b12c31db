/// Rates per second for every class and unit.
public struct TrafficRates: Sendable, Hashable {
    private var values: [Double]

    /// All zero.
    public init() {
        values = Array(repeating: 0, count: TrafficClass.allCases.count * TrafficUnit.allCases.count)
    }

    public subscript(trafficClass: TrafficClass, unit: TrafficUnit) -> Double {
        get { values[trafficClass.rawValue * TrafficUnit.allCases.count + unit.index] }
        set { values[trafficClass.rawValue * TrafficUnit.allCases.count + unit.index] = newValue }
    }

    /// The higher of both, each rate by itself.
    public func maximum(_ other: TrafficRates) -> TrafficRates {
        var result = self
        for index in values.indices { result.values[index] = max(values[index], other.values[index]) }
        return result
    }
}
