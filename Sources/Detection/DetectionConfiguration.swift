public import NetworkTypes
public import Traffic

/// What is too much, for whom.
public struct DetectionConfiguration: Sendable {
    /// Hosts, or a whole, with thresholds of their own.
    public struct Group: Sendable, Hashable {
        public var name: String
        public var prefixes: [IPPrefix]
        /// The thresholds are for the sum over the group, as against carpet bombing; else for each of its hosts.
        public var measuresWhole: Bool
        /// Gaps are filled from the defaults when hosts are measured.
        public var thresholds: Thresholds
        public var outgoingThresholds: Thresholds

        public init(
            name: String,
            prefixes: [IPPrefix],
            measuresWhole: Bool = false,
            thresholds: Thresholds,
            outgoingThresholds: Thresholds = Thresholds()
        ) {
            self.name = name
            self.prefixes = prefixes
            self.measuresWhole = measuresWhole
            self.thresholds = thresholds
            self.outgoingThresholds = outgoingThresholds
        }
    }

    /// For incoming traffic of hosts that are in no group.
    public var thresholds: Thresholds
    /// For what our hosts send.
    public var outgoingThresholds: Thresholds
    /// In the order of the traffic configuration's groups.
    public var groups: [Group]
    /// The share of the threshold below which an attack is quiet: over 0, at most 1.
    public var endsBelow: Double
    /// How long an attack must be quiet to be over.
    public var quietPeriod: Duration
    /// More attacks than this at a time are counted, not followed.
    public var maximumActiveAttacks: Int

    public init(
        thresholds: Thresholds,
        outgoingThresholds: Thresholds = Thresholds(),
        groups: [Group] = [],
        endsBelow: Double = 0.8,
        quietPeriod: Duration = .seconds(10),
        maximumActiveAttacks: Int = 10_000
    ) {
        self.thresholds = thresholds
        self.outgoingThresholds = outgoingThresholds
        self.groups = groups
        self.endsBelow = endsBelow
        self.quietPeriod = quietPeriod
        self.maximumActiveAttacks = maximumActiveAttacks
    }

    func thresholds(_ direction: TrafficDirection) -> Thresholds {
        direction == .incoming ? thresholds : outgoingThresholds
    }

    /// Every class and unit that some threshold is set for, with the lowest limit.
    public var measures: [TrafficMeasure] {
        let all = [thresholds, outgoingThresholds] + groups.flatMap { [$0.thresholds, $0.outgoingThresholds] }
        return TrafficClass.allCases.flatMap { trafficClass in
            TrafficUnit.allCases.compactMap { unit in
                all.compactMap { $0[trafficClass, unit] }.min().map {
                    TrafficMeasure(trafficClass: trafficClass, unit: unit, lowestLimit: $0)
                }
            }
        }
    }
}

extension DetectionConfiguration.Group {
    func thresholds(_ direction: TrafficDirection) -> Thresholds {
        direction == .incoming ? thresholds : outgoingThresholds
    }
}
