import ArgumentParser
import Control
import Foundation
import NetworkTypes

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "The busiest hosts and the networks, each second; hosts under attack are marked.",
        discussion: """
            On a terminal it goes on until Ctrl-C; into a pipe, with --once or --json it prints once.

            EXAMPLES:
              floodgate top
              floodgate top --sort bits --direction incoming --limit 40
              floodgate top --once --json
            """
    )

    @Option(help: "What hosts are sorted by: packets, bits or flows.")
    var sort = "packets"

    @Option(help: "incoming or outgoing; both unless it is said.")
    var direction: String?

    @Option(help: "Hosts of each direction, up to 1000.")
    var limit = 10

    @Flag(help: "Print once.")
    var once = false

    @OptionGroup var control: ControlOptions

    func validate() throws {
        guard TrafficUnit(rawValue: sort) != nil else { throw ValidationError("--sort is packets, bits or flows") }
        guard direction.map({ TrafficDirection(rawValue: $0) != nil }) ?? true else {
            throw ValidationError("--direction is incoming or outgoing")
        }
        guard (1...1000).contains(limit) else { throw ValidationError("--limit is from 1 to 1000") }
    }

    func run() async throws {
        let request = ControlRequest(.top, limit: limit, sort: sort, direction: direction)
        let isSingle = once || control.json || isatty(STDOUT_FILENO) == 0
        while true {
            guard case .top(let report) = try await control.ask(request) else { throw UnexpectedAnswer() }
            guard !isSingle else { return try control.show(report, as: { Self.text($0, direction: direction) }) }
            // From the top left corner; what was there before goes line by line, so that nothing flickers.
            let lines = Self.text(report, direction: direction).split(separator: "\n", omittingEmptySubsequences: false)
            let screen = "\u{1B}[H" + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J"
            try FileHandle.standardOutput.write(contentsOf: Data(screen.utf8))
            try await Task.sleep(for: .seconds(1))
        }
    }

    static func text(_ report: TopReport, direction: String? = nil) -> String {
        let attacks = report.activeAttacks == 0 ? "no attacks" : "\(report.activeAttacks) under attack"
        var parts = [
            "\(report.time)  in \(brief(report.incoming))  out \(brief(report.outgoing))  "
                + "other \(brief(report.other))  \(attacks)"
        ]
        if direction != "outgoing" { parts.append(table("INCOMING", report.incomingHosts)) }
        if direction != "incoming" { parts.append(table("OUTGOING", report.outgoingHosts)) }
        parts.append(table(report.networks))
        return parts.joined(separator: "\n\n")
    }

    private static func brief(_ rates: TopReport.Rates) -> String {
        "\(Formatting.packets(rates.packetsPerSecond)), \(Formatting.bits(rates.bitsPerSecond))"
    }

    private static func cells(_ rates: TopReport.Rates) -> [String] {
        [
            Formatting.packets(rates.packetsPerSecond), Formatting.bits(rates.bitsPerSecond),
            RateText.describe(rates.flowsPerSecond, .flows),
        ]
    }

    private static func table(_ title: String, _ hosts: [TopReport.Host]) -> String {
        var table = TextTable(
            [(title, .left), ("PACKETS", .right), ("BITS", .right), ("FLOWS", .right), ("", .left)],
            empty: "\(title)\nno traffic"
        )
        for host in hosts {
            table.add([host.address] + cells(host.rates) + [host.attack.map { "*attack \($0)*" } ?? ""])
        }
        return table.render()
    }

    private static func table(_ networks: [TopReport.Network]) -> String {
        var table = TextTable(
            [
                ("NETWORK", .left), ("IN: PACKETS", .right), ("BITS", .right), ("FLOWS", .right),
                ("OUT: PACKETS", .right), ("BITS", .right), ("FLOWS", .right), ("", .left),
            ],
            empty: "no networks"
        )
        for network in networks {
            let marked =
                network.attacks == 0 ? "" : "*\(network.attacks == 1 ? "attack" : "\(network.attacks) attacks")*"
            table.add([network.prefix] + cells(network.incoming) + cells(network.outgoing) + [marked])
        }
        return table.render()
    }
}
