/// Refuses, before the YAML parser sees it, what would make that recurse or grow without bound.
enum DocumentBounds {
    struct Excess {
        var line: Int
        var column: Int
        /// What would be right.
        var expected: String
    }

    static let maximumSize = 4 << 20
    /// Columns of indentation, `-` and `?` in front of a line: each may be a level.
    static let maximumIndentation = 128
    static let maximumBrackets = 32
    /// Nested aliases multiply; so many come to a factor of a few hundred at worst.
    static let maximumAliases = 16

    /// The first excess; nil if there is none. Counts quoted brackets too, so it errs towards refusing.
    static func excess(of text: String) -> Excess? {
        guard text.utf8.count <= maximumSize else {
            return Excess(line: 0, column: 0, expected: "a file of at most 4 MiB")
        }
        var scan = Scan()
        for byte in text.utf8 {
            if let expected = scan.take(byte) {
                return Excess(line: scan.line, column: scan.column, expected: expected)
            }
        }
        return nil
    }

    private struct Scan {
        var line = 1
        var column = 0
        private var brackets = 0
        private var aliases = 0
        private var isLeading = true
        private var isComment = false
        private var previous = UInt8(ascii: "\n")

        mutating func take(_ byte: UInt8) -> String? {
            defer { previous = byte }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                // The two octets of CRLF are one line end.
                if byte == UInt8(ascii: "\r") || previous != UInt8(ascii: "\r") { line += 1 }
                (column, isLeading, isComment) = (0, true, false)
                return nil
            }
            // Columns count characters, as the parser's do: not the later octets of one.
            if byte & 0xC0 != 0x80 { column += 1 }
            if isComment { return nil }
            switch byte {
            case UInt8(ascii: "#") where previous <= 0x20: isComment = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): brackets += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): brackets = max(0, brackets - 1)
            case UInt8(ascii: "*") where previous <= 0x20 || "[{,:?-".utf8.contains(previous): aliases += 1
            default: break
            }
            if !" \t-?:".utf8.contains(byte) { isLeading = false }
            if brackets > maximumBrackets || isLeading && column > maximumIndentation {
                return
                    "less nesting: at most \(maximumBrackets) brackets and \(maximumIndentation) columns of indentation"
            }
            return aliases > maximumAliases ? "at most \(maximumAliases) aliases" : nil
        }
    }
}
