// Speaker: runs BGP sessions over TCP. Sockets, timers and the event loop live here; what they mean is decided in BGP.

public import BGP
public import FlowSpec
public import Logging
internal import NIOCore
internal import NIOPosix
public import NetworkTypes

/// Speaks BGP with all neighbors, each on sessions of its own that cannot disturb the others.
///
/// An actor on one event loop: what sockets do, what timers do and what the daemon asks for happens one after another,
/// without a hop between threads.
public actor Speaker {
    /// Where connections are accepted.
    public struct ListenAddress: Sendable, Hashable {
        public var address: IPAddress
        /// 0 lets the system choose.
        public var port: UInt16

        public init(address: IPAddress, port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    /// One neighbor: its sessions, its connections, and the timer for what it wants to do next.
    private struct Neighbor {
        var session: NeighborSession
        var channels: [NeighborSession.Side: any Channel] = [:]
        var timer: Scheduled<Void>?
        var stateSince: Timestamp
        var state: NeighborSession.State = .idle
    }

    /// How long a neighbor may take to close its side after a NOTIFICATION.
    private static let lingerTime = TimeAmount.seconds(1)

    private let loop: any EventLoop
    private let logger: Logger
    private let observer: @Sendable (NeighborEvent) -> Void
    private let now: @Sendable () -> Timestamp
    private let listenAddresses: [ListenAddress]
    private var neighbors: [IPAddress: Neighbor]
    private let order: [IPAddress]
    private var listeners: [any Channel] = []

    /// The event loop's own executor: NIO callbacks are already on the actor.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.executor.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - neighbors: one for each address.
    ///   - now: the time that sessions are handed; the daemon's clock.
    ///   - observer: is told on the event loop what happens; must not block.
    public init(
        neighbors configurations: [NeighborConfiguration],
        listen: [ListenAddress] = [],
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        observer: @escaping @Sendable (NeighborEvent) -> Void
    ) {
        loop = MultiThreadedEventLoopGroup.singleton.next()
        self.logger = logger
        self.now = now
        self.observer = observer
        listenAddresses = listen
        order = configurations.map(\.address)
        let time = now()
        neighbors = Dictionary(
            configurations.enumerated().map { index, configuration in
                let seed = UInt64(bitPattern: time.nanoseconds) &+ UInt64(index) &* 2_654_435_761
                let session = NeighborSession(configuration: configuration, jitterSeed: seed)
                return (configuration.address, Neighbor(session: session, stateSince: time))
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    // MARK: The daemon

    /// Listens and begins to connect. Routes handed over before are announced before End-of-RIB.
    public func start() async throws {
        for listen in listenAddresses { listeners.append(try await bind(listen)) }
        for address in order { apply(to: address) { $0.start(at: $1) } }
    }

    /// The ports that are listened on, in the order of the listen addresses.
    public var boundPorts: [UInt16] { listeners.map { UInt16(clamping: $0.localAddress?.port ?? 0) } }

    /// Changes what every neighbor is to have.
    public func update(announce: [Announcement] = [], withdraw: [AnnouncedRoute] = []) {
        for address in order {
            apply(to: address) { $0.update(announce: announce, withdraw: withdraw, at: $1) }
        }
    }

    /// How the sessions stand, in the order of the configuration.
    public func status() -> [NeighborStatus] {
        let time = now()
        return order.compactMap { address in
            guard let neighbor = neighbors[address] else { return nil }
            return NeighborStatus(
                configuration: neighbor.session.configuration,
                state: neighbor.session.state,
                inState: time - neighbor.stateSince,
                parameters: neighbor.session.parameters,
                announcedRoutes: neighbor.session.announcedRoutes,
                messagesReceived: neighbor.session.messagesReceived,
                messagesSent: neighbor.session.messagesSent,
                unreadableRules: neighbor.session.unreadableRules,
                lastError: neighbor.session.lastError
            )
        }
    }

    /// Ends all sessions with CEASE, administrative shutdown, and stops listening.
    public func stop() async {
        for listener in listeners { try? await listener.close() }
        listeners = []
        var open: [any Channel] = []
        for address in order {
            open += neighbors[address].map { Array($0.channels.values) } ?? []
            apply(to: address) { session, _ in session.stop() }
        }
        for channel in open { try? await channel.closeFuture.get() }
    }

    // MARK: The sessions

    /// Hands an input to a session and carries out what it wants.
    private func apply(
        to address: IPAddress,
        _ input: (inout NeighborSession, Timestamp) -> [NeighborSession.Effect]
    ) {
        guard var neighbor = neighbors.removeValue(forKey: address) else { return }
        let time = now()
        let effects = input(&neighbor.session, time)
        if neighbor.session.state != neighbor.state {
            neighbor.state = neighbor.session.state
            neighbor.stateSince = time
        }
        neighbors[address] = neighbor
        for effect in effects { carryOut(effect, for: address) }
        schedule(address)
    }

    private func carryOut(_ effect: NeighborSession.Effect, for address: IPAddress) {
        switch effect {
        case .connect:
            connect(to: address)
        case .send(let side, let octets):
            neighbors[address]?.channels[side]?.writeAndFlush(ByteBuffer(bytes: octets), promise: nil)
        case .close(let side):
            if let channel = neighbors[address]?.channels.removeValue(forKey: side) { finish(channel) }
        case .established(let parameters):
            logger.notice(
                "neighbor up",
                metadata: [
                    "neighbor": "\(address)",
                    "families": "\(parameters.families.map(\.rawValue).joined(separator: " "))",
                ]
            )
            observer(.up(address, parameters))
        case .down(let reason):
            logger.warning("neighbor down", metadata: ["neighbor": "\(address)", "reason": "\(reason)"])
            observer(.down(address, reason: reason))
        case .received(let update, let octets):
            observer(.received(address, update, octets))
        }
    }

    private func schedule(_ address: IPAddress) {
        guard let neighbor = neighbors[address] else { return }
        neighbor.timer?.cancel()
        guard let deadline = neighbor.session.nextDeadline else {
            neighbors[address]?.timer = nil
            return
        }
        let wait = max(0, (deadline - now()).nanoseconds)
        neighbors[address]?.timer = loop.scheduleTask(in: .nanoseconds(wait)) { [weak self] in
            self?.assumeIsolated { $0.apply(to: address) { $0.advance(to: $1) } }
        }
    }

    // MARK: Connections

    private func connect(to address: IPAddress) {
        guard let configuration = neighbors[address]?.session.configuration else { return }
        let handler = ConnectionHandler(speaker: self, neighbor: address, side: .outgoing)
        do {
            let target = try SocketAddress(ipAddress: address.description, port: Int(configuration.port))
            var bootstrap = ClientBootstrap(group: loop)
                .connectTimeout(.seconds(10))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    SessionProtection.protectConnecting(channel, to: configuration).flatMapThrowing {
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
            if let local = configuration.localAddress {
                bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: local.description, port: 0))
            }
            bootstrap.connect(to: target).whenFailure { [weak self] error in
                self?.assumeIsolated {
                    $0.closed(address, .outgoing, reason: "cannot connect: \(ConnectionError.text(error))")
                }
            }
        } catch {
            closed(address, .outgoing, reason: "cannot connect: \(ConnectionError.text(error))")
        }
    }

    private func bind(_ listen: ListenAddress) async throws -> any Channel {
        let target = try SocketAddress(ipAddress: listen.address.description, port: Int(listen.port))
        let protected = neighbors.values.map(\.session.configuration)
        return try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                SessionProtection.protectListening(channel, isIPv4: listen.address.isIPv4, for: protected)
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [weak self] channel in
                guard let self, let remote = channel.remoteAddress?.networkAddress else {
                    return channel.eventLoop.makeFailedFuture(ChannelError.eof)
                }
                return self.assumeIsolated { $0.admit(channel, from: remote) }
            }
            .bind(to: target).get()
    }

    /// Only neighbors may connect.
    private func admit(_ channel: any Channel, from remote: IPAddress) -> EventLoopFuture<Void> {
        guard let neighbor = neighbors[remote] else {
            logger.warning("refused a connection from a stranger", metadata: ["address": "\(remote)"])
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let handler = ConnectionHandler(speaker: self, neighbor: remote, side: .incoming)
        return SessionProtection.protectAccepted(channel, from: neighbor.session.configuration).flatMapThrowing {
            try channel.pipeline.syncOperations.addHandler(handler)
        }
    }

    /// Closes once what was written has left, and the neighbor has had time to read it: NIO's `close` drops what the
    /// socket has not taken yet, and a socket closed over unread octets makes the neighbor lose the NOTIFICATION.
    private func finish(_ channel: any Channel) {
        channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(mode: .output, promise: nil) }
        let giveUp = loop.scheduleTask(in: Self.lingerTime) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in giveUp.cancel() }
    }

    // MARK: What connections do

    func opened(_ address: IPAddress, _ side: NeighborSession.Side, _ channel: any Channel) {
        if let other = neighbors[address]?.channels[side], other !== channel {
            // A third connection: the second of its side is refused where it stands.
            let refusal = BGPMessage.notification(.connectionRejected).encoded(as: MessageContext())
            channel.writeAndFlush(ByteBuffer(bytes: refusal), promise: nil)
            finish(channel)
            return
        }
        neighbors[address]?.channels[side] = channel
        let local = channel.localAddress?.networkAddress
        apply(to: address) { $0.connected(side, localAddress: local, at: $1) }
    }

    func received(_ address: IPAddress, _ side: NeighborSession.Side, _ channel: any Channel, _ octets: ByteBufferView)
    {
        guard neighbors[address]?.channels[side] === channel else { return }
        apply(to: address) { $0.received(octets, on: side, at: $1) }
    }

    func writabilityChanged(_ address: IPAddress, _ channel: any Channel) {
        guard neighbors[address]?.channels.values.contains(where: { $0 === channel }) == true else { return }
        apply(to: address) { $0.writabilityChanged(channel.isWritable, at: $1) }
    }

    func closed(_ address: IPAddress, _ side: NeighborSession.Side, _ channel: any Channel, reason: String) {
        guard neighbors[address]?.channels[side] === channel else { return }
        neighbors[address]?.channels[side] = nil
        closed(address, side, reason: reason)
    }

    private func closed(_ address: IPAddress, _ side: NeighborSession.Side, reason: String) {
        apply(to: address) { $0.disconnected(side, reason: reason, at: $1) }
    }
}

extension SocketAddress {
    /// The address without its port; an IPv4-mapped IPv6 address as IPv4.
    var networkAddress: IPAddress? { ipAddress.flatMap { IPAddress($0) } }
}
