import ArgumentParser
import Daemon
import UnixSignals

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "An attack from first packet to withdrawal, with an exporter and a router of its own, on loopback.",
        discussion: "EXAMPLE: floodgate demo --once; it exits with 0 if and only if the whole cycle happened."
    )

    @Flag(help: "End by itself when the cycle is over.")
    var once = false

    /// What a shell takes for the end by Ctrl-C.
    private static let interrupted = ExitCode(130)

    func run() async throws {
        let (isComplete, isInterrupted) = try await withThrowingTaskGroup(of: Bool?.self) { group in
            group.addTask { try await Demo().run(once: once) }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
                return nil
            }
            defer { group.cancelAll() }
            if let result = try await group.next() ?? nil { return (result, false) }
            // The demo cleans up behind itself; one that was cut short fails by its cancellation.
            group.cancelAll()
            return ((try? await group.next() ?? nil) ?? false, true)
        }
        if isComplete { return }
        if isInterrupted { throw Self.interrupted }
        Terminal.complain("the cycle did not happen within a minute")
        throw ExitCode.refused
    }
}
