internal import NetworkTypes

/// Extended communities by name: `target:65001:1`, `rate-limit:9600`, `redirect:65001:100`, `0x0002fde900000001`, …
enum ExtendedCommunityText {
    static let what =
        "an extended community such as target:65001:1, origin:65001:1, redirect:65001:1, rate-limit:9600 or 0x and 16 "
        + "hexadecimal digits"

    static func read(_ cursor: inout TextCursor) throws(TextError) -> ExtendedCommunity {
        let token = cursor.next
        let text = try cursor.takeWord(expecting: what)
        // The forms of two words.
        switch text {
        case "action": return try community(try ActionText.control(&cursor), at: token, cursor)
        case "mark":
            let value = UInt8(truncatingIfNeeded: try cursor.number("a DSCP", upTo: 63))
            return try community(.markDSCP(value), at: token, cursor)
        case "redirect-to-nexthop-ietf", "copy-to-nexthop-ietf":
            // An IPv6 address does not fit into eight octets.
            let address = try cursor.value("an IPv4 address") { IPAddress($0).flatMap { $0.isIPv4 ? $0 : nil } }
            return try community(.redirectToIP(address, copy: text.hasPrefix("copy")), at: token, cursor)
        default: break
        }
        guard let found = try named(text, at: token, cursor) else {
            throw cursor.refused("\(what) was expected", at: token)
        }
        return found
    }

    private static func community(
        _ action: TrafficAction,
        at token: TextTokens.Token,
        _ cursor: TextCursor
    ) throws(TextError) -> ExtendedCommunity {
        guard let community = action.extendedCommunity else { throw cursor.refused("\(what) was expected", at: token) }
        return community
    }

    private static func named(
        _ text: String,
        at token: TextTokens.Token,
        _ cursor: TextCursor
    ) throws(TextError) -> ExtendedCommunity? {
        if text.hasPrefix("0x") {
            guard text.utf8.count == 18, let value = Hexadecimal.number(text.dropFirst(2)) else { return nil }
            let community = ExtendedCommunity(rawValue: value)
            if [0x8006, 0x800C].contains(value >> 48), !Float(bitPattern: UInt32(value & 0xFFFF_FFFF)).isRate {
                throw cursor.refused("\(FlowSpecError.invalidRate)", at: token)
            }
            return community
        }
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        let rest = colon == text.endIndex ? "" : text[text.index(after: colon)...]
        switch text[..<colon] {
        case "target": return ExtendedCommunity(subtype: 2, rest)
        case "origin": return ExtendedCommunity(subtype: 3, rest)
        case "redirect": return ActionText.routeTarget(rest).flatMap { TrafficAction.redirect($0).extendedCommunity }
        case "rate-limit":
            let packets = rest.hasSuffix(":packets")
            let digits = packets ? rest.dropLast(8) : rest[...]
            guard let rate = Digits.number(digits).map({ Float($0) }) else { return nil }
            let action =
                packets
                ? TrafficAction.rateLimitPackets(asn: 0, packetsPerSecond: rate)
                : .rateLimitBytes(asn: 0, bytesPerSecond: rate)
            return action.extendedCommunity
        case "interface-set": return ActionText.interfaceSet(rest)?.extendedCommunity
        case "mark":
            guard let value = Digits.number(rest), value <= 63 else { return nil }
            return TrafficAction.markDSCP(UInt8(value)).extendedCommunity
        case "redirect-to-nexthop" where rest.isEmpty:
            return TrafficAction.redirectToNextHop(copy: false).extendedCommunity
        case "copy-to-nexthop" where rest.isEmpty: return TrafficAction.redirectToNextHop(copy: true).extendedCommunity
        default: return nil
        }
    }
}

extension Float {
    /// Finite and not negative.
    var isRate: Bool { isFinite && self >= 0 }
}
