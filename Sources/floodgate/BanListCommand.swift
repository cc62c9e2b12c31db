import ArgumentParser
import Control

/// As `fastnetmon_api_client` has it; its `ban` and `unban` are ours.
struct BanListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get_banlist",
        abstract: "Who is banned, one a line: the targets of rules that attacks and operators asked for.",
        discussion: "EXAMPLE: floodgate get_banlist",
        shouldDisplay: false
    )

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .done(let list) = try await control.ask(ControlRequest(.banlist)) else { throw UnexpectedAnswer() }
        try control.show(list.split(separator: "\n").map(String.init)) { $0.joined(separator: "\n") }
    }
}
