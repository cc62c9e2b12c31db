internal import NetworkTypes

/// Reads one command.
struct CommandReader {
    let line: Int
    var neighbors: [NeighborSelector] = []

    init(line: Int) { self.line = line }

    // MARK: Who

    /// `neighbor A [local-as N …], neighbor B` or `peer SELECTOR`.
    mutating func readSelectors(_ cursor: inout TextCursor) throws(TextError) {
        while cursor.word == "neighbor" || cursor.word == "peer" {
            cursor.advance()
            neighbors.append(try selector(&cursor))
            guard neighbors.count <= 1000 else { throw cursor.expected("no more than 1000 neighbors") }
            if cursor.take(",") { continue }
        }
    }

    private func selector(_ cursor: inout TextCursor) throws(TextError) -> NeighborSelector {
        var selector = NeighborSelector()
        let what = "a neighbor's address or *"
        let token = cursor.next
        var text = try cursor.takeWord(expecting: what)
        if text.hasSuffix(",") { text.removeLast() }
        if text != "*" {
            guard let address = IPAddress(text) else { throw cursor.refused("\(what) was expected", at: token) }
            selector.address = address
        }
        func value<Value>(_ what: String, _ read: (String) -> Value?) throws(TextError) -> Value {
            cursor.advance()
            let token = cursor.next
            var text = try cursor.takeWord(expecting: what)
            if text.hasSuffix(",") { text.removeLast() }
            guard let value = read(text) else { throw cursor.refused("\(what) was expected", at: token) }
            return value
        }
        while let word = cursor.word {
            switch word {
            case "local-ip": selector.localAddress = try value("an address") { IPAddress($0) }
            case "local-as": selector.localAS = try value("an AS number") { ASN($0) }
            case "peer-as": selector.peerAS = try value("an AS number") { ASN($0) }
            case "router-id": selector.routerID = try value("an IPv4 address") { IPAddress($0) }
            case "family-allowed": selector.familyAllowed = try value("a family") { $0 }
            default: return selector
            }
        }
        return selector
    }

    // MARK: What

    func command(_ order: TextCommand.Order, name: String? = nil) -> TextCommand {
        TextCommand(order, name: name, neighbors: neighbors, line: line)
    }

    mutating func readOrder(_ cursor: inout TextCursor, into commands: inout [TextCommand]) throws(TextError) {
        let what = "announce, withdraw, flow or route"
        guard let word = cursor.word else { throw cursor.expected(what) }
        switch word {
        case "announce", "withdraw":
            cursor.advance()
            try readBody(withdraws: word == "withdraw", &cursor, into: &commands)
        case "group":
            cursor.advance()
            try readGroup(&cursor, into: &commands)
        case "flow" where cursor.second.kind == .openBrace, "static":
            cursor.advance()
            try readBlock(word, &cursor, into: &commands)
        case "flow", "route", "ipv4", "ipv6", "attribute", "attributes":
            try readBody(withdraws: false, &cursor, into: &commands)
        default: throw cursor.expected(what)
        }
    }

    /// What follows `announce` or `withdraw`.
    private func readBody(
        withdraws: Bool,
        _ cursor: inout TextCursor,
        defaults: RouteDraft? = nil,
        into commands: inout [TextCommand]
    ) throws(TextError) {
        let what = "flow, route, ipv4, ipv6, attributes or eor"
        guard let word = cursor.word else { throw cursor.expected(what) }
        cursor.advance()
        switch word {
        case "flow":
            guard cursor.take("route") else { throw cursor.expected("route") }
            commands.append(try flowRoute(nil, isVPN: false, withdraws: withdraws, &cursor, defaults))
        case "route": commands += try unicast(nil, withdraws: withdraws, &cursor, defaults)
        case "ipv4", "ipv6":
            let family: AddressFamily = word == "ipv4" ? .ipv4 : .ipv6
            commands += try readFamily(family, withdraws: withdraws, &cursor, defaults)
        case "attribute", "attributes":
            var draft = defaults ?? RouteDraft()
            try draft.readAttributes(&cursor, until: "nlri")
            guard cursor.take("nlri") else { throw cursor.expected("nlri and the prefixes") }
            var prefixes = 0
            while cursor.next.kind == .word {
                let token = cursor.next
                let prefix = try RouteDraft.prefix(&cursor)
                commands.append(try finish(draft, prefix, at: token, withdraws: withdraws, cursor))
                prefixes += 1
            }
            guard prefixes > 0 else { throw cursor.expected("a prefix") }
        case "eor" where !withdraws:
            let family: AddressFamily = cursor.word == "ipv6" ? .ipv6 : .ipv4
            guard cursor.take("ipv4") || cursor.take("ipv6") else {
                commands.append(command(.endOfRIB(.ipv4, .unicast)))
                return
            }
            guard let kind = cursor.word.flatMap({ TextFamily(rawValue: $0) }) else {
                throw cursor.expected("unicast, flow or flow-vpn")
            }
            cursor.advance()
            commands.append(command(.endOfRIB(family, kind)))
        default:
            throw cursor.refused("\(what) was expected", at: cursor.previous)
        }
    }

