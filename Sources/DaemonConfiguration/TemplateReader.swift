internal import FlowSpec
internal import NetworkTypes

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
        func numeric(_ key: String, _ type: MatchComponentType) {
            let expected =
                "numbers up to \(type.maximumValue), each with an operator before it if not =, such as 53 or >=1024"
            let terms = match.list(key, expected: expected) { FlowSpecText.numericTerms($0, of: type) }
            guard let terms, !terms.isEmpty else { return }
            if let component = MatchComponent(type, numeric: terms.flatMap { $0 }) { components.append(component) }
        }
        func bitmask(_ key: String, _ type: MatchComponentType, expected: String) {
            let terms = match.list(key, expected: expected) { FlowSpecText.bitmaskTerms($0, of: type) }
            guard let terms, !terms.isEmpty else { return }
            if let component = MatchComponent(type, bitmask: terms.flatMap { $0 }) { components.append(component) }
        }
        let protocols = match.list("protocol", expected: "a protocol such as udp, or its number") { text in
            FlowSpecText.numericTerms(text, of: .ipProtocol)
        }
        if let protocols, !protocols.isEmpty { components.append(.ipProtocol(protocols.flatMap { $0 })) }
        numeric("port", .port)
        numeric("destination_port", .destinationPort)
        numeric("source_port", .sourcePort)
        numeric("icmp_type", .icmpType)
        numeric("icmp_code", .icmpCode)
        let flags = match.list("tcp_flags", expected: "flags such as syn, syn+ack or syn&!ack") { tcpFlags($0) }
        if let flags, !flags.isEmpty { components.append(.tcpFlags(flags.flatMap { $0 })) }
        numeric("packet_length", .packetLength)
        numeric("dscp", .dscp)
        let fragmentNames = FragmentBits.names.map(\.name)
        bitmask("fragment", .fragment, expected: "one of \(fragmentNames.joined(separator: ", "))")
        numeric("flow_label", .flowLabel)
        return components
    }

    /// As in rules in text, but that of `syn+ack` both are meant, and that a flag may have its short name.
    private static func tcpFlags(_ text: String) -> [BitmaskTerm]? {
        FlowSpecText.bitmaskTerms(text.lowercased().replacing("psh", with: "push"), of: .tcpFlags)?.map { term in
            var term = term
            if term.value.nonzeroBitCount > 1 { term.match = true }
            return term
        }
    }

    /// What is done, with no match.
    static func actions(_ then: Section) -> RuleTemplate {
        var template = RuleTemplate(components: [], actions: [])
        readActions(then, into: &template)
        return template
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
        if let target = then.scalar(
            "redirect",
            expected: "a route target such as 65001:100 or [2001:db8::1]:100",
            FlowSpecText.routeTarget
        ) {
            template.actions.append(.redirect(target))
        }
        if let address = then.address("redirect_to_ip") {
            template.actions.append(.redirectToIP(address, copy: false))
        }
        if let address = then.address("copy_to_ip") { template.actions.append(.redirectToIP(address, copy: true)) }
        let samples = then.bool("sample") == true
        let goesOn = then.bool("continue") == true
        if samples || goesOn { template.actions.append(.control(continueWithNextRules: goesOn, sample: samples)) }
        if let value = then.integer("mark_dscp", in: 0...63) { template.actions.append(.markDSCP(UInt8(value))) }
        template.communities = then.communities("communities")
        template.largeCommunities =
            then.list("large_communities", expected: "a large community such as 65001:1:2") { LargeCommunity($0) } ?? []
        for community in then.list(
            "extended_communities",
            expected: "an extended community such as target:65001:1, or 0x and 16 hexadecimal digits",
            FlowSpecText.extendedCommunity
        ) ?? [] {
            if let action = TrafficAction(community) {
                template.actions.append(action)
            } else {
                template.extendedCommunities.append(community)
            }
        }
        if template.actions.isEmpty != accepts {
            then.problems.report(
                then.node.place,
                then.path,
                expected: "either accept: true or an action: discard, rate_limit, rate_limit_packets, redirect, "
                    + "redirect_to_ip, copy_to_ip, sample, continue or mark_dscp"
            )
        }
    }
}
