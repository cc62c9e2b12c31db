internal import NetworkTypes

extension TrafficAction {
    /// What a rate limit lets through, in bits or packets per second: FlowSpec's own unit is octets, and 100000 of those
    /// are 800 kbit/s. Nil for what is no limit, or lets nothing through.
    public var limitText: String? {
        switch self {
        case .rateLimitBytes(_, let rate) where rate > 0: RateText.describe(Double(rate) * 8, .bits)
        case .rateLimitPackets(_, let rate) where rate > 0: RateText.describe(Double(rate), .packets)
        default: nil
        }
    }
}

extension Announcement {
    /// What its rate limits let through: `800 kbit/s`. Nil where it has none.
    public var limitText: String? {
        let texts = actions.compactMap(\.limitText)
        return texts.isEmpty ? nil : texts.joined(separator: ", ")
    }
}
