public import NetworkTypes

/// What the windows and histories hold, for those who judge it.
extension TrafficMerger {
    public var trackedHosts: Int { states.trackedHosts }

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

    /// The fullest of the last 63 whole seconds.
    public func historyPeak(at position: Int, measure: Int) -> Double {
        guard states[position].history >= 0 else { return 0 }
        return histories.peak(Int(states[position].history), measure: measure)
    }

    /// When the latest second ended in which a measure was above a level; nil when none of the history was.
    public func lastTime(at position: Int, measure: Int, above level: Double) -> Timestamp? {
        guard states[position].history >= 0,
            let last = histories.lastSecond(Int(states[position].history), measure: measure, above: level)
        else { return nil }
        return Timestamp(nanoseconds: min((last &+ 1) &* 1_000_000_000, tickEnd.nanoseconds))
    }

    /// How much of the second under way has passed, in seconds.
    public var elapsedOfSecond: Double {
        Double(tickEnd.nanoseconds &- second &* 1_000_000_000) / 1e9
    }

    /// The rates of all traffic in a direction.
    public func totalRates(_ direction: TrafficDirection) -> TrafficRates {
        var sum = TrafficCounters()
        for network in 0..<view.networkCount {
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
            + earlier.memoryBytes
    }
}
