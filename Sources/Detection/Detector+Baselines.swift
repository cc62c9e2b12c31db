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

    /// How long silence of all exporters may be chance, where few packets are sampled.
    private static let silence = Duration.seconds(10)

    /// Looks at what is learnt, each once a second, and once a minute at all that is counted for what is worth it.
    mutating func learn(from merger: borrowing TrafficMerger, _ events: [AttackEvent], at time: Timestamp) {
        guard baselines != nil else { return }
        if merger.records != baselineSource.records { baselineSource = (merger.records, time) }
        for event in events where event.attack.direction == .incoming {
            distrust(event.attack.target, merger, at: time)
        }
        admitBaselines(merger, at: time)
        let tick = merger.configuration.tick.nanoseconds
        let ticks = max(1, 1_000_000_000 / tick)
        let wholes = activeWholes
        let silence = time - baselineSource.heard
        for place in stride(from: Int(merger.tick % ticks), to: baselines?.entries.count ?? 0, by: Int(ticks)) {
            guard let key = baselines?.entries[place].key else { return }
            if isActive(key) || key.isHost && wholes.contains(where: { $0.contains(key.address) }) {
                baselines?.distrust(at: place, at: time)
            }
            baselines?.settle(at: place, at: time)
            // Who is not followed is silent, or its exporter is.
            guard let position = merger.position(of: key) else { continue }
            // Between two reports of long flows silence is nothing unusual.
            let longest = Duration.seconds(Int64(merger.state(at: position).longestFlow))
            guard silence <= Self.silence + min(longest, TrafficMerger.longestMemory) else { continue }
            let rates = usualRates(at: position, merger)
            baselines?.look(
                at: place,
                packets: rates.packets,
                bits: rates.bits,
                samplingRate: merger.state(at: position).samplingRate,
                seconds: Double(ticks * tick) / 1e9,
                at: time
            )
        }
    }

    private mutating func admitBaselines(_ merger: borrowing TrafficMerger, at time: Timestamp) {
        let ticksPerMinute = max(1, 60_000_000_000 / merger.configuration.tick.nanoseconds)
        for _ in 0...(merger.placeCount / Int(ticksPerMinute)) {
            baselineHand = baselineHand + 1 < merger.placeCount ? baselineHand + 1 : 0
            guard let state = merger.heldState(at: baselineHand),
                let configuration = limits.baseline(for: state.key, group: Int(state.group)),
                !(baselines?.knows(state.key) ?? true), !isActive(state.key)
            else { continue }
            let (packets, bits) = usualRates(at: baselineHand, merger)
            // Who gets next to nothing has no need of a baseline: the floor is above all that he could have.
            guard packets * 64 >= configuration.packetsFloor || bits * 64 >= configuration.bitsFloor else { continue }
            baselines?.admit(state.key, at: time)
        }
    }

    /// What there is per second: within the window; of flows that were told of late what came in the fullest seconds, as
    /// the latest are not told of yet.
    private func usualRates(at position: Int, _ merger: borrowing TrafficMerger) -> (packets: Double, bits: Double) {
        let state = merger.state(at: position)
        let seconds = merger.configuration.window.inSeconds
        func rate(_ unit: TrafficUnit) -> Double { state.counters.sum(.total, unit) / seconds }
        guard merger.isToldLate(at: position) else { return (rate(.packets), rate(.bits)) }
        let late = merger.lateRates(at: position)
        func most(_ unit: TrafficUnit, _ late: Double) -> Double {
            guard merger.hasHistory(at: position),
                let measure = measures.firstIndex(where: { $0.trafficClass == .total && $0.unit == unit })
            else { return rate(unit) + late }
            // Of one second samples tell little, and what is told of many in a row is an attack only if all are full.
            let span = state.samplingRate > 1 ? Self.fullestOfSampled : 1
            let peak = merger.historyPeak(at: position, measure: measure, overSeconds: span) / Double(span)
            return max(rate(unit), peak, merger.longHistoryPeak(at: position, measure: measure))
        }
        return (most(.packets, late.packets), most(.bits, late.bits))
    }

    /// Seconds in a row.
    private static let fullestOfSampled = 16

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
        /// Levels in 256ths of a doubling, by hour of the week, packets and bits in turn; 0 for those not known. Then in
        /// how many weeks each hour was learnt, two bits each; what an earlier version kept has them not.
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
            return LearntBaseline(target: target, minutes: baseline.minutes, levels: baseline.words)
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
                let baseline = Baseline(minutes: one.minutes, words: one.levels)
            else {
                lost += 1
                continue
            }
            baselines?.restore(key, baseline, at: time)
        }
        return lost
    }
}
