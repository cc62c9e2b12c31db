internal import NetworkTypes

/// A FlowSpec rule with its actions while it is read.
struct RuleDraft {
    /// Where the rule begins, for what is wrong with it as a whole.
    let start: TextTokens.Token
    var attributes = RouteDraft()
    private var family: AddressFamily?
    private var distinguisher: RouteDistinguisher?
    private var components: [MatchComponentType: MatchComponent] = [:]
    private var actions: [TrafficAction] = []
    /// Where each of the actions stands.
    private var actionTokens: [TextTokens.Token] = []
    /// The same of extended communities that are actions.
    private var communityTokens: [TextTokens.Token] = []

    init(family: AddressFamily?, start: TextTokens.Token) {
        self.family = family
        self.start = start
    }

    private enum Section { case rule, match, scope, then, any }

    private static func form(_ section: Section) -> String {
        let match =
            "destination, source, protocol, next-header, port, destination-port, source-port, icmp-type, icmp-code, "
            + "tcp-flags, packet-length, dscp, traffic-class, fragment or flow-label"
        let then =
            "accept, discard, rate-limit, redirect, redirect-to-nexthop, redirect-to-nexthop-ietf, copy, mark, action, "
            + "community, large-community or extended-community"
        return switch section {
        case .rule: "match, scope, then, rd, next-hop or family"
        case .match: match
        case .scope: "interface-set"
        case .then: then
        case .any: "\(match), or \(then)"
        }
    }

    /// `{ rd N:N; next-hop A; match { … } scope { … } then { … } }`
    mutating func readBraces(_ cursor: inout TextCursor) throws(TextError) {
        try cursor.expect(.openBrace, "{")
        var seen: Set<String> = []
        while !cursor.take(.closeBrace) {
            guard let word = cursor.word else { throw cursor.expected(Self.form(.rule)) }
            let section: Section
            switch word {
            case "match": section = .match
            case "scope": section = .scope
            case "then": section = .then
            default:
                try readStatement(.rule, &cursor)
                try cursor.expect(.semicolon, ";")
                continue
            }
            guard seen.insert(word).inserted else { throw cursor.expected("only one \(word)") }
            cursor.advance()
            try cursor.expect(.openBrace, "{")
            while !cursor.take(.closeBrace) {
                try readStatement(section, &cursor)
                try cursor.expect(.semicolon, "; (several values stand in brackets, [ … ])")
            }
            _ = cursor.take(.semicolon)
        }
    }

    /// The same without braces and semicolons, to the end of the command.
    mutating func readFlat(_ cursor: inout TextCursor) throws(TextError) {
        while cursor.next.kind == .word { try readStatement(.any, &cursor) }
        guard cursor.next.kind != .openBracket, cursor.next.kind != .quoted else {
            throw cursor.expected(Self.form(.any))
        }
    }

    private mutating func readStatement(_ section: Section, _ cursor: inout TextCursor) throws(TextError) {
        guard let word = cursor.word else { throw cursor.expected(Self.form(section)) }
        if section == .rule || section == .any {
            switch word {
            case "rd", "route-distinguisher":
                cursor.advance()
                guard distinguisher == nil else { throw cursor.refused("a second rd", at: cursor.previous) }
                distinguisher = try cursor.value("a route distinguisher such as 65001:100") { RouteDistinguisher($0) }
                return
            case "next-hop": return try attributes.readAttribute(&cursor)
            case "family" where section == .rule:
                cursor.advance()
                let token = cursor.next
                let named: AddressFamily = try cursor.value("ipv4 or ipv6") { ["ipv4": .ipv4, "ipv6": .ipv6][$0] }
                return try settle(named, at: token, cursor)
            default: break
            }
        }
        if section == .match || section == .any, let (type, only) = MatchText.keyword(word) {
            return try readMatch(type, only, &cursor)
        }
        if section == .scope || section == .any, word == "interface-set" {
            cursor.advance()
            let token = cursor.previous
            actions += try cursor.list("an interface set such as transitive:input:65001:5", upTo: 64) {
                ActionText.interfaceSet($0)
            }
            actionTokens += repeatElement(token, count: actions.count - actionTokens.count)
            return
        }
        let token = cursor.next
        guard section == .then || section == .any, try readAction(word, &cursor) else {
            throw cursor.expected(Self.form(section))
        }
        actionTokens += repeatElement(token, count: actions.count - actionTokens.count)
    }

