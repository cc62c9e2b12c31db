internal import DaemonConfiguration
internal import FlowSpec
internal import NetworkTypes

/// A key of `fastnetmon.conf`: what its value may be, and what becomes of it here.
struct FastNetMonKey {
    enum Kind: Equatable {
        /// `on` or `off`.
        case toggle
        case number(ClosedRange<Int>)
        /// UDP ports, with commas between.
        case ports
        case address
        case communities
        case path
        /// Names with commas between.
        case names
        case choice([String])
        case text
        /// `name:prefix,prefix`.
        case hostGroup
    }

    enum Fate: Equatable {
        /// It has its effect.
        case taken
        /// It has none, and nothing is lost by that.
        case needless
        /// It has none, and something is missed.
        case missed
    }

    var name: String
    var kind: Kind
    var fate: Fate
    /// What becomes of it, or why nothing does and what to use instead.
    var words: String
    /// Without this key being `on` it has no effect in FastNetMon either, and there is nothing to be said.
    var switchedBy: String?

    init(_ name: String, _ kind: Kind, _ fate: Fate, _ words: String, with switchedBy: String? = nil) {
        self.name = name
        self.kind = kind
        self.fate = fate
        self.words = words
        self.switchedBy = switchedBy
    }

    /// A row of the table in `docs/migrating-from-fastnetmon.md`.
    var row: String { "| `\(name)` | \(kind) | \(words) |" }
}

extension FastNetMonKey.Kind: CustomStringConvertible {
    var description: String {
        switch self {
        case .toggle: "`on`, `off`"
        case .number(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .ports: "ports"
        case .address: "address"
        case .communities: "communities"
        case .path: "path"
        case .names: "names"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .text: "text"
        case .hostGroup: "name:prefixes"
        }
    }
}

extension FastNetMonKey.Kind {
    /// Why a value is not of this kind, what FastNetMon makes of it, and what to write; nil where it is.
    func objection(to value: String) -> String? {
        let found = "\"\(FastNetMonLines.shorten(value))\""
        switch self {
        case .toggle:
            guard value != "on", value != "off" else { return nil }
            return "\(found) is neither on nor off, and FastNetMon takes all that is not on for off: write on or off"
        case .number(let range): return Self.objection(to: value, in: range)
        case .ports:
            let ports = Self.items(value)
            guard !ports.isEmpty, ports.allSatisfy({ UInt16($0).map { $0 > 0 } ?? false }) else {
                return
                    "\(found) is no list of ports: write numbers from 1 to 65535 with commas between, such as 6343,6344"
            }
            return nil
        case .address:
            return IPAddress(value) == nil
                ? "\(found) is no IP address: write one such as 192.0.2.1 or 2001:db8::1" : nil
        case .communities:
            let communities = Self.communities(value)
            guard !communities.isEmpty, communities.allSatisfy({ Community($0) != nil }) else {
                return "\(found) is no community: write 65001:666, or [65001:666 65001:777]"
            }
            return nil
        case .path:
            return value.contains(" ") || value.hasSuffix("/") ? "\(found) is no path of a file" : nil
        case .names: return Self.items(value).isEmpty ? "\(found) has no name" : nil
        case .choice(let words):
            guard !words.contains(value) else { return nil }
            let near = Spelling.nearest(to: value, among: words).map { "; did you mean \($0)?" } ?? ""
            return "\(found) is none of \(words.joined(separator: ", "))\(near)"
        case .text, .hostGroup: return nil
        }
    }

    private static func objection(to value: String, in range: ClosedRange<Int>) -> String? {
        let found = "\"\(FastNetMonLines.shorten(value))\""
        let isDigits = value.utf8.allSatisfy { (48...57).contains($0) }
        if isDigits, let number = Int(value), range.contains(number) { return nil }
        if isDigits { return "\(found) is not from \(range.lowerBound) to \(range.upperBound)" }
        if value.hasPrefix("-") {
            return "\(found) is negative, and FastNetMon takes it so: write a number from \(range.lowerBound) up"
        }
        // What `atoi` makes of it.
        let digits = value.prefix { $0.isASCII && $0.isNumber }
        let rest = value.dropFirst(digits.count)
        // What a million of them is depends on the key: some are in megabits already.
        let isThousands = !digits.isEmpty && ["k", "K"].contains(String(rest))
        let remedy = isThousands ? "write \(digits)000" : "write a whole number without a unit"
        return "\(found) is no whole number, and FastNetMon reads \(digits.isEmpty ? "0" : digits) of it: \(remedy)"
    }

    /// Parts between commas.
    static func items(_ value: String) -> [String] {
        value.split(separator: ",").map { FastNetMonLines.trim($0) }.filter { !$0.isEmpty }
    }

    /// `65001:666`, or several in brackets.
    static func communities(_ value: String) -> [String] {
        var inside = Substring(value)
        if inside.hasPrefix("["), inside.hasSuffix("]") { inside = inside.dropFirst().dropLast() }
        return inside.split { $0.isWhitespace || $0 == "," }.map(String.init)
    }
}
