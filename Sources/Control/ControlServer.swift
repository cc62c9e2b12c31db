internal import FoundationEssentials
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

    /// - Parameters:
    ///   - path: where the socket stands; its folder is made when missing.
    ///   - group: where it is read; nil: wherever there is room.
    public init(path: String, on group: (any EventLoopGroup)? = nil) {
        self.path = path
        self.group = group ?? MultiThreadedEventLoopGroup.singleton
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

    /// One that has connected, and is not heard before it is served.
    fileprivate struct Client: Sendable {
        let channel: any Channel
        let connection: NIOLoopBound<ControlConnection>
    }

    /// An open socket; `serve` answers on it until the task is cancelled.
    public struct Listener: Sendable {
        fileprivate let channel: NIOAsyncChannel<Client, Never>
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
                .childChannelOption(.autoRead, value: false)
                .bind(unixDomainSocketPath: provisional) { channel in
                    // From the first on, as the channel hands on what it has when the client hangs up.
                    channel.eventLoop.makeCompletedFuture {
                        let connection = ControlConnection()
                        try channel.pipeline.syncOperations.addHandler(connection)
                        return Client(channel: channel, connection: .init(connection, eventLoop: channel.eventLoop))
                    }
                }
            try FileSystem.restrictToOwnerAndGroup(provisional)
            try FileSystem.rename(provisional, to: path)
            return Listener(channel: channel)
        } catch {
            throw .failed(path, error)
        }
    }

    /// Answers until the task is cancelled and what is being carried out is done, then removes the socket's file.
    ///
    /// - Parameter executor: carries out orders; nil: wherever there is room. Where it is the thread on which the socket is
    ///   read, no other has to be woken for them. What is asked is answered elsewhere: a list of a hundred thousand rules
    ///   takes a while to put together, and no order waits for it.
    public func serve(
        _ listener: Listener,
        responder: any ControlResponder,
        ordersOn executor: (any TaskExecutor)? = nil
    ) async throws {
        defer { FileSystem.remove(path) }
        try await listener.channel.executeThenClose { clients in
            try await withThrowingDiscardingTaskGroup { group in
                for try await client in clients {
                    group.addTask { await Self.serve(client, responder, executor) }
                }
            }
        }
    }

    private static func serve(
        _ client: Client,
        _ responder: any ControlResponder,
        _ executor: (any TaskExecutor)?
    ) async {
        let channel = client.channel
        // In one go: the thread may have much else to do in between.
        let finished = channel.eventLoop.flatSubmit {
            let finished = client.connection.value.serve(responder, ordersOn: executor, on: channel.eventLoop)
            // Who has hung up meanwhile has nothing more to say.
            try? channel.syncOptions?.setOption(.autoRead, value: true)
            return finished
        }
        await withTaskCancellationHandler {
            try? await finished.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// Closes a socket that nobody will serve, and removes its file.
    public func abandon(_ listener: Listener) async {
        defer { FileSystem.remove(path) }
        try? await listener.channel.executeThenClose { _ in }
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
