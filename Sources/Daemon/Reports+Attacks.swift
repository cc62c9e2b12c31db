import Control
import Detection
import NetworkTypes

/// What attacks are made of, as the control socket tells it.
extension Reports {
    /// So many of each sort are told, and none that accounts for less.
    private static let listed = 10
    private static let smallestShare = 0.01

    static func evidence(_ attack: Attack) -> AttackEvidenceReport {
        let profile = attack.profile
        func shares<Value>(
            _ values: HeavyHitters<Value>,
            _ text: (Value) -> String
        ) -> [AttackEvidenceReport.Share] {
            guard profile.total > 0 else { return [] }
            return values.top.map { (text($0.value), $0.amount / profile.total) }
                .filter { $0.1 >= smallestShare }.prefix(listed).map { .init(value: $0.0, share: $0.1) }
        }
        func estimate(_ unit: TrafficUnit) -> AttackEvidenceReport.Estimate {
            let interval = attack.peakInterval(unit)
            return .init(rate: attack.peak[.total, unit], lower: interval.lowerBound, upper: interval.upperBound)
        }
        return AttackEvidenceReport(
            vectors: attack.vectors.map { .init(kind: $0.kind.rawValue, share: $0.share, samples: $0.samples.count) },
            peakTime: attack.peakTime.description,
            peakPackets: estimate(.packets),
            peakBits: estimate(.bits),
            peakFlows: estimate(.flows),
            samples: profile.samples,
            peers: shares(profile.peers, \.description),
            networks: shares(profile.networks, \.description),
            sourcePorts: shares(profile.sourcePorts, \.description),
            destinationPorts: shares(profile.destinationPorts, \.description),
            packetLengths: shares(profile.lengths, \.description),
            entrances: shares(profile.entrances) { entrance in
                let exporter = entrance.exporter == .unspecified ? "mirrored" : entrance.exporter.description
                return entrance.interface == 0 ? exporter : "\(exporter) interface \(entrance.interface)"
            }
        )
    }

    /// The same in lines for people.
    static func composition(_ attack: Attack) -> [String] {
        let evidence = evidence(attack)
        func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
        func power(_ estimate: AttackEvidenceReport.Estimate, _ unit: TrafficUnit) -> String {
            let rate = RateText.describe(estimate.rate, unit)
            guard estimate.lower < estimate.upper else { return rate }
            return rate + " (\(RateText.describe(estimate.lower, unit)) to \(RateText.describe(estimate.upper, unit)))"
        }
        var lines = evidence.vectors.map { vector in
            "\(vector.kind): \(percent(vector.share)) of the traffic is of that kind, by \(vector.samples) "
                + (vector.samples == 1 ? "sample" : "samples")
        }
        var peak =
            "strongest at \(evidence.peakTime): \(power(evidence.peakPackets, .packets)), "
            + power(evidence.peakBits, .bits)
        if evidence.peakFlows.rate > 0 { peak += ", \(power(evidence.peakFlows, .flows))" }
        lines.append(peak)
        let isIncoming = attack.direction == .incoming
        for (title, shares) in [
            (isIncoming ? "enters at" : "seen at", evidence.entrances),
            (isIncoming ? "sources" : "destinations", evidence.peers),
            ("networks", evidence.networks), ("source ports", evidence.sourcePorts),
            ("destination ports", evidence.destinationPorts), ("octets of a packet", evidence.packetLengths),
        ] where !shares.isEmpty {
            lines.append("\(title): " + shares.map { "\($0.value) (\(percent($0.share)))" }.joined(separator: ", "))
        }
        if evidence.peers.isEmpty, evidence.samples > 0 {
            lines.append("no \(isIncoming ? "source" : "destination") surely accounts for 1 %")
        }
        if !attack.normal.isEmpty {
            lines.append(
                "held against \(attack.normal.count) samples of the \(Int(attack.normalDuration.inSeconds.rounded())) s before"
            )
        }
        return lines
    }
}
