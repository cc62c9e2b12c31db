public import NetworkTypes
internal import Traffic

/// How many have a baseline.
public struct BaselineCounts: Sendable, Hashable {
    /// Whether anything is held against what is normal at all.
    public var isEnabled = false
    /// Hosts, networks and groups of which something is learnt.
    public var held = 0
    /// Those of them of which enough is.
    public var learnt = 0
    /// How many may be held.
    public var limit = BaselineTable.maximumHosts
    /// For how many there was no room, within a minute.
    public var refused = 0

    public init() {}
}

/// What is normal for a host, network or group now, and what follows from it.
public struct BaselineStanding: Sendable, Hashable {
    public struct Level: Sendable, Hashable {
        public var unit: TrafficUnit
        /// Per second, at this hour of the week.
        public var normal: Double
        /// Above it is an alarm; nil until enough is learnt.
        public var limit: Double?
        /// The fixed threshold, which counts beside it.
        public var threshold: Double?
    }

    public var target: AttackTarget
    /// Minutes with traffic that were learnt, and how many there must be.
    public var minutes: UInt32
    public var needed: UInt32
    public var levels: [Level]

    public var isJudged: Bool { minutes >= needed }
}

/// What was learnt, for those who ask.
extension Detector {
    public var baselineCounts: BaselineCounts {
        var counts = BaselineCounts()
        guard let baselines else { return counts }
        counts.isEnabled = true
        counts.held = baselines.entries.count
        // Of a group's own patience nothing is known here: the shortest that is set.
        let needed = UInt32(limits.shortestLearningTime / 60)
        counts.learnt = baselines.entries.count { $0.baseline.minutes >= needed && $0.baseline.isKnown }
        counts.refused = baselines.unlearned
        return counts
    }

    /// How a host, network or group stands; nil where nothing is learnt of it.
    ///
    /// - Parameter group: the index of a host's group.
    public func baselineStanding(of target: AttackTarget, group: Int? = nil, at time: Timestamp) -> BaselineStanding? {
        guard let key = key(of: target, isIncoming: true), let entry = baselines?.entry(of: key) else { return nil }
        return standing(entry, target, group: group, at: time)
    }

    /// All hosts, networks and groups that are asked for, those with most bits first.
    ///
    /// - Parameters:
    ///   - group: the index of a host's group.
    ///   - isWanted: of a target, and of a host its group's index.
    public func baselineStandings(
        at time: Timestamp,
        group: (IPAddress) -> Int?,
        where isWanted: (AttackTarget, Int?) -> Bool
    ) -> [BaselineStanding] {
        let all = (baselines?.entries ?? []).compactMap { entry -> BaselineStanding? in
            guard let target = target(of: entry.key) else { return nil }
            let index = entry.key.isHost ? group(entry.key.address) : nil
            guard isWanted(target, index) else { return nil }
            return standing(entry, target, group: index, at: time)
        }
        func bits(_ standing: BaselineStanding) -> Double {
            standing.levels.first { $0.unit == .bits }?.normal ?? 0
        }
        return all.sorted { first, second in
            bits(first) != bits(second)
                ? bits(first) > bits(second) : first.target.description < second.target.description
        }
    }

    private func standing(_ entry: BaselineTable.Entry, _ target: AttackTarget, group: Int?, at time: Timestamp)
        -> BaselineStanding?
    {
        guard let configuration = limits.baseline(for: entry.key, group: group ?? -1) else { return nil }
        let needed = UInt32(configuration.learningTime.inSeconds / 60)
        let isJudged = entry.baseline.minutes >= needed
        let fixed = limits.limits(for: entry.key, group: group ?? -1)
        let levels = Baseline.units.compactMap { unit -> BaselineStanding.Level? in
            guard let normal = entry.baseline.normal(unit, minute: BaselineTable.minute(of: time)),
                let floor = configuration.floor(unit)
            else { return nil }
            return BaselineStanding.Level(
                unit: unit,
                normal: normal,
                limit: isJudged ? max(floor, normal * configuration.factor) : nil,
                threshold: fixed.first { $0.trafficClass == .total && $0.unit == unit }?.perSecond
            )
        }
        return BaselineStanding(target: target, minutes: entry.baseline.minutes, needed: needed, levels: levels)
    }
}
