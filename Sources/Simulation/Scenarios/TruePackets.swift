public import NetworkTypes

extension Scenario {
    /// Fresh packets to some hosts as they come at a time, apart from the stream: what a rule would meet.
    ///
    /// - Parameter isMeant: of which sources.
    /// - Returns: at most `count`, and fewer where there is hardly any traffic towards the hosts.
    public func packets(
        _ count: Int,
        to hosts: Set<IPAddress>,
        at time: Double,
        from isMeant: (TrafficSource) -> Bool,
        seed: UInt64
    ) -> [SimulatedPacket] {
        var random = SeededGenerator(seed: seed)
        var chosen: [TrafficSource] = []
        var weights: [Double] = []
        for source in sources where isMeant(source) {
            let share = source.share { hosts.contains($0) }
            // Between two pulses what counts is the pulse.
            let rate = source.purpose.isAttack ? source.curve.peak : source.curve.rate(at: time)
            guard share * rate > 0 else { continue }
            chosen.append(source)
            weights.append(share * rate)
        }
        let total = weights.reduce(0, +)
        var packets: [SimulatedPacket] = []
        guard total > 0 else { return packets }
        // Half of a host's packets may be its own: those are passed over.
        for _ in 0..<(count * 8) where packets.count < count {
            var choice = random.uniform() * total
            let index = weights.firstIndex { weight in
                choice -= weight
                return choice < 0
            }
            // The pool of conversations changes as slowly as it does in truth.
            let packet = chosen[index ?? 0].packet(oneIn: 1, using: &random)
            if hosts.contains(packet.destination) { packets.append(packet) }
        }
        return packets
    }
}
