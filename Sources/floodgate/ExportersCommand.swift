import ArgumentParser
import Control

struct ExportersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exporters",
        abstract: "Who sends telemetry: formats, sampling, what was lost or could not be read.",
        discussion: "EXAMPLE: floodgate exporters --json"
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
                ("EXPORTER", .left), ("FORMATS", .left), ("SAMPLING", .right), ("DATAGRAMS", .right),
                ("RECORDS", .right), ("LOST", .right), ("NO TEMPLATE", .right), ("MALFORMED", .right),
                ("SILENT", .right),
            ],
            empty: "no exporter has sent anything yet"
        )
        for report in reports {
            table.add([
                report.address, report.formats.joined(separator: ", "), report.samplingRate.map { "1:\($0)" } ?? "-",
                Formatting.count(report.datagrams), Formatting.count(report.records),
                Formatting.count(report.lostDatagrams), Formatting.count(report.missingTemplates),
                Formatting.count(report.malformed.values.reduce(0, &+)), Formatting.duration(report.silentSeconds),
            ])
        }
        return table.render()
    }
}
