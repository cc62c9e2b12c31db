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

    /// - Parameter arguments: the program, found by `PATH`, and its arguments.
    init(_ arguments: [String]) throws(Failure) {
        var copies = unsafe arguments.map { unsafe UnsafePointer<CChar>(strdup($0)) }
        defer { unsafe copies.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
        unsafe copies.append(nil)
        var streams: (input: Int32, output: Int32, errors: Int32) = (-1, -1, -1)
        let result = unsafe floodgate_spawn(copies, &streams.input, &streams.output, &streams.errors)
        guard result > 0 else {
            throw Failure(description: "\(arguments.first ?? ""): \(unsafe String(cString: strerror(-result)))")
        }
        process = result
        (input, output, errors) = streams
    }

    /// How it ended, in words; nil while it runs.
    func reap() -> String? {
        var status: Int32 = 0
        guard unsafe floodgate_reap(process, &status) == 1 else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
    }

    func signal(_ signal: Int32) { floodgate_signal_group(process, signal) }
}