    // MARK: Match

    private mutating func readMatch(
        _ type: MatchComponentType,
        _ only: AddressFamily?,
        _ cursor: inout TextCursor
    ) throws(TextError) {
        let keyword = cursor.next
        cursor.advance()
        if let only { try settle(only, at: keyword, cursor) }
        switch type {
        case .destinationPrefix, .sourcePrefix:
            let token = cursor.next
            guard token.kind != .openBracket else {
                throw cursor.expected("one prefix: a rule matches only one (RFC 8955 section 4.2)")
            }
            let pattern = try MatchText.pattern(&cursor)
            try settle(pattern.prefix.family, at: token, cursor)
            let component = type == .sourcePrefix ? MatchComponent.source(pattern) : .destination(pattern)
            guard components.updateValue(component, forKey: type) == nil else {
                throw cursor.refused("a second prefix: a rule matches only one (RFC 8955 section 4.2)", at: keyword)
            }
        case .tcpFlags, .fragment:
            var terms: [BitmaskTerm] = []
            if case .bitmask(let before)? = components[type]?.terms { terms = before }
            terms += try MatchText.bitmaskTerms(type, &cursor)
            try check(terms.count, at: keyword, cursor)
            components[type] = MatchComponent(type, bitmask: terms)
        default:
            // The same keyword again adds alternatives, as ExaBGP has it.
            var terms: [NumericTerm] = []
            if case .numeric(let before)? = components[type]?.terms { terms = before }
            terms += try MatchText.numericTerms(type, &cursor)
            try check(terms.count, at: keyword, cursor)
            components[type] = MatchComponent(type, numeric: terms)
        }
    }

    private func check(_ count: Int, at token: TextTokens.Token, _ cursor: TextCursor) throws(TextError) {
        guard count <= MatchText.maximumCount else {
            throw cursor.refused("at most \(MatchText.maximumCount) operators and values are allowed", at: token)
        }
    }

    /// A rule is of one family: what stands at the token must agree with what stood before it.
    private mutating func settle(
        _ family: AddressFamily,
        at token: TextTokens.Token,
        _ cursor: TextCursor
    ) throws(TextError) {
        guard self.family == nil || self.family == family else {
            let (mine, other) = family == .ipv4 ? ("IPv4", "IPv6") : ("IPv6", "IPv4")
            throw cursor.refused("this belongs to \(mine), but the rule is an \(other) one", at: token)
        }
        self.family = family
    }

    // MARK: Actions

    /// Reads an action; false when the word is none.
    private mutating func readAction(_ word: String, _ cursor: inout TextCursor) throws(TextError) -> Bool {
        let keyword = cursor.next
        switch word {
        case "community", "large-community", "extended-community":
            let before = attributes.extendedCommunities.count
            let isRead = try attributes.readCommunities(word, &cursor)
            for community in attributes.extendedCommunities[before...] where TrafficAction(community) != nil {
                communityTokens.append(keyword)
            }
            return isRead
        case "accept": cursor.advance()
        case "discard":
            cursor.advance()
            actions.append(.discard)
        case "rate-limit":
            cursor.advance()
            actions.append(try ActionText.rate(&cursor))
        case "mark":
            cursor.advance()
            actions.append(.markDSCP(UInt8(truncatingIfNeeded: try cursor.number("a DSCP", upTo: 63))))
        case "action":
            cursor.advance()
            actions.append(try ActionText.control(&cursor))
        case "redirect-to-nexthop", "copy-to-nexthop":
            cursor.advance()
            actions.append(.redirectToNextHop(copy: word == "copy-to-nexthop"))
        case "redirect-to-nexthop-ietf", "copy-to-nexthop-ietf":
            cursor.advance()
            let address = try cursor.value("an address") { IPAddress($0) }
            actions.append(.redirectToIP(address, copy: word == "copy-to-nexthop-ietf"))
        case "copy":
            cursor.advance()
            let address = try cursor.value("an address") { IPAddress($0) }
            try redirect(to: address, copy: true, at: keyword, cursor)
        case "redirect":
            cursor.advance()
            try readRedirect(at: keyword, &cursor)
        case "attribute":
            cursor.advance()
            try readRawAttribute(&cursor)
        default: return false
        }
        return true
    }

