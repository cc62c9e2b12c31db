public import Logging
import NetworkTypes
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Where log lines go: standard error, or a file that can be opened anew after it was rotated away.
public final class LogDestination: Sendable {
    private let path: String?
    private let descriptor: Mutex<Int32>

    /// Standard error.
    public init() {
        path = nil
        descriptor = Mutex(STDERR_FILENO)
    }

    /// A file, made when missing and appended to; nil with `errno` set when it cannot be opened.
    public init?(path: String) {
        let opened = Self.open(path)
        guard opened >= 0 else { return nil }
        self.path = path
        descriptor = Mutex(opened)
    }

    /// Opens the file again, so that lines go to the new one after log rotation.
    public func reopen() {
        guard let path else { return }
        let opened = Self.open(path)
        guard opened >= 0 else { return }
        let old = descriptor.withLock { current in
            defer { current = opened }
            return current
        }
        close(old)
    }

    private static func open(_ path: String) -> Int32 {
        #if canImport(Glibc)
        unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        #else
        unsafe Darwin.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        #endif
    }

    /// What cannot be written, as the disk is full, is lost.
    func write(_ line: String) {
        let bytes = Array(line.utf8)
        // One write per line: lines of several threads do not mix.
        _ = descriptor.withLock { descriptor in
            unsafe bytes.withUnsafeBytes { buffer in
                #if canImport(Glibc)
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #else
                unsafe Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
        }
    }
}

/// One line a message: time, level, what happened, then what it concerns as `key=value`.
public struct LineLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level
    private let destination: LogDestination
    private let clock = DaemonClock()

    public init(destination: LogDestination, level: Logger.Level) {
        self.destination = destination
        self.logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = "\(clock.now) \(event.level.rawValue) \(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.quoted("\(value)"))" }
        destination.write(line + "\n")
    }

    /// Quotes what has spaces or line breaks in it, so that a line stays a line.
    private static func quoted(_ value: String) -> String {
        let plain = value.utf8.allSatisfy { $0 > 32 && $0 != 34 && $0 != 127 }
        if plain, !value.isEmpty { return value }
        // Words and spaces, nearly always.
        if !value.utf8.contains(where: { $0 == 34 || $0 == 92 || $0 == 10 || $0 == 13 }) { return "\"" + value + "\"" }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": quoted += "\\\\"
            case "\"": quoted += "\\\""
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
