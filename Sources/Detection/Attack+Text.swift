internal import NetworkTypes

extension Attack {
    /// What was crossed, by how much, in a sentence: `udp_flood: 41.3k packets/s of total traffic, threshold 20k`.
    public var summary: String { "\(kind.rawValue), \(crossing)" }
}

extension ThresholdCrossing: CustomStringConvertible {
    public var description: String {
        let whose = group.map { " of group \($0)" } ?? ""
        let rate = RateText.describe(rate, unit)
        let limit = RateText.describe(threshold, unit)
        if let normal {
            let usual = RateText.describe(normal, unit)
            return "\(rate) of \(trafficClass.name) traffic over \(limit), as \(usual) is normal at this hour"
        }
        return "\(rate) of \(trafficClass.name) traffic over the threshold of \(limit)\(whose)"
    }

    /// What the estimate rests on: the interval, the window and the number of samples.
    public var evidence: String {
        let interval =
            lowerBound == upperBound
            ? "counted exactly"
            : "between \(RateText.describe(lowerBound, unit)) and \(RateText.describe(upperBound, unit)) "
                + "in all but one case of a thousand"
        // Packets that were seen, of which each may stand for many.
        let seen = unit == .flows ? "flow" : "packet"
        return "\(interval), over \(window.inSeconds) s, from \(samples) \(seen)\(samples == 1 ? "" : "s")"
    }
}
