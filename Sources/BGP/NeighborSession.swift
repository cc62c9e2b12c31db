public import FlowSpec
public import NetworkTypes

/// The sessions with one neighbor as a state machine without sockets (RFC 4271 section 8).
///
/// Inputs are what a connection does, what the operator wants and the time; each returns what the shell is to do, in
/// order. `nextDeadline` says when `advance` wants to be called.
public struct NeighborSession: Sendable {
    /// Who opened a connection: we, or the neighbor.
    public enum Side: Sendable, Hashable, CaseIterable { case outgoing, incoming }

    public enum Effect: Sendable, Hashable {
        /// Open a connection to the neighbor.
        case connect
        case send(Side, [UInt8])
        /// Close after what was sent has left.
        case close(Side)
        case established(SessionParameters)
        /// The session, or the attempt, is over. The reason in words.
        case down(String)
        /// An UPDATE, with its octets as they came.
        case received(UpdateMessage, [UInt8])
    }

    /// What was agreed with the neighbor.
    public struct SessionParameters: Sendable, Hashable {
        public var families: [BGPFamily]
        /// Nil: no keepalives are exchanged.
        public var holdTime: Duration?
        public var remoteRouterID: UInt32
    }

    /// As RFC 4271 section 8.2.2 has them.
    public enum State: String, Sendable, Hashable {
        case idle = "Idle"
        case connect = "Connect"
        case active = "Active"
        case openSent = "OpenSent"
        case openConfirm = "OpenConfirm"
        case established = "Established"
    }

    public let configuration: NeighborConfiguration
    public private(set) var messagesReceived: UInt64 = 0
    public private(set) var messagesSent: UInt64 = 0
    /// FlowSpec rules of the neighbor that could not be read, and were passed over.
    public private(set) var unreadableRules: UInt64 = 0
    public private(set) var lastError: String?
    public private(set) var parameters: SessionParameters?

    private var rib = AdjRIBOut()
    private var connections: [Side: Connection] = [:]
    private var isConnecting = false
    private var isStopped = true
    private var connectDeadline: Timestamp?
    private var failures = 0
    private var isWritable = true
    /// Spreads reconnections of many neighbors; any odd number will do.
    private var jitterState: UInt64

    /// Waits between attempts: doubles from the first to the last with each failure.
    static let firstRetry = Duration.seconds(1)
    static let lastRetry = Duration.seconds(60)
    /// How many routes go out before the connection is asked whether it can take more.
    static let burst = 4096

    public init(configuration: NeighborConfiguration, jitterSeed: UInt64 = 1) {
        self.configuration = configuration
        jitterState = jitterSeed | 1
    }

    public var state: State {
        if connections.values.contains(where: { $0.state == .established }) { return .established }
        if connections.values.contains(where: { $0.state == .openConfirm }) { return .openConfirm }
        if !connections.isEmpty { return .openSent }
        if isStopped { return .idle }
        return isConnecting ? .connect : .active
    }

    /// Routes that the neighbor has been sent on this session.
    public var announcedRoutes: Int { rib.sentCount }

    /// When `advance` has something to do; nil for never.
    public var nextDeadline: Timestamp? {
        (connections.values.compactMap(\.deadline) + [connectDeadline].compactMap { $0 }).min()
    }

    // MARK: The operator

    /// Begins to connect, or to wait for the neighbor.
    public mutating func start(at time: Timestamp) -> [Effect] {
        isStopped = false
        guard !configuration.isPassive else { return [] }
        connectDeadline = time
        return advance(to: time)
    }

    /// Ends the session with a CEASE, and tries no more.
    public mutating func stop(_ reason: BGPError = .administrativeShutdown) -> [Effect] {
        isStopped = true
        connectDeadline = nil
        var effects: [Effect] = []
        for side in connections.keys { effects += end(side, sending: reason) }
        return effects
    }

    /// Changes what the neighbor is to have; sent at once where a session stands.
    public mutating func update(
        announce: [Announcement],
        withdraw: [AnnouncedRoute],
        at time: Timestamp
    ) -> [Effect] {
        for route in withdraw { rib.withdraw(route) }
        for announcement in announce { rib.announce(announcement) }
        return sendPending(at: time)
    }

    // MARK: The connection

    /// The connection that `connect` asked for stands, or the neighbor's was accepted.
    public mutating func connected(_ side: Side, localAddress: IPAddress?, at time: Timestamp) -> [Effect] {
        if side == .outgoing { isConnecting = false }
        guard !isStopped, connections[side] == nil, state != .established else {
            let refusal = BGPMessage.notification(.connectionRejected).encoded(as: MessageContext())
            return [.send(side, refusal), .close(side)]
        }
        connectDeadline = nil
        connections[side] = Connection(localAddress: localAddress, at: time)
        let open = OpenMessage(
            asn: configuration.localAS,
            holdTime: configuration.holdTime,
            routerID: configuration.routerID,
            families: configuration.families
        )
        return send(.open(open), on: side)
    }

