import ArgumentParser
import Control
import NetworkTypes

struct BaselineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baseline",
        abstract: "What is normal, and the thresholds that the recorded past proposes.",
        subcommands: [BaselineShowCommand.self, BaselineSuggestCommand.self]
    )
}

struct BaselineShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "What is normal at this hour of the week, and from what on it is an alarm now.",
        discussion: """
            LIMIT is by detection.baseline; THRESHOLD is the fixed one, which counts beside it. While LIMIT is empty, too
            little is learnt.

            EXAMPLES:
              floodgate baseline show                         those with most traffic
              floodgate baseline show 198.51.100.5            a host
              floodgate baseline show web                     a group, or the hosts of it
            """
    )

    @Argument(help: "An address, a network or the name of a group; without, all.")
    var subject: String?

    @Option(help: "At most so many, those with most bits.")
    var limit = 20

    @OptionGroup var control: ControlOptions

    func validate() throws {
        guard (1...20_000).contains(limit) else { throw ValidationError("--limit is from 1 to 20000") }
    }

    func run() async throws {
        let request = ControlRequest(.baselines, target: subject, limit: limit)
        guard case .baselines(let report) = try await control.ask(request) else { throw UnexpectedAnswer() }
        try control.show(report, as: Self.text)
    }

    static func text(_ report: BaselineReport) -> String {
        var table = TextTable(
            [
                ("TARGET", .left), ("GROUP", .left), ("LEARNT", .right), ("", .left), ("NORMAL", .right),
                ("LIMIT", .right), ("THRESHOLD", .right),
            ],
            empty: report.remark ?? "nothing is learnt"
        )
        for entry in report.entries {
            let learnt = Formatting.duration(60 * Double(entry.learntMinutes))
            let isLearnt = entry.learntMinutes >= entry.neededMinutes
            let needed = isLearnt ? "" : "of \(Formatting.duration(60 * Double(entry.neededMinutes)))"
            // No hour that is over was watched for long enough.
            if entry.levels.isEmpty { table.add([entry.target, entry.group ?? "", learnt, needed, "-", "", ""]) }
            for (index, level) in entry.levels.enumerated() {
                let unit = TrafficUnit(rawValue: level.unit) ?? .packets
                func rate(_ value: Double?) -> String { value.map { RateText.describe($0, unit) } ?? "" }
                let head = index == 0 ? [entry.target, entry.group ?? "", learnt, needed] : ["", "", "", ""]
                table.add(head + [rate(level.normal), rate(level.limit), rate(level.threshold)])
            }
        }
        let rest = report.total - report.entries.count
        return table.render() + (rest > 0 ? "\nand \(rest) more: --limit" : "")
    }
}
