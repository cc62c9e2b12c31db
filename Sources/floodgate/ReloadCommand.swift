import ArgumentParser
import Control

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon read its configuration again; BGP sessions that it does not touch stay up.",
        discussion: """
            SIGHUP does the same. A file with a mistake changes nothing, and the answer says why; so it does of keys that
            need a restart.

            EXAMPLE: floodgate reload
            """
    )

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .done(let what) = try await control.ask(ControlRequest(.reload)) else { throw UnexpectedAnswer() }
        try control.show(what) { $0 }
    }
}
