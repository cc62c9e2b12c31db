import ArgumentParser
import Control
import NetworkTypes

struct BaselineSuggestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suggest",
        abstract: "Thresholds for each group, with the alarms that they would have raised in the recorded past.",
        discussion: """
            It rests on the highest peaks of each hour of the last 28 days, attacks that were found left out: half as much
            again as the highest of them, of which one hour in a hundred may be higher. TRAFFIC is a class of thresholds,
            with out of what is sent. Classes are left out whose threshold would hardly be lower than that for all
            traffic; --json has them, too.

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
        let shown = report.proposals.filter(\.isWorthSetting)
        let rest = report.proposals.count - shown.count
        var named: Set<String> = []
        let alarms = shown.flatMap { proposal in
            alarmLines("proposed", proposal, proposal.proposed ?? 0, proposal.alarms, proposal.alarmCount, &named)
                + alarmLines(
                    "present",
                    proposal,
                    proposal.present ?? 0,
                    proposal.presentAlarms,
                    proposal.presentAlarmCount,
                    &named
                ) + missed(proposal)
        }
        let left = "and \(rest) more for parts of the traffic, hardly lower than that for all of it: --json"
        let parts = [
            table(shown) + (rest > 0 ? "\n\(left)" : ""), alarms.joined(separator: "\n"),
            report.configuration.isEmpty
                ? "" : (["# of traffic since \(report.since)"] + report.configuration).joined(separator: "\n"),
            (unknown(shown) + report.remarks.map { "note: \($0)" }).joined(separator: "\n"),
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    /// Why there is none of what is not proposed.
    private static func unknown(_ proposals: [SuggestionReport.Proposal]) -> [String] {
        let reasons = proposals.compactMap { proposal in
            proposal.unknown.map { "\(proposal.subject), \(proposal.words): \($0)" }
        }
        guard !reasons.isEmpty else { return [] }
        return ["nothing is proposed where HIGHEST is -, as nothing follows from what is not known:"]
            + reasons.map { "  \($0)" }
            + ["  (little traffic, samples too few to be sure, part of an attack, or not two minutes ago yet)"]
    }

    private static func table(_ proposals: [SuggestionReport.Proposal]) -> String {
        var table = TextTable(
            [
                ("GROUP", .left), ("OF EACH", .left), ("TRAFFIC", .left), ("HOURS", .right), ("HIGHEST", .right),
                ("", .left), ("PRESENT", .right), ("ALARMS", .right), ("PROPOSED", .right), ("ALARMS", .right),
            ],
            empty: ""
        )
        for proposal in proposals {
            func rate(_ value: Double?) -> String { value.map { RateText.describe($0, proposal.trafficUnit) } ?? "-" }
            func count(_ count: Int, _ isComplete: Bool) -> String { isComplete ? "\(count)" : "\(count) or more" }
            table.add([
                proposal.group ?? "(none)", proposal.measure, proposal.words, "\(proposal.hours)",
                rate(proposal.highest?.peak), proposal.highest.map { "\($0.target) \($0.began.prefix(16))" } ?? "",
                rate(proposal.present),
                proposal.present == nil ? "" : count(proposal.presentAlarmCount, proposal.presentIsComplete),
                rate(proposal.proposed),
                proposal.proposed == nil ? "" : count(proposal.alarmCount, proposal.isComplete),
            ])
        }
        return table.render()
    }

    /// An alarm stands in full where it comes first: an attack is above the thresholds of several units and classes.
    ///
    /// - Parameter named: those that were.
    private static func alarmLines(
        _ which: String,
        _ proposal: SuggestionReport.Proposal,
        _ threshold: Double,
        _ alarms: [SuggestionReport.Alarm],
        _ count: Int,
        _ named: inout Set<String>
    ) -> [String] {
        guard !alarms.isEmpty else { return [] }
        let limit = RateText.describe(threshold, proposal.trafficUnit)
        let more = count > alarms.count ? ["  and \(count - alarms.count) before"] : []
        let new = alarms.filter { alarm in
            // Of one host in the same hour: the units have their peaks at different minutes.
            let name = alarm.attack.map { "\($0)" } ?? "\(alarm.target) \(alarm.began.prefix(13))"
            return named.insert("\(proposal.subject), \(proposal.direction), \(name)").inserted
        }
        let known = alarms.count - new.count
        return ["\(proposal.subject), \(proposal.words), \(which) \(limit) would have raised:"] + more
            + (known > 0 ? ["  \(known) that \(known == 1 ? "is" : "are") named above"] : [])
            + new.map { alarm in
                let found = alarm.attack.map { ", attack \($0)" } ?? ""
                return
                    "  \(alarm.began) \(alarm.target), up to \(RateText.describe(alarm.peak, proposal.trafficUnit)), "
                    + "\(alarm.minutes) min\(found)"
            }
    }

    private static func missed(_ proposal: SuggestionReport.Proposal) -> [String] {
        guard !proposal.missedAttacks.isEmpty else { return [] }
        let numbers = proposal.missedAttacks.prefix(20).map { "\($0)" }.joined(separator: ", ")
        return ["\(proposal.subject), \(proposal.words), proposed would not have found: attack \(numbers)"]
    }
}

extension SuggestionReport.Proposal {
    fileprivate var trafficUnit: TrafficUnit { TrafficUnit(rawValue: unit) ?? .packets }

    /// `udp`, or `out udp` of what is sent.
    fileprivate var words: String { direction == TrafficDirection.incoming.rawValue ? traffic : "out \(traffic)" }

    fileprivate var subject: String { "\(group ?? "(none)") \(measure)" }
}
