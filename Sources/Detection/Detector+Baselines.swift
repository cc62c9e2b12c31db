public import NetworkTypes
internal import Traffic

/// What is normal: learnt each minute, and what is too far from it.
extension Detector {
    /// The limits that follow from what is normal now.
    func baselineLimits(for key: TrafficKey, group: Int, at time: Timestamp) -> [RateJudge.Limit] {
        guard let baselines, let configuration = limits.baseline(for: key, group: group) else { return [] }
        return Baseline.units.compactMap { unit in
            guard let normal = baselines.normal(key, unit, configuration, at: time),
                let floor = configuration.floor(unit)
            else { return nil }
            return limit(unit, perSecond: max(floor, normal * configuration.factor), normal: normal)
        }
    }

    /// The limit that an attack of before a restart was seen by, where what was normal made it.
    func limit(of crossing: ThresholdCrossing) -> [RateJudge.Limit] {
        guard let normal = crossing.normal else { return [] }
        return [limit(crossing.unit, perSecond: crossing.threshold, normal: normal)].compactMap { $0 }
    }

    private func limit(_ unit: TrafficUnit, perSecond: Double, normal: Double) -> RateJudge.Limit? {
        measures.firstIndex { $0.trafficClass == .total && $0.unit == unit }
            .map {
                RateJudge.Limit(
                    measure: $0,
                    trafficClass: .total,
                    unit: unit,
                    perSecond: perSecond,
                    group: nil,
                    normal: normal
                )
            }
    }

    /// Looks at a part of all that is counted, so that each is looked at once a minute.
    mutating func learn(from merger: borrowing TrafficMerger, _ events: [AttackEvent], at time: Timestamp) {
        guard baselines != nil else { return }
        for event in events where event.attack.direction == .incoming {
            distrust(event.attack.target, merger, at: time)
        }
        let wholes = activeWholes
        let ticksPerMinute = max(1, 60_000_000_000 / merger.configuration.tick.nanoseconds)
        for _ in 0...(merger.placeCount / Int(ticksPerMinute)) {
            baselineHand = baselineHand + 1 < merger.placeCount ? baselineHand + 1 : 0
            guard let state = merger.heldState(at: baselineHand),
                let configuration = limits.baseline(for: state.key, group: Int(state.group))
            else { continue }
            let key = state.key
            let isUnderAttack =
                isActive(key) || key.isHost && wholes.contains { $0.contains(key.address) }
            if isUnderAttack {
                baselines?.distrust(key, at: time)
                continue
            }
            let rates = RateJudge.rates(at: baselineHand, measures: measures, merger: merger)
            let (packets, bits) = (rates[.total, .packets], rates[.total, .bits])
            // Who gets next to nothing has no need of a baseline: the floor is above all that he could have.
            let isWorthIt = packets * 64 >= configuration.packetsFloor || bits * 64 >= configuration.bitsFloor
            guard isWorthIt || baselines?.knows(key) ?? false else { continue }
            baselines?.observe(key, packets: packets, bits: bits, at: time)
        }
    }

    /// Nothing is learnt from an attack, of its target nor of what that is a part of.
    private mutating func distrust(_ target: AttackTarget, _ merger: borrowing TrafficMerger, at time: Timestamp) {
        if let key = key(of: target, isIncoming: true) { baselines?.distrust(key, at: time) }
        for prefix in target.prefixes {
            for key in merger.wholes(around: prefix.address, isIncoming: true) { baselines?.distrust(key, at: time) }
        }
    }

    /// The prefixes of networks and groups that are under attack as a whole.
    private var activeWholes: [IPPrefix] {
        activeTargets.flatMap { target in
            if case .host = target { return [IPPrefix]() }
            return target.prefixes
        }
    }

    // MARK: What is kept

    /// What was learnt of one host, network or group, to be kept.
    public struct LearntBaseline: Sendable, Hashable {
        public var target: AttackTarget
        /// Minutes that were learnt.
        public var minutes: UInt32
        /// Levels in 256ths of a doubling, by hour of the week, packets and bits in turn; 0 for those not known.
        public var levels: [UInt16]

        public init(target: AttackTarget, minutes: UInt32, levels: [UInt16]) {
            self.target = target
            self.minutes = minutes
            self.levels = levels
        }
    }

    /// One of `parts` parts of all that was learnt.
    public func learntBaselines(part: Int = 0, of parts: Int = 1) -> [LearntBaseline] {
        guard let entries = baselines?.entries, parts > 0 else { return [] }
        return stride(from: part % parts, to: entries.count, by: parts).compactMap { place in
            let baseline = entries[place].baseline
            guard baseline.minutes > 0, let target = target(of: entries[place].key) else { return nil }
            return LearntBaseline(target: target, minutes: baseline.minutes, levels: baseline.levels.map(\.rawValue))
        }
    }

    /// Puts back what was kept.
    ///
    /// - Returns: how many of them could not be: damaged, or of what is the operator's no more.
    public mutating func restore(_ learnt: [LearntBaseline], at time: Timestamp) -> Int {
        guard baselines != nil else { return 0 }
        var lost = 0
        for one in learnt {
            guard let key = key(of: one.target, isIncoming: true),
                let baseline = Baseline(minutes: one.minutes, levels: one.levels)
            else {
                lost += 1
                continue
            }
            baselines?.restore(key, baseline, at: time)
        }
        return lost
    }
}
