/// Rates per second that traffic must exceed to count as an attack, one for each class and unit that is judged.
public struct Thresholds: Sendable, Hashable {
    /// Indexed by class, then unit; nil where nothing is judged.
    private var limits: [Double?]

    /// No thresholds: nothing is judged.
    public init() {
        limits = Array(repeating: nil, count: TrafficClass.allCases.count * TrafficUnit.allCases.count)
    }

    private static func index(_ trafficClass: TrafficClass, _ unit: TrafficUnit) -> Int {
        trafficClass.rawValue * TrafficUnit.allCases.count + unit.index
    }

    /// The limit in `unit` per second; nil when this class and unit are not judged.
    public subscript(trafficClass: TrafficClass, unit: TrafficUnit) -> Double? {
        get { limits[Self.index(trafficClass, unit)] }
        set { limits[Self.index(trafficClass, unit)] = newValue }
    }

    public var isEmpty: Bool { limits.allSatisfy { $0 == nil } }

    /// These thresholds with the gaps filled from `parent`: groups inherit what they do not set.
    public func inheriting(from parent: Thresholds) -> Thresholds {
        var result = self
        for index in limits.indices where result.limits[index] == nil { result.limits[index] = parent.limits[index] }
        return result
    }

    /// The limits that are set, in the order of the classes and units.
    public var all: [(trafficClass: TrafficClass, unit: TrafficUnit, perSecond: Double)] {
        TrafficClass.allCases.flatMap { trafficClass in
            TrafficUnit.allCases.compactMap { unit in self[trafficClass, unit].map { (trafficClass, unit, $0) } }
        }
    }
}
