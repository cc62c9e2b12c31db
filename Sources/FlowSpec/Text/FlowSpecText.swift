/// The text form of announcements: ExaBGP's grammar, read strictly, and some extensions to it (docs/flowspec.md).
public enum FlowSpecText {
    /// Reads commands and blocks of routes: `announce flow route { … }`, `withdraw route …`, `flow { route … }`,
    /// `static { route … }`. Without a verb a route is announced.
    public static func parse(_ text: String) throws(TextError) -> [TextCommand] { try parse(TextTokens(text)) }

    /// The same of a text that was cut into tokens.
    public static func parse(_ tokens: TextTokens) throws(TextError) -> [TextCommand] {
        var cursor = TextCursor(tokens)
        var commands: [TextCommand] = []
        while true {
            while cursor.take(.endOfLine) {}
            guard cursor.next.kind != .end else { return commands }
            try self.commands(&cursor, into: &commands)
        }
    }

    /// Reads one command, or a block of them, and the end of its line.
    static func commands(_ cursor: inout TextCursor, into commands: inout [TextCommand]) throws(TextError) {
        var reader = CommandReader(line: cursor.line)
        try reader.readSelectors(&cursor)
        try reader.readOrder(&cursor, into: &commands)
        // ExaBGP overlooks a brace too many, and guides print one.
        while cursor.take(.semicolon) || cursor.take(.closeBrace) {}
        guard cursor.take(.endOfLine) || cursor.next.kind == .end else {
            throw cursor.expected("the end of the command")
        }
    }

    /// Reads what says which neighbors a command is for, as far as the cursor stands before that.
    public static func selectors(_ cursor: inout TextCursor) throws(TextError) -> [NeighborSelector] {
        var reader = CommandReader(line: cursor.line)
        try reader.readSelectors(&cursor)
        return reader.neighbors
    }

    /// Reads the routes of `flow { … }` or `static { … }` behind the keyword, as they also stand in a configuration.
    public static func block(
        _ keyword: String,
        _ cursor: inout TextCursor,
        into commands: inout [TextCommand]
    ) throws(TextError) {
        var reader = CommandReader(line: cursor.line)
        try reader.readBlock(keyword, &cursor, into: &commands)
    }

    /// Reads what stands for one value of a numeric component: `53`, `>=1024&<=2047`, `80-90`, `udp`. Nil where it
    /// cannot be read, or is out of the field's range.
    public static func numericTerms(_ text: String, of type: MatchComponentType) -> [NumericTerm]? {
        MatchText.numericChain(text, type)
    }

    /// Reads what stands for one value of a bitmask component: `syn`, `=syn+ack`, `syn&!ack`, `is-fragment`.
    public static func bitmaskTerms(_ text: String, of type: MatchComponentType) -> [BitmaskTerm]? {
        MatchText.bitmaskChain(text, type)
    }

    /// Reads a route target: `65001:100`, `192.0.2.1:100`, `[2001:db8::1]:100`.
    public static func routeTarget(_ text: String) -> RouteTarget? { ActionText.routeTarget(text) }

    /// Reads one extended community by its name or octets: `target:65001:1`, `0x0002fde900000001`.
    public static func extendedCommunity(_ text: String) -> ExtendedCommunity? {
        guard let tokens = try? TextTokens(text) else { return nil }
        var cursor = TextCursor(tokens)
        guard let community = try? ExtendedCommunityText.read(&cursor), cursor.next.kind == .end else { return nil }
        return community
    }
}
