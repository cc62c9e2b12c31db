internal import FlowSpec

/// A statement of the file: words up to a semicolon, or before a block in braces.
struct ExaBGPStatement: Sendable {
    /// Words and quoted strings; the brackets of a list are left out.
    var words: [String] = []
    /// Nil where it ended with a semicolon.
    var block: [ExaBGPStatement]?
    /// Of its first word, from 1.
    var line: Int
    /// Its tokens, with those of the block.
    var tokens: Range<Int>

    /// The first word.
    var keyword: String { words.first ?? "" }
    /// The words behind the first; a comma in a list means nothing.
    var values: [String] {
        words.dropFirst().compactMap { word in
            var word = word
            while word.hasSuffix(",") { word.removeLast() }
            return word.isEmpty ? nil : word
        }
    }
    /// All behind the first word, as one text.
    var text: String { words.dropFirst().joined(separator: " ") }
}

/// A whole file, cut into statements.
struct ExaBGPSyntax: Sendable {
    let tokens: TextTokens
    private(set) var statements: [ExaBGPStatement] = []
    /// The line of each token.
    private var lines: [Int] = []

    init(_ text: String) throws(TextError) {
        tokens = try TextTokens(utf8: Array(text.utf8), listsSpanLines: true)
        var cursor = TextCursor(tokens)
        statements = try block(&cursor, isOutermost: true)
    }

    /// Statements up to the brace that closes them. `TextTokens` bounds how deep braces stand within each other.
    private mutating func block(_ cursor: inout TextCursor, isOutermost: Bool) throws(TextError) -> [ExaBGPStatement] {
        var all: [ExaBGPStatement] = []
        while true {
            switch cursor.next.kind {
            case .end:
                guard isOutermost else { throw cursor.expected("a } for each {") }
                return all
            case .closeBrace:
                guard !isOutermost else { throw cursor.expected("a { before this }") }
                advance(&cursor)
                return all
            case .semicolon, .endOfLine: advance(&cursor)
            default: all.append(try statement(&cursor))
            }
        }
    }

    private mutating func statement(_ cursor: inout TextCursor) throws(TextError) -> ExaBGPStatement {
        let start = cursor.index
        var statement = ExaBGPStatement(line: cursor.line, tokens: start..<start)
        while true {
            switch cursor.next.kind {
            case .word, .quoted:
                statement.words.append(cursor.text(cursor.next))
                advance(&cursor)
            case .openBracket, .closeBracket, .endOfLine: advance(&cursor)
            case .semicolon:
                statement.tokens = start..<cursor.index
                advance(&cursor)
                return statement
            case .openBrace:
                advance(&cursor)
                statement.block = try block(&cursor, isOutermost: false)
                statement.tokens = start..<cursor.index
                return statement
            case .closeBrace, .end: throw cursor.expected("; behind \(statement.words.last ?? "this")")
            }
        }
    }

    private mutating func advance(_ cursor: inout TextCursor) {
        lines.append(cursor.line)
        cursor.advance()
    }

    // MARK: Routes as texts

    /// A statement as a text of one line for the grammar of commands.
    struct Command: Sendable {
        var text: String
        /// Where each of its tokens begins, in characters from 1, and the line of the file that it stands in.
        fileprivate var places: [(column: Int, line: Int)]

        /// The line of the file that a place in the text comes from.
        func line(ofColumn column: Int) -> Int {
            (places.last { $0.column <= column } ?? places.first)?.line ?? 0
        }
    }

    /// - Parameters:
    ///   - prefix: what is to stand before it.
    ///   - skipping: how many of its first tokens to leave out.
    func command(_ statement: ExaBGPStatement, prefix: String, skipping: Int = 0) -> Command {
        let cursor = TextCursor(tokens)
        var command = Command(text: prefix, places: [(1, statement.line)])
        var column = prefix.utf8.count
        for index in statement.tokens.dropFirst(skipping) {
            let token = tokens.tokens[index]
            let piece: String
            switch token.kind {
            case .endOfLine, .end: continue
            case .openBrace: piece = "{"
            case .closeBrace: piece = "}"
            case .openBracket: piece = "["
            case .closeBracket: piece = "]"
            case .semicolon: piece = ";"
            case .word: piece = cursor.text(token)
            case .quoted:
                let text = cursor.text(token)
                piece = text.contains("\"") ? "'\(text)'" : "\"\(text)\""
            }
            command.places.append((column + 2, index < lines.count ? lines[index] : statement.line))
            command.text += " " + piece
            column += 1 + piece.utf8.count
        }
        return command
    }
}
