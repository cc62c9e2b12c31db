import ArgumentParser
import Control
import FoundationEssentials

/// What every command that asks the daemon shares.
struct ControlOptions: ParsableArguments {
    @Option(help: "The daemon's control socket.")
    var socket = "/run/floodgate/control.sock"

    @Flag(help: "Print JSON for programs instead of a table for people.")
    var json = false

    /// Sends the request; what is not an answer ends the program with the exit code that says so.
    func ask(_ request: ControlRequest) async throws -> ControlResponse {
        let response: ControlResponse
        do {
            response = try await ControlClient(path: socket).send(request)
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode.unreachable
        }
        if case .refused(let reason) = response {
            Terminal.complain(reason)
            throw ExitCode.refused
        }
        return response
    }

    /// Prints the payload as JSON, or else what `table` makes of it.
    func show<Report: Encodable>(_ report: Report, as text: (Report) -> String) throws {
        guard json else {
            print(text(report))
            return
        }
        let bytes = try ControlCoding.encoder(pretty: true).encode(report)
        print(String(decoding: bytes, as: UTF8.self))
    }
}

/// An answer of another kind than was asked for: daemon and command line of different versions.
struct UnexpectedAnswer: Error, CustomStringConvertible {
    var description: String { "the daemon gave an answer of another kind; is it of another version?" }
}
