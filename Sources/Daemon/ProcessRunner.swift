import BGP
import CFloodgate
import Compatibility
import Control
import DaemonConfiguration
import FlowSpec
import Foundation
import Logging
import Mitigation
import NIOCore
import NIOPosix
import NetworkTypes
import Speaker
import Synchronization

/// Runs a program that speaks ExaBGP's API, as long as the daemon runs.
///
/// It is read no faster than its commands are carried out. What it is told waits within bounds until it reads, and it
/// is started again when it ends: whatever it does, nobody waits for it, and nothing ends with it.
final class ProcessRunner: Sendable {
    private struct State {
        var child: SpawnedProcess?
        var lines = OutboundLines()
        var acknowledges = true
        var counters: [IPAddress: UInt64] = [:]
        var quota = LineQuota()
        var starts: UInt64 = 0
        var commands: UInt64 = 0
        var refused: UInt64 = 0
        /// By those that ran before.
        var droppedLines: UInt64 = 0
        var lastEnd: String?
    }

    private let configuration: DaemonConfiguration.CommandProcess
    private let client: CommandClient
    private let desk: CommandDesk
    private let thread: LedgerThread
    private let clock: DaemonClock
    private let logger: Logger
    private let source: ExaBGPEvent.Source
    private let state = Mutex(State())

    private static let chunk = 64 * 1024
    /// How often it is looked whether the process lives, and reads.
    private static let interval = Duration.milliseconds(100)
    /// Between two starts; doubled each time up to the longest, and back to the first once it has lived so long.
    private static let firstDelay = Duration.seconds(1)
    private static let longestDelay = Duration.seconds(60)
    /// How long it may take to end when it is told to.
    private static let farewell = 20

    init(
        _ configuration: DaemonConfiguration.CommandProcess,
        desk: CommandDesk,
        thread: LedgerThread,
        clock: DaemonClock,
        logger: Logger
    ) {
        self.configuration = configuration
        self.desk = desk
        self.thread = thread
        self.clock = clock
        self.logger = logger
        client = CommandClient(
            requester: .client("process \(configuration.name)"),
            lasting: configuration.expires,
            reason: nil
        )
        let info = ProcessInfo.processInfo
        source = ExaBGPEvent.Source(host: info.hostName, process: info.processIdentifier, parent: Int32(getppid()))
    }

    var report: ProcessReport {
        state.withLock { state in
            ProcessReport(
                name: configuration.name,
                processIdentifier: state.child?.process,
                starts: state.starts,
                commands: state.commands,
                refused: state.refused,
                droppedLines: state.droppedLines &+ UInt64(state.lines.dropped),
                lastEnd: state.lastEnd
            )
        }
    }

    // MARK: Its life

    /// Starts it, and again when it ends, until the task is cancelled.
    func run() async {
        var delay = Self.firstDelay
        while !Task.isCancelled {
            let started = clock.now
            let end = await runOnce()
            state.withLock { $0.lastEnd = end }
            guard !Task.isCancelled else { return }
            delay = clock.now - started >= Self.longestDelay ? Self.firstDelay : delay
            let metadata: Logger.Metadata = ["process": "\(configuration.name)", "end": "\(end)"]
            guard configuration.respawns else {
                logger.notice("a process has ended", metadata: metadata)
                break
            }
            logger.warning(
                "a process has ended, and is started again in \(delay.components.seconds)s",
                metadata: metadata
            )
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, Self.longestDelay)
        }
        // Its end is nobody else's.
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    /// How it ended, in words.
    private func runOnce() async -> String {
        let child: SpawnedProcess
        do {
            child = try SpawnedProcess(configuration.run)
        } catch {
            return "it could not be started: \(error)"
        }
        logger.notice(
            "started a process",
            metadata: ["process": "\(configuration.name)", "pid": "\(child.process)", "run": "\(configuration.run)"]
        )
        state.withLock { state in
            state.child = child
            state.starts &+= 1
            state.droppedLines &+= UInt64(state.lines.dropped)
            state.lines = OutboundLines()
            state.acknowledges = true
        }
        let output = await channel(child.output)
        let errors = await channel(child.errors)
        let end = await withTaskGroup(of: Void.self) { group in
            if let output { group.addTask(executorPreference: thread) { await self.readCommands(output) } }
            if let errors { group.addTask { await self.readErrors(errors) } }
            let end = await watch(child)
            // Those that it started itself may hold the streams open.
            child.signal(SIGKILL)
            output?.channel.close(promise: nil)
            errors?.channel.close(promise: nil)
            await group.waitForAll()
            return end
        }
        state.withLock { state in
            state.child = nil
            floodgate_close(child.input)
        }
        return end
    }

