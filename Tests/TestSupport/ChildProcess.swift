public import Foundation
import Synchronization

/// A program that a test started and stops.
public final class ChildProcess: Sendable {
    private let process: Mutex<Process>
    public let log: URL

    /// Where a program lies; nil when it is not installed.
    public static func find(_ name: String) -> String? {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"]
            .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Starts a program with its output in `log`.
    public init(_ path: String, _ arguments: [String], environment: [String: String] = [:], log: URL) throws {
        _ = FileManager.default.createFile(atPath: log.path(), contents: nil)
        let handle = try FileHandle(forWritingTo: log)
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        try Self.run(process)
        self.process = Mutex(process)
        self.log = log
    }

    /// The command that runs a program as a shell's child. For programs that close what they inherit: Foundation takes the
    /// end of its own pipe for that of the program, and waits for that before it does anything else for anybody.
    public static func sheltered(_ path: String, _ arguments: [String]) -> (path: String, arguments: [String]) {
        let script = #"trap 'kill $child' TERM INT; "$0" "$@" & child=$!; wait $child; wait $child"#
        return ("/bin/sh", ["-c", script, path] + arguments)
    }

    /// Threads of the pool block signals, and a child inherits that: it could not be asked to end.
    private static func run(_ process: Process) throws {
        var none = sigset_t()
        var former = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &former)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &former, nil) }
        try process.run()
    }

    public var isRunning: Bool { process.withLock { $0.isRunning } }

    public func signal(_ signal: Int32) {
        process.withLock { _ = Foundation.kill($0.processIdentifier, signal) }
    }

    /// `kill -9`: no time for farewells.
    public func kill() {
        process.withLock { process in
            _ = Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// Asks to end, and ends it if it does not.
    ///
    /// - Parameter interrupting: ask by SIGINT, as programs with children of their own may want it: one that leaves a
    ///   child behind would be waited for as long as the child lives.
    public func stop(interrupting: Bool = false) {
        process.withLock { process in
            guard process.isRunning else { return }
            if interrupting { process.interrupt() } else { process.terminate() }
            for _ in 0..<50 where process.isRunning { usleep(100_000) }
            if process.isRunning { _ = Foundation.kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
        }
    }

    /// The exit status, once it has ended.
    public func wait() -> Int32 {
        let ended = process.withLock { process in
            process.waitUntilExit()
            return process.terminationStatus
        }
        return ended
    }

    /// Runs a program to its end; what it printed.
    public static func output(_ path: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try Self.run(process)
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}

/// A folder of its own for a test; gone with the value's owner by `remove`.
public struct ScratchFolder: Sendable {
    public let url: URL

    public init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "floodgate-test-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    public func path(_ name: String) -> String { url.appending(path: name).path() }

    public func write(_ text: String, to name: String) throws -> String {
        try text.write(to: url.appending(path: name), atomically: true, encoding: .utf8)
        return path(name)
    }

    public func remove() { try? FileManager.default.removeItem(at: url) }
}

/// Waits until something holds, looking every twentieth of a second; false after `seconds`.
public func eventually(within seconds: Double = 20, _ condition: () async throws -> Bool) async rethrows -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(50))
    }
    return try await condition()
}

/// Ports that nothing listens on.
public enum FreePort {
    public static func tcp() -> UInt16 { take(streamType) }
    public static func udp() -> UInt16 { take(datagramType) }

    #if canImport(Glibc)
    private static let streamType = Int32(SOCK_STREAM.rawValue)
    private static let datagramType = Int32(SOCK_DGRAM.rawValue)
    #endif

    private static func take(_ type: Int32) -> UInt16 {
        let descriptor = socket(AF_INET, type, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            guard let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return }
            _ = unsafe bind(descriptor, base, length)
            _ = unsafe getsockname(descriptor, base, &length)
        }
        return UInt16(bigEndian: address.sin_port)
    }
}
