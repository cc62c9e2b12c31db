internal import NetworkTypes

/// The attributes of a route while it is read: `next-hop A local-preference N community [ … ] …`.
struct RouteDraft {
    /// Values of one list at most.
    static let maximumCount = 1024

    var nextHop: IPAddress?
    var hasNextHop = false
    var origin = RouteOrigin.igp
    var asPath: [ASN] = []
    var metric: UInt32?
    var localPreference: UInt32?
    var communities: [Community] = []
    var largeCommunities: [LargeCommunity] = []
    var extendedCommunities: [ExtendedCommunity] = []

    static let keywords =
        "next-hop, origin, as-path, med, local-preference, community, large-community or extended-community"

    /// Reads a prefix; an address alone is a host. Bits beyond its length are refused, as ExaBGP does: one digit less in
    /// the length and a blackhole takes the neighbors with it.
    static func prefix(_ cursor: inout TextCursor) throws(TextError) -> IPPrefix {
        let what = "a prefix such as 192.0.2.0/24"
        let token = cursor.next
        let text = try cursor.takeWord(expecting: what)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = parts.first.flatMap({ IPAddress(String($0)) }) else {
            throw cursor.refused("\(what) was expected", at: token)
        }
        let width = address.family.bitWidth
        guard parts.count == 2 else { return IPPrefix(host: address) }
        guard let length = Digits.number(parts[1]), length <= UInt64(width),
            let prefix = IPPrefix(address, length: Int(length))
        else { throw cursor.refused("a prefix length from 0 to \(width) was expected", at: token) }
        guard prefix.address == address else {
            throw cursor.refused("\(address) is no network of /\(length): \(prefix) was expected", at: token)
        }
        return prefix
    }

    /// Reads attributes to the end of the command or to the word `stop`.
    mutating func readAttributes(_ cursor: inout TextCursor, until stop: String? = nil) throws(TextError) {
        while let word = cursor.word, word != stop { try readAttribute(&cursor) }
    }

    /// Reads one attribute with its value.
    mutating func readAttribute(_ cursor: inout TextCursor) throws(TextError) {
        guard let word = cursor.word else { throw cursor.expected(Self.keywords) }
        guard try readCommunities(word, &cursor) == false else { return }
        switch word {
        case "next-hop":
            cursor.advance()
            guard !hasNextHop else { throw cursor.refused("a second next-hop", at: cursor.previous) }
            nextHop = cursor.take("self") ? nil : try cursor.value("self or an address") { IPAddress($0) }
            hasNextHop = true
        case "origin":
            cursor.advance()
            origin = try cursor.value("igp, egp or incomplete") {
                ["igp": .igp, "egp": .egp, "incomplete": .incomplete][$0.lowercased()]
            }
        case "as-path":
            cursor.advance()
            // An empty list is what a route of our own has anyway; ExaBGP's configurations say it.
            asPath = cursor.takesEmptyList() ? [] : try cursor.list("an AS number", upTo: 255) { ASN($0) }
        case "med":
            cursor.advance()
            metric = try cursor.number("a number", upTo: 0xFFFF_FFFF)
        case "local-preference":
            cursor.advance()
            localPreference = try cursor.number("a number", upTo: 0xFFFF_FFFF)
        default: throw cursor.expected(Self.keywords)
        }
    }

    /// Reads one of the three sorts of communities; false when the keyword is none of them.
    mutating func readCommunities(_ word: String, _ cursor: inout TextCursor) throws(TextError) -> Bool {
        switch word {
        case "community":
            cursor.advance()
            communities += try cursor.list("a community such as 65001:666 or blackhole", upTo: Self.maximumCount) {
                Community($0)
            }
        case "large-community":
            cursor.advance()
            largeCommunities += try cursor.list("a large community such as 65001:1:2", upTo: Self.maximumCount) {
                LargeCommunity($0)
            }
        case "extended-community":
            cursor.advance()
            var found: [ExtendedCommunity] = []
            try cursor.eachInList { cursor throws(TextError) in
                found.append(try ExtendedCommunityText.read(&cursor))
                guard found.count <= Self.maximumCount else { throw cursor.expected("no more values") }
            }
            extendedCommunities += found
        default: return false
        }
        return true
    }

    func announcement(
        of prefix: IPPrefix,
        at token: TextTokens.Token,
        _ cursor: TextCursor
    ) throws(TextError) -> Announcement {
        guard hasNextHop else {
            throw cursor.refused("next-hop and an address, or next-hop self, was expected for this route", at: token)
        }
        // IPv4 prefixes may have one of IPv6 (RFC 8950).
        guard nextHop?.isIPv4 != true || prefix.family == .ipv4 else {
            throw cursor.refused("a next-hop of IPv6 was expected for this prefix", at: token)
        }
        return Announcement(
            route: .unicast(prefix),
            communities: communities,
            extendedCommunities: extendedCommunities,
            largeCommunities: largeCommunities,
            nextHop: nextHop,
            origin: origin,
            asPath: asPath,
            metric: metric,
            localPreference: localPreference
        )
    }
}

extension TextCursor {
    /// One word, read.
    mutating func value<Value>(_ what: String, _ read: (String) -> Value?) throws(TextError) -> Value {
        let token = next
        guard let value = read(try takeWord(expecting: what)) else { throw refused("\(what) was expected", at: token) }
        return value
    }

    mutating func number(_ what: String, upTo limit: UInt64) throws(TextError) -> UInt32 {
        try value("\(what) up to \(limit)") { text in
            Digits.number(text).flatMap { $0 <= limit ? UInt32(exactly: $0) : nil }
        }
    }

    /// Takes `[ ]`.
    mutating func takesEmptyList() -> Bool {
        var ahead = self
        guard ahead.take(.openBracket), ahead.take(.closeBracket) else { return false }
        self = ahead
        return true
    }

    /// `VALUE` or `[ VALUE … ]`; at least one. Each call takes what makes up a value.
    mutating func eachInList(_ read: (inout TextCursor) throws(TextError) -> Void) throws(TextError) {
        guard take(.openBracket) else { return try read(&self) }
        guard next.kind != .closeBracket else { throw expected("a value") }
        while !take(.closeBracket) { try read(&self) }
    }

    mutating func list<Value>(
        _ what: String,
        upTo limit: Int,
        _ read: (String) -> Value?
    ) throws(TextError) -> [Value] {
        var values: [Value] = []
        try eachInList { cursor throws(TextError) in
            values.append(try cursor.value(what, read))
            guard values.count <= limit else { throw cursor.expected("no more than \(limit) values") }
        }
        return values
    }
}
