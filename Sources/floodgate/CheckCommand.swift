import ArgumentParser
import Daemon
import DaemonConfiguration
import FlowSpec
import NetworkTypes

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate a configuration: every mistake at once, each with file, line and key.",
        discussion: """
            EXAMPLES:
              floodgate check --config /etc/floodgate.yaml
              floodgate check --fastnetmon /etc/fastnetmon.conf --exabgp /etc/exabgp/exabgp.conf
            """
    )

    @OptionGroup var file: ConfigurationOption

    func run() throws {
        let loaded = try file.load()
        let configuration = loaded.configuration
        for remark in loaded.remarks { Terminal.complain("\(remark)") }
        for warning in configuration.allWarnings { Terminal.complain("\(loaded.name): warning: \(warning)") }
        let mode = configuration.mitigation.enforces ? "enforce" : "observe"
        print(
            "\(loaded.name) is valid: \(configuration.networks.count) networks, "
                + "\(configuration.bgp.neighbors.count) neighbors, mode \(mode)"
        )
        if configuration.mitigation.announcesRules { print("\n\(Self.templates(configuration))") }
    }

    /// What attacks are answered with. A limit is in octets per second on the wire, which is not what people think in.
    private static func templates(_ configuration: DaemonConfiguration) -> String {
        var table = TextTable(
            [("TEMPLATE", .left), ("MATCH", .left), ("THEN", .left), ("LETS THROUGH", .left)],
            empty: "no templates"
        )
        guard let target = IPPrefix("192.0.2.1/32") else { return "" }
        let lacks = configuration.bgp.neighbors.reduce(into: Set<MatchFeature>()) { $0.formUnion($1.lacks) }
        for (name, made) in configuration.mitigation.templates.sorted(by: { $0.key < $1.key }) {
            // As it is announced: a built-in one without what a neighbor's router lacks.
            let isOwn = configuration.mitigation.fixedTemplates.contains(name)
            guard let template = isOwn ? made : made.avoiding(lacks),
                let rule = try? template.announcement(for: target, direction: .incoming)
            else { continue }
            let drops = template.actions.contains(.discard)
            table.add([
                name, rule.route.description.replacing("192.0.2.1/32", with: "TARGET"), rule.actionText,
                rule.limitText ?? (drops ? "nothing" : "all"),
            ])
        }
        return table.render()
    }
}
