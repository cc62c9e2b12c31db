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
    /// Words behind the first that begin a line outside a list.
    var beginnings: [(word: Int, line: Int)] = []
    /// It is a part of what was read as one, so its tokens are not its own.
    var isPart = false

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
    /// A semicolon or brace that is missing, or one too many. What stands there is read on as its author meant it, so
    /// that other mistakes are told as well.
    struct Fault: Sendable {
        var line: Int
        var keyword: String
        var message: String
        /// The token at which it was found.
        var token: Int
    }

    let tokens: TextTokens
    private(set) var statements: [ExaBGPStatement] = []
    private(set) var faults: [Fault] = []
    /// More are not told.
    private static let maximumFaults = 50
    /// Of blocks that the end of the file cuts off only the innermost is told.
    private var hasEndedEarly = false
    /// The line of each token.
    private var lines: [Int] = []

    init(_ text: String) throws(TextError) {
        tokens = try TextTokens(utf8: Array(text.utf8), listsSpanLines: true)
        var cursor = TextCursor(tokens)
        statements = block(&cursor, of: nil)
    }

    /// Statements up to the brace that closes them. `TextTokens` bounds how deep braces stand within each other.
    ///
    /// - Parameter opener: before whose brace they stand; nil for the whole file.
    private mutating func block(_ cursor: inout TextCursor, of opener: ExaBGPStatement?) -> [ExaBGPStatement] {
        var all: [ExaBGPStatement] = []
        while true {
            switch cursor.next.kind {
            case .end:
                if let opener, !hasEndedEarly {
                    hasEndedEarly = true
                    add(opener.line, opener.keyword, "its { is closed by no }", cursor)
                }
                return all
            case .closeBrace:
                guard opener == nil else {
                    advance(&cursor)
                    return all
                }
                add(cursor.line, "", "this } closes no {", cursor)
                advance(&cursor)
            case .semicolon, .endOfLine: advance(&cursor)
            default: all.append(statement(&cursor))
            }
        }
    }

    private mutating func statement(_ cursor: inout TextCursor) -> ExaBGPStatement {
        let start = cursor.index
        var statement = ExaBGPStatement(line: cursor.line, tokens: start..<start)
        var line = statement.line
        var isInList = false
        while true {
            switch cursor.next.kind {
            case .word, .quoted:
                if cursor.line > line, !isInList, cursor.next.kind == .word, !statement.words.isEmpty {
                    statement.beginnings.append((statement.words.count, cursor.line))
                }
                line = cursor.line
                statement.words.append(cursor.text(cursor.next))
                advance(&cursor)
            case .openBracket:
                isInList = true
                advance(&cursor)
            case .closeBracket:
                isInList = false
                line = cursor.line
                advance(&cursor)
            case .endOfLine: advance(&cursor)
            case .semicolon:
                statement.tokens = start..<cursor.index
                advance(&cursor)
                return statement
            case .openBrace:
                advance(&cursor)
                statement.block = block(&cursor, of: statement)
                statement.tokens = start..<cursor.index
                return statement
            case .closeBrace, .end:
                add(line, statement.keyword, Self.missing(behind: statement.words.last ?? ""), cursor)
                statement.tokens = start..<cursor.index
                return statement
            }
        }
    }

    private mutating func add(_ line: Int, _ keyword: String, _ message: String, _ cursor: TextCursor) {
        guard faults.count < Self.maximumFaults else { return }
        faults.append(Fault(line: line, keyword: keyword, message: message, token: cursor.index))
    }

    static func missing(behind word: String) -> String { "a ; is missing behind \"\(ExaBGPNotes.shown(word))\"" }

    /// Whether something of the statement is told as a fault.
    func isFaulty(_ statement: ExaBGPStatement) -> Bool { faults.contains { statement.tokens.contains($0.token) } }

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
