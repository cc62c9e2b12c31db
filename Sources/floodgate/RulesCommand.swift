import ArgumentParser
import Control

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "The rules in force: what they match, who asks for them, until when, which neighbors hold them.",
        discussion: """
            With --neighbor: how each rule stands with one of them, and when it was queued, sent and withdrawn.

            EXAMPLES:
              floodgate rules --json
              floodgate rules --neighbor 192.0.2.1
            """
    )

    @Flag(help: "Also those that were withdrawn, the last 1000. floodgate explain knows older ones by number.")
    var all = false

    @Option(help: "The address of a neighbor.")
    var neighbor: String?

    @OptionGroup var control: ControlOptions

    func run() async throws {
        if let neighbor {
            let answer = try await control.ask(ControlRequest(.rules, neighbor: neighbor))
            guard case .neighborRules(let reports) = answer else { throw UnexpectedAnswer() }
            try control.show(reports, as: Self.text)
            return
        }
        guard case .rules(let reports) = try await control.ask(ControlRequest(.rules, includePast: all)) else {
            throw UnexpectedAnswer()
        }
        try control.show(reports, as: Self.text)
    }

    static func text(_ reports: [NeighborRuleReport]) -> String {
        var table = TextTable(
            [
                ("ID", .right), ("STATE", .left), ("MATCH", .left), ("ACTION", .left), ("QUEUED", .left),
                ("SENT", .left), ("WITHDRAWN", .left),
            ],
            empty: "no rules for this neighbor"
        )
        for report in reports {
            table.add([
                report.id.map { "r\($0)" } ?? "", report.state, report.match, report.action ?? "", report.queued ?? "",
                report.sent ?? "", report.withdrawn ?? "",
            ])
        }
        let complaints = reports.compactMap { report in
            report.complaint.map { "\(report.match): \($0)" }
        }
        return ([table.render()] + complaints).joined(separator: "\n")
    }

    /// `97 %, 0.4 %`: of the attack, and of the traffic before it.
    private static func expected(of report: RuleReport) -> String {
        [report.expectedAttackShare, report.expectedNormalShare].compactMap { share in
            share.map { "\(Double(($0 * 1000).rounded()) / 10) %" }
        }.joined(separator: ", ")
    }

    /// Why it is so stands in `explain`: a table has no room for it.
    private static func effect(of report: RuleReport) -> String {
        report.effect?.split(separator: ": ", maxSplits: 1).first.map { String($0) } ?? ""
    }

    static func text(_ reports: [RuleReport]) -> String {
        var table = TextTable(
            [
                ("ID", .right), ("STATE", .left), ("MATCH", .left), ("ACTION", .left), ("EXPECTED", .left),
                ("FOR", .left),
                ("EXPIRES", .left), ("EFFECT", .left), ("NEIGHBORS", .left),
            ],
            empty: "no rules"
        )
        for report in reports {
            table.add([
                "r\(report.id)", report.state, report.match,
                report.action + (report.limit.map { " (\($0))" } ?? ""), expected(of: report),
                report.requesters.joined(separator: ", "),
                report.withdrawn ?? report.expires, effect(of: report),
                report.unheld.map { "none: \($0)" } ?? report.neighbors.joined(separator: ", "),
            ])
        }
        return table.render()
    }
}
