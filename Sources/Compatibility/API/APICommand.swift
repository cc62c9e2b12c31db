public import FlowSpec

/// One command of ExaBGP's text API: of the forms of 4.2 and 5.0, and of those of 6 what they have in common.
public enum APICommand: Sendable, Hashable {
    /// What can be asked, where somebody reads the answer.
    public enum Question: Sendable, Hashable {
        case version
        case help
        case neighbors
        /// What is announced.
        case routes
    }

    /// How each command is to be answered, for senders that are.
    public enum Acknowledgement: Sendable, Hashable {
        case enabled
        /// This command is answered, later ones are not.
        case disabled
        /// Not even this one is.
        case silent
    }

    /// Routes and rules to announce or withdraw.
    case orders([TextCommand])
    case question(Question)
    /// Send all routes again.
    case flush([NeighborSelector])
    /// Withdraw all that the sender announced.
    case clear([NeighborSelector])
    /// End the sessions with this subcode of CEASE; they come back.
    case teardown([NeighborSelector], subcode: UInt8)
    case acknowledgement(Acknowledgement)
    /// Nothing, or something that has no effect here; why, in words.
    case nothing(String)
    /// Understood, and not done by any sender's word; why.
    case unsupported(String)
}

extension APICommand {
    /// Reads one command.
    public static func read(_ text: some StringProtocol) throws(TextError) -> APICommand {
        let tokens = try TextTokens(text)
        var cursor = TextCursor(tokens)
        while cursor.take(.endOfLine) {}
        guard cursor.next.kind != .end else { return .nothing("a comment") }
        if cursor.word == "announce" || cursor.word == "withdraw" {
            // By far the most frequent.
            if let command = withoutCounterpart(cursor) { return command }
            return .orders(try FlowSpecText.parse(tokens))
        }
        if cursor.word == "peer" {
            var ahead = cursor
            ahead.advance()
            if ahead.take("list") { return .question(.neighbors) }
        }
        let neighbors = try FlowSpecText.selectors(&cursor)
        if let command = try control(&cursor, neighbors) { return command }
        if let command = withoutCounterpart(cursor) { return command }
        return .orders(try FlowSpecText.parse(tokens))
    }

    /// `announce operational …` and the like: families and messages that Floodgate has no use for.
    private static func withoutCounterpart(_ cursor: TextCursor) -> APICommand? {
        var cursor = cursor
        cursor.advance()
        switch cursor.word {
        case "watchdog"?: return .unsupported("watchdogs are not known; withdraw what is to go")
        case "operational"?: return .unsupported("operational messages are ExaBGP's own")
        case "route-refresh"?: return .unsupported("routes of neighbors are not asked for")
        case "vpls"?, "l2vpn"?: return .unsupported("only unicast and FlowSpec routes are announced")
        default: return nil
        }
    }

    private static func control(
        _ cursor: inout TextCursor,
        _ neighbors: [NeighborSelector]
    ) throws(TextError) -> APICommand? {
        guard let word = cursor.word else { return nil }
        var rest = cursor
        rest.advance()
        switch word {
        case "version": return .question(.version)
        case "help": return .question(.help)
        case "system":
            return rest.word == "help" ? .question(.help) : .question(.version)
        case "show": return .question(rest.word == "adj-rib" ? .routes : .neighbors)
        case "rib", "flush", "clear": return rib(word, &rest, neighbors)
        case "teardown":
            let what = "a subcode of CEASE from 1 to 10"
            guard let subcode = UInt8(try rest.takeWord(expecting: what)), (1...10).contains(subcode) else {
                throw rest.expected(what)
            }
            return .teardown(neighbors, subcode: subcode)
        case "enable-ack": return .acknowledgement(.enabled)
        case "disable-ack": return .acknowledgement(.disabled)
        case "silence-ack": return .acknowledgement(.silent)
        case "session": return session(&rest)
        case "reset", "debug", "crash": return .nothing("\(word) has no effect")
        case "reload": return .unsupported("say floodgate reload")
        case "restart", "shutdown", "daemon":
            return .unsupported("the daemon is started and stopped by its service manager")
        default: return nil
        }
    }

    /// `flush adj-rib out`, `clear adj-rib out`, and of version 6 `rib flush out`.
    private static func rib(_ word: String, _ rest: inout TextCursor, _ neighbors: [NeighborSelector]) -> APICommand {
        var verb = word
        if word == "rib" {
            verb = rest.word ?? ""
            rest.advance()
        } else {
            _ = rest.take("adj-rib")
        }
        switch (verb, rest.word) {
        case ("show", _): return .question(.routes)
        case (_, "in"?): return .nothing("routes of neighbors have no effect")
        case ("flush", _): return .flush(neighbors)
        case ("clear", _): return .clear(neighbors)
        default: return .unsupported("\(verb) is no word for adj-rib")
        }
    }

    /// `session ack enable` of version 6.
    private static func session(_ rest: inout TextCursor) -> APICommand {
        guard rest.take("ack") else { return .nothing("session \(rest.word ?? "") has no effect") }
        switch rest.word {
        case "enable"?: return .acknowledgement(.enabled)
        case "disable"?: return .acknowledgement(.disabled)
        default: return .acknowledgement(.silent)
        }
    }
}
