// Compatibility/API: the text API of ExaBGP as a stream of octets. Octets go in, commands come out; who sends them (a
// named pipe, a process, a socket) and what is done about them is decided elsewhere.

/// Cuts a stream of octets into the texts of commands.
///
/// A command ends with its line, unless braces are open: those reach over lines, as guides print rules. Writers of one
/// stream know nothing of each other: what one of them left unfinished ends where a line begins another command.
public struct CommandAssembler: Sendable {
    /// One text of the stream.
    public enum Piece: Sendable, Hashable {
        /// It ended as a command does.
        case text([UInt8])
        /// Another command began before it ended.
        case unfinished([UInt8])
        /// It was not ended within `maximumLength`; how it begins. The rest is passed over up to the next command.
        case tooLong([UInt8])
    }

    /// Octets of one command at most.
    public static let maximumLength = 1 << 20
    /// Octets that are kept of what was too long.
    static let excerptLength = 200
    /// More commands than these are not looked for in one line: each has the rest of it read again.
    static let maximumCuts = 16

    private var buffer: [UInt8] = []
    private var depth = 0
    private var quote: UInt8?
    private var isComment: Bool { commentStart != nil }
    private var commentStart: Int?
    private var isInWord = false
    /// Where the line begins that is read now.
    private var lineStart = 0
    /// Where the first word of that line begins; nil before it and behind it.
    private var firstWord: Int?
    private var isLineBegun = false
    /// The line that ended was the head of a rule whose brace comes on the next.
    private var isHeld = false
    /// What was too long is passed over.
    private var isSkipping = false
    /// How many commands of others were cut off the line that is read now.
    private var cuts = 0

    public init() {}

    /// Octets of a command that has not ended yet.
    public var pendingLength: Int { buffer.count }

    private static let newline = UInt8(ascii: "\n")
    private static let openBrace = UInt8(ascii: "{")
    private static let closeBrace = UInt8(ascii: "}")
    /// No line within the braces of a rule begins with one of these.
    private static let verbs = Set(
        ["announce", "withdraw", "neighbor", "peer", "group", "show", "flush", "clear", "teardown"]
            .map { Array($0.utf8) }
    )
    private static let longestVerb = 8

    /// Takes the next octets of the stream.
    public mutating func take(_ octets: some Sequence<UInt8>) -> [Piece] {
        var pieces: [Piece] = []
        // Of a sequence that the compiler does not know each octet would take as long as all the rest.
        for octet in Array(octets) {
            if isSkipping { skip(octet) } else { scan(octet, into: &pieces) }
        }
        return pieces
    }

    /// Nothing came for a while: a rule whose last brace was closed is complete, though its line was not ended, and so is
    /// what stands before a comment, which must not take somebody's next line with it. Half a line is not, as what is
    /// left out might have narrowed the rule.
    public mutating func finishIdle() -> [Piece] {
        guard !isSkipping, depth == 0, commentStart != nil || Self.isClosed(buffer[...]) else { return [] }
        var pieces: [Piece] = []
        finish(into: &pieces)
        return pieces
    }

    /// Whether a text ends with a brace that was closed.
    static func isClosed(_ text: ArraySlice<UInt8>) -> Bool { text.last { !isSpace($0) } == closeBrace }

    private static func isSpace(_ octet: UInt8) -> Bool { octet == 32 || (9...13).contains(octet) }

    // MARK: Scanning

    private mutating func scan(_ octet: UInt8, into pieces: inout [Piece]) {
        let isSpace = Self.isSpace(octet)
        if isHeld, !isSpace, !isLineBegun {
            isHeld = false
            if octet != Self.openBrace { split(asText: true, into: &pieces) }
        }
        if octet == Self.newline {
            endFirstWord(into: &pieces)
            buffer.append(octet)
            endLine(into: &pieces)
            return
        }
        buffer.append(octet)
        if !isSpace, !isLineBegun {
            isLineBegun = true
            firstWord = buffer.count - 1
        }
        if let quote {
            if octet == quote { self.quote = nil }
        } else if !isComment {
            lex(octet, isSpace: isSpace, into: &pieces)
        }
        guard buffer.count > Self.maximumLength else { return }
        pieces.append(.tooLong(Array(buffer.prefix(Self.excerptLength))))
        restart()
        isSkipping = true
    }

