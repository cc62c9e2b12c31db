internal import FoundationEssentials
internal import NIOCore
internal import NIOPosix

/// Asks a running daemon over its Unix socket.
public struct ControlClient: Sendable {
    private let path: String

    public init(path: String) { self.path = path }

    /// Why there is no answer.
    public enum Failure: Error, CustomStringConvertible {
        /// Nobody answers at the socket.
        case unreachable(path: String, reason: String)
        /// The daemon hung up or answered with something else.
        case brokenAnswer(String)

        public var description: String {
            switch self {
            case .unreachable(let path, let reason): "no daemon answers at \(path): \(reason)"
            case .brokenAnswer(let reason): "the daemon's answer cannot be read: \(reason)"
            }
        }
    }

    /// Sends one request and waits for its answer.
    public func send(_ request: ControlRequest) async throws(Failure) -> ControlResponse {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await connect()
        } catch {
            // NIO's text names the call too, which tells an operator nothing.
            let code = (error as? IOError).flatMap { POSIXErrorCode(rawValue: $0.errnoCode) }
            let reason =
                switch code {
                case .ENOENT: "there is no such socket"
                case .ECONNREFUSED: "it is not running"
                case .EACCES: "permission denied"
                default: "\(error)"
                }
            throw .unreachable(path: path, reason: reason)
        }
        do {
            return try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(bytes: ControlCoding.encoder().encode(request) + [0x0A]))
                var pending = ByteBuffer()
                for try await var chunk in inbound {
                    // An answer may have many megabytes: none of them is looked at again for each that comes.
                    let endsHere = chunk.readableBytesView.contains(0x0A)
                    pending.writeBuffer(&chunk)
                    if endsHere, let line = pending.readLine() {
                        return try ControlCoding.decoder().decode(ControlResponse.self, from: Data(line))
                    }
                }
                throw Failure.brokenAnswer("it hung up")
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .brokenAnswer("\(error)")
        }
    }

    /// Whether someone accepts connections at the path.
    func isAnswered() async -> Bool {
        do {
            let channel = try await connect()
            try? await channel.executeThenClose { _, _ in }
            return true
        } catch {
            // It has more to answer than it can hold.
            return (error as? IOError)?.errnoCode == POSIXErrorCode.EAGAIN.rawValue
        }
    }

    private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
    }
}
