extension ConfigurationNode {
    /// The tree as YAML, with its comments; what is read of it again is the same.
    public var yaml: String {
        var lines = Self.comments(comment, indentation: 0)
        write(into: &lines, indentation: 0)
        return lines.joined(separator: "\n") + "\n"
    }

    private func write(into lines: inout [String], indentation: Int) {
        let margin = String(repeating: " ", count: indentation)
        switch content {
        case .scalar: lines.append(margin + flow)
        case .list(let nodes) where nodes.isEmpty: lines.append(margin + "[]")
        case .mapping(let entries) where entries.isEmpty: lines.append(margin + "{}")
        case .list(let nodes):
            for node in nodes {
                lines += Self.comments(node.comment, indentation: indentation)
                if node.isBlock {
                    let first = lines.count
                    node.write(into: &lines, indentation: indentation + 2)
                    // The first line of what is inside stands beside the dash.
                    Self.mark(&lines, from: first, with: margin + "- ", indentation: indentation + 2)
                } else {
                    lines.append(margin + "- " + node.flow)
                }
            }
        case .mapping(let entries):
            for entry in entries {
                lines += Self.comments(entry.value.comment, indentation: indentation)
                let key = margin + entry.key.flow + ":"
                if entry.value.isBlock {
                    lines.append(key)
                    entry.value.write(into: &lines, indentation: indentation + 2)
                } else {
                    lines.append(key + " " + entry.value.flow)
                }
            }
        }
    }

    /// Puts the dash before the first line that is no comment.
    private static func mark(_ lines: inout [String], from first: Int, with dash: String, indentation: Int) {
        guard let index = lines[first...].firstIndex(where: { !$0.drop { $0 == " " }.hasPrefix("#") }) else { return }
        lines[index] = dash + lines[index].dropFirst(indentation)
    }

    /// Whether it takes lines of its own: what holds more than scalars, or has something to be said of a part.
    private var isBlock: Bool {
        switch content {
        case .scalar: false
        case .list(let nodes): nodes.contains { $0.scalar == nil || $0.comment != nil } || nodes.count > 8
        case .mapping(let entries): !entries.isEmpty
        }
    }

    /// On one line.
    private var flow: String {
        switch content {
        case .scalar(let text, let isQuoted): Self.isPlain(text, isQuoted: isQuoted) ? text : Self.quote(text)
        case .list(let nodes): "[" + nodes.map(\.flow).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { "\($0.key.flow): \($0.value.flow)" }.joined(separator: ", ") + "}"
        }
    }

    /// Whether it means itself without quotes, wherever it stands.
    private static func isPlain(_ text: String, isQuoted: Bool) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        if isQuoted, ["~", "null", "Null", "NULL"].contains(text) { return false }
        let isWord: (UInt8) -> Bool = { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        let starts = isWord(first) || first == UInt8(ascii: "/") || first == UInt8(ascii: "$")
        // `2001:db8::` would be a key; a colon inside is told from one only by what follows.
        return starts && last != UInt8(ascii: ":") && last != UInt8(ascii: " ")
            && text.utf8.allSatisfy { isWord($0) || "/.-_+&!=$ ".utf8.contains($0) }
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _
            where scalar.value < 0x20 || (0x7F...0xA0).contains(scalar.value) || scalar.value > 0xFFFF
                || scalar.value == 0x2028 || scalar.value == 0x2029 || scalar.value == 0xFEFF:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func comments(_ comment: String?, indentation: Int) -> [String] {
        guard let comment else { return [] }
        let margin = String(repeating: " ", count: indentation)
        return comment.split(omittingEmptySubsequences: false) { $0.isNewline }.map { line in
            // Nothing in a comment may end it.
            let text = String(
                String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F })
            )
            return text.isEmpty ? "\(margin)#" : "\(margin)# \(text)"
        }
    }
}
