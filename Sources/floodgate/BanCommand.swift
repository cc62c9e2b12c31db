import ArgumentParser
import Control
import DaemonConfiguration
import NetworkTypes

struct BanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ban",
        abstract: "Announce a rule against traffic to an address or prefix, by hand.",
        discussion: """
            The rule passes the same guard rails as those of detection, and expires.

            EXAMPLE: floodgate ban 198.51.100.5 --for 30m --reason "ticket 4711"
            """
    )

    @Argument(help: "An address or prefix inside the operator's networks.")
    var target: String

    @Option(name: .customLong("for"), help: "How long, such as 30m; the configured ban time when absent.")
    var duration: String?

    @Option(help: "Why, for those who ask later.")
    var reason: String?

    @Option(help: "The template that makes the rule, such as udp_flood.")
    var template: String?

    @OptionGroup var control: ControlOptions

    /// What `--for` says.
    static func seconds(_ text: String) throws -> Double {
        guard let duration = Quantity.duration(text) else {
            throw ValidationError("--for \(text): expected a duration such as 1900s, 30m or 2h")
        }
        return duration.inSeconds
    }

    func run() async throws {
        let seconds = try duration.map { try Self.seconds($0) }
        let request = ControlRequest(
            .ban,
            target: target,
            durationSeconds: seconds,
            reason: reason,
            template: template
        )
        guard case .done(let what) = try await control.ask(request) else { throw UnexpectedAnswer() }
        try control.show(what) { $0 }
    }
}

struct UnbanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unban",
        abstract: "Withdraw all rules whose target is an address or prefix, whoever asked for them.",
        discussion: "EXAMPLE: floodgate unban 198.51.100.5"
    )

    @Argument(help: "The address or prefix.")
    var target: String

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .done(let what) = try await control.ask(ControlRequest(.unban, target: target)) else {
            throw UnexpectedAnswer()
        }
        try control.show(what) { $0 }
    }
}
