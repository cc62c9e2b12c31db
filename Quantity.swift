public import NetworkTypes

/// Quantities with their units, as they stand in a configuration and on the command line: `20k packets/s`, `1 Gbit/s`,
/// `12.5 MB/s`, `3500 flows/s`, `1900s`, `100ms`.
public enum Quantity {
    /// Why a text is not the quantity that was asked for.
    public struct Problem: Error, Sendable, Hashable {
        /// As a continuation of the value: `has no unit`.
        public var problem: String
        public var expected: String
    }

    private static let timeUnits: [(name: String, nanoseconds: Double)] = [
        ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("d", 86_400e9),
    ]
    private static let scales: [(name: String, factor: Double)] = [
        ("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12),
    ]
    private static let rateUnits: [(name: String, unit: TrafficUnit, factor: Double)] = [
        ("packets/s", .packets, 1), ("packet/s", .packets, 1), ("pps", .packets, 1),
        ("bit/s", .bits, 1), ("bits/s", .bits, 1), ("bps", .bits, 1), ("B/s", .bits, 8), ("bytes/s", .bits, 8),
        ("flows/s", .flows, 1), ("flow/s", .flows, 1),
    ]

    /// What a time looks like, for messages.
    static let expectedTime = "a time such as 100ms, 1s or 30m (units: ms, s, m, h, d)"

    /// What a rate looks like, for messages.
    static func expectedRate(_ unit: TrafficUnit) -> String {
        switch unit {
        case .packets: "a rate such as 20k packets/s (units: packets/s or pps, after k, M or G)"
        case .bits: "a rate such as 1 Gbit/s or 12.5 MB/s (units: bit/s or B/s, after k, M, G or T)"
        case .flows: "a rate such as 3500 flows/s (unit: flows/s, after k, M or G)"
        }
    }

    /// Reads a time: a number that is not negative and a unit. At most a thousand years.
    public static func duration(_ text: String) throws(Problem) -> Duration {
        let (number, unit) = try split(text, expected: expectedTime)
        guard let scale = timeUnits.first(where: { $0.name == unit })?.nanoseconds else {
            throw Problem(problem: unitProblem(unit, wanted: "time"), expected: expectedTime)
        }
        let nanoseconds = number * scale
        guard nanoseconds <= 9e18 else { throw Problem(problem: "is too long", expected: expectedTime) }
        return .nanoseconds(Int64(nanoseconds.rounded()))
    }

    /// Reads a rate of the given unit, per second. Bytes become bits.
    public static func rate(_ text: String, _ unit: TrafficUnit) throws(Problem) -> Double {
        let expected = expectedRate(unit)
        let (value, found) = try anyRate(text, wanted: "rate of \(unit.rawValue)", expected: expected)
        guard found == unit else {
            throw Problem(problem: "is a rate of \(found.rawValue), not of \(unit.rawValue)", expected: expected)
        }
        return value
    }

    /// Reads a rate of whichever unit it says.
    static func anyRate(_ text: String, wanted: String, expected: String) throws(Problem) -> (Double, TrafficUnit) {
        let (number, rest) = try split(text, expected: expected)
        var unit = rest
        var factor = 1.0
        if !rateUnits.contains(where: { $0.name == rest }), let scale = scales.first(where: { rest.hasPrefix($0.name) }) {
            factor = scale.factor
            unit = trimmed(rest.dropFirst(scale.name.count))
        }
        guard let known = rateUnits.first(where: { $0.name == unit }) else {
            throw Problem(problem: unit.isEmpty ? "has no unit" : unitProblem(rest, wanted: wanted), expected: expected)
        }
        let perSecond = number * factor * known.factor
        guard perSecond <= 1e18 else { throw Problem(problem: "is more than any network carries", expected: expected) }
        return (perSecond, known.unit)
    }

    /// A time in the largest unit that holds it whole: `30m`, `1900s`, `1500ms`. Finer than a millisecond is cut.
    public static func describe(_ duration: Duration) -> String {
        let milliseconds = duration.nanoseconds / 1_000_000
        if milliseconds == 0 { return "0s" }
        for (name, scale) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        where milliseconds % scale == 0 { return "\(milliseconds / scale)\(name)" }
        return "\(milliseconds)ms"
    }

    /// The number in front and the unit behind it.
    private static func split(_ text: String, expected: String) throws(Problem) -> (number: Double, unit: String) {
        let digits = text.utf8.prefix { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
        let literal = String(text.prefix(digits.count))
        guard let first = literal.utf8.first, first != UInt8(ascii: "."), literal.utf8.last != UInt8(ascii: "."),
            let number = Double(literal), number.isFinite
        else { throw Problem(problem: "is not a number with a unit", expected: expected) }
        let unit = trimmed(text.dropFirst(literal.count))
        guard !unit.isEmpty else { throw Problem(problem: "has no unit", expected: expected) }
        return (number, unit)
    }

    /// Says what an unfitting unit measures, if it measures anything.
    private static func unitProblem(_ unit: String, wanted: String) -> String {
        if timeUnits.contains(where: { $0.name == unit }) { return "is a time, not a \(wanted)" }
        let bare = scales.first { unit.hasPrefix($0.name) }.map { trimmed(unit.dropFirst($0.name.count)) }
        if let rate = rateUnits.first(where: { $0.name == unit || $0.name == bare }) {
            return "is a rate of \(rate.unit.rawValue), not a \(wanted)"
        }
        return "has an unknown unit"
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
