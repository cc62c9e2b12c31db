import DaemonConfiguration
import Detection
import NetworkTypes
import Traffic

/// Each threshold that is set, beside the traffic that comes nearest to it.
extension DaemonResponder {
    /// The host with the most of each class but that of all traffic, for hosts of no group and for those of each.
    private func classThresholds(
        _ view: TrafficView,
        _ direction: TrafficDirection,
        attacked: [AttackTarget]
    ) -> [DoctorFacts.Threshold] {
        let detection = configuration.detection
        let defaults = direction == .incoming ? detection.thresholds : detection.outgoingThresholds
        let places = [nil] + detection.groups.indices.map { Int?.some($0) }
        return places.flatMap { place -> [DoctorFacts.Threshold] in
            let group = place.map { detection.groups[$0] }
            let own = direction == .incoming ? group?.thresholds : group?.outgoingThresholds
            let limits = group?.measure == .host ? own?.inheriting(from: defaults) ?? defaults : defaults
            return limits.all.compactMap { limit -> DoctorFacts.Threshold? in
                guard limit.trafficClass != .total,
                    let peak = view.hosts.peaks.peak(ofGroup: place, direction, limit.trafficClass, limit.unit)
                else { return nil }
                return DoctorFacts.Threshold(
                    subject: "\(peak.host)",
                    direction: direction,
                    trafficClass: limit.trafficClass,
                    unit: limit.unit,
                    limit: limit.perSecond,
                    rate: peak.rate,
                    isUnderAttack: attacked.contains(.host(peak.host))
                )
            }
        }
    }

    /// Of each direction and unit the host that is nearest to its threshold; of each class those, and the networks and groups
    /// that are judged as a whole.
    func thresholds(_ view: TrafficView, attacked: [AttackTarget]) -> [DoctorFacts.Threshold] {
        let groups = configuration.detection.groups
        let table = NetworkView(configuration.trafficConfiguration)
        var found: [DoctorFacts.Threshold] = []
        for direction in TrafficDirection.allCases {
            found += classThresholds(view, direction, attacked: attacked)
            found += networkThresholds(view, direction, attacked: attacked)
            found += groupThresholds(view, direction, attacked: attacked)
            let defaults =
                direction == .incoming ? configuration.detection.thresholds : configuration.detection.outgoingThresholds
            func own(_ group: DaemonConfiguration.Group) -> Thresholds {
                direction == .incoming ? group.thresholds : group.outgoingThresholds
            }
            for unit in TrafficUnit.allCases {
                let hosts = view.hosts.ranking(direction, by: unit).compactMap { entry -> DoctorFacts.Threshold? in
                    let index = table.groupIndex(of: entry.key.address)
                    let group = index.flatMap { groups.indices.contains($0) ? groups[$0] : nil }
                    let limits =
                        group.map { $0.measure == .host ? own($0).inheriting(from: defaults) : defaults } ?? defaults
                    guard let limit = limits[.total, unit] else { return nil }
                    return DoctorFacts.Threshold(
                        subject: "\(entry.key.address)",
                        direction: direction,
                        unit: unit,
                        limit: limit,
                        rate: entry[unit],
                        isUnderAttack: attacked.contains(.host(entry.key.address))
                    )
                }
                // Hosts under attack hide nobody who is not.
                for isUnderAttack in [false, true] {
                    let nearest = hosts.filter { $0.isUnderAttack == isUnderAttack }.max {
                        $0.rate * $1.limit < $1.rate * $0.limit
                    }
                    if let nearest { found.append(nearest) }
                }
            }
        }
        return found
    }

    /// Of each class and unit the network that is nearest to its threshold.
    private func networkThresholds(
        _ view: TrafficView,
        _ direction: TrafficDirection,
        attacked: [AttackTarget]
    ) -> [DoctorFacts.Threshold] {
        let detection = configuration.detectionConfiguration
        let defaults = detection.networkThresholds(direction)
        let rates = view.networkRates[direction == .incoming ? 0 : 1]
        let all = zip(view.networks, rates).flatMap { network, rates -> [DoctorFacts.Threshold] in
            let group = detection.group(measuring: network)
            let own = direction == .incoming ? group?.thresholds : group?.outgoingThresholds
            return (own?.inheriting(from: defaults) ?? defaults).all.map { limit in
                DoctorFacts.Threshold(
                    subject: "network \(network)",
                    direction: direction,
                    trafficClass: limit.trafficClass,
                    unit: limit.unit,
                    limit: limit.perSecond,
                    rate: rates[limit.trafficClass, limit.unit],
                    isUnderAttack: attacked.contains(.network(network))
                )
            }
        }
        let measures = Dictionary(grouping: all) {
            [$0.trafficClass.rawValue, $0.unit.index, $0.isUnderAttack ? 1 : 0]
        }
        return measures.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { _, thresholds in
            thresholds.max { $0.rate * $1.limit < $1.rate * $0.limit }
        }
    }

    private func groupThresholds(
        _ view: TrafficView,
        _ direction: TrafficDirection,
        attacked: [AttackTarget]
    ) -> [DoctorFacts.Threshold] {
        let rates = view.groupRates[direction == .incoming ? 0 : 1]
        return zip(configuration.detection.groups, rates).flatMap { group, rates -> [DoctorFacts.Threshold] in
            guard group.measure == .group else { return [] }
            let limits = direction == .incoming ? group.thresholds : group.outgoingThresholds
            return limits.all.map { limit in
                DoctorFacts.Threshold(
                    subject: "group \(group.name)",
                    direction: direction,
                    trafficClass: limit.trafficClass,
                    unit: limit.unit,
                    limit: limit.perSecond,
                    rate: rates[limit.trafficClass, limit.unit],
                    isUnderAttack: attacked.contains {
                        if case .group(group.name, _) = $0 { true } else { false }
                    }
                )
            }
        }
    }
}