    /// The connection could not be made, or closed.
    public mutating func disconnected(_ side: Side, reason: String, at time: Timestamp) -> [Effect] {
        if side == .outgoing { isConnecting = false }
        let gone = connections.removeValue(forKey: side)
        guard connections.isEmpty else { return [] }
        let wasEstablished = gone?.state == .established
        let effects = gone == nil ? [] : lose(wasEstablished: wasEstablished, because: reason)
        if gone == nil { lastError = reason }
        retryLater(at: time)
        return effects
    }

    /// Octets came.
    public mutating func received(_ octets: some Collection<UInt8>, on side: Side, at time: Timestamp) -> [Effect] {
        connections[side]?.framer.append(octets)
        var effects: [Effect] = []
        do {
            while let message = try connections[side]?.framer.next() {
                messagesReceived &+= 1
                let context = connections[side]?.context ?? MessageContext()
                let decoded = try BGPMessage.decode(message, as: context)
                effects += handle(decoded, octets: message, on: side, at: time)
            }
        } catch {
            effects += fail(side, error, at: time)
        }
        return effects + sendPending(at: time)
    }

    /// Whether the connection takes more octets; held back until it does.
    public mutating func writabilityChanged(_ writable: Bool, at time: Timestamp) -> [Effect] {
        isWritable = writable
        return sendPending(at: time)
    }

    // MARK: The time

    public mutating func advance(to time: Timestamp) -> [Effect] {
        var effects: [Effect] = []
        for side in Side.allCases {
            guard let connection = connections[side] else { continue }
            if let deadline = connection.holdDeadline, deadline <= time {
                effects += fail(side, .holdTimerExpired, at: time)
            } else if let deadline = connection.keepaliveDeadline, deadline <= time {
                effects += send(.keepalive, on: side)
                connections[side]?.spoke(at: time)
            }
        }
        if let deadline = connectDeadline, deadline <= time {
            connectDeadline = nil
            if !isStopped, !isConnecting, connections.isEmpty {
                isConnecting = true
                effects.append(.connect)
            }
        }
        return effects
    }

    // MARK: Messages

    private mutating func handle(
        _ message: BGPMessage,
        octets: ArraySlice<UInt8>,
        on side: Side,
        at time: Timestamp
    ) -> [Effect] {
        guard let state = connections[side]?.state else { return [] }
        if case .notification(let error) = message {
            return drop(side, because: "the neighbor sent NOTIFICATION: \(error)", at: time)
        }
        switch (state, message) {
        case (.openSent, .open(let open)):
            do {
                try Connection.check(open, against: configuration)
            } catch {
                return fail(side, error, at: time)
            }
            var effects = resolveCollision(of: side, with: open, at: time)
            guard connections[side] != nil else { return effects }
            connections[side]?.accept(open, configuration: configuration, at: time)
            effects += send(.keepalive, on: side)
            return effects
        case (.openConfirm, .keepalive):
            return establish(side, at: time)
        case (.established, .keepalive):
            connections[side]?.heard(at: time)
            return []
        case (.established, .update(let update)):
            connections[side]?.heard(at: time)
            unreadableRules &+= UInt64(update.unreadableRules)
            return [.received(update, Array(octets))]
        case (.established, .routeRefresh(let family)):
            // Sent after all messages of this read: many requests at once are answered once.
            if let family { rib.resend([family]) }
            return []
        case (.openSent, _): return fail(side, .unexpectedInOpenSent, at: time)
        case (.openConfirm, _): return fail(side, .unexpectedInOpenConfirm, at: time)
        case (.established, _): return fail(side, .unexpectedInEstablished, at: time)
        }
    }

    /// RFC 4271 section 6.8: of two connections, the one opened by the side with the higher identifier stays.
    private mutating func resolveCollision(
        of side: Side,
        with open: OpenMessage,
        at time: Timestamp
    ) -> [Effect] {
        let other: Side = side == .outgoing ? .incoming : .outgoing
        guard connections[other]?.state == .openConfirm else { return [] }
        let ours = configuration.routerID
        // RFC 6286 section 2.3: equal identifiers (eBGP) are told apart by the AS numbers.
        let weAreHigher =
            ours != open.routerID ? ours > open.routerID : configuration.localAS > configuration.remoteAS
        return end(weAreHigher ? .incoming : .outgoing, sending: .collisionResolution)
    }

