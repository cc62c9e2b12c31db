internal import NetworkTypes

/// The values of match components in text: `=80`, `>=1024&<=2047`, `80-90`, `syn&!ack`.
enum MatchText {
    /// Operators and values of one component at most; more do not fit into an NLRI.
    static let maximumCount = 2048

    /// The keyword of a component as it is read: its type, and the family that it is for where it is for one only.
    static func keyword(_ text: String) -> (type: MatchComponentType, family: AddressFamily?)? {
        switch text {
        case "destination": (.destinationPrefix, nil)
        case "destination-ipv4": (.destinationPrefix, .ipv4)
        case "destination-ipv6": (.destinationPrefix, .ipv6)
        case "source": (.sourcePrefix, nil)
        case "source-ipv4": (.sourcePrefix, .ipv4)
        case "source-ipv6": (.sourcePrefix, .ipv6)
        case "protocol": (.ipProtocol, nil)
        case "next-header": (.ipProtocol, .ipv6)
        case "port": (.port, nil)
        case "destination-port": (.destinationPort, nil)
        case "source-port": (.sourcePort, nil)
        case "icmp-type": (.icmpType, nil)
        case "icmp-code": (.icmpCode, nil)
        case "tcp-flags": (.tcpFlags, nil)
        case "packet-length": (.packetLength, nil)
        case "dscp": (.dscp, nil)
        case "traffic-class": (.dscp, .ipv6)
        case "fragment": (.fragment, nil)
        case "flow-label": (.flowLabel, .ipv6)
        default: nil
        }
    }

    /// A prefix, with an IPv6 offset behind another slash. Bits beyond the length are cleared.
    static func pattern(_ cursor: inout TextCursor) throws(TextError) -> PrefixPattern {
        let what = "a prefix such as 192.0.2.1/32 or 2001:db8::/64"
        let token = cursor.next
        let text = try cursor.takeWord(expecting: what)
        let parts = text.asciiParts("/")
        guard parts.count <= 3, let address = parts.first.flatMap({ IPAddress(String($0)) }) else {
            throw cursor.refused("\(what) was expected", at: token)
        }
        let width = address.family.bitWidth
        guard parts.count > 1 else { return PrefixPattern(IPPrefix(host: address)) }
        guard let length = Digits.number(parts[1]), length <= UInt64(width),
            let prefix = IPPrefix(address, length: Int(length)), prefix.family == address.family
        else { throw cursor.refused("a prefix length from 0 to \(width) was expected", at: token) }
        guard parts.count == 3 else { return PrefixPattern(prefix) }
        guard address.family == .ipv6 else {
            throw cursor.refused("IPv4 prefixes have no offset (RFC 8956 section 3.1)", at: token)
        }
        guard let offset = Digits.number(parts[2]), offset < length || offset == 0 else {
            throw cursor.refused("an offset below the prefix length was expected (RFC 8956 section 3.1)", at: token)
        }
        return PrefixPattern(prefix, offset: Int(offset))
    }

    // MARK: Numbers

    static func numericTerms(_ type: MatchComponentType, _ cursor: inout TextCursor) throws(TextError) -> [NumericTerm]
    {
        try chains(type, &cursor) { numericChain($0, type) }
    }

    /// One chain of values or several in brackets, each read by `read`.
    private static func chains<Term>(
        _ type: MatchComponentType,
        _ cursor: inout TextCursor,
        _ read: (String) -> [Term]?
    ) throws(TextError) -> [Term] {
        var terms: [Term] = []
        try cursor.eachInList { cursor throws(TextError) in
            let token = cursor.next
            guard let chain = read(try cursor.takeWord(expecting: form(type))) else {
                throw cursor.refused("\(form(type)) was expected", at: token)
            }
            terms += chain
            guard terms.count <= maximumCount else {
                throw cursor.refused("at most \(maximumCount) operators and values are allowed", at: token)
            }
        }
        return terms
    }

    private static func form(_ type: MatchComponentType) -> String {
        switch type {
        case .ipProtocol: "a protocol such as udp or =17, from 0 to 255,"
        case .port, .destinationPort, .sourcePort: "a port from 0 to 65535 such as =80, >=1024&<=2047, 80-90 or http"
        case .dscp: "a DSCP from 0 to 63, such as =46,"
        case .tcpFlags: "flags (fin, syn, rst, push, ack, urg, ece, cwr, ns) such as syn, =syn+ack or syn&!ack"
        case .fragment: "dont-fragment, is-fragment, first-fragment or last-fragment"
        default: "a number from 0 to \(type.maximumValue) such as =100, >=64&<=128 or 64-128"
        }
    }