    private func readFamily(
        _ family: AddressFamily,
        withdraws: Bool,
        _ cursor: inout TextCursor,
        _ defaults: RouteDraft? = nil
    ) throws(TextError) -> [TextCommand] {
        guard let kind = cursor.word.flatMap({ TextFamily(rawValue: $0) }) else {
            throw cursor.expected("unicast, flow or flow-vpn")
        }
        cursor.advance()
        guard kind != .unicast else { return try unicast(family, withdraws: withdraws, &cursor, defaults) }
        _ = cursor.take("route")
        return [try flowRoute(family, isVPN: kind == .flowVPN, withdraws: withdraws, &cursor, defaults)]
    }

    /// `group attributes … ; announce … ; withdraw …`: the attributes hold for the orders that follow.
    private func readGroup(_ cursor: inout TextCursor, into commands: inout [TextCommand]) throws(TextError) {
        var draft = RouteDraft()
        var orders = 0
        repeat {
            guard let word = cursor.word else { break }
            switch word {
            case "attribute", "attributes":
                cursor.advance()
                try draft.readAttributes(&cursor)
            case "announce", "withdraw":
                cursor.advance()
                try readBody(withdraws: word == "withdraw", &cursor, defaults: draft, into: &commands)
                orders += 1
            default: throw cursor.expected("attributes, announce or withdraw")
            }
        } while cursor.take(.semicolon)
        guard orders > 0 else { throw cursor.expected("announce or withdraw") }
    }

    /// `{ route … }` of `flow`, `static` and `announce`.
    mutating func readBlock(
        _ keyword: String,
        _ cursor: inout TextCursor,
        into commands: inout [TextCommand]
    ) throws(TextError) {
        try cursor.expect(.openBrace, "{")
        while !cursor.take(.closeBrace) {
            let reader = CommandReader(line: cursor.line)
            if keyword == "flow" {
                guard cursor.take("route") else { throw cursor.expected("route or }") }
                commands.append(try reader.flowRoute(nil, isVPN: false, withdraws: false, &cursor, nil))
            } else {
                guard cursor.take("route") else { throw cursor.expected("route or }") }
                commands += try reader.unicast(nil, withdraws: false, &cursor, nil)
            }
            _ = cursor.take(.semicolon)
        }
    }

    // MARK: Routes

    private func flowRoute(
        _ family: AddressFamily?,
        isVPN: Bool,
        withdraws: Bool,
        _ cursor: inout TextCursor,
        _ defaults: RouteDraft?
    ) throws(TextError) -> TextCommand {
        var draft = RuleDraft(family: family, start: cursor.previous)
        if let defaults { draft.attributes = defaults }
        var name: String?
        if cursor.next.kind == .word || cursor.next.kind == .quoted, cursor.second.kind == .openBrace {
            name = try cursor.takeWord(expecting: "a name")
        }
        if cursor.next.kind == .openBrace {
            try draft.readBraces(&cursor)
        } else {
            try draft.readFlat(&cursor)
        }
        let announcement = try draft.announcement(isVPN: isVPN, withdraws: withdraws, cursor)
        return command(withdraws ? .withdraw(announcement.route) : .announce(announcement), name: name)
    }

    private func unicast(
        _ family: AddressFamily?,
        withdraws: Bool,
        _ cursor: inout TextCursor,
        _ defaults: RouteDraft?
    ) throws(TextError) -> [TextCommand] {
        let token = cursor.next
        let prefix = try RouteDraft.prefix(&cursor)
        guard family == nil || prefix.family == family else {
            throw cursor.refused("a prefix of the family that was named was expected", at: token)
        }
        var draft = defaults ?? RouteDraft()
        if cursor.take(.openBrace) {
            while !cursor.take(.closeBrace) {
                try draft.readAttribute(&cursor)
                try cursor.expect(.semicolon, "; or, for several values, a list in brackets")
            }
        } else {
            try draft.readAttributes(&cursor)
        }
        return [try finish(draft, prefix, at: token, withdraws: withdraws, cursor)]
    }

    private func finish(
        _ draft: RouteDraft,
        _ prefix: IPPrefix,
        at token: TextTokens.Token,
        withdraws: Bool,
        _ cursor: TextCursor
    ) throws(TextError) -> TextCommand {
        guard !withdraws else { return command(.withdraw(.unicast(prefix))) }
        return command(.announce(try draft.announcement(of: prefix, at: token, cursor)))
    }
}
