import ArgumentParser
import Control

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "The rules in force: what they match, who asks for them, until when, which neighbors hold them.",
        discussion: "EXAMPLE: floodgate rules --json"
    )

    @Flag(help: "Also those that were withdrawn.")
    var all = false

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .rules(let reports) = try await control.ask(ControlRequest(.rules, includePast: all)) else {
            throw UnexpectedAnswer()
        }
        try control.show(reports, as: Self.text)
    }

    static func text(_ reports: [RuleReport]) -> String {
        var table = TextTable(
            [
                ("ID", .right), ("STATE", .left), ("MATCH", .left), ("ACTION", .left), ("FOR", .left),
                ("EXPIRES", .left), ("NEIGHBORS", .left),
            ],
            empty: "no rules"
        )
        for report in reports {
            table.add([
                "r\(report.id)", report.state, report.match, report.action, report.requesters.joined(separator: ", "),
                report.withdrawn ?? report.expires, report.neighbors.joined(separator: ", "),
            ])
        }
        return table.render()
    }
}
