internal import FlowSpec
internal import NetworkTypes
internal import Yams

/// Reads a rule template: `{match: {destination: $TARGET_PREFIX, protocol: udp}, then: {rate_limit: 100 Mbit/s}}`.
enum TemplateReader {
    static func read(_ section: Section) -> RuleTemplate {
        var template = RuleTemplate(components: [], actions: [])
        if let match = section.section("match") {
            template.components = components(match)
            match.finish()
        }
        if let then = section.section("then") {
            readActions(then, into: &template)
            then.finish()
        } else {
            section.report("then", expected: "what is to be done: discard, rate_limit, redirect, mark_dscp or accept")
        }
        section.finish()
        return template
    }

    private static func components(_ match: Section) -> [MatchComponent] {
        // The target is always matched; naming it is allowed so that a template reads as the rule will.
        _ = match.scalar("destination", expected: "$TARGET_PREFIX or $TARGET_IP") { text in
            ["$TARGET_PREFIX", "$TARGET_IP"].contains(text) ? text : nil
        }
        for key in match.keys where match.isEmptyList(key) {
            match.report(key, expected: "at least one alternative, or no such key")
        }
        var components: [MatchComponent] = []
        func numeric(_ key: String, upTo limit: UInt64, _ make: ([NumericTerm]) -> MatchComponent) {
            let expected = "numbers up to \(limit), each with an operator before it if not =, such as 53 or >=1024"
            let terms = match.list(key, expected: expected) { numericTerms($0, upTo: limit) }
            if let terms, !terms.isEmpty { components.append(make(terms.flatMap { $0 })) }
        }
        let protocols = match.list("protocol", expected: "a protocol such as udp, or its number") { text in
            IPProtocol(name: text).map { NumericTerm(.equal, UInt64($0.rawValue)) }
        }
        if let protocols, !protocols.isEmpty { components.append(.ipProtocol(protocols)) }
        numeric("port", upTo: 65_535) { .port($0) }
        numeric("destination_port", upTo: 65_535) { .destinationPort($0) }
        numeric("source_port", upTo: 65_535) { .sourcePort($0) }
        numeric("icmp_type", upTo: 255) { .icmpType($0) }
        numeric("icmp_code", upTo: 255) { .icmpCode($0) }
        let flags = match.list("tcp_flags", expected: "flags such as syn, syn+ack or syn&!ack") { tcpFlags($0) }
        if let flags, !flags.isEmpty { components.append(.tcpFlags(flags.flatMap { $0 })) }
        numeric("packet_length", upTo: 65_535) { .packetLength($0) }
        numeric("dscp", upTo: 63) { .dscp($0) }
        let fragmentNames = FragmentBits.names.map(\.name)
        let fragments = match.list("fragment", expected: "one of \(fragmentNames.joined(separator: ", "))") { text in
            FragmentBits.names.first { $0.name == text }.map { BitmaskTerm($0.bit) }
        }
        if let fragments, !fragments.isEmpty { components.append(.fragment(fragments)) }
        return components
    }

    /// `53`, `>=1024`, `>=1024&<=2047`.
    private static func numericTerms(_ text: String, upTo limit: UInt64) -> [NumericTerm]? {
        var terms: [NumericTerm] = []
        for part in text.split(separator: "&", omittingEmptySubsequences: false) {
            let operators: [(String, NumericTerm.Comparison)] = [
                (">=", .greaterOrEqual), ("<=", .lessOrEqual), ("!=", .notEqual), (">", .greater), ("<", .less),
                ("=", .equal),
            ]
            let found = operators.first { part.hasPrefix($0.0) }
            guard let number = UInt64(part.dropFirst(found?.0.count ?? 0)), number <= limit else { return nil }
            terms.append(NumericTerm(found?.1 ?? .equal, number, and: !terms.isEmpty))
        }
        return terms
    }

    /// `syn`, `syn+ack` (both), `syn&!ack` (one without the other).
    private static func tcpFlags(_ text: String) -> [BitmaskTerm]? {
        var terms: [BitmaskTerm] = []
        for part in text.split(separator: "&", omittingEmptySubsequences: false) {
            let isNegated = part.hasPrefix("!")
            var bits: UInt16 = 0
            for name in part.dropFirst(isNegated ? 1 : 0).split(separator: "+", omittingEmptySubsequences: false) {
                guard let flag = TCPFlags(name: String(name)) else { return nil }
                bits |= UInt16(flag.rawValue)
            }
            terms.append(
                BitmaskTerm(bits, match: bits.nonzeroBitCount > 1, not: isNegated, and: !terms.isEmpty)
            )
        }
        return terms
    }

    private static func readActions(_ then: Section, into template: inout RuleTemplate) {
        if then.bool("discard") == true { template.actions.append(.discard) }
        let accepts = then.bool("accept") == true
        if let bits = then.scalar("rate_limit", expected: Quantity.rateUnits(.bits), { Quantity.rate($0, .bits) }) {
            template.actions.append(.rateLimitBytes(asn: 0, bytesPerSecond: Float(bits / 8)))
        }
        if let packets = then.scalar(
            "rate_limit_packets",
            expected: Quantity.rateUnits(.packets),
            { Quantity.rate($0, .packets) }
        ) {
            template.actions.append(.rateLimitPackets(asn: 0, packetsPerSecond: Float(packets)))
        }
        if let target = then.scalar("redirect", expected: "a route target such as 65001:100", routeTarget) {
            template.actions.append(.redirect(target))
        }
        if let address = then.address("redirect_to_ip") {
            template.actions.append(.redirectToIP(address, copy: false))
        }
        if let value = then.integer("mark_dscp", in: 0...63) { template.actions.append(.markDSCP(UInt8(value))) }
        template.communities = then.communities("communities")
        if template.actions.isEmpty != accepts {
            then.problems.report(
                then.node,
                then.path,
                expected: "either accept: true or an action: discard, rate_limit, rate_limit_packets, redirect, "
                    + "redirect_to_ip or mark_dscp"
            )
        }
    }

    private static func routeTarget(_ text: String) -> RouteTarget? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let left = String(text[..<colon])
        let right = String(text[text.index(after: colon)...])
        if let asn = UInt16(left), let number = UInt32(right) { return .twoOctetAS(asn, number) }
        if let asn = UInt32(left), let number = UInt16(right) { return .fourOctetAS(ASN(asn), number) }
        if let address = IPAddress(left), address.isIPv4, let number = UInt16(right) { return .ipv4(address, number) }
        return nil
    }
}
