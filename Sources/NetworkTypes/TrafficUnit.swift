/// What may be counted of traffic, and limited: three quantities per second.
public enum TrafficUnit: String, Sendable, Hashable, CaseIterable {
    case packets
    case bits
    case flows

    /// 0…2, in the order of the cases.
    public var index: Int {
        switch self {
        case .packets: 0
        case .bits: 1
        case .flows: 2
        }
    }
}

/// Rates as people read them: `1.25 Gbit/s`, `200k packets/s`.
public enum RateText {
    /// A rate with its unit, to three significant digits.
    public static func describe(_ perSecond: Double, _ unit: TrafficUnit) -> String {
        switch unit {
        case .bits: scaled(perSecond, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"], joined: " ")
        case .packets: scaled(perSecond, ["", "k", "M", "G", "T"], joined: "") + " packets/s"
        case .flows: scaled(perSecond, ["", "k", "M", "G", "T"], joined: "") + " flows/s"
        }
    }

    private static func scaled(_ value: Double, _ units: [String], joined separator: String) -> String {
        // Capped far above any network, where it still converts to an integer.
        var value = value.isNaN ? 0 : min(max(value, 0), 1e18)
        var step = 0
        while value >= 999.5, step < units.count - 1 {
            value /= 1000
            step += 1
        }
        // Three significant digits without Foundation's formatter.
        let decimals = value >= 99.95 || step == 0 && value == value.rounded() ? 0 : value >= 9.995 ? 1 : 2
        let factor = [1.0, 10.0, 100.0][decimals]
        let whole = Int((value * factor).rounded())
        var text = String(whole / Int(factor))
        if decimals > 0 {
            var fraction = String(whole % Int(factor))
            fraction = String(repeating: "0", count: decimals - fraction.utf8.count) + fraction
            while fraction.hasSuffix("0") { fraction.removeLast() }
            if !fraction.isEmpty { text += "." + fraction }
        }
        return text + separator + units[step]
    }
}
