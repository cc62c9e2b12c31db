import DaemonConfiguration
import Simulation
import Testing

/// What is written of a tree is the tree when it is read.
struct WritingTests {
    private static let place = ConfigurationNode.Place(file: "f.yaml")

    private func scalar(_ text: String) -> ConfigurationNode {
        ConfigurationNode(.scalar(text, isQuoted: true), place: Self.place)
    }

    /// Without places, comments and quotes, which are not what a tree says.
    private func meaning(_ node: ConfigurationNode) -> ConfigurationNode {
        switch node.content {
        case .scalar(let text, _): scalar(text)
        case .list(let nodes): ConfigurationNode(.list(nodes.map(meaning)), place: Self.place)
        case .mapping(let entries):
            ConfigurationNode(
                .mapping(entries.map { .init(key: meaning($0.key), value: meaning($0.value)) }),
                place: Self.place
            )
        }
    }

    private func read(_ yaml: String) throws -> ConfigurationNode {
        meaning(try DaemonConfiguration.document(yaml: yaml, file: "f.yaml"))
    }

    @Test(arguments: [
        "", "~", "null", "on", "a b", " a", "a ", "a: b", "a:", "#", "a #b", "2001:db8::/48", "-", "- a", "\"", "'",
        "\\",
        "*", "&a", "!x", "|", ">", "%", "@", "[", "a,b", "1900s", "é", "日本", "😀", "\u{0}", "\u{7}", "\u{85}", "\u{A0}",
        "\u{2028}", "\u{7F}", "line\nline", "tab\tinside", "$TARGET_PREFIX", "syn&!ack", ">=1024", "0x1F",
        "? a",
    ])
    func anyTextComesBack(text: String) throws {
        let tree = ConfigurationNode(
            .mapping([
                .init(key: scalar("key"), value: scalar(text)),
                .init(
                    key: scalar("k" + text),
                    value: ConfigurationNode(.list([scalar(text), scalar("x")]), place: Self.place)
                ),
            ]),
            place: Self.place
        )
        #expect(try read(tree.yaml) == meaning(tree))
        // Nor is a text taken for no value.
        let again = try DaemonConfiguration.document(yaml: tree.yaml, file: "f.yaml")
        guard case .scalar(text, let isQuoted)? = again.mapping?.first?.value.content else {
            Issue.record("no scalar")
            return
        }
        #expect(isQuoted || !["", "~", "null"].contains(text))
    }

    @Test func anyTreeComesBack() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let entries = (0..<Int.random(in: 0...4, using: &generator)).map { index in
                ConfigurationNode.Entry(key: scalar("k\(index)"), value: tree(depth: 4, &generator))
            }
            let whole = ConfigurationNode(.mapping(entries), place: Self.place, comment: "head\nmore: [")
            let text = whole.yaml
            #expect(try read(text) == meaning(whole), "\(text)")
        }
    }

    private func tree(depth: Int, _ generator: inout SeededGenerator) -> ConfigurationNode {
        let words = ["a", "198.51.100.0/24", "2001:db8::1", "20k packets/s", "x # y", "", "true"]
        let count = Int.random(in: 0...3, using: &generator)
        let comment = Bool.random(using: &generator) ? "said: of it\nin two lines" : nil
        switch depth == 0 ? 0 : Int.random(in: 0..<3, using: &generator) {
        case 1:
            let nodes = (0..<count).map { _ in tree(depth: depth - 1, &generator) }
            return ConfigurationNode(.list(nodes), place: Self.place, comment: comment)
        case 2:
            let entries = (0..<count).map { index in
                ConfigurationNode.Entry(key: scalar("k\(index)"), value: tree(depth: depth - 1, &generator))
            }
            return ConfigurationNode(.mapping(entries), place: Self.place, comment: comment)
        default:
            var node = scalar(words[Int.random(in: 0..<words.count, using: &generator)])
            node.comment = comment
            return node
        }
    }

    @Test func commentsStandAboveWhatTheyAreOf() {
        var value = scalar("5")
        value.comment = "five\nor so\u{0}"
        let tree = ConfigurationNode(
            .mapping([.init(key: scalar("a"), value: value)]),
            place: Self.place,
            comment: "head"
        )
        #expect(tree.yaml == "# head\n# five\n# or so\na: 5\n")
    }
}
