import CFloodgate
import Compatibility
import Control
import DaemonConfiguration
import Detection
import Foundation
import Logging
import NIOCore
import NetworkTypes
import Store
import Synchronization

/// Runs the scripts that are told of attacks, beside everything else: whatever one does, no announcement waits for it.
///
/// So many run at a time, the others wait in a queue that has an end: of too many calls the oldest are not made.
final class ScriptRunner: BanFollower {
    private struct State {
        var waiting: [BanCall] = []
        /// Who is being told of.
        var running: Set<IPPrefix> = []
        var made: UInt64 = 0
        var failed: UInt64 = 0
        var dropped: UInt64 = 0
        var toldDropped: UInt64 = 0
        var quota = LineQuota()
        var isStopped = false
    }

    private let scripts: DaemonConfiguration.Scripts
    /// None are run, as attacks are only watched.
    private let isMuted: Bool
    private let store: Store
    private let clock: DaemonClock
    private let logger: Logger
    private let state = Mutex(State())
    private let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Calls that may wait.
    static let queue = 1000
    /// How often it is looked whether a script has ended, and reads.
    private static let interval = Duration.milliseconds(20)
    /// Between being asked to end and being ended.
    private static let farewell = Duration.seconds(1)

    init(_ scripts: DaemonConfiguration.Scripts, isMuted: Bool, store: Store, clock: DaemonClock, logger: Logger) {
        self.scripts = scripts
        self.isMuted = isMuted
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    var report: ScriptReport {
        state.withLock { state in
            ScriptReport(
                paths: scripts.paths,
                made: state.made,
                failed: state.failed,
                dropped: state.dropped,
                running: state.running.count,
                waiting: state.waiting.count
            )
        }
    }

    // MARK: The queue

    /// Never blocks.
    func take(_ calls: [BanCall]) {
        let wanted = isMuted ? [] : calls.filter { program(for: $0) != nil }
        guard !wanted.isEmpty else { return }
        let missed = state.withLock { state in
            state.waiting += wanted
            let excess = max(0, state.waiting.count - Self.queue)
            state.waiting.removeFirst(excess)
            state.dropped &+= UInt64(excess)
            guard excess > 0, state.toldDropped == 0 else { return UInt64(0) }
            state.toldDropped = state.dropped
            return UInt64(excess)
        }
        if missed > 0 {
            logger.warning("scripts are too slow: the oldest calls are not made", metadata: metadata([:]))
        }
        wake.yield()
    }

    /// The program that a call is for, with its arguments; nil for none.
    private func program(for call: BanCall) -> [String]? {
        guard call.target.isHost || scripts.wholeNetworks else { return nil }
        guard call.action != .attackDetails || scripts.details > 0 else { return nil }
        let path: String?
        switch call.action {
        case .ban, .attackDetails: path = scripts.notify
        // What guides write for the one would ban once more if it were told of an end.
        case .unban: path = scripts.unban ?? (scripts.arguments == .guide ? nil : scripts.notify)
        }
        guard let path else { return nil }
        switch scripts.arguments {
        case .fastnetmon: return [path] + call.arguments
        case .guide: return call.guideArguments.map { [path] + $0 }
        }
    }

    /// Makes calls until the task is cancelled, and sees those under way to their end.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for await _ in wakes {
                while let call = next() {
                    group.addTask {
                        await self.make(call)
                        _ = self.state.withLock { $0.running.remove(call.target) }
                        self.wake.yield()
                    }
                }
            }
            state.withLock { $0.isStopped = true }
        }
    }

    /// A host is told of in order: what follows on a call that runs waits for it.
    private func next() -> BanCall? {
        state.withLock { state in
            guard !state.isStopped, state.running.count < scripts.atOnce,
                let place = state.waiting.firstIndex(where: { !state.running.contains($0.target) })
            else { return nil }
            let call = state.waiting.remove(at: place)
            state.running.insert(call.target)
            if state.waiting.count < Self.queue / 2 { state.toldDropped = 0 }
            return call
        }
    }

    // MARK: A call

    private func make(_ call: BanCall) async {
        guard let command = program(for: call) else { return }
        let began = clock.now
        let end: String
        do {
            let child = try SpawnedProcess(command, variables: call.environment)
            let text = scripts.usesJSON ? call.json(records: scripts.details) : call.text(records: scripts.details)
            end = await see(child, reading: Array(text.utf8), call)
        } catch {
            end = "it could not be started: \(error)"
        }
        let isWell = end == "exit status 0"
        state.withLock { state in
            state.made &+= 1
            if !isWell { state.failed &+= 1 }
        }
        let took = Int(((clock.now - began).inSeconds * 1000).rounded())
        let words = "script \(command.joined(separator: " ")): \(end), after \(took) ms"
        logger.log(level: isWell ? .info : .warning, "\(words)")
        do {
            try store.write([.event(.init(time: clock.now, attack: call.attack?.id, text: words))])
        } catch {
            logger.error("\(words): not written: \(error)")
        }
    }

    /// Sees it to its end, by force if need be; how it ended, in words.
    private func see(_ child: SpawnedProcess, reading text: [UInt8], _ call: BanCall) async -> String {
        let channels = [await channel(child.output), await channel(child.errors)].compactMap { $0 }
        return await withTaskGroup(of: Void.self) { group in
            for channel in channels {
                group.addTask { await ChildOutput.lines(of: channel) { self.log($0, call) } }
            }
            let end = await watch(child, reading: text[...])
            // Those that it started itself may hold the streams open.
            child.signal(SIGKILL)
            for channel in channels { channel.channel.close(promise: nil) }
            await group.waitForAll()
            return end
        }
    }

    private func channel(_ descriptor: Int32) async -> ChildOutput.Channel? {
        do {
            return try await ChildOutput.open(descriptor)
        } catch {
            logger.error("a script is not read: \(error)", metadata: metadata([:]))
            return nil
        }
    }

    private func watch(_ child: SpawnedProcess, reading text: ArraySlice<UInt8>) async -> String {
        var rest = text
        var isFed = false
        var deadline = clock.now + scripts.timeout
        var hardDeadline: Timestamp?
        var why = ""
        while true {
            if !isFed {
                let taken = unsafe rest.withUnsafeBytes { bytes in
                    unsafe Int(floodgate_fifo_write(child.input, bytes.baseAddress, bytes.count))
                }
                if taken > 0 { rest = rest.dropFirst(taken) }
                // One that does not want to know has closed it.
                isFed = rest.isEmpty || taken == -Int(EPIPE)
                if isFed { child.closeInput() }
            }
            if let end = child.reap() {
                if !isFed { child.closeInput() }
                return why.isEmpty ? end : "\(why), \(end)"
            }
            if Task.isCancelled { deadline = min(deadline, clock.now + Self.farewell) }
            if let hardDeadline {
                if clock.now >= hardDeadline { child.signal(SIGKILL) }
            } else if clock.now >= deadline {
                why = Task.isCancelled ? "the daemon ends" : "it took longer than \(scripts.timeout.inSeconds) s"
                hardDeadline = clock.now + Self.farewell
                child.signal(SIGTERM)
            }
            // A task that is cancelled would not sleep.
            await Task.detached { try? await Task.sleep(for: Self.interval) }.value
        }
    }

    private func log(_ line: String, _ call: BanCall) {
        let (isAdmitted, missed) = state.withLock { $0.quota.admit(at: clock.now) }
        if missed > 0 { logger.info("\(missed) more lines of scripts", metadata: metadata([:])) }
        guard isAdmitted else { return }
        logger.info("\(line)", metadata: metadata(["for": "\(call.targetText)", "action": "\(call.action.rawValue)"]))
    }

    private func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(["script": "\(scripts.paths.joined(separator: ", "))"]) { first, _ in first }
    }
}