    /// `attribute [ 0x19 0xc0 0x000c… ]`: type, flags and value of an attribute that holds communities.
    private mutating func readRawAttribute(_ cursor: inout TextCursor) throws(TextError) {
        let token = cursor.next
        let what = "[ 0x10 0xc0 0x… ]: type, flags and value of extended communities, 0x10 or 0x19,"
        let parts = try cursor.list(what, upTo: 3) { text in
            text.hasPrefix("0x") ? Hexadecimal.octets(text.dropFirst(2)) : nil
        }
        guard parts.count == 3, parts[0] == [0x10] || parts[0] == [0x19], parts[1] == [0xC0] else {
            throw cursor.refused("\(what) was expected", at: token)
        }
        let size = parts[0] == [0x10] ? 8 : 20
        var rest = parts[2][...]
        guard !rest.isEmpty, rest.count % size == 0 else {
            throw cursor.refused("a value of \(size) octets, or several, was expected", at: token)
        }
        while !rest.isEmpty {
            let octets = rest.prefix(size)
            rest = rest.dropFirst(size)
            if let action = TrafficAction(extendedCommunity: octets) {
                actions.append(action)
            } else if size == 8 {
                var reader = OctetReader(octets)
                attributes.extendedCommunities.append(ExtendedCommunity(rawValue: reader.read() ?? 0))
            } else {
                throw cursor.refused(
                    "an IPv6-address-specific community that is a traffic action was expected",
                    at: token
                )
            }
        }
    }

    /// `redirect 65001:100`, `redirect 192.0.2.1:100`, `redirect [2001:db8::1]:100`, `redirect 192.0.2.1`.
    private mutating func readRedirect(at keyword: TextTokens.Token, _ cursor: inout TextCursor) throws(TextError) {
        let what = "a route target such as 65001:100 or [2001:db8::1]:100, or an address,"
        if cursor.take(.openBracket) {
            let token = cursor.next
            let address = try cursor.value(what) { IPAddress($0) }
            try cursor.expect(.closeBracket, "]")
            guard let rest = cursor.word, rest.hasPrefix(":") else {
                return try redirect(to: address, copy: false, at: keyword, cursor)
            }
            cursor.advance()
            guard !address.isIPv4, let number = Digits.number(rest.dropFirst()), number <= 0xFFFF else {
                throw cursor.refused("an IPv6 address and a number from 0 to 65535 were expected", at: token)
            }
            // RFC 8956 section 6.1: an action on IPv6 traffic.
            try settle(.ipv6, at: token, cursor)
            actions.append(.redirect(.ipv6(address, UInt16(number))))
            return
        }
        let token = cursor.next
        let text = try cursor.takeWord(expecting: what)
        if let address = IPAddress(text) { return try redirect(to: address, copy: false, at: token, cursor) }
        guard let target = ActionText.routeTarget(text) else { throw cursor.refused("\(what) was expected", at: token) }
        actions.append(.redirect(target))
    }

