internal import NetworkTypes
internal import Traffic

/// The thresholds of everything that is judged, inherited and resolved to where their measures stand.
struct LimitTable: Sendable {
    /// The operator's networks in the order of their indices.
    let networks: [IPPrefix]
    /// By direction, then by group plus one; 0 for hosts in no group.
    private let hosts: [[[RateJudge.Limit]]]
    /// By direction, then by group.
    private let groups: [[[RateJudge.Limit]]]
    /// By direction, then by network.
    private let nets: [[[RateJudge.Limit]]]
    /// By group and by network, from 1: what lies in another is less wide than it.
    private let groupWidths: [Int]
    private let networkWidths: [Int]
    /// By group plus one, by group, and by network.
    private let hostBaselines: [BaselineConfiguration?]
    private let groupBaselines: [BaselineConfiguration?]
    private let networkBaselines: [BaselineConfiguration?]

    init(_ configuration: DetectionConfiguration, measures: [TrafficMeasure]) {
        func limits(_ thresholds: Thresholds, own: Thresholds?, group: String?) -> [RateJudge.Limit] {
            thresholds.all.compactMap { entry in
                guard
                    let measure = measures.firstIndex(where: {
                        $0.trafficClass == entry.trafficClass && $0.unit == entry.unit
                    })
                else { return nil }
                let isOwn = own?[entry.trafficClass, entry.unit] != nil
                return RateJudge.Limit(
                    measure: measure,
                    trafficClass: entry.trafficClass,
                    unit: entry.unit,
                    perSecond: entry.perSecond,
                    group: isOwn ? group : nil
                )
            }
        }
        func limits(
            of group: DetectionConfiguration.Group?,
            _ direction: TrafficDirection,
            else defaults: Thresholds
        ) -> [RateJudge.Limit] {
            guard let group else { return limits(defaults, own: nil, group: nil) }
            let own = group.thresholds(direction)
            return limits(own.inheriting(from: defaults), own: own, group: group.name)
        }
        let directions = [TrafficDirection.incoming, .outgoing]
        let networks = NetworkView(TrafficConfiguration(networks: configuration.networks)).networkPrefixes
        self.networks = networks
        groupWidths = configuration.groups.map { Self.width(of: $0.prefixes) }
        networkWidths = networks.map { Self.width(of: [$0]) }
        let usual = configuration.baseline
        hostBaselines = [usual] + configuration.groups.map { $0.measure == .host ? $0.baseline : usual }
        groupBaselines = configuration.groups.map { $0.measure == .group ? $0.baseline : nil }
        networkBaselines = networks.map { configuration.group(measuring: $0)?.baseline }
        hosts = directions.map { direction in
            let groups = [nil] + configuration.groups.map { $0.measure == .host ? $0 : nil }
            return groups.map { limits(of: $0, direction, else: configuration.thresholds(direction)) }
        }
        groups = directions.map { direction in
            configuration.groups.map { group in
                group.measure == .group ? limits(of: group, direction, else: Thresholds()) : []
            }
        }
        nets = directions.map { direction in
            networks.map { network in
                let group = configuration.group(measuring: network)
                return limits(of: group, direction, else: configuration.networkThresholds(direction))
            }
        }
    }

    /// The limits of what a key stands for.
    ///
    /// - Parameter group: of a host, the index of its group; -1 for none.
    func limits(for key: TrafficKey, group: Int) -> [RateJudge.Limit] {
        let direction = key.direction == .incoming ? 0 : 1
        switch key.scope {
        case .hostIncoming, .hostOutgoing:
            let row = hosts[direction]
            return row[row.indices.contains(group + 1) ? group + 1 : 0]
        case .groupIncoming, .groupOutgoing:
            let row = groups[direction]
            return row.indices.contains(key.index) ? row[key.index] : []
        case .networkIncoming, .networkOutgoing:
            let row = nets[direction]
            return row.indices.contains(key.index) ? row[key.index] : []
        case .other:
            return []
        }
    }

    /// By the shortest prefix, and of those that have the same by how many there are.
    private static func width(of prefixes: [IPPrefix]) -> Int {
        let shortest = prefixes.map { $0.family.bitWidth - $0.length }.max() ?? 0
        return 1 + shortest * 65_536 + min(prefixes.count, 65_535)
    }

    /// Of a host 0; what lies in another network or group is less wide than it.
    func width(of key: TrafficKey) -> Int {
        switch key.scope {
        case .hostIncoming, .hostOutgoing, .other: 0
        case .networkIncoming, .networkOutgoing:
            networkWidths.indices.contains(key.index) ? networkWidths[key.index] : 1
        case .groupIncoming, .groupOutgoing: groupWidths.indices.contains(key.index) ? groupWidths[key.index] : 1
        }
    }

    /// In seconds; 0 where nothing is held against what is normal.
    var shortestLearningTime: Double {
        let all = (hostBaselines + groupBaselines + networkBaselines).compactMap { $0 }
        return all.map(\.learningTime.inSeconds).min() ?? 0
    }

    /// How what a key stands for is held against what is normal; nil: not at all, as what is sent never is.
    func baseline(for key: TrafficKey, group: Int) -> BaselineConfiguration? {
        switch key.scope {
        case .hostIncoming: hostBaselines[hostBaselines.indices.contains(group + 1) ? group + 1 : 0]
        case .groupIncoming: groupBaselines.indices.contains(key.index) ? groupBaselines[key.index] : nil
        case .networkIncoming: networkBaselines.indices.contains(key.index) ? networkBaselines[key.index] : nil
        case .hostOutgoing, .groupOutgoing, .networkOutgoing, .other: nil
        }
    }
}
