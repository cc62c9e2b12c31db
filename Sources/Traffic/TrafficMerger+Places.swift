internal import NetworkTypes

/// Who has a place, who gets one, and who has to let go of it.
extension TrafficMerger {
    /// How long a host is remembered after its last packet: as long as its history goes back.
    private static let idleSeconds: Int64 = 64

    /// Lets go of hosts that have been silent, a part of them each tick so that no tick takes long.
    mutating func sweep() {
        guard states.count > 0 else { return }
        let idleTicks = max(1, Self.idleSeconds &* 1_000_000_000 / configuration.tick.nanoseconds)
        for _ in 0..<(states.count / 128 + 16) {
            sweepHand = sweepHand + 1 < states.count ? sweepHand + 1 : 0
            guard states[sweepHand].idleTicks(at: tick) > idleTicks else { continue }
            // Between two reports of long flows a host may be silent for as long as they last.
            let history = Int(states[sweepHand].history)
            if history >= 0, histories.isLong(history), states[sweepHand].idleTicks(at: tick) <= 8 &* idleTicks {
                continue
            }
            if !states[sweepHand].isFree, states[sweepHand].key.isHost { evict(sweepHand) }
        }
    }

    /// Where the state of a delta's key stands; a new one if need be, -1 when there is no room.
    mutating func place(of delta: TrafficDelta) -> Int {
        if delta.key.isHost, trackedHosts >= configuration.maximumHosts, states.find(delta.key) < 0 {
            guard makeRoom(for: Double(delta.amount.bytes) / Double(max(1, delta.ages.duration))) else { return -1 }
        }
        return place(of: delta.key)
    }

    mutating func place(of key: TrafficKey) -> Int {
        let found = states.find(key)
        if found >= 0 { return found }
        let group = key.isHost ? Int16(clamping: view.group(of: key.address)) : -1
        return states.insert(key, group: group, tick: tick)
    }

    /// At the limit the heaviest stay: the lightest of a few looked at gives way to a host that just sent more.
    ///
    /// - Parameter bytes: what it sent, per second.
    private mutating func makeRoom(for bytes: Double) -> Bool {
        var lightest = -1
        var weight = Double.infinity
        for _ in 0..<16 {
            sweepHand = sweepHand + 1 < states.count ? sweepHand + 1 : 0
            // Suspects stay in place until they have been judged.
            guard !states[sweepHand].isFree, !states[sweepHand].isSuspect, states[sweepHand].key.isHost else {
                continue
            }
            let own = weightOfHost(at: sweepHand)
            guard own < weight else { continue }
            lightest = sweepHand
            weight = own
        }
        guard lightest >= 0, weight < bytes else { return false }
        evict(lightest)
        evictedHosts &+= 1
        return true
    }

    /// Octets per second: of the window, and of flows that were told of late, which are in no window.
    private func weightOfHost(at position: Int) -> Double {
        let state = states[position]
        let bytes = Double(state.counters[.total].bytes) / configuration.window.inSeconds
        return state.longestFlow > 0 ? bytes + state.lateFlows.means(at: second).bits / 8 : bytes
    }

    private mutating func evict(_ position: Int) {
        releaseHistory(at: position)
        states.remove(at: position)
    }

    mutating func releaseHistory(at position: Int) {
        if states[position].history >= 0 { histories.release(Int(states[position].history)) }
        states[position].history = -1
        states[position].lateFlows = LateFlows()
    }
}
