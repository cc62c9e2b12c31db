/// A part of a configuration, and where it stands: what a file says before it is known what it means.
///
/// `floodgate.yaml` is read into such a tree, and so are the files of other programs, each value with the place in the
/// file that it was written in. One reader makes the model of it, so that a mistake is told in the operator's own file
/// and line whatever its language.
public struct ConfigurationNode: Sendable, Hashable {
    /// Where something stands.
    public struct Place: Sendable, Hashable {
        public var file: String
        /// From 1; 0 for the whole file.
        public var line: Int
        /// From 1; 0 for the whole line.
        public var column: Int

        public init(file: String, line: Int = 0, column: Int = 0) {
            self.file = file
            self.line = line
            self.column = column
        }
    }

    /// A key with its value.
    public struct Entry: Sendable, Hashable {
        public var key: ConfigurationNode
        public var value: ConfigurationNode

        public init(key: ConfigurationNode, value: ConfigurationNode) {
            self.key = key
            self.value = value
        }
    }

    public enum Content: Sendable, Hashable {
        /// Quoted text is never taken for a null.
        case scalar(String, isQuoted: Bool)
        case list([ConfigurationNode])
        /// In the order of the file.
        case mapping([Entry])
    }

    public var content: Content
    public var place: Place
    /// What is to be said of it where it is written out; may have several lines.
    public var comment: String?

    public init(_ content: Content, place: Place, comment: String? = nil) {
        self.content = content
        self.place = place
        self.comment = comment
    }

    /// The text of a scalar.
    public var scalar: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    public var list: [ConfigurationNode]? {
        if case .list(let nodes) = content { nodes } else { nil }
    }

    public var mapping: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// Whether no value stands there: nothing, `~` or `null`.
    var isNull: Bool {
        if case .scalar("", false) = content { return true }
        return content == .scalar("~", isQuoted: false) || content == .scalar("null", isQuoted: false)
    }

    /// This with another on top: where both have a mapping their keys are put together, elsewhere the other's value
    /// stands.
    public func overlaid(by other: ConfigurationNode) -> ConfigurationNode {
        guard var entries = mapping, let others = other.mapping else { return other }
        for entry in others {
            if let index = entries.firstIndex(where: { $0.key.scalar == entry.key.scalar && entry.key.scalar != nil }) {
                entries[index].key = entry.key
                entries[index].value = entries[index].value.overlaid(by: entry.value)
            } else {
                entries.append(entry)
            }
        }
        return ConfigurationNode(.mapping(entries), place: other.place, comment: comment)
    }
}
