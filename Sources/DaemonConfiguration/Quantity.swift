public import NetworkTypes

/// Quantities with their units, as the configuration has them.
public enum Quantity {
    /// Reads `1900s`, `30m`, `100ms`, `1.5h`, `2d`; nil for anything else, numbers without a unit included.
    public static func duration(_ text: String) -> Duration? {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
        guard let (number, unit) = split(text), let factor = units.first(where: { $0.0 == unit })?.1 else { return nil }
        let seconds = number * factor
        guard seconds >= 0, seconds <= 3.2e9 else { return nil }
        return .nanoseconds(Int64((seconds * 1e9).rounded()))
    }

    static let durationUnits = "a duration with its unit: ms, s, m, h or d"

    /// Reads a rate of the unit: `20k packets/s`, `1 Gbit/s`, `12.5 MB/s` (as bits), `3500 flows/s`.
    public static func rate(_ text: String, _ unit: TrafficUnit) -> Double? {
        guard let (number, suffix) = split(text), number >= 0 else { return nil }
        for (scale, factor) in [("", 1.0), ("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12)] {
            let names: [(String, Double)] =
                switch unit {
                case .packets: [("packets/s", 1), ("pps", 1)]
                case .flows: [("flows/s", 1)]
                case .bits: [("bit/s", 1), ("bps", 1), ("B/s", 8)]
                }
            // `20k packets/s` and `1 Gbit/s`: the prefix stands with the number or with the unit.
            for (name, worth) in names where suffix == scale + name || suffix == "\(scale) \(name)" {
                let rate = number * factor * worth
                return rate <= 1e15 ? rate : nil
            }
        }
        return nil
    }

    static func rateUnits(_ unit: TrafficUnit) -> String {
        switch unit {
        case .packets: "a rate in packets/s, such as 20k packets/s"
        case .flows: "a rate in flows/s, such as 3500 flows/s"
        case .bits: "a rate in bit/s or B/s, such as 1 Gbit/s or 12.5 MB/s"
        }
    }

    /// The number and what follows it, spaces between them and at the ends left out.
    private static func split(_ text: String) -> (Double, String)? {
        let trimmed = text.trimmingSpaces
        let digits = trimmed.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard !digits.isEmpty, let number = Double(digits) else { return nil }
        return (number, String(trimmed.dropFirst(digits.count)).trimmingSpaces)
    }
}

extension String {
    var trimmingSpaces: String {
        let start = drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }
}
