internal import NetworkTypes

/// Flows that were reported late count in the seconds in which they flowed.
extension TrafficMerger {
    /// A flow of many seconds counts in the seconds in which it flowed.
    @inline(__always)
    mutating func addSpanned(_ delta: TrafficDelta, at position: Int) {
        let duration = UInt16(clamping: delta.ages.duration)
        guard isWorthHistory(delta.amount, ofUpTo: duration, delta.samplingRate, at: position) else { return }
        let slot = historyOfLateFlows(at: position, reaching: delta.ages.secondsToFirst)
        let last = second &- delta.ages.secondsToLast
        for (measure, wanted) in measures.enumerated() where delta.classes.contains(wanted.trafficClass) {
            let amount = delta.amount.value(in: wanted.unit)
            // A flow is one flow however long it lasts: it counts when it ended.
            if wanted.unit == .flows {
                histories.add(amount, to: slot, measure: measure, second: last)
            } else {
                add(amount, over: delta.ages, to: slot, measure: measure)
            }
        }
        suspectIfHigh(position)
    }

    /// Has it judged what has a history, unless that is below every limit at every time.
    mutating func suspectIfHigh(_ position: Int) {
        let slot = Int(states[position].history)
        if histories.mayExceedLimits(slot, elapsedOfSecond: elapsedOfSecond) { suspect(position) }
    }

    /// Spreads an amount over the time in which it flowed: seconds that this was a part of get a part.
    private mutating func add(_ amount: Double, over ages: FlowAgeRange, to slot: Int, measure: Int) {
        let unit = FlowAgeRange.unitsPerSecond
        let rate = amount / Double(ages.units)
        let newest = ages.secondsToLast
        let oldest = ages.secondsToFirst
        guard newest < oldest else {
            return histories.add(amount, to: slot, measure: measure, second: second &- newest)
        }
        let ofNewest = (newest &+ 1) &* unit &- ages.unitsToLast
        let ofOldest = ages.unitsToLast &+ ages.units &- oldest &* unit
        histories.add(rate * Double(ofNewest), to: slot, measure: measure, second: second &- newest)
        histories.add(rate * Double(ofOldest), to: slot, measure: measure, second: second &- oldest)
        guard oldest - newest > 1 else { return }
        histories.add(
            rate * Double(unit),
            to: slot,
            measure: measure,
            second: second &- newest &- 1,
            back: oldest &- newest &- 1
        )
    }

    /// The same for the flows of a network or group, summed up by second.
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
