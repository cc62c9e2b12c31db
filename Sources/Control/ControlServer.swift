internal import FoundationEssentials
public import Logging
public import NIOCore
internal import NIOPosix

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Answers requests on a Unix socket. Owner and group of the socket's file may connect, nobody else.
public struct ControlServer: Sendable {
    private let path: String
    private let group: any EventLoopGroup
    private let logger: Logger

    /// - Parameters:
    ///   - path: where the socket stands; its folder is made when missing.
    ///   - group: where it is read; nil: wherever there is room.
    public init(path: String, on group: (any EventLoopGroup)? = nil, logger: Logger) {
        self.path = path
        self.group = group ?? MultiThreadedEventLoopGroup.singleton
        self.logger = logger
    }

    /// Why the socket could not be opened.
    public enum OpenError: Error, CustomStringConvertible {
        /// Another daemon answers there.
        case inUse(String)
        case failed(String, any Error)

        public var description: String {
            switch self {
            case .inUse(let path): "control socket \(path): another daemon answers there"
            case .failed(let path, let error): "control socket \(path): \(error)"
            }
        }
    }

    /// An open socket; `serve` answers on it until the task is cancelled.
    public struct Listener: Sendable {
        fileprivate let channel: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>
    }

    /// Throws where somebody answers already; changes nothing.
    public func checkIsFree() async throws(OpenError) {
        if await ControlClient(path: path).isAnswered() { throw .inUse(path) }
    }

    /// Opens the socket. Who connects waits until it is served.
    ///
    /// It is bound under another name, given its permissions and then renamed, so there is no moment in which others
    /// could connect.
    public func open() async throws(OpenError) -> Listener {
        do {
            try FileSystem.makeFolder(of: path)
        } catch {
            throw .failed(path, error)
        }
        try await checkIsFree()
        let provisional = path + ".new"
        FileSystem.remove(provisional)
        do {
            let channel = try await ServerBootstrap(group: group)
                .bind(unixDomainSocketPath: provisional) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            try FileSystem.restrictToOwnerAndGroup(provisional)
            try FileSystem.rename(provisional, to: path)
            return Listener(channel: channel)
        } catch {
            throw .failed(path, error)
        }
    }

    /// Answers until the task is cancelled, then removes the socket's file.
    ///
    /// Orders are handed over by the executor that the task prefers: where that is the one on which they are carried out,
    /// no thread has to be woken for them. What is asked is answered elsewhere.
    public func serve(_ listener: Listener, responder: any ControlResponder) async throws {
        defer { FileSystem.remove(path) }
        try await listener.channel.executeThenClose { clients in
            try await withThrowingDiscardingTaskGroup { group in
                for try await client in clients {
                    group.addTask { await answer(client, responder) }
                }
            }
        }
    }

    /// Closes a socket that nobody will serve, and removes its file.
    public func abandon(_ listener: Listener) async {
        defer { FileSystem.remove(path) }
        try? await listener.channel.executeThenClose { _ in }
    }

    private func answer(
        _ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>,
        _ responder: any ControlResponder
    ) async {
        do {
            try await client.executeThenClose { inbound, outbound in
                var pending = ByteBuffer()
                for try await var chunk in inbound {
                    pending.writeBuffer(&chunk)
                    while let line = pending.readLine() {
                        try await outbound.write(ByteBuffer(bytes: reply(to: line, responder)))
                    }
                    guard pending.readableBytes <= ControlCoding.maximumRequestBytes else { return }
                    // A connection may last for years; what was read of it need not.
                    pending.discardReadBytes()
                }
            }
        } catch {
            // A client that goes away in mid-answer is its own affair.
            logger.debug("control client left", metadata: ["error": "\(error)"])
        }
    }

    private func reply(to line: [UInt8], _ responder: any ControlResponder) async -> [UInt8] {
        let request: ControlRequest
        do {
            request = try ControlRequest(line: line)
        } catch {
            return Self.encoded(NumberedResponse(response: .refused("not a request: \(error)")))
        }
        if request.command.isOrder { return await Self.answer(request, responder) }
        return await withTaskExecutorPreference(globalConcurrentExecutor) {
            await Self.answerElsewhere(request, responder)
        }
    }

    private static func answer(_ request: ControlRequest, _ responder: any ControlResponder) async -> [UInt8] {
        encoded(NumberedResponse(id: request.id, response: await responder.respond(to: request)))
    }

    /// A list of a hundred thousand rules takes a while to put together: no order waits for it.
    @concurrent private static func answerElsewhere(
        _ request: ControlRequest,
        _ responder: any ControlResponder
    ) async -> [UInt8] { await answer(request, responder) }

    private static func encoded(_ response: NumberedResponse) -> [UInt8] {
        let encoded = try? ControlCoding.encoder().encode(response)
        return Array(encoded ?? Data(#"{"refused":{"_0":"the answer could not be encoded"}}"#.utf8)) + [0x0A]
    }
}

extension ByteBuffer {
    /// The bytes up to the next line feed, which is consumed too; nil when there is none yet.
    mutating func readLine() -> [UInt8]? {
        guard let length = readableBytesView.firstIndex(of: 0x0A).map({ $0 - readerIndex }),
            let line = readBytes(length: length)
        else { return nil }
        moveReaderIndex(forwardBy: 1)
        return line
    }
}

/// The few file operations that a Unix socket needs.
enum FileSystem {
    /// An errno with the call that gave it.
    struct SystemError: Error, CustomStringConvertible {
        var call: String
        var code: Int32
        var description: String { unsafe "\(call): \(String(cString: strerror(code)))" }
    }

    static func makeFolder(of path: String) throws(SystemError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let folder = String(path[..<slash])
        if unsafe mkdir(folder, 0o750) != 0, errno != EEXIST { throw SystemError(call: "mkdir \(folder)", code: errno) }
    }

    static func remove(_ path: String) { _ = unsafe unlink(path) }

    static func restrictToOwnerAndGroup(_ path: String) throws(SystemError) {
        if unsafe chmod(path, 0o660) != 0 { throw SystemError(call: "chmod", code: errno) }
    }

    static func rename(_ from: String, to path: String) throws(SystemError) {
        #if canImport(Glibc)
        let result = unsafe Glibc.rename(from, path)
        #else
        let result = unsafe Darwin.rename(from, path)
        #endif
        if result != 0 { throw SystemError(call: "rename", code: errno) }
    }
}
