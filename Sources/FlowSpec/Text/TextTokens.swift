/// A text in ExaBGP's lexical form, cut into tokens: words, quoted strings, `{ } [ ] ;`, and the ends of lines that stand
/// outside braces and brackets. A comment reaches from `#` to the end of its line. The two characters `\n` count as a
/// space, as ExaBGP's own scripts write them within one line.
///
/// Both the commands of the API and the configuration file are read from this.
public struct TextTokens: Sendable {
    public enum Kind: Sendable, Hashable {
        case word, quoted, openBrace, closeBrace, openBracket, closeBracket, semicolon, endOfLine, end
    }

    public struct Token: Sendable, Hashable {
        public let kind: Kind
        /// Octets of the source, without the quotes.
        public let range: Range<Int>
    }

    /// Octets of a text at most.
    public static let maximumLength = 1 << 24
    /// Braces within braces at most.
    public static let maximumDepth = 16

    let source: [UInt8]
    public private(set) var tokens: [Token] = []
    /// Where lines end, in order.
    private(set) var newlines: [Int] = []

    public init(_ text: some StringProtocol) throws(TextError) { try self.init(utf8: Array(text.utf8)) }

    /// - Parameter listsSpanLines: whether a list in brackets may go on in the next line, as in a file; a command is
    ///   one line, whose list somebody cut off.
    public init(utf8 source: [UInt8], listsSpanLines: Bool = false) throws(TextError) {
        self.source = source
        guard source.count <= Self.maximumLength else {
            throw TextError("a text of at most \(Self.maximumLength) octets was expected", in: [], at: 0)
        }
        tokens.reserveCapacity(source.count / 6 + 2)
        var depth = 0
        var bracket: Int?
        var index = 0
        while index < source.count {
            let character = source[index]
            switch character {
            case UInt8(ascii: "\n"):
                if let bracket, !listsSpanLines {
                    throw TextError("a ] that closes this was expected on its line", in: source, at: bracket)
                }
                newlines.append(index)
                if depth == 0, bracket == nil { add(.endOfLine, index..<index + 1) }
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
            case UInt8(ascii: "#"):
                index = source[index...].firstIndex(of: UInt8(ascii: "\n")) ?? source.count
                continue
            case UInt8(ascii: "{"):
                depth += 1
                guard depth <= Self.maximumDepth else {
                    throw TextError(
                        "at most \(Self.maximumDepth) braces within each other are allowed",
                        in: source,
                        at: index
                    )
                }
                add(.openBrace, index..<index + 1)
            case UInt8(ascii: "}"):
                depth = max(0, depth - 1)
                add(.closeBrace, index..<index + 1)
            case UInt8(ascii: "["):
                guard bracket == nil else {
                    throw TextError("a ] was expected: lists do not stand within lists", in: source, at: index)
                }
                bracket = index
                add(.openBracket, index..<index + 1)
            case UInt8(ascii: "]"):
                bracket = nil
                add(.closeBracket, index..<index + 1)
            case UInt8(ascii: ";"): add(.semicolon, index..<index + 1)
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                index = try quoted(from: index)
                continue
            case UInt8(ascii: "\\") where escapedSpace(at: index) != nil:
                index = escapedSpace(at: index) ?? index + 1
                continue
            default:
                index = try word(from: index)
                continue
            }
            index += 1
        }
        if let bracket { throw TextError("a ] that closes this was expected", in: source, at: bracket) }
        add(.end, source.count..<source.count)
    }

    private mutating func add(_ kind: Kind, _ range: Range<Int>) { tokens.append(Token(kind: kind, range: range)) }

    /// The line, from 1, on which an octet stands.
    func line(of offset: Int) -> Int {
        var low = 0
        var high = newlines.count
        while low < high {
            let middle = (low + high) / 2
            if newlines[middle] < offset { low = middle + 1 } else { high = middle }
        }
        return low + 1
    }

    /// Where a run of backslashes and an n, r or t ends.
    private func escapedSpace(at index: Int) -> Int? {
        guard let last = source[index...].firstIndex(where: { $0 != UInt8(ascii: "\\") }) else { return nil }
        let letters: [UInt8] = [UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t")]
        return letters.contains(source[last]) ? last + 1 : nil
    }

    private mutating func quoted(from start: Int) throws(TextError) -> Int {
        var index = start + 1
        while index < source.count, source[index] != UInt8(ascii: "\n") {
            if source[index] == source[start] {
                add(.quoted, start + 1..<index)
                return index + 1
            }
            index += 1
        }
        throw TextError("a quote that closes this was expected on its line", in: source, at: start)
    }

    private mutating func word(from start: Int) throws(TextError) -> Int {
        var index = start
        while index < source.count {
            let character = source[index]
            switch character {
            case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ";"),
                UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                break
            case UInt8(ascii: "\\"):
                guard escapedSpace(at: index) == nil else { break }
                // The whole run, so that none of it is looked at again.
                index = source[index...].firstIndex { $0 != UInt8(ascii: "\\") } ?? source.count
                continue
            case 0x21...0x7E:
                index += 1
                continue
            default: throw TextError("an ASCII character that can be printed was expected", in: source, at: index)
            }
            break
        }
        add(.word, start..<index)
        return index
    }
}

/// Goes over tokens, one ahead.
public struct TextCursor: Sendable {
    let tokens: TextTokens
    public private(set) var index = 0

    public init(_ tokens: TextTokens) { self.tokens = tokens }

    /// The token that comes next; `.end` for ever at the end.
    public var next: TextTokens.Token { tokens.tokens[min(index, tokens.tokens.count - 1)] }

    /// The line, from 1, on which the next token stands.
    public var line: Int { tokens.line(of: next.range.lowerBound) }

    /// The token after that.
    var second: TextTokens.Token { tokens.tokens[min(index + 1, tokens.tokens.count - 1)] }

    /// The token that was passed last.
    var previous: TextTokens.Token { tokens.tokens[max(0, index - 1)] }

    public mutating func advance() { index = min(index + 1, tokens.tokens.count - 1) }

    public func text(_ token: TextTokens.Token) -> String {
        String(decoding: tokens.source[token.range], as: UTF8.self)
    }

    /// The next word, without taking it; nil when something else comes.
    public var word: String? { next.kind == .word ? text(next) : nil }

    /// The next word or quoted string, taken.
    public mutating func takeWord(expecting what: String) throws(TextError) -> String {
        guard next.kind == .word || next.kind == .quoted else { throw expected(what) }
        defer { advance() }
        return text(next)
    }

    /// Takes the next token if it is of the kind.
    public mutating func take(_ kind: TextTokens.Kind) -> Bool {
        guard next.kind == kind else { return false }
        advance()
        return true
    }

    /// Takes the next word if it is this one.
    public mutating func take(_ text: String) -> Bool {
        guard word == text else { return false }
        advance()
        return true
    }

    public mutating func expect(_ kind: TextTokens.Kind, _ what: String) throws(TextError) {
        guard take(kind) else { throw expected(what) }
    }

    /// The error for what comes next.
    public func expected(_ what: String) -> TextError {
        let found =
            switch next.kind {
            case .end: ", but the text ends"
            case .endOfLine: ", but the line ends"
            default: ""
            }
        return TextError("\(what) was expected\(found)", in: tokens.source, at: next.range.lowerBound)
    }

    /// An error at a token that was passed.
    public func refused(_ reason: String, at token: TextTokens.Token) -> TextError {
        TextError(reason, in: tokens.source, at: token.range.lowerBound)
    }
}
