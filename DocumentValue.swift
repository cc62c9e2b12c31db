internal import Yams

/// A YAML document with the place of each part, and without what a configuration has no use for: tags, anchors,
/// duplicate keys, and nesting or size beyond reason.
struct DocumentValue {
    enum Content {
        /// Plain or quoted text; only plain text can mean a number, a boolean or nothing.
        case scalar(String, isPlain: Bool)
        case list([DocumentValue])
        case map([Entry])
    }

    struct Entry {
        var key: String
        var place: Place
        var value: DocumentValue
    }

    struct Place: Hashable {
        var line: Int
        var column: Int
    }

    var place: Place
    var content: Content

    /// Whether the value is left out: `key:` with nothing behind it, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, true) = content else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }

    static let maximumSize = 1 << 20
    static let maximumNodes = 200_000
    /// Columns of indentation and of `-` at the front of a line, and open brackets: both bound the parser's recursion.
    static let maximumIndentation = 128
    static let maximumBrackets = 32
    /// Aliases double what they name when nested; so many are at worst a factor of a few hundred.
    static let maximumAliases = 16

    /// What is wrong with the document as a whole.
    struct Fault: Error {
        var place: Place
        var problem: String
    }

    /// Nil for an empty document.
    static func parse(_ text: String) throws(Fault) -> DocumentValue? {
        try checkBounds(text)
        let root: Node?
        do {
            root = try compose(yaml: text, .basic, .default, .utf8)
        } catch {
            throw Fault(error)
        }
        var nodes = 0
        return try root.map { node throws(Fault) in try DocumentValue(node, nodes: &nodes) }
    }

    private init(_ node: Node, nodes: inout Int) throws(Fault) {
        let place = Place(node.mark)
        nodes += 1
        guard nodes <= Self.maximumNodes else { throw Fault(place: place, problem: "the document has too many parts") }
        self.place = place
        switch node {
        case .scalar(let scalar):
            content = .scalar(scalar.string, isPlain: scalar.style == .plain)
        case .sequence(let sequence):
            var values: [DocumentValue] = []
            for element in sequence { values.append(try DocumentValue(element, nodes: &nodes)) }
            content = .list(values)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw Fault(place: Place(key.mark), problem: "a key must be a plain name")
                }
                if let first = entries.first(where: { $0.key == name.string }) {
                    throw Fault(place: Place(key.mark), problem: "key `\(name.string)` stands here twice, first in line \(first.place.line)")
                }
                entries.append(
                    Entry(key: name.string, place: Place(key.mark), value: try DocumentValue(value, nodes: &nodes)))
            }
            content = .map(entries)
        case .alias:
            throw Fault(place: place, problem: "an alias names nothing")
        }
    }

    /// Refuses, before the parser sees it, what would make it recurse without bound.
    private static func checkBounds(_ text: String) throws(Fault) {
        guard text.utf8.count <= maximumSize else {
            throw Fault(place: Place(line: 1, column: 1), problem: "the document is longer than 1 MiB")
        }
        var line = 1
        var column = 0
        var brackets = 0
        var aliases = 0
        var isLeading = true
        var isComment = false
        var previous = UInt8(ascii: "\n")
        for byte in text.utf8 {
            column += 1
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                line += byte == UInt8(ascii: "\n") ? 1 : 0
                (column, isLeading, isComment) = (0, true, false)
            case _ where isComment: break
            case UInt8(ascii: "#") where previous <= 0x20: isComment = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): brackets += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): brackets = max(0, brackets - 1)
            case UInt8(ascii: "*") where previous <= 0x20 || "[{,:?-".utf8.contains(previous): aliases += 1
            default: break
            }
            let isIndentation = byte == 0x20 || byte == 0x09 || "-?:".utf8.contains(byte)
            if byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") && !isIndentation { isLeading = false }
            previous = byte
            let problem: String
            if brackets > maximumBrackets || isLeading && column > maximumIndentation {
                problem = "the document is nested too deeply"
            } else if aliases > maximumAliases {
                problem = "the document has more than \(maximumAliases) aliases"
            } else {
                continue
            }
            throw Fault(place: Place(line: line, column: max(1, column)), problem: problem)
        }
    }
}

extension DocumentValue.Place {
    fileprivate init(_ mark: Mark?) { self.init(line: mark?.line ?? 1, column: mark?.column ?? 1) }
}

extension DocumentValue.Fault {
    fileprivate init(_ error: any Error) {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let text = (context.map { $0.text + ": " } ?? "") + problem
            self.init(place: .init(mark), problem: "is not YAML: " + text)
        case .reader(let problem, _, _, _):
            self.init(place: .init(nil), problem: "is not YAML: " + problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "`\($0)`" }.joined(separator: ", ")
            self.init(place: .init(context.mark), problem: "key \(names) stands twice in the same section")
        default:
            self.init(place: .init(nil), problem: "is not YAML")
        }
    }
}
