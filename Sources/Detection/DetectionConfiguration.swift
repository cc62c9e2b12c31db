public import NetworkTypes
public import Traffic

/// What is too much, for whom.
public struct DetectionConfiguration: Sendable {
    /// Hosts, or a whole, with thresholds of their own.
    public struct Group: Sendable, Hashable {
        public var name: String
        public var prefixes: [IPPrefix]
        /// What the thresholds are held against.
        public var measure: GroupMeasure
        /// Gaps are filled from the defaults when hosts or networks are measured.
        public var thresholds: Thresholds
        public var outgoingThresholds: Thresholds
        /// How its hosts, or itself, are held against what is normal; nil: not at all.
        public var baseline: BaselineConfiguration?

        public init(
            name: String,
            prefixes: [IPPrefix],
            measure: GroupMeasure = .host,
            thresholds: Thresholds,
            outgoingThresholds: Thresholds = Thresholds()
        ) {
            self.name = name
            self.prefixes = prefixes
            self.measure = measure
            self.thresholds = thresholds
            self.outgoingThresholds = outgoingThresholds
        }
    }

    /// For incoming traffic of hosts that are in no group.
    public var thresholds: Thresholds
    /// For what our hosts send.
    public var outgoingThresholds: Thresholds
    /// For each of the operator's networks as a whole, and for what it sends: carpet bombing.
    public var networkThresholds = Thresholds()
    public var outgoingNetworkThresholds = Thresholds()
    /// The operator's own networks, as the traffic configuration has them.
    public var networks: [IPPrefix] = []
    /// How hosts that are in no group are held against what is normal; nil: not at all.
    public var baseline: BaselineConfiguration?
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

    public func networkThresholds(_ direction: TrafficDirection) -> Thresholds {
        direction == .incoming ? networkThresholds : outgoingNetworkThresholds
    }

    /// The group that measures networks and holds a network; of several the one with the longest prefix.
    public func group(measuring network: IPPrefix) -> Group? {
        let candidates = groups.filter { $0.measure == .network }.flatMap { group in
            group.prefixes.filter { $0.contains(network) }.map { (length: $0.length, group: group) }
        }
        return candidates.max { $0.length < $1.length }?.group
    }

    /// Every class and unit that some threshold is set for, with the lowest limit.
    public var measures: [TrafficMeasure] {
        let all =
            [thresholds, outgoingThresholds, networkThresholds, outgoingNetworkThresholds]
            + groups.flatMap { [$0.thresholds, $0.outgoingThresholds] }
        return TrafficClass.allCases.flatMap { trafficClass in
            TrafficUnit.allCases.compactMap { unit in
                let floors = trafficClass == .total ? baselines.compactMap { $0.floor(unit) } : []
                return (all.compactMap { $0[trafficClass, unit] } + floors).min().map {
                    TrafficMeasure(trafficClass: trafficClass, unit: unit, lowestLimit: $0)
                }
            }
        }
    }

    /// Whether anything is held against what is normal.
    public var hasBaselines: Bool { !baselines.isEmpty }

    /// All that are set.
    var baselines: [BaselineConfiguration] { [baseline].compactMap { $0 } + groups.compactMap(\.baseline) }
}

extension DetectionConfiguration.Group {
    func thresholds(_ direction: TrafficDirection) -> Thresholds {
        direction == .incoming ? thresholds : outgoingThresholds
    }
}
