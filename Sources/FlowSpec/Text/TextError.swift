/// Where a text is not what it should be, and what was expected there.
public struct TextError: Error, Sendable, Hashable {
    /// From 1.
    public var line: Int
    /// From 1, in characters.
    public var column: Int
    /// What was expected, or why what stands there is refused.
    public var reason: String
    /// The line itself, cut around the column where it is long.
    public var excerpt: String
    /// Characters of the excerpt before the place.
    public var caret: Int
}

extension TextError: CustomStringConvertible {
    /// Three lines: what is wrong, the line, and a caret below the place.
    public var description: String {
        "line \(line), column \(column): \(reason)\n  \(excerpt)\n  \(String(repeating: " ", count: caret))^"
    }
}

extension TextError {
    /// Characters shown of a long line before and after the place.
    private static let margin = 60

    init(_ reason: String, in source: [UInt8], at offset: Int) {
        let offset = min(max(offset, 0), source.count)
        let newline = UInt8(ascii: "\n")
        let start = source[..<offset].lastIndex(of: newline).map { $0 + 1 } ?? 0
        let end = source[offset...].firstIndex(of: newline) ?? source.count
        let before = Array(String(decoding: source[start..<offset], as: UTF8.self))
        let after = Array(String(decoding: source[offset..<end], as: UTF8.self))
        line = source[..<offset].count { $0 == newline } + 1
        column = before.count + 1
        self.reason = reason
        let head = before.count > Self.margin ? [" ", "…"] + before.suffix(Self.margin) : before
        let tail = after.count > Self.margin ? after.prefix(Self.margin) + ["…"] : after
        // What would move the caret or act on a terminal is shown as a space.
        let shown = (head + tail).map { ($0.asciiValue ?? 32) < 32 || $0.asciiValue == 127 ? " " : $0 }
        excerpt = String(shown)
        caret = head.count
    }
}
