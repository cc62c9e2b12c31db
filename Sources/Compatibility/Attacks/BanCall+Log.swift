internal import NetworkTypes

/// What stands of it in FastNetMon's log.
extension BanCall {
    /// Lines with the time in UTC, as `monitor` scripts look for them: `Attack with direction: …`.
    public var logLines: [String] {
        switch action {
        case .ban where attack == nil:
            return [line("API we asked for ban for IP: \(targetText)"), line(attackText)]
        case .ban:
            let (incoming, outgoing) = (rates(.incoming), rates(.outgoing))
            let counters =
                "in_pps: \(BanList.whole(incoming[.total, .packets])) out_pps: \(BanList.whole(outgoing[.total, .packets])) "
                + "in_bps: \(BanList.whole(incoming[.total, .bits] / 8)) out_bps: \(BanList.whole(outgoing[.total, .bits] / 8))"
            return [
                line(
                    "We run execute_ip_ban code with following params  \(counters) and we decide it's "
                        + "\(directionText) attack"
                ),
                line(attackText),
            ]
        case .attackDetails: return [line("\(attackText) traffic samples collected")]
        case .unban:
            let seconds = max(0, Int((time - banned).inSeconds))
            return [line("We will unban banned IP: \(targetText) because it ban time \(seconds) seconds is ended")]
        }
    }

    private var attackText: String { "Attack with direction: \(directionText) IP: \(targetText) Power: \(power)" }

    /// `2026-11-25 03:58:33,339 [INFO] …`.
    private func line(_ text: String) -> String {
        let stamp = Self.date(time)
        return "\(stamp.prefix(19)),\(stamp.dropFirst(20).prefix(3)) [INFO] \(text)\n"
    }
}
