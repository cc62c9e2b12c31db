public import NetworkTypes

/// What a threshold can be given for, and peaks are recorded of: a direction, a class of traffic and a unit.
public struct PeakAspect: Sendable, Hashable {
    public var direction: TrafficDirection
    public var trafficClass: TrafficClass
    public var unit: TrafficUnit

    public init(_ direction: TrafficDirection, _ trafficClass: TrafficClass, _ unit: TrafficUnit) {
        self.direction = direction
        self.trafficClass = trafficClass
        self.unit = unit
    }

    /// Direction by direction, class by class, unit by unit. Stores name an aspect by its place in this.
    public static let all: [PeakAspect] = TrafficDirection.allCases.flatMap { direction in
        TrafficClass.allCases.flatMap { trafficClass in
            TrafficUnit.allCases.map { PeakAspect(direction, trafficClass, $0) }
        }
    }

    /// Its place in `all`.
    public var index: Int {
        let part = trafficClass.rawValue * TrafficUnit.allCases.count + unit.index
        return direction == .incoming ? part : part + TrafficClass.allCases.count * TrafficUnit.allCases.count
    }

    /// How many peaks of it are kept of an hour: of parts of the traffic fewer, as there are many of them.
    public var kept: Int { trafficClass == .total ? 8 : 4 }
}
