import Daemon
import NetworkTypes

/// The difference between two replays, for people and for programs.
struct ReplayDifferences: Codable {
    struct Side: Codable {
        var began: String
        var ended: String?
        /// The attack's kind; the rule's actions, communities and next hop.
        var nature: String

        init(_ item: ReplayOutcome.Item) {
            began = item.began.description
            ended = item.ended?.description
            nature = item.nature
        }

        var text: String { "\(nature), \(began) to \(ended ?? "the end")" }
    }

    struct Row: Codable {
        /// `attack` or `rule`.
        var sort: String
        var subject: String
        var first: Side?
        var second: Side?
    }

    var differences: [Row]
    var alikeAttacks: Int
    var alikeRules: Int

    init(_ comparison: ReplayComparison) {
        differences = comparison.differences.map { difference in
            Row(
                sort: difference.sort.rawValue,
                subject: difference.subject,
                first: difference.first.map { Side($0) },
                second: difference.second.map { Side($0) }
            )
        }
        alikeAttacks = comparison.alikeAttacks
        alikeRules = comparison.alikeRules
    }

    /// - Parameter names: of the two configurations.
    func text(_ names: (String, String)) -> String {
        var table = TextTable(
            [("WHAT", .left), ("SUBJECT", .left), (names.0, .left), (names.1, .left)],
            empty: "no difference"
        )
        for row in differences {
            table.add([row.sort, row.subject, row.first?.text ?? "-", row.second?.text ?? "-"])
        }
        return table.render() + "\n\(alikeAttacks) attacks and \(alikeRules) rules are the same"
    }
}
