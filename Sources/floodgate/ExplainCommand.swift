import ArgumentParser
import Control

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Why this attack, why this rule: from stored facts.",
        discussion:
            "EXAMPLES: floodgate explain 3 (an attack); floodgate explain r12 (a rule); floodgate explain 3 --limit 20000"
    )

    @Argument(help: "The number of an attack, or of a rule with an r before it.")
    var id: String

    @Option(help: "At most so many rules of an attack, the latest.")
    var limit = 1000

    @OptionGroup var control: ControlOptions

    func validate() throws {
        guard (1...20_000).contains(limit) else { throw ValidationError("--limit is from 1 to 20000") }
    }

    func run() async throws {
        guard case .explanation(let report) = try await control.ask(ControlRequest(.explain, target: id, limit: limit))
        else {
            throw UnexpectedAnswer()
        }
        try control.show(report, as: Self.text)
    }

    static func text(_ report: ExplanationReport) -> String {
        var sections: [String] = []
        func add(_ title: String, _ lines: [String]) {
            guard !lines.isEmpty else { return }
            sections.append(([title] + lines.map { "  \($0)" }).joined(separator: "\n"))
        }
        if let attack = report.attack {
            let end = attack.ended.map { "ended \($0)" } ?? "under way"
            add(
                "attack \(attack.id)",
                ["\(attack.kind) on \(attack.target) (\(attack.direction)), began \(attack.began), \(end)"]
            )
        }
        add("why", report.evidence)
        if let omitted = report.omittedRules {
            let all = report.rules.count + omitted
            let rest = "of its \(all) rules the latest \(report.rules.count) are listed"
            let how = all <= 20_000 ? "--limit \(all) lists all" : "--limit lists up to 20000"
            add("rules", ["\(rest), \(omitted) more are older: \(how); floodgate explain rN has each of them"])
        }
        for rule in report.rules {
            add(
                "rule r\(rule.id), \(rule.state)",
                [rule.match, "then \(rule.action)", "because \(rule.reason)"]
                    + (rule.expectation.map { [$0] } ?? []) + [
                        "asked for by \(rule.requesters.joined(separator: ", "))",
                        "created \(rule.created), "
                            + (rule.withdrawn.map { "withdrawn \($0)" } ?? "expires \(rule.expires)"),
                        rule.neighbors.isEmpty
                            ? "held by no neighbor" : "held by \(rule.neighbors.joined(separator: ", "))",
                    ]
            )
        }
        add("samples", report.samples)
        add("what happened", report.events)
        return sections.joined(separator: "\n")
    }
}