    /// Writes to it what waits, until it has ended; ends it where the task is cancelled.
    private func watch(_ child: SpawnedProcess) async -> String {
        while !Task.isCancelled {
            if let end = child.reap() { return end }
            state.withLock { Self.drain(&$0) }
            try? await Task.sleep(for: Self.interval)
        }
        let shutdown = "shutdown \(source.process) \(source.parent)\n"
        state.withLock { state in
            state.lines.append(shutdown)
            Self.drain(&state)
        }
        child.signal(SIGTERM)
        for _ in 0..<Self.farewell {
            if let end = child.reap() { return end }
            // The task is cancelled, and would not sleep.
            await Task.detached { try? await Task.sleep(for: Self.interval) }.value
        }
        child.signal(SIGKILL)
        while true {
            if let end = child.reap() { return end }
            await Task.detached { try? await Task.sleep(for: .milliseconds(10)) }.value
        }
    }

    private func channel(_ descriptor: Int32) async -> ChildOutput.Channel? {
        do {
            return try await ChildOutput.open(descriptor, on: thread.loop)
        } catch {
            logger.error("a process is not read: \(error)", metadata: ["process": "\(configuration.name)"])
            return nil
        }
    }

    // MARK: What it says

    private func readCommands(_ channel: ChildOutput.Channel) async {
        var assembler = CommandAssembler()
        do {
            try await channel.executeThenClose { inbound, _ in
                for try await buffer in inbound {
                    await carryOut(assembler.take(buffer.readableBytesView).flatMap { APIReading.read($0) })
                }
            }
        } catch {
            logger.debug("a process is closed: \(error)", metadata: ["process": "\(configuration.name)"])
        }
        // The line that it did not live to end.
        await carryOut(assembler.finishIdle().flatMap { APIReading.read($0) })
    }

    private func carryOut(_ readings: [APIReading]) async {
        guard !readings.isEmpty else { return }
        let replies = await desk.take(readings.map(scoped), from: client)
        state.withLock { state in
            state.commands &+= UInt64(replies.count)
            state.refused &+= UInt64(replies.count { $0.isRefused })
        }
        for (reading, reply) in zip(readings, replies) { answer(reading, with: reply) }
    }

    private func answer(_ reading: APIReading, with reply: CommandReply) {
        var answer = reply.isRefused ? "error" : "done"
        var isAnswered: Bool?
        switch reading {
        case .command(.acknowledgement(let wish), _):
            state.withLock { $0.acknowledges = wish == .enabled }
            isAnswered = wish != .silent
        case .command(.question, _): answer = "\(reply.text)\n\(answer)"
        default: break
        }
        state.withLock { state in
            guard isAnswered ?? state.acknowledges else { return }
            state.lines.append(answer + "\n")
            Self.drain(&state)
        }
    }

    /// What names no neighbor is for those whose `api` names the process.
    private func scoped(_ reading: APIReading) -> APIReading {
        guard let neighbors = configuration.neighbors, case .command(.orders(let orders), let text) = reading else {
            return reading
        }
        let selectors = neighbors.map { NeighborSelector(address: $0) }
        let scoped = orders.map { order in
            var order = order
            if order.neighbors.isEmpty { order.neighbors = selectors }
            return order
        }
        return .command(.orders(scoped), text: text)
    }

    /// Its standard error, line by line, to the log.
    private func readErrors(_ channel: ChildOutput.Channel) async {
        await ChildOutput.lines(of: channel) { log($0) }
    }

    private func log(_ line: String) {
        let (isAdmitted, missed) = state.withLock { $0.quota.admit(at: clock.now) }
        if missed > 0 { logger.info("\(missed) more lines", metadata: ["process": "\(configuration.name)"]) }
        guard isAdmitted else { return }
        logger.info("\(line)", metadata: ["process": "\(configuration.name)"])
    }

    // MARK: What it is told

    /// Tells it of a neighbor, where it wants to know. Does not block.
    func note(_ event: NeighborEvent, of neighbors: [NeighborConfiguration]) {
        guard configuration.tellsChanges else { return }
        let address: IPAddress
        let change: ExaBGPEvent.Change
        switch event {
        case .up(let peer, _): (address, change) = (peer, .up)
        case .down(let peer, let reason): (address, change) = (peer, .down(reason: reason))
        case .received, .suspects, .quarantined: return
        }
        guard configuration.neighbors?.contains(address) ?? true else { return }
        let known = neighbors.first { $0.address == address } ?? neighbors.first { $0.range?.contains(address) == true }
        guard let known else { return }
        let told = ExaBGPEvent(
            change,
            of: .init(
                local: known.localAddress,
                peer: address,
                localAS: known.localAS,
                peerAS: known.remoteAS,
                routerID: IPAddress(v4: known.routerID)
            )
        )
        let now = clock.now
        state.withLock { state in
            guard state.child != nil else { return }
            let counter = (state.counters[address] ?? 0) &+ 1
            state.counters[address] = counter
            let seconds = Double(now.nanoseconds) / 1e9
            state.lines.append(
                configuration.usesJSON ? told.json(at: seconds, from: source, counter: counter) : told.text
            )
            Self.drain(&state)
        }
    }

    private static func drain(_ state: inout State) {
        guard let child = state.child else { return }
        state.lines.drain { octets in
            unsafe octets.withUnsafeBytes { bytes in
                unsafe max(0, Int(floodgate_fifo_write(child.input, bytes.baseAddress, min(bytes.count, chunk))))
            }
        }
    }
}
