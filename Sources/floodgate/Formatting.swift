import NetworkTypes

/// Numbers and times as the tables show them.
enum Formatting {
    /// `3d 4h`, `5m 12s`, `850ms`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "-" }
        guard seconds >= 1 else { return "\(Int(max(0, seconds) * 1000))ms" }
        let whole = Int(seconds)
        let parts = [(whole / 86_400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "m"), (whole % 60, "s")]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0s" }
        return parts[first..<min(first + 2, parts.count)].map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }

    static func packets(_ perSecond: Double) -> String { RateText.describe(perSecond, .packets) }
    static func bits(_ perSecond: Double) -> String { RateText.describe(perSecond, .bits) }

    /// 1234567 → `1,234,567`.
    static func count(_ number: UInt64) -> String {
        var digits = String(number)
        var grouped = ""
        while digits.count > 3 {
            grouped = "," + digits.suffix(3) + grouped
            digits.removeLast(3)
        }
        return digits + grouped
    }
}
