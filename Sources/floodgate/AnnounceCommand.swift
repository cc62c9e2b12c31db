import ArgumentParser
import Control
import DaemonConfiguration
import NetworkTypes

struct AnnounceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "announce",
        abstract: "Announce a rule or route as it is written, in ExaBGP's text.",
        discussion: """
            It passes the same guard rails as rules of detection, and expires.

            EXAMPLES:
              floodgate announce 'flow route { match { destination 198.51.100.5/32; protocol udp; } then { discard; } }'
              floodgate announce 'route 198.51.100.5/32 next-hop 192.0.2.66 community 65001:666' --for 1h
              floodgate announce 'neighbor 192.0.2.1 announce flow route destination 198.51.100.5/32 discard'
            """
    )

    @Argument(help: "The rule or route; the word announce may be left out.")
    var text: String

    @Option(name: .customLong("for"), help: "How long, such as 30m; the configured ban time when absent.")
    var duration: String?

    @Option(help: "Why, for those who ask later.")
    var reason: String?

    @OptionGroup var control: ControlOptions

    func run() async throws {
        let request = ControlRequest(
            .announce,
            durationSeconds: try duration.map { try BanCommand.seconds($0) },
            reason: reason,
            text: text
        )
        guard case .done(let what) = try await control.ask(request) else { throw UnexpectedAnswer() }
        try control.show(what) { $0 }
    }
}

struct WithdrawCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw",
        abstract: "Withdraw a rule or route, by its text or its number, whoever asked for it.",
        discussion: """
            EXAMPLES:
              floodgate withdraw r12
              floodgate withdraw 'flow route { match { destination 198.51.100.5/32; protocol udp; } }'
            """
    )

    @Argument(help: "A rule's number as rules shows it, or its text without actions.")
    var rule: String

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .done(let what) = try await control.ask(ControlRequest(.withdraw, text: rule)) else {
            throw UnexpectedAnswer()
        }
        try control.show(what) { $0 }
    }
}