    private mutating func redirect(
        to address: IPAddress,
        copy: Bool,
        at token: TextTokens.Token,
        _ cursor: TextCursor
    ) throws(TextError) {
        guard attributes.nextHop == nil || attributes.nextHop == address else {
            throw cursor.refused("another next hop than before: a route has one", at: token)
        }
        attributes.nextHop = address
        attributes.hasNextHop = true
        actions.append(.redirectToNextHop(copy: copy))
    }

    // MARK: Whole

    func announcement(isVPN: Bool, withdraws: Bool, _ cursor: TextCursor) throws(TextError) -> Announcement {
        guard !isVPN || distinguisher != nil else {
            throw cursor.refused("rd and a route distinguisher was expected in a rule for a VPN", at: start)
        }
        let rule: FlowSpecRule
        do {
            rule = try FlowSpecRule(
                family: family ?? .ipv4,
                routeDistinguisher: distinguisher,
                components: Array(components.values)
            )
        } catch { throw cursor.refused("\(error)", at: start) }
        var announcement = Announcement(
            route: .flowSpec(rule),
            actions: actions,
            communities: attributes.communities,
            largeCommunities: attributes.largeCommunities
        )
        for community in attributes.extendedCommunities {
            if let action = TrafficAction(community) {
                announcement.actions.append(action)
            } else if [0x8006, 0x800C].contains(community.rawValue >> 48) {
                throw cursor.refused("\(FlowSpecError.invalidRate)", at: start)
            } else {
                announcement.extendedCommunities.append(community)
            }
        }
        guard !withdraws else { return announcement }
        try checkConflicts(announcement.actions, cursor)
        if announcement.redirectsToNextHop {
            guard let hop = attributes.nextHop else {
                throw cursor.refused("next-hop and the address that is redirected to was expected", at: start)
            }
            guard hop.family == rule.family else {
                throw cursor.refused(
                    "a next hop of the rule's own family was expected; redirect-to-nexthop-ietf takes either",
                    at: start
                )
            }
            announcement.nextHop = hop
        }
        return announcement
    }

    /// Of an action that can be said once, two that differ would leave the choice to the router.
    private func checkConflicts(_ actions: [TrafficAction], _ cursor: TextCursor) throws(TextError) {
        // Actions in words, then those that were written as communities; each where it stands.
        let tokens = actionTokens + communityTokens
        typealias Place = (action: TrafficAction, token: TextTokens.Token)
        var seen: [TrafficAction.Sort: Place] = [:]
        for (place, action) in actions.enumerated() {
            guard let sort = action.sort else { continue }
            let this: Place = (action, place < tokens.count ? tokens[place] : start)
            guard let other = seen[sort] else {
                seen[sort] = this
                continue
            }
            guard other.action != action else { continue }
            let later = other.token.range.lowerBound > this.token.range.lowerBound ? other : this
            throw cursor.refused("two actions of one kind that differ: \(later.action) is the second", at: later.token)
        }
    }
}

extension TrafficAction {
    /// Those of one sort exclude each other. Redirects go by the form of where they lead to, as a rule of a neighbor's may
    /// have one of each, and is to be read as it is printed.
    fileprivate enum Sort: Hashable {
        case bytes, packets, control, redirectToNextHop, mark
        case redirectTwoOctetAS, redirectFourOctetAS, redirectIPv4, redirectIPv6
        case redirectToIP(AddressFamily)
    }

    /// Nil for what may be said of several.
    fileprivate var sort: Sort? {
        switch self {
        case .rateLimitBytes: .bytes
        case .rateLimitPackets: .packets
        case .control: .control
        case .redirect(.twoOctetAS): .redirectTwoOctetAS
        case .redirect(.fourOctetAS): .redirectFourOctetAS
        case .redirect(.ipv4): .redirectIPv4
        case .redirect(.ipv6): .redirectIPv6
        case .redirectToIP(let address, _): .redirectToIP(address.family)
        case .redirectToNextHop: .redirectToNextHop
        case .markDSCP: .mark
        case .interfaceSet: nil
        }
    }
}
