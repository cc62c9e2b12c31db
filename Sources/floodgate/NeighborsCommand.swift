import ArgumentParser
import Control

struct NeighborsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors",
        abstract: "The BGP sessions: state, families, routes announced, the last error.",
        discussion: "EXAMPLE: floodgate neighbors"
    )

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .neighbors(let reports) = try await control.ask(ControlRequest(.neighbors)) else {
            throw UnexpectedAnswer()
        }
        try control.show(reports, as: Self.text)
    }

    static func text(_ reports: [NeighborReport]) -> String {
        var table = TextTable(
            [
                ("NEIGHBOR", .left), ("AS", .right), ("STATE", .left), ("FOR", .right), ("ROUTES", .right),
                ("IN", .right), ("OUT", .right), ("FAMILIES", .left), ("LAST ERROR", .left),
            ],
            empty: "no neighbors configured"
        )
        for report in reports {
            table.add([
                report.description.map { "\(report.address) (\($0))" } ?? report.address, String(report.remoteAS),
                report.state, Formatting.duration(report.stateSeconds), String(report.announcedRoutes),
                String(report.messagesReceived), String(report.messagesSent),
                report.families.joined(separator: " "), report.lastError ?? "",
            ])
        }
        let notes = reports.filter { $0.unreadableRules > 0 }.map {
            "\($0.address) has sent \($0.unreadableRules) FlowSpec rules that cannot be read; they were passed over"
        }
        return ([table.render()] + notes).joined(separator: "\n")
    }
}
