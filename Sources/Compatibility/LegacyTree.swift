internal import DaemonConfiguration

/// A document under construction.
struct LegacyTree {
    private(set) var root: ConfigurationNode

    init(file: String) { root = ConfigurationNode(.mapping([]), place: .init(file: file)) }

    /// Sets `mitigation.ban_time`; sections on the way are made, and keys beside it stay.
    mutating func set(_ path: String, _ value: ConfigurationNode, comment: String? = nil) {
        var value = value
        if let comment { value.comment = comment }
        let whole = path.split(separator: ".").reversed().reduce(value) { inner, name in
            .mapping([(String(name), inner)], at: value.place)
        }
        let place = root.place
        root = root.overlaid(by: whole)
        root.place = place
    }
}

extension ConfigurationNode {
    /// A text, never taken for a null.
    static func text(_ text: String, at place: Place) -> ConfigurationNode {
        ConfigurationNode(.scalar(text, isQuoted: true), place: place)
    }

    static func mapping(_ entries: [(String, ConfigurationNode)], at place: Place) -> ConfigurationNode {
        ConfigurationNode(
            .mapping(entries.map { Entry(key: .text($0.0, at: $0.1.place), value: $0.1) }),
            place: place
        )
    }

    static func list(_ nodes: [ConfigurationNode], at place: Place) -> ConfigurationNode {
        ConfigurationNode(.list(nodes), place: place)
    }

    /// The value under a path of keys.
    func value(_ path: String...) -> ConfigurationNode? {
        path.reduce(Optional(self)) { node, name in node?.mapping?.first { $0.key.scalar == name }?.value }
    }
}
