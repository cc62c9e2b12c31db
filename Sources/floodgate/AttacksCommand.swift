import ArgumentParser
import Control

struct AttacksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attacks",
        abstract: "The attacks under way, or all that are remembered.",
        discussion: "EXAMPLES: floodgate attacks --all; floodgate attacks pcap 3 > attack3.pcap",
        subcommands: [AttackPacketsCommand.self]
    )

    @Flag(help: "Also those that are over.")
    var all = false

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .attacks(let reports) = try await control.ask(ControlRequest(.attacks, includePast: all)) else {
            throw UnexpectedAnswer()
        }
        try control.show(reports, as: Self.text)
    }

    static func text(_ reports: [AttackReport]) -> String {
        var table = TextTable(
            [
                ("ID", .right), ("TARGET", .left), ("DIRECTION", .left), ("KIND", .left), ("BEGAN", .left),
                ("LASTED", .right), ("NOW", .right), ("", .right), ("PEAK", .right), ("", .right),
            ],
            empty: "no attacks"
        )
        for report in reports {
            let ended = report.ended != nil
            table.add([
                String(report.id), report.target, report.direction, report.kind, report.began,
                Formatting.duration(report.durationSeconds),
                ended ? "ended" : Formatting.packets(report.packetsPerSecond),
                ended ? "" : Formatting.bits(report.bitsPerSecond),
                Formatting.packets(report.peakPacketsPerSecond), Formatting.bits(report.peakBitsPerSecond),
            ])
        }
        return table.render()
    }
}
