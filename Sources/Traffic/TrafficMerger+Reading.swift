public import NetworkTypes

/// What the windows and histories hold, for those who judge it.
extension TrafficMerger {
    public var trackedHosts: Int { states.trackedHosts }

    /// How many places states stand at, the free ones included.
    public var placeCount: Int { states.count }

    /// The state at any place; nil where it is nobody's.
    public func heldState(at place: Int) -> TrafficState? {
        guard place < states.count, !states[place].isFree else { return nil }
        return states[place]
    }

    /// The networks and groups that an address counts for, in a direction.
    public func wholes(around address: IPAddress, isIncoming: Bool) -> [TrafficKey] {
        view.wholes(around: address, isIncoming: isIncoming)
    }

    /// The state at a position of `suspects`.
    public func state(at position: Int) -> TrafficState { states[position] }

    /// Where a key's state stands; nil when it is not tracked.
    public func position(of key: TrafficKey) -> Int? {
        let found = states.find(key)
        return found < 0 ? nil : found
    }

    /// Whether more than the window is known.
    public func hasHistory(at position: Int) -> Bool { states[position].history >= 0 }

    /// Whether flows were reported within this tick that flowed before it, so that past seconds may have filled.
    public func hasLateFlows(at position: Int) -> Bool { states[position].hasLateFlows }

    /// Forgets all but the window: what an attack that is over had filled must not begin another.
    public mutating func forgetHistory(of key: TrafficKey) {
        guard let position = position(of: key), states[position].history >= 0 else { return }
        releaseHistory(at: position)
        states[position].longestFlow = 0
    }

    /// The sum of a measure over the last seconds, the one under way included.
    public func historySum(at position: Int, measure: Int, lastSeconds: Int) -> Double {
        guard states[position].history >= 0 else { return 0 }
        return histories.sum(Int(states[position].history), measure: measure, lastSeconds: lastSeconds)
    }

    /// Where those stand that are followed second by second: a part of them.
    public func followed(part: Int, of parts: Int) -> [Int] { histories.owners(part: part, of: parts) }

    /// Whether any of what is known was told when it was over.
    public func isToldLate(at position: Int) -> Bool { states[position].longestFlow > 0 }

    /// What flows that were told of late come to per second, where they are too few to be followed second by second.
    public func lateRates(at position: Int) -> (packets: Double, bits: Double) {
        let means = states[position].lateFlows.means(at: second)
        return (means.packets, means.bits)
    }

    /// The rate per second of what has passed of the second under way.
    public func historyRateOfNow(at position: Int, measure: Int) -> Double {
        guard states[position].history >= 0 else { return 0 }
        let sum = histories.sum(Int(states[position].history), measure: measure, lastSeconds: 1)
        return sum / max(elapsedOfSecond, 0.001)
    }

    /// The fullest of the last 63 whole seconds.
    public func historyPeak(at position: Int, measure: Int) -> Double {
        guard states[position].history >= 0 else { return 0 }
        return histories.peak(Int(states[position].history), measure: measure)
    }

    /// The most that came in so many of the last 63 whole seconds in a row.
    public func historyPeak(at position: Int, measure: Int, overSeconds count: Int) -> Double {
        guard states[position].history >= 0 else { return 0 }
        return histories.peak(Int(states[position].history), measure: measure, over: count)
    }

    /// The highest rate over eight whole seconds of the last 512; 0 where no flow lasted longer than the history.
    public func longHistoryPeak(at position: Int, measure: Int) -> Double {
        guard states[position].history >= 0 else { return 0 }
        return histories.longPeak(Int(states[position].history), measure: measure)
    }

    /// The smoothed rate of a measure: of now, or where flows were reported late, the highest of the last 64 seconds.
    public func smoothedRate(at position: Int, measure: Int, _ smoothing: ExponentialSmoothing) -> SmoothedRate {
        guard states[position].history >= 0 else { return SmoothedRate(rate: 0, evidence: 0) }
        return histories.smoothed(
            Int(states[position].history),
            measure: measure,
            smoothing,
            elapsedOfSecond: elapsedOfSecond,
            findsPeak: states[position].hasLateFlows
        )
    }

    /// When the latest second ended in which a measure was above a level; nil when none of the history was.
    public func lastTime(at position: Int, measure: Int, above level: Double) -> Timestamp? {
        guard states[position].history >= 0,
            let last = histories.lastSecond(Int(states[position].history), measure: measure, above: level)
        else { return nil }
        return Timestamp(nanoseconds: min((last &+ 1) &* 1_000_000_000, tickEnd.nanoseconds))
    }

    /// How far back what flows tell is remembered: an active time-out may be as long.
    public static let longestMemory = Duration.seconds(LongHistories.seconds)

    /// The rates of all traffic in a direction.
    public func totalRates(_ direction: TrafficDirection) -> TrafficRates {
        var sum = TrafficCounters()
        for network in view.outermostNetworks {
            if let position = position(of: TrafficKey(network: network, isIncoming: direction == .incoming)) {
                sum.add(states[position].counters)
            }
        }
        return sum.rates(over: configuration.window)
    }

    /// The rates of traffic with neither end in the operator's networks.
    public var otherRates: TrafficRates {
        guard let position = position(of: .other) else { return TrafficRates() }
        return states[position].counters.rates(over: configuration.window)
    }

    /// Octets of memory that the counters take.
    public var memoryBytes: Int {
        states.memoryBytes + log.memoryBytes + histories.memoryBytes + samples.memoryBytes
            + weighed.memoryBytes + earlier.memoryBytes
    }
}
