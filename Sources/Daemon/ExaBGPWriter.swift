import Compatibility
import Control
import FlowSpec
import Logging
import NetworkTypes
import Synchronization

/// Has an ExaBGP announce what our neighbors get, by commands on a pipe that it reads.
///
/// There is no queue of commands: what it is to have is held against what it was told, and the difference is written as
/// the pipe takes it. When its reader has gone and comes back, it may have forgotten everything, or nothing: all that it
/// is to have is announced again, and what it may still have and should not is withdrawn.
final class ExaBGPWriter: Sendable {
    private struct State {
        var pipe: NamedPipe?
        var backlog = CommandBacklog()
        /// What of a command the pipe has not taken yet.
        var unwritten: ArraySlice<UInt8> = []
        var problem: String?
    }

    let path: String
    private let logger: Logger
    private let state = Mutex(State())

    /// What a pipe takes whole or not at all (PIPE_BUF), so that commands of others do not come in between.
    private static let atom = 4096
    private static let interval = Duration.milliseconds(100)
    /// How long a stop waits for the pipe to take the withdrawals.
    private static let farewell = 40

    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    // MARK: What it is to have

    /// Changes what ExaBGP is to have. Never blocks.
    func update(announce: [Announcement], withdraw: [AnnouncedRoute]) {
        state.withLock { state in
            for route in withdraw { state.backlog.withdraw(route) }
            for announcement in announce {
                // Its neighbors are none of those that a rule names.
                if announcement.neighbors == nil {
                    state.backlog.announce(announcement)
                } else {
                    state.backlog.withdraw(announcement.route)
                }
            }
            write(&state)
        }
    }

    /// What a former daemon withdrew last: it may not have come to say so.
    func recall(_ announcements: [Announcement]) {
        state.withLock { state in
            for announcement in announcements { state.backlog.recall(announcement) }
        }
    }

    /// Whether ExaBGP was told to announce the route as it stands.
    func holds(_ route: AnnouncedRoute) -> Bool {
        state.withLock { state in state.pipe != nil && state.backlog.isTold(route) }
    }

    var report: PipeWriterReport {
        state.withLock { state in
            PipeWriterReport(
                path: path,
                isRead: state.pipe != nil,
                rules: state.backlog.wantedCount,
                toldRules: state.pipe == nil ? 0 : state.backlog.toldCount,
                commands: state.backlog.commands,
                problem: state.problem
            )
        }
    }

    // MARK: The pipe

    /// Looks after the pipe until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            state.withLock { state in
                look(after: &state)
                write(&state)
            }
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Withdraws everything, as far as the pipe takes it; or leaves it as it is.
    func stop(keepingRoutes: Bool) async {
        for _ in 0..<Self.farewell {
            let isDone = state.withLock { state in
                if !keepingRoutes { state.backlog.withdrawAll() }
                write(&state)
                return state.pipe == nil || state.backlog.isEmpty && state.unwritten.isEmpty
            }
            if isDone { break }
            try? await Task.sleep(for: .milliseconds(50))
        }
        state.withLock { $0.pipe = nil }
    }

    private func look(after state: inout State) {
        if let pipe = state.pipe {
            if !pipe.hasReader || pipe.standing == .replaced { lose(&state) }
        }
        guard state.pipe == nil else { return }
        do {
            state.pipe = try NamedPipe.writing(path)
            state.problem = nil
            state.unwritten = []
            state.backlog.beginAnew()
            logger.notice(
                "ExaBGP reads its pipe",
                metadata: ["path": "\(path)", "rules": "\(state.backlog.wantedCount)"]
            )
        } catch {
            if state.problem != error.description {
                logger.warning("ExaBGP gets no rules", metadata: ["reason": "\(error)"])
            }
            state.problem = error.description
        }
    }

    /// What lies in the pipe unread is lost with it.
    private func lose(_ state: inout State) {
        state.pipe = nil
        state.unwritten = []
        logger.warning("nobody reads the pipe any more", metadata: ["path": "\(path)"])
    }

    private func write(_ state: inout State) {
        while let pipe = state.pipe {
            if state.unwritten.isEmpty { state.unwritten = state.backlog.next(upTo: Self.atom)[...] }
            guard !state.unwritten.isEmpty else { return }
            switch pipe.write(Array(state.unwritten)) {
            case .taken(let count): state.unwritten = state.unwritten.dropFirst(count)
            case .full: return
            case .noReader: lose(&state)
            }
        }
    }
}
