internal import NetworkTypes

/// The text form of announcements: ExaBGP's grammar, read strictly, and some extensions to it (docs/flowspec.md).
public enum FlowSpecText {
    /// Reads commands and blocks of routes: `announce flow route { … }`, `withdraw route …`, `flow { route … }`,
    /// `static { route … }`. Without a verb a route is announced.
    public static func parse(_ text: String) throws(TextError) -> [TextCommand] {
        var cursor = TextCursor(try TextTokens(text))
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

    /// Reads the routes of `flow { … }` or `static { … }` behind the keyword, as they also stand in a configuration.
    public static func block(
        _ keyword: String,
        _ cursor: inout TextCursor,
        into commands: inout [TextCommand]
    ) throws(TextError) {
        var reader = CommandReader(line: cursor.line)
        try reader.readBlock(keyword, &cursor, into: &commands)
    }
}
