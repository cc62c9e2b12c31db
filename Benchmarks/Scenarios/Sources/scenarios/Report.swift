import Foundation

extension Summary {
    /// Value below which a share of the values lies.
    private static func quantile(_ share: Double, _ values: [Double]) -> String {
        guard !values.isEmpty else { return "-" }
        let sorted = values.sorted()
        return String(format: "%.1f", sorted[min(Int(share * Double(sorted.count)), sorted.count - 1)])
    }

    private static func mean(_ shares: [Double]) -> String {
        shares.isEmpty ? "-" : String(format: "%.1f", shares.reduce(0, +) / Double(shares.count) * 100)
    }

    private static let head = [
        "kind", "telemetry", "attacks", "provable", "found", "named", "p50", "p95", "excess p50", "p95", "attack %",
        "normal %", "attack %", "normal %",
    ]

    private static func cells(_ row: Row) -> [String] {
        [
            row.kind, row.telemetry, "\(row.attacks)", "\(row.provable)", "\(row.found)", "\(row.named)",
            quantile(0.5, row.delays), quantile(0.95, row.delays), quantile(0.5, row.excesses),
            quantile(0.95, row.excesses), mean(row.attackDropped), mean(row.normalDropped),
            mean(row.templateAttackDropped), mean(row.templateNormalDropped),
        ]
    }

    func printTable() {
        var lines = [Self.head]
        let sorted = rows.values.sorted { ($0.kind, $0.telemetry) < ($1.kind, $1.telemetry) }
        lines += sorted.map(Self.cells)
        var byTelemetry: [String: Row] = [:]
        var all = Row(kind: "all", telemetry: "")
        for row in sorted {
            byTelemetry[row.telemetry, default: Row(kind: "all", telemetry: row.telemetry)].add(row)
            all.add(row)
        }
        lines += byTelemetry.values.sorted { $0.telemetry < $1.telemetry }.map(Self.cells)
        lines.append(Self.cells(all))
        lines.append(Self.cells(weak))
        let widths = Self.head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        for line in lines {
            let cells = zip(line, widths).enumerated().map { index, pair in
                let space = String(repeating: " ", count: pair.1 - pair.0.count)
                return index < 2 ? pair.0 + space : space + pair.0
            }
            print(cells.joined(separator: "  "))
        }
        print(
            "Delays in seconds. The last four: what rules match of attack and normal packets, announced and built in."
        )
    }

    func printGoals() {
        print("\n\(scenarios) scenarios, \(datagrams) datagrams")
        for goal in goals { print("\(goal.isMet ? "met   " : "MISSED") \(goal.name): \(goal.figures)") }
        print(
            "between 0.8 and 1 times the threshold: \(alarmsBetween.count) alarms in \(rounded(hostDaysBetween)) host-days"
        )
        Self.list("missed", missed)
        Self.list("latest against what the records prove", late.sorted { $0.excess > $1.excess }.map(\.text))
        Self.list("false alarms", alarmsBelow)
        Self.list("alarms between 0.8 and 1", alarmsBetween)
        Self.list("truly above the threshold, without an attack", alarmsAbove)
        Self.list("rules that match less than 95 % of the attack", leaky.map(\.text))
        Self.list("rules that match 1 % of normal traffic or more", broad.map(\.text))
    }

    private static func list(_ title: String, _ lines: [String]) {
        guard !lines.isEmpty else { return }
        print("\n\(title):")
        for line in lines.prefix(40) { print("  \(line)") }
        if lines.count > 40 { print("  and \(lines.count - 40) more") }
    }

    private struct Document: Encodable {
        var scenarios: Int
        var rows: [Row]
        var goals: [Goal]
        var missed: [String]
        var falseAlarms: [String]
        var alarmsBetween: [String]
        var leaky: [Summary.Miss]
        var broad: [Summary.Miss]
    }

    func printJSON() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let document = Document(
            scenarios: scenarios,
            rows: rows.values.sorted { ($0.kind, $0.telemetry) < ($1.kind, $1.telemetry) },
            goals: goals,
            missed: missed,
            falseAlarms: alarmsBelow,
            alarmsBetween: alarmsBetween,
            leaky: leaky,
            broad: broad
        )
        print(String(decoding: try encoder.encode(document), as: UTF8.self))
    }
}