    /// Follows the grammar's lexical form as far as braces go.
    private mutating func lex(_ octet: UInt8, isSpace: Bool, into pieces: inout [Piece]) {
        switch octet {
        case Self.openBrace, Self.closeBrace, UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ";"):
            isInWord = false
            endFirstWord(upTo: buffer.count - 1, into: &pieces)
            if octet == Self.openBrace { depth += 1 }
            if octet == Self.closeBrace { depth = max(0, depth - 1) }
        case UInt8(ascii: "#") where !isInWord: commentStart = buffer.count - 1
        case UInt8(ascii: "\"") where !isInWord, UInt8(ascii: "'") where !isInWord: quote = octet
        case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            // A backslash and a letter are a space.
            isInWord = buffer.dropLast().last != UInt8(ascii: "\\")
        default:
            isInWord = !isSpace
            if isSpace { endFirstWord(upTo: buffer.count - 1, into: &pieces) }
        }
    }

    private mutating func endFirstWord(into pieces: inout [Piece]) { endFirstWord(upTo: buffer.count, into: &pieces) }

    /// Within braces, a line that begins another command says that the one before was never ended.
    private mutating func endFirstWord(upTo end: Int, into pieces: inout [Piece]) {
        guard let start = firstWord else { return }
        firstWord = nil
        guard depth > 0, end - start <= Self.longestVerb, Self.verbs.contains(Array(buffer[start..<end])) else {
            return
        }
        split(asText: false, into: &pieces)
    }

    /// What stands before the line is a piece of its own.
    private mutating func split(asText: Bool, into pieces: inout [Piece]) {
        let head = Array(buffer[..<lineStart])
        let tail = Array(buffer[lineStart...])
        restart()
        buffer = tail
        isLineBegun = !tail.allSatisfy(Self.isSpace)
        pieces.append(asText ? .text(head) : .unfinished(head))
    }

    /// Where a command of another writer begins within a comment that was not ended: hard upon a word of it. A command
    /// that somebody has put behind a `#` himself is none.
    private func startWithinComment() -> Int? {
        guard let commentStart else { return nil }
        return CommandStarts.all(within: buffer[commentStart...]).first { start in
            let before = buffer[start - 1]
            return start > commentStart && !Self.isSpace(before) && before != UInt8(ascii: "#")
        }
    }

    private mutating func endLine(into pieces: inout [Piece]) {
        if let start = startWithinComment() {
            let head = Array(buffer[..<start])
            let tail = Array(buffer[start...])
            pieces.append(depth == 0 ? .text(head) : .unfinished(head))
            restart()
            scanAgain(tail, into: &pieces)
            return
        }
        quote = nil
        defer { commentStart = nil }
        isInWord = false
        if depth == 0, !isHeld || isLineBegun {
            isHeld = Self.isHead(buffer[lineStart...])
            guard isHeld else { return finish(into: &pieces) }
        } else if let start = CommandStarts.last(
            in: buffer[lineStart..<(commentStart ?? buffer.count)],
            behindOrder: lineStart > 0
        ) {
            // Somebody's half a line, and upon it another's whole one.
            let tail = Array(buffer[start...])
            pieces.append(.unfinished(Array(buffer[..<start])))
            restart()
            scanAgain(tail, into: &pieces)
            return
        }
        // The grammar knows an end of a line where no brace is open.
        if isHeld { buffer[buffer.count - 1] = 32 }
        lineStart = buffer.count
        isLineBegun = false
        firstWord = nil
    }

    private mutating func scanAgain(_ tail: [UInt8], into pieces: inout [Piece]) {
        guard cuts < Self.maximumCuts else {
            pieces.append(.tooLong(Array(tail.prefix(Self.excerptLength))))
            return
        }
        cuts += 1
        for octet in tail { scan(octet, into: &pieces) }
        cuts -= 1
    }

    /// `announce flow route [NAME]`, whose brace may come on the next line.
    private static func isHead(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.count < 300, !line.contains(UInt8(ascii: "#")) else { return false }
        let words = line.split(whereSeparator: isSpace)
        func areHead(_ last: ArraySlice<ArraySlice<UInt8>>) -> Bool {
            last.count == 2 && last.first?.elementsEqual("flow".utf8) == true
                && last.last?.elementsEqual("route".utf8) == true
        }
        return areHead(words.suffix(2)) || areHead(words.dropLast().suffix(2))
    }

    private mutating func finish(into pieces: inout [Piece]) {
        let text = buffer
        restart()
        if !text.allSatisfy(Self.isSpace) { pieces.append(.text(text)) }
    }

    private mutating func restart() {
        buffer = []
        depth = 0
        quote = nil
        commentStart = nil
        isInWord = false
        lineStart = 0
        firstWord = nil
        isLineBegun = false
        isHeld = false
    }

    /// Passes octets over until a line begins with a command's word.
    private mutating func skip(_ octet: UInt8) {
        if octet == Self.newline {
            buffer = []
            isLineBegun = false
        } else if !isLineBegun {
            guard Self.isSpace(octet) else {
                buffer.append(octet)
                // A longer word is no verb: the rest of its line is passed over.
                isLineBegun = buffer.count > Self.longestVerb
                return
            }
            guard !buffer.isEmpty else { return }
            let word = buffer
            restart()
            guard Self.verbs.contains(word) else {
                isLineBegun = true
                return
            }
            isSkipping = false
            buffer = word + [octet]
            isLineBegun = true
        }
    }
}