    private mutating func establish(_ side: Side, at time: Timestamp) -> [Effect] {
        guard let remote = connections[side]?.remote else { return [] }
        connections[side]?.state = .established
        connections[side]?.heard(at: time)
        failures = 0
        lastError = nil
        let theirs = remote.families ?? [.ipv4Unicast]
        let agreed = SessionParameters(
            families: configuration.families.filter { theirs.contains($0) },
            holdTime: connections[side]?.holdTime,
            remoteRouterID: remote.routerID
        )
        parameters = agreed
        isWritable = true
        rib.beginSession(Set(agreed.families))
        var effects: [Effect] = [.established(agreed)]
        // Another attempt that is still at its OPEN must not outlive this session.
        for other in connections.keys where other != side { effects += end(other, sending: .collisionResolution) }
        // All that is valid goes out before End-of-RIB, whatever the connection's buffers say: the neighbor may take
        // what End-of-RIB does not name for gone.
        while rib.hasPending { effects += sendBurst(on: side) }
        for family in agreed.families { effects += send(.update(UpdateMessage(endOfRIB: family)), on: side) }
        connections[side]?.spoke(at: time)
        return effects
    }

    private mutating func sendPending(at time: Timestamp) -> [Effect] {
        guard let side = connections.first(where: { $0.value.state == .established })?.key, isWritable, rib.hasPending
        else { return [] }
        connections[side]?.spoke(at: time)
        var effects: [Effect] = []
        while rib.hasPending { effects += sendBurst(on: side) }
        return effects
    }

    private mutating func sendBurst(on side: Side) -> [Effect] {
        let (announce, withdraw) = rib.takePending(Self.burst)
        guard let connection = connections[side] else { return [] }
        let packer = UpdatePacker(
            manner: .init(
                context: connection.context,
                isInternal: configuration.isInternal,
                localAS: configuration.localAS,
                localAddress: connection.localAddress,
                communities: configuration.communities
            )
        )
        let messages = packer.withdraw(withdraw) + packer.announce(announce)
        guard !messages.isEmpty else { return [] }
        messagesSent &+= UInt64(messages.count)
        return [.send(side, Array(messages.joined()))]
    }

    private mutating func send(_ message: BGPMessage, on side: Side) -> [Effect] {
        guard let connection = connections[side] else { return [] }
        messagesSent &+= 1
        return [.send(side, message.encoded(as: connection.context))]
    }

    // MARK: Ends

    /// The neighbor did something wrong, or nothing for too long: says so and closes.
    private mutating func fail(_ side: Side, _ error: BGPError, at time: Timestamp) -> [Effect] {
        let notification = send(.notification(error), on: side)
        return notification + drop(side, because: "sent NOTIFICATION: \(error)", at: time)
    }

    private mutating func drop(_ side: Side, because reason: String, at time: Timestamp) -> [Effect] {
        guard let gone = connections.removeValue(forKey: side) else { return [] }
        guard connections.isEmpty else { return [.close(side)] }
        let effects = [.close(side)] + lose(wasEstablished: gone.state == .established, because: reason)
        retryLater(at: time)
        return effects
    }

    /// Closes one connection on purpose; what that means for the session is the caller's affair.
    private mutating func end(_ side: Side, sending error: BGPError) -> [Effect] {
        guard let connection = connections[side] else { return [] }
        var effects = send(.notification(error), on: side) + [.close(side)]
        connections[side] = nil
        if connections.isEmpty, connection.state == .established {
            effects += lose(wasEstablished: true, because: "sent NOTIFICATION: \(error)")
        }
        return effects
    }

    private mutating func lose(wasEstablished: Bool, because reason: String) -> [Effect] {
        lastError = reason
        parameters = nil
        rib.forgetSession()
        return [.down(reason)]
    }

    /// Doubles the wait with each failure, up to a minute, with a quarter of jitter.
    private mutating func retryLater(at time: Timestamp) {
        guard !isStopped, !configuration.isPassive else { return }
        jitterState = jitterState &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let wait = min(Self.firstRetry * (1 << min(failures, 6)), Self.lastRetry)
        failures += 1
        let jitter = wait.nanoseconds / 4 / 1000 * Int64(jitterState >> 54 & 1023) / 1024 * 1000
        connectDeadline = time + wait - .nanoseconds(jitter)
    }
}

extension Connection {
    /// Four-octet AS numbers once both sides have said that they speak them.
    var context: MessageContext { MessageContext(usesFourOctetAS: remote?.supportsFourOctetAS ?? true) }
}
