internal import DaemonConfiguration

/// `key = value`, as it stands in a line.
struct FastNetMonSetting {
    var key: String
    var value: String
    var place: ConfigurationNode.Place
}

/// The lines of a `fastnetmon.conf`, as FastNetMon splits them, but that what follows a value after ` #` is a comment.
enum FastNetMonLines {
    static let maximumSize = 4 << 20
    /// Beyond so many lines that make no sense it is another kind of file.
    private static let patience = 100

    static func read(_ text: String, file: String) -> (settings: [FastNetMonSetting], remarks: [LegacyRemark]) {
        var settings: [FastNetMonSetting] = []
        var remarks: [LegacyRemark] = []
        guard text.utf8.count <= maximumSize else {
            return ([], [LegacyRemark(.error, at: .init(file: file), key: "", "longer than 4 MiB")])
        }
        for line in lines(of: text, file: file) {
            guard remarks.count < patience else {
                let place = ConfigurationNode.Place(file: file, line: line.place.line, column: 1)
                remarks.append(LegacyRemark(.error, at: place, key: "", "and so on: is this a fastnetmon.conf?"))
                break
            }
            guard let equals = line.text.firstIndex(of: "=") else {
                remarks.append(
                    LegacyRemark(.error, at: line.place, key: "", "\"\(shorten(line.text))\" is not key = value")
                )
                continue
            }
            let key = trim(line.text[..<equals])
            // FastNetMon takes several equals signs for one.
            let value = trim(line.text[equals...].drop { $0 == "=" })
            let problem: String? =
                if key.isEmpty { "there is no key before the =" } else if value.isEmpty {
                    "there is no value"
                } else if line
                    .text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F })
                { "there is a control character in it" } else { nil }
            if let problem {
                remarks.append(LegacyRemark(.error, at: line.place, key: shorten(key), problem))
            } else {
                settings.append(FastNetMonSetting(key: key, value: value, place: line.place))
            }
        }
        return (settings, remarks)
    }

    /// Lines that say something: without comments and the space around.
    static func lines(of text: String, file: String) -> [(text: String, place: ConfigurationNode.Place)] {
        // CR LF is one character to Swift, and a newline.
        let all = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        return all.enumerated().compactMap { index, line in
            var line = line
            if index == 0, line.unicodeScalars.first == "\u{FEFF}" { line.unicodeScalars.removeFirst() }
            let column = 1 + line.prefix { $0.isWhitespace }.count
            let said = trim(line[..<(comment(in: line) ?? line.endIndex)])
            return said.isEmpty ? nil : (said, .init(file: file, line: index + 1, column: column))
        }
    }

    /// Where a comment begins: at a `#` that stands first or after a space.
    private static func comment(in line: Substring) -> Substring.Index? {
        var previous: Character = " "
        for index in line.indices {
            if line[index] == "#", previous.isWhitespace || previous == "=" { return index }
            previous = line[index]
        }
        return nil
    }

    static func trim(_ text: some StringProtocol) -> String {
        let start = text.drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }

    /// Enough of it to be recognised.
    static func shorten(_ text: String) -> String {
        text.count > 60 ? text.prefix(60) + "…" : text
    }
}
