import NetworkTypes

/// Which refused commands of one client are written down one by one: a client that says the same wrong thing again and
/// again must hide neither the history nor what else it is refused.
///
/// Refusals are alike whose reasons differ in numbers and addresses only. Of those that are alike the first few of a
/// minute are written down; the others are counted, and told of when the minute is over.
struct RefusalDigest: Sendable {
    /// Of one kind, and kinds there may be, in a minute.
    static let perKind = 10
    static let kinds = 100
    private static let period = Duration.seconds(60)

    /// Refusals of one kind that were not written down.
    struct LeftOut: Sendable, Equatable {
        var count: Int
        /// One of the reasons.
        var reason: String
    }

    private struct Kind: Sendable {
        var count = 0
        var reason: String
    }

    private var began: Timestamp?
    private var seen: [String: Kind] = [:]

    /// Whether this one is to be written down. To be asked after `leftOut`.
    mutating func admit(_ reason: String, at time: Timestamp) -> Bool {
        if began == nil { began = time }
        let kind = Self.kind(of: reason)
        // Beyond the bound all other kinds are one.
        let key = seen[kind] != nil || seen.count < Self.kinds ? kind : ""
        seen[key, default: Kind(reason: reason)].count += 1
        return (seen[key]?.count ?? 0) <= Self.perKind
    }

    /// What was left out in a minute that is over, the most first; the next minute begins.
    mutating func leftOut(at time: Timestamp) -> [LeftOut] {
        guard let began, time - began >= Self.period else { return [] }
        let left = seen.values.filter { $0.count > Self.perKind }.map { kind in
            LeftOut(count: kind.count - Self.perKind, reason: kind.reason)
        }
        self.began = nil
        seen = [:]
        return left.sorted { ($1.count, $0.reason) < ($0.count, $1.reason) }
    }

    /// The reason without what is in quotes, and numbers and addresses for one another.
    private static func kind(of reason: String) -> String {
        var kind = ""
        var isQuoted = false
        for word in reason.split(separator: " ", omittingEmptySubsequences: true) {
            let quotes = word.utf8.count { $0 == UInt8(ascii: "\"") }
            let isNumber = word.utf8.contains { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let isLeftOut = isQuoted || quotes > 0 || isNumber
            if quotes % 2 == 1 { isQuoted.toggle() }
            if !isLeftOut {
                kind += word + " "
            } else if !kind.hasSuffix("# ") {
                kind += "# "
            }
            if kind.utf8.count > 200 { break }
        }
        return kind
    }
}
