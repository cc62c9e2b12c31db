import ArgumentParser
import Control

struct ExportersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exporters",
        abstract: "Who sends telemetry: formats, sampling and where it comes from, what was lost or could not be read.",
        discussion: """
            EXAMPLES:
              floodgate exporters
              floodgate exporters --json     also each observation domain, interface and reason

            SAMPLING says where the rate in force comes from: record, sampler, options or header (the exporter told it),
            configuration, default or override (floodgate.yaml), unsampled, or unknown: records count once;
            other_domain is the options of a source id or domain that sends no flows itself.
            LOST is what sequence numbers miss, DROPPED what the exporter says it lost itself.
            """
    )

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .exporters(let reports) = try await control.ask(ControlRequest(.exporters)) else {
            throw UnexpectedAnswer()
        }
        try control.show(reports, as: Self.text)
    }

    static func text(_ reports: [ExporterReport]) -> String {
        var table = TextTable(
            [
                ("EXPORTER", .left), ("FORMATS", .left), ("SAMPLING", .left), ("DATAGRAMS/S", .right),
                ("RECORDS/S", .right), ("RECORDS", .right), ("LOST", .right), ("DROPPED", .right),
                ("NO TEMPLATE", .right), ("MALFORMED", .right), ("CLOCK", .right), ("LAST SEEN", .right),
            ],
            empty: "no exporter has sent anything yet"
        )
        for report in reports {
            table.add([
                report.address, report.formats.joined(separator: ", "), sampling(report),
                Formatting.count(UInt64(max(0, report.datagramsPerSecond.rounded()))),
                Formatting.count(UInt64(max(0, report.recordsPerSecond.rounded()))),
                Formatting.count(report.records), Formatting.count(report.lost),
                Formatting.count(report.exporterDrops), Formatting.count(report.missingTemplates),
                Formatting.count(report.malformed.values.reduce(0, &+)), clock(report.clockOffsetSeconds),
                Formatting.duration(report.silentSeconds),
            ])
        }
        let hints = reports.flatMap(\.hints).map { "! \($0)\n" }
        return table.render() + (hints.isEmpty ? "" : "\n" + hints.joined())
    }

    private static func sampling(_ report: ExporterReport) -> String {
        guard let first = report.sampling.first else { return "-" }
        let others = report.sampling.count > 1 ? " and \(report.sampling.count - 1) more" : ""
        guard let rate = first.rate else { return "\(first.source)\(others)" }
        return "1:\(rate) \(first.source)\(others)"
    }

    private static func clock(_ offset: Double?) -> String {
        guard let offset else { return "-" }
        // What half a second of doubt allows is no offset.
        guard abs(offset) >= 1 else { return "ok" }
        return (offset < 0 ? "-" : "+") + Formatting.duration(abs(offset))
    }
}
