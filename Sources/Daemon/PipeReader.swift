import CFloodgate
import Compatibility
import Control
import DaemonConfiguration
import Logging
import Mitigation
import NIOCore
import NIOPosix
import Synchronization

/// Takes commands from a named pipe, as long as the daemon runs.
///
/// The pipe is held open in both directions, so writers find it open, and come and go without its ending. It is read
/// no faster than commands are carried out: what waits stays in the pipe, and its writers wait with it. So a crash loses
/// little of what they believe to have said.
final class PipeReader: Sendable {
    /// One pipe that was opened: its octets have nothing to do with those of another that took its name.
    private final class Stream: Sendable {
        let pipe: NamedPipe
        let channel: NIOAsyncChannel<ByteBuffer, Never>
        private let assembly = Mutex(PipeAssembly())
        private let end = Mutex(false)
        /// What was read first is carried out first, whoever found it complete.
        let turnstile = Turnstile()

        init(_ pipe: NamedPipe, _ channel: NIOAsyncChannel<ByteBuffer, Never>) {
            self.pipe = pipe
            self.channel = channel
        }

        /// Nothing is read from it any more.
        var hasEnded: Bool { end.withLock { $0 } }

        func noteEnd() { end.withLock { $0 = true } }

        func noteArrival() { assembly.withLock { $0.noteArrival() } }
        func take(_ octets: some Sequence<UInt8> & Sendable) -> [APIReading] { assembly.withLock { $0.take(octets) } }
        func takeIdle() -> [APIReading] { assembly.withLock { $0.takeIdle() } }
        func takeRest() -> [APIReading] { assembly.withLock { $0.takeRest() } }
    }

    private struct State {
        var octets: UInt64 = 0
        var commands: UInt64 = 0
        var refused: UInt64 = 0
        var problem: String?
    }

    private let configuration: DaemonConfiguration.CommandPipe
    private let client: CommandClient
    private let desk: CommandDesk
    private let thread: LedgerThread
    private let logger: Logger
    private let state = Mutex(State())

    /// Octets that are read at once: some hundred commands, which go to disk together.
    private static let chunk = 16 * 1024
    /// How often the path is looked at.
    private static let interval = Duration.seconds(1)

    init(_ configuration: DaemonConfiguration.CommandPipe, desk: CommandDesk, thread: LedgerThread, logger: Logger) {
        self.configuration = configuration
        client = CommandClient(
            requester: .client("pipe \(configuration.path)"),
            lasting: configuration.expires,
            reason: nil
        )
        self.desk = desk
        self.thread = thread
        self.logger = logger
    }

    var report: PipeReport {
        let state = state.withLock { $0 }
        return PipeReport(
            path: configuration.path,
            octets: state.octets,
            commands: state.commands,
            refused: state.refused,
            problem: state.problem
        )
    }

    /// Makes and opens the pipe; to be called before `run`, so that a daemon that cannot have its pipe says so at once.
    func open() throws(NamedPipe.Failure) -> NamedPipe {
        try NamedPipe.reading(configuration) { failure in logger.warning("\(failure)") }
    }

    /// Reads until the task is cancelled, which is to prefer the ledger's thread. The pipe stays where it is: were it gone, a shell that writes to it would make
    /// a plain file of its name.
    func run(_ opened: NamedPipe) async {
        await withDiscardingTaskGroup { group in
            var current = await stream(opened)
            if let current { group.addTask { await self.serve(current) } }
            var wasMissing = false
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)
                if let current {
                    await current.turnstile.pass { await self.carryOut(current.takeIdle()) }
                }
                // One that could not be read on is opened again, or its writers would wait for ever.
                let standing = current.map { $0.hasEnded ? .replaced : $0.pipe.standing } ?? .replaced
                // Who deletes it may be about to make it anew.
                guard standing == .replaced || standing == .missing && wasMissing else {
                    wasMissing = standing == .missing
                    continue
                }
                wasMissing = false
                guard let next = await reopened() else { continue }
                if let former = current {
                    // Before anything that comes through the new one.
                    await former.turnstile.pass { await self.carryOut(former.takeRest()) }
                    // Whoever had opened the former one may finish what he is saying.
                    former.channel.channel.eventLoop.scheduleTask(in: .seconds(2)) {
                        former.channel.channel.close(promise: nil)
                    }
                }
                current = next
                group.addTask { await self.serve(next) }
            }
            group.cancelAll()
        }
    }

    private func reopened() async -> Stream? {
        do {
            let pipe = try open()
            guard let stream = await stream(pipe) else { return nil }
            logger.notice("the pipe was made anew", metadata: ["path": "\(configuration.path)"])
            state.withLock { $0.problem = nil }
            return stream
        } catch {
            complain("\(error)")
            return nil
        }
    }

    private func complain(_ problem: String) {
        let isNew = state.withLock { state in
            defer { state.problem = problem }
            return state.problem != problem
        }
        if isNew { logger.error("no commands are read: \(problem)") }
    }

    private func stream(_ pipe: NamedPipe) async -> Stream? {
        let descriptor = pipe.duplicate()
        do {
            let channel = try await NIOPipeBootstrap(group: thread.loop)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.chunk))
                .takingOwnershipOfDescriptor(input: descriptor) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, Never>(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 1))
                        )
                    }
                }
            return Stream(pipe, channel)
        } catch {
            if descriptor >= 0 { floodgate_close(descriptor) }
            complain("\(configuration.path): \(error)")
            return nil
        }
    }

    private func serve(_ stream: Stream) async {
        do {
            try await stream.channel.executeThenClose { inbound, _ in
                for try await buffer in inbound {
                    state.withLock { $0.octets &+= UInt64(buffer.readableBytes) }
                    stream.noteArrival()
                    await stream.turnstile.pass { await self.carryOut(stream.take(buffer.readableBytesView)) }
                }
            }
        } catch {
            logger.debug("pipe closed", metadata: ["path": "\(configuration.path)", "error": "\(error)"])
        }
        stream.noteEnd()
        // The last line of a pipe that was replaced, or that could not be read on.
        if !Task.isCancelled { await stream.turnstile.pass { await self.carryOut(stream.takeRest()) } }
    }

    private func carryOut(_ readings: [APIReading]) async {
        guard !readings.isEmpty else { return }
        let replies = await desk.take(readings, from: client)
        state.withLock { state in
            state.commands &+= UInt64(replies.count)
            state.refused &+= UInt64(replies.count { $0.isRefused })
        }
    }
}
