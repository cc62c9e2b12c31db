internal import NetworkTypes

/// Flows that were reported late count in the seconds in which they flowed.
extension TrafficMerger {
    /// Flows of known hosts that are followed second by second; a bit for each entry of such. First what all of them are
    /// added to is asked for: each history lies elsewhere in memory.
    @inline(__always)
    mutating func addSpanned(_ entries: Span<TrafficDelta>, _ places: Span<Int32>) -> UInt64 {
        var followed: UInt64 = 0
        for offset in entries.indices where places[offset] >= 0 && entries[offset].ages.isSpanned {
            let slot = Int(states[Int(places[offset])].history)
            guard slot >= 0, entries[offset].key.isHost else { continue }
            followed |= 1 &<< UInt64(truncatingIfNeeded: offset)
            histories.fetchHead(slot)
            for measure in measures.indices where entries[offset].classes.contains(measures[measure].trafficClass) {
                histories.fetch(slot, measure: measure, entries[offset].ages, second: second)
            }
        }
        var rest = followed
        while rest != 0 {
            let offset = rest.trailingZeroBitCount
            rest &= rest &- 1
            addSpanned(entries[offset], at: Int(places[offset]))
        }
        return followed
    }

    /// A flow of many seconds counts in the seconds in which it flowed.
    @inline(__always)
    mutating func addSpanned(_ delta: TrafficDelta, at position: Int) {
        let duration = UInt16(clamping: delta.ages.duration)
        guard isWorthHistory(delta.amount, ofUpTo: duration, delta.samplingRate, at: position) else { return }
        let slot = historyOfLateFlows(at: position, reaching: delta.ages.secondsToFirst)
        let stretch = HistoryPool.Stretch(delta.ages)
        let elapsed = Float(elapsedOfSecond)
        var isHigh = false
        for measure in measures.indices where delta.classes.contains(measures[measure].trafficClass) {
            let unit = measures[measure].unit
            // A flow is one flow however long it lasts: it counts when it ended.
            let isNowHigh = histories.spread(
                delta.amount.value(in: unit),
                over: unit == .flows ? stretch.end : stretch,
                to: slot,
                measure: measure,
                elapsedOfSecond: elapsed
            )
            isHigh = isHigh || isNowHigh
        }
        if isHigh { suspect(position) }
    }

    /// Has it judged what has a history, unless that is below every limit at every time.
    mutating func suspectIfHigh(_ position: Int) {
        let slot = Int(states[position].history)
        if histories.mayExceedLimits(slot, elapsedOfSecond: elapsedOfSecond) { suspect(position) }
    }

    /// The flows of a network or group, summed up by second.
    mutating func add(_ sum: SpannedSums.Sum, _ index: Int, of sums: borrowing SpannedSums, at position: Int) {
        guard isWorthHistory(sum.amount, ofUpTo: sum.longest, sum.samplingRate, at: position) else { return }
        let slot = historyOfLateFlows(at: position, reaching: sum.oldest)
        sums.forEachBin(ofSum: index) { age, seconds, packets, bytes, flows in
            for (measure, wanted) in measures.enumerated() where sum.classes.contains(wanted.trafficClass) {
                let amount =
                    switch wanted.unit {
                    case .packets: packets
                    case .bits: bytes * 8
                    case .flows: flows
                    }
                if amount > 0 {
                    histories.add(amount, to: slot, measure: measure, second: second &- age, back: seconds)
                }
            }
        }
        suspectIfHigh(position)
    }

    /// Whether late flows are to be followed second by second, which they are from where they might matter.
    ///
    /// - Parameter longest: the longest of them, in seconds.
    @inline(__always)
    private mutating func isWorthHistory(
        _ amount: TrafficAmount,
        ofUpTo longest: UInt16,
        _ samplingRate: UInt32,
        at position: Int
    ) -> Bool {
        states[position].noteLate(
            amount,
            ofUpTo: longest,
            samplingRate: samplingRate,
            tick: tick,
            second: second,
            lateFlowLimits
        )
    }

    private mutating func historyOfLateFlows(at position: Int, reaching age: Int64) -> Int {
        if states[position].history < 0 { openHistory(at: position) }
        if !states[position].hasLateFlows {
            states[position].hasLateFlows = true
            toldLate.append(position)
        }
        let slot = Int(states[position].history)
        histories.advance(slot, to: second)
        if age >= Int64(HistoryPool.seconds) { histories.lengthen(slot) }
        return slot
    }
}
