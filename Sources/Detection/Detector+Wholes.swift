internal import NetworkTypes
internal import Traffic

/// What is under attack as a whole, beside what lies in it.
extension Detector {
    /// Whether a network or group is above its limit without what in it is under attack, and answered, by itself: one
    /// host's flood must not have its whole network dropped, nor that of a network all that this lies in.
    func isOfTheWhole(
        _ crossing: ThresholdCrossing,
        _ key: TrafficKey,
        _ merger: borrowing TrafficMerger
    ) -> Bool {
        guard let prefixes = target(of: key)?.prefixes, let position = merger.position(of: key) else { return false }
        var rest = crossing.rate
        if crossing.window > merger.configuration.window, !merger.isToldLate(at: position),
            hasAttacks(within: prefixes, key.direction, since: merger.tickEnd - crossing.window)
        {
            // The average holds what these had then, of which only what they have now is taken off below.
            let sum = merger.state(at: position).counters.sum(crossing.trafficClass, crossing.unit)
            rest = min(rest, sum / merger.configuration.window.inSeconds)
        }
        var inner: [[IPPrefix]] = []
        let wholes = active.filter { !$0.key.isHost && $0.key != key && $0.key.direction == key.direction }
        // The widest first: what lies in one of them is in its sum.
        for (_, current) in wholes.sorted(by: { Self.precedes($1.key, $0.key, limits) }) {
            let own = current.attack.target.prefixes
            guard Self.covers(prefixes, own), !Self.covers(own, prefixes),
                !inner.contains(where: { Self.covers($0, own) })
            else { continue }
            inner.append(own)
            rest -= current.attack.rates[crossing.trafficClass, crossing.unit]
        }
        for (host, current) in active where host.isHost && host.direction == key.direction {
            guard prefixes.contains(where: { $0.contains(host.address) }),
                !inner.contains(where: { $0.contains { $0.contains(host.address) } })
            else { continue }
            rest -= current.attack.rates[crossing.trafficClass, crossing.unit]
        }
        return rest > crossing.threshold
    }

    /// Whether a host in there was under attack at a time or later.
    private func hasAttacks(within prefixes: [IPPrefix], _ direction: TrafficDirection, since time: Timestamp) -> Bool {
        func isWithin(_ host: TrafficKey) -> Bool {
            host.isHost && host.direction == direction && prefixes.contains { $0.contains(host.address) }
        }
        return active.contains { isWithin($0.key) } || lately.contains { $0.value >= time && isWithin($0.key) }
    }

    private static func covers(_ outer: [IPPrefix], _ inner: [IPPrefix]) -> Bool {
        inner.allSatisfy { prefix in outer.contains { $0.contains(prefix) } }
    }
}
