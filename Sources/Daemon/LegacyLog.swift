import Compatibility
import FlowSpec
import Logging
import NetworkTypes
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A log file in the form of another program's, for the scripts that look into that.
///
/// It is a courtesy: where it cannot be written nothing else suffers, and it is tried again when the logs are opened anew.
final class LegacyLog: Sendable {
    private let path: String
    private let logger: Logger
    private let destination = Mutex<LogDestination?>(nil)

    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
        reopen()
    }

    /// After the file was rotated away.
    func reopen() {
        let failure: Int32? = destination.withLock { destination in
            if let destination { destination.reopen() } else { destination = LogDestination(path: path) }
            return destination == nil ? errno : nil
        }
        guard let failure else { return }
        let reason = unsafe String(cString: strerror(failure))
        logger.warning("a log file cannot be written", metadata: ["path": "\(path)", "reason": "\(reason)"])
    }

    func write(_ lines: [String]) {
        guard !lines.isEmpty else { return }
        destination.withLock { $0 }?.write(lines.joined())
    }
}

/// Bans, as FastNetMon's own log has them.
struct FastNetMonLog: BanFollower {
    let log: LegacyLog

    func take(_ calls: [BanCall]) { log.write(calls.flatMap(\.logLines)) }
}

/// What is announced and withdrawn, as ExaBGP's log has it of its API: `announce flow route …`.
struct ExaBGPLog: Sendable {
    let log: LegacyLog
    let process: Int32

    func update(announce: [Announcement], withdraw: [AnnouncedRoute], at time: Timestamp) {
        let withdrawn = withdraw.map { line("\(TextCommand(.withdraw($0)))", at: time) }
        let announced = announce.map { announcement in
            line("announce \(announcement)" + (announcement.limitText.map { " (\($0))" } ?? ""), at: time)
        }
        log.write(withdrawn + announced)
    }

    private func line(_ text: String, at time: Timestamp) -> String {
        let stamp = "\(time)"
        return "\(stamp.prefix(10)) \(stamp.dropFirst(11).prefix(8)) | \(process) | api | \(text)\n"
    }
}
