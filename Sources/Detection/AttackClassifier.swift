internal import NetworkTypes
internal import Traffic

/// Names the kind of an attack.
enum AttackClassifier {
    /// What must be of one kind for the attack to be called that.
    static let dominantShare = 0.6

    /// From the counters of the window, or from samples where flows were reported late and the window holds little.
    static func classify(
        _ crossing: ThresholdCrossing,
        counters: TrafficCounters,
        samples: [TrafficSample]
    ) -> (kind: AttackKind, share: Double) {
        let unit: TrafficUnit = crossing.unit == .bits ? .bits : .packets
        let shares = counters.sum(.total, unit) > 0 ? shares(of: counters, unit) : shares(of: samples, unit)
        // The class whose own threshold was crossed is what the attack is, however much else there is.
        switch crossing.trafficClass {
        case .tcpSYN: return (.synFlood, shares.syn)
        case .udp: return (.udpFlood, shares.udp)
        case .icmp: return (.icmpFlood, shares.icmp)
        case .total, .tcp, .fragments: break
        }
        let candidates: [(kind: AttackKind, share: Double)] = [
            (.udpFlood, shares.udp), (.synFlood, shares.syn), (.icmpFlood, shares.icmp),
        ]
        guard let best = candidates.max(by: { $0.share < $1.share }), best.share >= dominantShare else {
            return (.flood, 1)
        }
        return best
    }

    private struct Shares {
        var udp = 0.0
        var syn = 0.0
        var icmp = 0.0
    }

    private static func shares(of counters: TrafficCounters, _ unit: TrafficUnit) -> Shares {
        let total = counters.sum(.total, unit)
        return Shares(
            udp: counters.sum(.udp, unit) / total,
            syn: counters.sum(.tcpSYN, unit) / total,
            icmp: counters.sum(.icmp, unit) / total
        )
    }

    private static func shares(of samples: [TrafficSample], _ unit: TrafficUnit) -> Shares {
        var shares = Shares()
        var total = 0.0
        for sample in samples {
            let weight = Double(unit == .bits ? sample.bytes : sample.packets)
            total += weight
            if sample.ipProtocol == .udp { shares.udp += weight }
            if sample.ipProtocol.isICMP { shares.icmp += weight }
            if sample.ipProtocol == .tcp, sample.tcpFlags.isConnectionAttempt { shares.syn += weight }
        }
        guard total > 0 else { return shares }
        return Shares(udp: shares.udp / total, syn: shares.syn / total, icmp: shares.icmp / total)
    }
}
