import ArgumentParser
import Control

struct NeighborsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors",
        abstract: "The BGP sessions: state, families, routes announced, the last error.",
        discussion: """
            With --received: what one of them has announced to us. It has no effect on anything.

            EXAMPLES:
              floodgate neighbors
              floodgate neighbors --received 192.0.2.1
            """
    )

    @Option(help: "The address of a neighbor.")
    var received: String?

    @OptionGroup var control: ControlOptions

    func run() async throws {
        if let received {
            let answer = try await control.ask(ControlRequest(.neighbors, neighbor: received))
            guard case .receivedRoutes(let reports) = answer else { throw UnexpectedAnswer() }
            try control.show(reports, as: Self.text)
            return
        }
        guard case .neighbors(let reports) = try await control.ask(ControlRequest(.neighbors)) else {
            throw UnexpectedAnswer()
        }
        try control.show(reports, as: Self.text)
    }

    static func text(_ reports: [ReceivedRouteReport]) -> String {
        var table = TextTable(
            [("FAMILY", .left), ("AS PATH", .left), ("ROUTE", .left)],
            empty: "this neighbor has announced nothing, or no session stands"
        )
        for report in reports { table.add([report.family, report.asPath, report.route]) }
        return table.render()
    }

    static func text(_ reports: [NeighborReport]) -> String {
        var table = TextTable(
            [
                ("NEIGHBOR", .left), ("AS", .right), ("STATE", .left), ("FOR", .right), ("RULES", .right),
                ("SENT", .right), ("RECEIVED", .right), ("MSG IN", .right), ("MSG OUT", .right), ("FAMILIES", .left),
                ("LAST ERROR", .left),
            ],
            empty: "no neighbors configured"
        )
        for report in reports {
            let name = report.description.map { "\(report.address) (\($0))" } ?? report.address
            table.add([
                report.isDynamic ? "\(name) *" : name, String(report.remoteAS), report.state,
                Formatting.duration(report.stateSeconds), String(report.rules), String(report.announcedRoutes),
                String(report.receivedRoutes.values.reduce(0, +)), String(report.messagesReceived),
                String(report.messagesSent), report.families.joined(separator: " "), report.lastError ?? "",
            ])
        }
        return ([table.render()] + reports.flatMap(notes)).joined(separator: "\n")
    }

    /// What has no place in a column.
    private static func notes(_ report: NeighborReport) -> [String] {
        var notes: [String] = []
        if !report.capabilities.isEmpty { notes.append("agreed: \(report.capabilities.joined(separator: ", "))") }
        if let profile = report.profile { notes.append("profile \(profile)") }
        if report.refusedRules > 0 { notes.append("\(report.refusedRules) rules cannot be said to its router") }
        let names = [report.hostName, report.software].compactMap { $0 }
        if !names.isEmpty { notes.append("says it is \(names.joined(separator: ", "))") }
        if report.receivedBeyondLimit > 0 {
            notes.append("sent \(report.receivedBeyondLimit) routes beyond max_received; they were not kept")
        }
        if report.unreadableRules > 0 {
            notes.append("sent \(report.unreadableRules) FlowSpec rules that cannot be read; they were passed over")
        }
        if let fault = report.lastFault {
            notes.append("\(report.updateFaults) faults in its UPDATEs, the last one: \(fault)")
        }
        if !report.disabledFamilies.isEmpty {
            let families = report.disabledFamilies.joined(separator: ", ")
            notes.append("what it sends of \(families) is passed over until the session ends (RFC 7606)")
        }
        if report.isSearchingForFault {
            notes.append("complained of a rule: those sent last are tried again in halves")
        }
        for entry in report.quarantined {
            notes.append("does not get \(entry.match) since \(entry.since): it answered it with \(entry.error)")
        }
        return (notes + report.hints).map { "\(report.address): \($0)" }
    }
}
