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

struct BaselineSuggestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suggest",
        abstract: "Thresholds for each group, with the alarms that they would have raised in the recorded past.",
        discussion: """
            It rests on the highest peaks of each hour of the last 28 days, attacks that were found left out: half as much
            again as the highest of them, of which one hour in a hundred may be higher.

            EXAMPLES:
              floodgate baseline suggest
              floodgate baseline suggest --group web --days 7
            """
    )

    @Option(help: "For this group only.")
    var group: String?

    @Option(help: "How many days are looked back, at most 28.")
    var days = 28

    @OptionGroup var control: ControlOptions

    func validate() throws {
        guard (1...28).contains(days) else { throw ValidationError("--days is from 1 to 28") }
    }

    func run() async throws {
        var request = ControlRequest(.suggestions)
        request.group = group
        request.days = days
        guard case .suggestions(let report) = try await control.ask(request) else { throw UnexpectedAnswer() }
        try control.show(report, as: Self.text)
    }

    static func text(_ report: SuggestionReport) -> String {
        guard !report.proposals.isEmpty else { return "nothing is on record so far" }
        var table = TextTable(
            [
                ("GROUP", .left), ("OF EACH", .left), ("HOURS", .right), ("HIGHEST", .right), ("", .left),
                ("PRESENT", .right), ("ALARMS", .right), ("PROPOSED", .right), ("ALARMS", .right),
            ],
            empty: ""
        )
        for proposal in report.proposals {
            func rate(_ value: Double?) -> String { value.map { RateText.describe($0, proposal.trafficUnit) } ?? "-" }
            func count(_ count: Int, _ isComplete: Bool) -> String { isComplete ? "\(count)" : "\(count) or more" }
            table.add([
                proposal.group ?? "(none)", proposal.measure, "\(proposal.hours)", rate(proposal.highest?.peak),
                proposal.highest.map { "\($0.target) \($0.began.prefix(16))" } ?? "", rate(proposal.present),
                proposal.present == nil ? "" : count(proposal.presentAlarmCount, proposal.presentIsComplete),
                rate(proposal.proposed), count(proposal.alarmCount, proposal.isComplete),
            ])
        }
        let alarms = report.proposals.flatMap { proposal in
            alarmLines("proposed", proposal, proposal.proposed, proposal.alarms, proposal.alarmCount)
                + alarmLines(
                    "present",
                    proposal,
                    proposal.present ?? 0,
                    proposal.presentAlarms,
                    proposal.presentAlarmCount
                ) + missed(proposal)
        }
        let parts = [
            table.render(), alarms.joined(separator: "\n"),
            (["# of incoming traffic since \(report.since)"] + report.configuration).joined(separator: "\n"),
            report.remarks.map { "note: \($0)" }.joined(separator: "\n"),
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private static func alarmLines(
        _ which: String,
        _ proposal: SuggestionReport.Proposal,
        _ threshold: Double,
        _ alarms: [SuggestionReport.Alarm],
        _ count: Int
    ) -> [String] {
        guard !alarms.isEmpty else { return [] }
        let limit = RateText.describe(threshold, proposal.trafficUnit)
        let more = count > alarms.count ? ["  and \(count - alarms.count) before"] : []
        return ["\(proposal.group ?? "(none)"), \(which) \(limit) would have raised:"] + more
            + alarms.map { alarm in
                let found = alarm.attack.map { ", attack \($0)" } ?? ""
                return
                    "  \(alarm.began) \(alarm.target), up to \(RateText.describe(alarm.peak, proposal.trafficUnit)), "
                    + "\(alarm.minutes) min\(found)"
            }
    }

    private static func missed(_ proposal: SuggestionReport.Proposal) -> [String] {
        guard !proposal.missedAttacks.isEmpty else { return [] }
        let numbers = proposal.missedAttacks.prefix(20).map { "\($0)" }.joined(separator: ", ")
        return ["\(proposal.group ?? "(none)"), proposed would not have found: attack \(numbers)"]
    }
}

extension SuggestionReport.Proposal {
    fileprivate var trafficUnit: TrafficUnit { TrafficUnit(rawValue: unit) ?? .packets }
}
