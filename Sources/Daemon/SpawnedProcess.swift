import CFloodgate
import Foundation

/// A program that was started, with our ends of its standard streams.
struct SpawnedProcess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let process: Int32
    /// Its standard input, which does not block; the other two are for reading.
    let input: Int32
    let output: Int32
    let errors: Int32

    /// - Parameters:
    ///   - arguments: the program, found by `PATH`, and its arguments.
    ///   - variables: of the environment, beside ours.
    init(_ arguments: [String], variables: [String: String] = [:]) throws(Failure) {
        let environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }.map { "\($0)=\($1)" }
        var streams: (input: Int32, output: Int32, errors: Int32) = (-1, -1, -1)
        let result = unsafe Self.withTexts(arguments) { arguments in
            unsafe Self.withTexts(environment) { environment in
                unsafe floodgate_spawn(arguments, environment, &streams.input, &streams.output, &streams.errors)
            }
        }
        guard result > 0 else {
            throw Failure(description: "\(arguments.first ?? ""): \(unsafe String(cString: strerror(-result)))")
        }
        process = result
        (input, output, errors) = streams
    }

    /// Hands on copies that end with a null, as `exec` wants them.
    private static func withTexts(_ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Int32) -> Int32 {
        var copies = unsafe texts.map { unsafe UnsafePointer<CChar>(strdup($0)) }
        defer { unsafe copies.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
        unsafe copies.append(nil)
        return unsafe body(copies)
    }

    /// How it ended, in words; nil while it runs.
    func reap() -> String? {
        var status: Int32 = 0
        guard unsafe floodgate_reap(process, &status) == 1 else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
    }

    /// Closes our end of its standard input. To be called once.
    func closeInput() { floodgate_close(input) }

    func signal(_ signal: Int32) { floodgate_signal_group(process, signal) }
}
