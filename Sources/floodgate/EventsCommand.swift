import ArgumentParser
import Control

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "What happened last: attacks, rules, and what was refused, each with its reason.",
        discussion: """
            EXAMPLES:
              floodgate events
              floodgate events --limit 1000 --json
            """
    )

    @Option(help: "At most so many, the latest.")
    var limit = 100

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .events(let events) = try await control.ask(ControlRequest(.events, limit: limit)) else {
            throw UnexpectedAnswer()
        }
        try control.show(events, as: Self.text)
    }

    static func text(_ events: [EventReport]) -> String {
        guard !events.isEmpty else { return "nothing has happened" }
        return events.map { event in
            let about = [event.attack.map { "attack \($0)" }, event.rule.map { "r\($0)" }].compactMap { $0 }
            return "\(event.time) \(about.isEmpty ? "" : "[\(about.joined(separator: ", "))] ")\(event.text)"
        }.joined(separator: "\n")
    }
}
