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
/// without a hop between threads. Routes go out in bursts, and no neighbor has two in a row while others wait.
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
    struct Neighbor {
        var session: NeighborSession
        var isDynamic = false
        /// Of one out of a range that has no connection: since when, for as long as it is remembered.
        var awaySince: Timestamp?
        /// Forgets it when that is over.
        var oblivion: Scheduled<Void>?
        /// Not one that was made for a connection that has yet to be opened.
        var wasConnected = false
        var channels: [NeighborSession.Side: any Channel] = [:]
        /// Counts attempts to connect: of those that were given up the outcome does not matter.
        var attempt = 0
        var timer: Scheduled<Void>?
        var timerDeadline: Timestamp?
        var stateSince: Timestamp
        var state: NeighborSession.State = .idle
        /// What is still to be carried out: what a socket does meanwhile comes behind it.
        var effects: [NeighborSession.Effect] = []
        var isCarryingOut = false
        /// Its next burst is already scheduled.
        var isTransmitting = false
    }

    struct Listener {
        var address: ListenAddress
        var channel: any Channel
    }

    let loop: any EventLoop
    let logger: Logger
    private let observer: @Sendable (NeighborEvent) -> Void
    let now: @Sendable () -> Timestamp
    private let listenAddresses: [ListenAddress]
    var neighbors: [IPAddress: Neighbor] = [:]
    /// Neighbors with an address of their own, in the order of the configuration.
    var order: [IPAddress] = []
    /// Ranges whose neighbors come as they like.
    var ranges: [NeighborConfiguration] = []
    var listeners: [Listener] = []
    /// Neighbors that must not connect, as no listener may have their key, and why.
    var unprotected: [IPPrefix: String] = [:]
    /// All that is announced, for neighbors that come later.
    private var routes = AnnouncementTable()
    private(set) var isRunning = false
    private var seed: UInt64

    /// The event loop's own executor: NIO callbacks are already on the actor.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.executor.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - neighbors: one for each address or range.
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
        let time = now()
        seed = UInt64(bitPattern: time.nanoseconds)
        ranges = configurations.filter { $0.range != nil }
        for configuration in configurations where configuration.range == nil {
            guard neighbors[configuration.address] == nil else { continue }
            order.append(configuration.address)
            seed &+= 2_654_435_761
            let session = NeighborSession(configuration: configuration, jitterSeed: seed)
            neighbors[configuration.address] = Neighbor(session: session, stateSince: time)
        }
    }

    // MARK: The daemon

    /// Listens and begins to connect. Routes handed over before are announced before End-of-RIB.
    public func start() async throws {
        try await listen(on: listenAddresses, for: order.compactMap { neighbors[$0]?.session.configuration } + ranges)
        isRunning = true
        for address in order { apply(to: address) { $0.start(at: $1) } }
    }

    /// The ports that are listened on, in the order of the listen addresses.
    public var boundPorts: [UInt16] { listeners.map { UInt16(clamping: $0.channel.localAddress?.port ?? 0) } }

    /// Changes what every neighbor is to have.
    public func update(announce: [Announcement] = [], withdraw: [AnnouncedRoute] = []) {
        if announce.count > 1000 { routes.reserve(announce.count) }
        for route in withdraw { routes.remove(route) }
        for announcement in announce { routes.insert(announcement) }
        for address in Array(neighbors.keys) {
            apply(to: address) { $0.update(announce: announce, withdraw: withdraw, at: $1) }
        }
    }

    /// How the sessions stand, in the order of the configuration; neighbors out of ranges come last.
    public func status() -> [NeighborStatus] {
        let time = now()
        let dynamic = neighbors.filter(\.value.isDynamic).keys.sorted { ($0.high, $0.low) < ($1.high, $1.low) }
        return (order + dynamic).compactMap { address in
            guard let neighbor = neighbors[address] else { return nil }
            let inState = time - neighbor.stateSince
            return NeighborStatus(neighbor.session, isDynamic: neighbor.isDynamic, inState: inState)
        }
    }

    /// How each route stands with a neighbor, with those withdrawn last; nil when there is no such neighbor.
    public func routes(of address: IPAddress) -> [NeighborRoute]? { neighbors[address]?.session.routeStates() }

    /// What a neighbor has announced to us on the session that stands, as much as is kept; nil when there is no such
    /// neighbor.
    public func received(from address: IPAddress) -> [AnnouncedRoute: PathAttributes]? {
        neighbors[address]?.session.adjRIBIn.routes
    }

    /// How the routes stand with each neighbor that is to have them: by route, then address.
    public func holders(of routes: some Sequence<AnnouncedRoute>) -> [AnnouncedRoute: [IPAddress: NeighborRoute.State]]
    {
        var holders: [AnnouncedRoute: [IPAddress: NeighborRoute.State]] = [:]
        for route in routes {
            for (address, neighbor) in neighbors where neighbor.awaySince == nil {
                holders[route, default: [:]][address] = neighbor.session.routeState(route)
            }
        }
        return holders
    }

    /// For each of the routes whether any neighbor has it.
    public func areHeld(_ routes: [AnnouncedRoute]) -> [Bool] {
        let there = neighbors.values.filter { $0.awaySince == nil }
        return routes.map { route in
            there.contains { neighbor in
                switch neighbor.session.routeState(route) {
                case .sent?, .withdrawing?: true
                default: false
                }
            }
        }
    }

    /// Ends all sessions and stops listening.
    ///
    /// - Parameter keepingRoutes: without a NOTIFICATION, so that neighbors with graceful restart keep the routes; else
    ///   with CEASE, administrative shutdown.
    public func stop(keepingRoutes: Bool = false) async {
        isRunning = false
        for listener in listeners { try? await listener.channel.close() }
        listeners = []
        var open: [any Channel] = []
        for (address, neighbor) in neighbors {
            open += neighbor.channels.values
            let text = neighbor.session.configuration.shutdownText ?? ""
            let ending: NeighborSession.Ending =
                keepingRoutes ? .keepingRoutes : .withdrawing(.administrativeShutdown.saying(text))
            apply(to: address) { $0.stop(ending, at: $1) }
        }
        for channel in open { try? await channel.closeFuture.get() }
    }

    // MARK: Neighbors that come and go

    func add(_ configuration: NeighborConfiguration, isDynamic: Bool = false) {
        seed &+= 2_654_435_761
        let address = configuration.address
        let session = NeighborSession(configuration: configuration, jitterSeed: seed)
        neighbors[address] = Neighbor(session: session, isDynamic: isDynamic, stateSince: now())
        let all = routes.all
        apply(to: address) { $0.update(announce: all, withdraw: [], at: $1) + $0.start(at: $1) }
    }

    /// - Parameter keepingRoutes: where it restarts gracefully, as it is back at once: the neighbor keeps the routes.
    func remove(_ address: IPAddress, because error: BGPError, keepingRoutes: Bool = false) {
        let isGraceful = neighbors[address]?.session.parameters?.gracefulRestart.isEmpty == false
        apply(to: address) { session, time in
            session.stop(keepingRoutes && isGraceful ? .keepingRoutes : .withdrawing(error), at: time)
        }
        forget(address)
    }

    // MARK: The sessions

    /// Hands an input to a session and carries out what it wants.
    func apply(to address: IPAddress, _ input: (inout NeighborSession, Timestamp) -> [NeighborSession.Effect]) {
        let time = now()
        neighbors[address]?.take(input, at: time)
        carryOut(for: address)
        transmitLater(to: address)
        schedule(address)
    }

    private func carryOut(for address: IPAddress) {
        guard neighbors[address]?.isCarryingOut == false else { return }
        neighbors[address]?.isCarryingOut = true
        while let effects = neighbors[address]?.effects, !effects.isEmpty {
            neighbors[address]?.effects = []
            for effect in effects { carryOut(effect, for: address) }
        }
        neighbors[address]?.isCarryingOut = false
        leaveIfGone(address)
    }

    private func carryOut(_ effect: NeighborSession.Effect, for address: IPAddress) {
        switch effect {
        case .connect:
            neighbors[address]?.attempt += 1
            connect(to: address)
        case .abandonConnect: neighbors[address]?.attempt += 1
        case .send(let side, let octets): write(octets, to: address, side)
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
        case .suspects(let count, let error):
            logger.warning(
                "the neighbor complains of one of the rules sent last; they are tried again in halves",
                metadata: ["neighbor": "\(address)", "rules": "\(count)", "error": "\(error)"]
            )
            observer(.suspects(address, count, error))
        case .quarantined(let entry):
            logger.error(
                "the neighbor complains of a rule, which is kept from it",
                metadata: ["neighbor": "\(address)", "rule": "\(entry.route)", "error": "\(entry.error)"]
            )
            observer(.quarantined(address, entry))
        case .unsayable(let count, let route, let reason):
            logger.error(
                "rules cannot be said to the neighbor, and are kept from it",
                metadata: ["neighbor": "\(address)", "rules": "\(count)", "one": "\(route)", "reason": "\(reason)"]
            )
        }
    }

    /// The next burst comes when others have had their turn.
    private func transmitLater(to address: IPAddress) {
        guard let neighbor = neighbors[address], neighbor.session.hasMoreToSend, !neighbor.isTransmitting else {
            return
        }
        neighbors[address]?.isTransmitting = true
        loop.execute { [weak self] in
            self?.assumeIsolated { speaker in
                speaker.neighbors[address]?.isTransmitting = false
                speaker.apply(to: address) { $0.transmit(at: $1) }
            }
        }
    }

    private func schedule(_ address: IPAddress) {
        guard let neighbor = neighbors[address], let deadline = neighbor.session.nextDeadline else { return }
        // A timer that fires too early looks again; one that fires too late would be wrong.
        if let standing = neighbor.timerDeadline, standing <= deadline { return }
        neighbor.timer?.cancel()
        neighbors[address]?.timerDeadline = deadline
        let wait = max(0, (deadline - now()).nanoseconds)
        neighbors[address]?.timer = loop.scheduleTask(in: .nanoseconds(wait)) { [weak self] in
            self?.assumeIsolated { speaker in
                speaker.neighbors[address]?.timerDeadline = nil
                speaker.apply(to: address) { $0.advance(to: $1) }
            }
        }
    }

    /// What was written has left. Cheap, as it happens for each burst.
    func delivered(_ address: IPAddress, _ side: NeighborSession.Side, _ channel: any Channel) {
        guard neighbors[address]?.channels[side] === channel else { return }
        neighbors[address]?.session.delivered(side, at: now())
    }
}

extension Speaker.Neighbor {
    fileprivate mutating func take(
        _ input: (inout NeighborSession, Timestamp) -> [NeighborSession.Effect],
        at time: Timestamp
    ) {
        effects += input(&session, time)
        if session.state != state {
            state = session.state
            stateSince = time
        }
    }
}