    /// `>=1024&<=2047`, all joined by AND; nil where it cannot be read or is out of the field's range.
    static func numericChain(_ text: some StringProtocol, _ type: MatchComponentType) -> [NumericTerm]? {
        var terms: [NumericTerm] = []
        for part in text.asciiParts("&") {
            let (comparison, rest) = comparison(part)
            let limit = type.maximumValue
            if let value = value(rest, type) {
                guard value <= limit else { return nil }
                terms.append(NumericTerm(comparison ?? .equal, value, and: !terms.isEmpty))
                continue
            }
            guard comparison == nil, let dash = rest.firstIndex(of: "-"), let low = Digits.number(rest[..<dash]),
                let high = Digits.number(rest[rest.index(after: dash)...]), low <= high, high <= limit
            else { return nil }
            terms.append(NumericTerm(.greaterOrEqual, low, and: !terms.isEmpty))
            terms.append(NumericTerm(.lessOrEqual, high, and: true))
        }
        return terms
    }

    private static func comparison(_ text: Substring) -> (NumericTerm.Comparison?, Substring) {
        guard let first = text.utf8.first, "<>=!tf".utf8.contains(first) else { return (nil, text) }
        if text.hasPrefix(">=") { return (.greaterOrEqual, text.dropFirst(2)) }
        if text.hasPrefix("<=") { return (.lessOrEqual, text.dropFirst(2)) }
        if text.hasPrefix("!=") { return (.notEqual, text.dropFirst(2)) }
        if text.hasPrefix(">") { return (.greater, text.dropFirst()) }
        if text.hasPrefix("<") { return (.less, text.dropFirst()) }
        if text.hasPrefix("=") { return (.equal, text.dropFirst()) }
        if text.hasPrefix("true") { return (.always, text.dropFirst(4)) }
        if text.hasPrefix("false") { return (.never, text.dropFirst(5)) }
        return (nil, text)
    }

    private static func value(_ text: Substring, _ type: MatchComponentType) -> UInt64? {
        if let number = Digits.number(text) { return number }
        guard let first = text.utf8.first, (65...90).contains(first) || (97...122).contains(first) else { return nil }
        switch type {
        case .ipProtocol: return IPProtocol(name: String(text)).map { UInt64($0.rawValue) }
        case .port, .destinationPort, .sourcePort: return ValueNames.services[text.lowercased()].map { UInt64($0) }
        case .icmpType: return ValueNames.icmpTypes[text.lowercased()].map { UInt64($0) }
        case .icmpCode: return ValueNames.icmpCodes[text.lowercased()].map { UInt64($0) }
        default: return nil
        }
    }

    // MARK: Bits

    static func bitmaskTerms(_ type: MatchComponentType, _ cursor: inout TextCursor) throws(TextError) -> [BitmaskTerm]
    {
        try chains(type, &cursor) { bitmaskChain($0, type) }
    }

    /// `syn`, `=syn+ack`, `syn&!ack`, `0x12`; nil where it cannot be read.
    static func bitmaskChain(_ text: some StringProtocol, _ type: MatchComponentType) -> [BitmaskTerm]? {
        var terms: [BitmaskTerm] = []
        for part in text.split(separator: "&", omittingEmptySubsequences: false) {
            var rest = Substring(part)
            var not = false
            var match = false
            if rest.hasPrefix("!") {
                not = true
                rest = rest.dropFirst()
            }
            if rest.hasPrefix("=") {
                match = true
                rest = rest.dropFirst()
            }
            var bits: UInt16 = 0
            for name in rest.split(separator: "+", omittingEmptySubsequences: false) {
                guard let value = bit(name, type), UInt64(value) <= type.maximumValue else { return nil }
                bits |= value
            }
            terms.append(BitmaskTerm(bits, match: match, not: not, and: !terms.isEmpty))
        }
        return terms
    }

    private static func bit(_ text: Substring, _ type: MatchComponentType) -> UInt16? {
        if let number = Digits.number(text) { return UInt16(exactly: number) }
        if text.hasPrefix("0x") { return Hexadecimal.number(text.dropFirst(2)).flatMap { UInt16(exactly: $0) } }
        let name = text.lowercased()
        return type == .fragment
            ? FragmentBits.names.first { $0.name == name }?.bit : ValueNames.tcpFlags.first { $0.name == name }?.bit
    }
}
