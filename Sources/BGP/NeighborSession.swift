public import FlowSpec
public import NetworkTypes

/// The sessions with one neighbor as a state machine without sockets (RFC 4271 section 8).
///
/// Inputs are what a connection does, what the operator wants and the time; each returns what the shell is to do, in
/// order. `nextDeadline` says when `advance` wants to be called, `hasMoreToSend` that `transmit` does.
///
/// Where RFC 4271 leaves a choice, or stands in the way: a failed attempt to connect leads to Active rather than Idle,
/// so that the neighbor can come by itself; the first failure of a session is not damped, later ones keep it Idle for
/// a time that doubles (IdleHoldTimer, DampPeerOscillations).
public struct NeighborSession: Sendable {
    /// Who opened a connection: we, or the neighbor.
    public enum Side: Sendable, Hashable, CaseIterable {
        case outgoing, incoming
        var other: Side { self == .outgoing ? .incoming : .outgoing }
    }

    public enum Effect: Sendable, Hashable {
        /// Open a connection to the neighbor.
        case connect
        /// The attempt that `connect` began is of no use any more.
        case abandonConnect
        case send(Side, [UInt8])
        /// Close after what was sent has left.
        case close(Side)
        case established(SessionParameters)
        /// The session, or the attempt, is over. The reason in words.
        case down(String)
        /// An UPDATE, with its octets as they came.
        case received(UpdateMessage, [UInt8])
        /// The neighbor has complained of one of so many routes: they are held back and tried again in halves.
        case suspects(Int, BGPError)
        /// The neighbor has complained of this route: it is kept from it.
        case quarantined(QuarantinedRoute)
        /// So many routes cannot be said to the neighbor, and are kept from it: one of them, and why.
        case unsayable(Int, AnnouncedRoute, reason: String)
    }

    /// As RFC 4271 section 8.2.2 has them.
    public enum State: String, Sendable, Hashable, CaseIterable {
        case idle = "Idle"
        case connect = "Connect"
        case active = "Active"
        case openSent = "OpenSent"
        case openConfirm = "OpenConfirm"
        case established = "Established"
    }

    /// How a session is ended on purpose.
    public enum Ending: Sendable, Hashable {
        /// With a NOTIFICATION; the neighbor lets the routes go, whatever it would keep over a restart.
        case withdrawing(BGPError)
        /// The connection is closed without a word: a neighbor with graceful restart keeps the routes.
        case keepingRoutes
    }

    public private(set) var configuration: NeighborConfiguration
    public internal(set) var messagesReceived: UInt64 = 0
    public internal(set) var messagesSent: UInt64 = 0
    /// FlowSpec rules of the neighbor that could not be read, and were passed over.
    public internal(set) var unreadableRules: UInt64 = 0
    /// What was wrong in the neighbor's UPDATEs and did not take a reset (RFC 7606).
    public internal(set) var updateFaults: UInt64 = 0
    public internal(set) var lastFault: UpdateFault?
    /// Why there is no session, since the last one was established: the last NOTIFICATION of either side, and what came
    /// after it, which says less.
    public var lastError: String? {
        guard let notified = lastNotification, notified != lastFailure else { return lastFailure }
        return lastFailure.map { "\(notified); then: \($0)" } ?? notified
    }
    var lastFailure: String?
    var lastNotification: String?
    public internal(set) var parameters: SessionParameters?
    /// What the neighbor has announced.
    public internal(set) var adjRIBIn: AdjRIBIn

    var rib: AdjRIBOut
    /// Rules that were cut into what the neighbor's router takes.
    var fitted = FittedRoutes()
    var connections: [Side: Connection] = [:]
    var isConnecting = false
    var isStopped = true
    /// ConnectRetryTimer.
    var connectDeadline: Timestamp?
    /// IdleHoldTimer.
    var idleHoldDeadline: Timestamp?
    var reconnection: ReconnectionPolicy
    var establishedAt: Timestamp?
    var fallback: CapabilityFallback?
    /// We have restarted, and the neighbor has not been told all routes since.
    var isRestarting = true

    /// How long an attempt to connect may take.
    static let connectTime = Duration.seconds(30)
    /// How long to be idle after the neighbor has sent more routes than it may.
    static let idleAfterLimit = Duration.seconds(300)
    /// How many routes go out before the connection is asked whether it can take more.
    static let burst = 2048

    public init(configuration: NeighborConfiguration, jitterSeed: UInt64 = 1) {
        self.configuration = configuration
        reconnection = ReconnectionPolicy(seed: jitterSeed)
        rib = AdjRIBOut(maximum: configuration.maximumRoutes)
        adjRIBIn = AdjRIBIn(maximum: configuration.maximumReceived)
    }

    /// Takes a configuration that needs no new session.
    public mutating func adopt(_ configuration: NeighborConfiguration) {
        guard !configuration.needsReset(from: self.configuration) else { return }
        self.configuration = configuration
    }

    public var state: State {
        switch connections.values.map(\.state).max() {
        case .established?: return .established
        case .openConfirm?: return .openConfirm
        case .openSent?: return .openSent
        case .delayingOpen?: return connections[.outgoing] == nil ? .active : .connect
        case nil: break
        }
        if isStopped || idleHoldDeadline != nil { return .idle }
        return isConnecting ? .connect : .active
    }

    /// When `advance` has something to do; nil for never.
    public var nextDeadline: Timestamp? {
        // While more waits to be sent there is no verdict.
        let verdict = establishedSide == nil || rib.hasPending ? nil : rib.quarantine.verdict
        return (connections.values.map(\.deadline) + [connectDeadline, idleHoldDeadline, verdict]).compactMap { $0 }
            .min()
    }

    var establishedSide: Side? { connections.first { $0.value.state == .established }?.key }

    // MARK: What the neighbor has

    /// Routes that the neighbor has been sent on this session.
    public var announcedRoutes: Int { rib.sentCount }
    /// Routes that the neighbor is to have.
    public var routes: Int { rib.count }
    /// How each route stands with the neighbor, with those that were withdrawn last.
    public func routeStates() -> [NeighborRoute] {
        var entries = rib.entries()
        guard !fitted.isEmpty else { return entries }
        for index in entries.indices { entries[index].parents = fitted.parents(of: entries[index].route) }
        return entries
            + fitted.refused.map { route, refusal in
                NeighborRoute(route: route, state: .refused, refusal: refusal)
            }
    }

    /// How one route stands with the neighbor; nil when it is not to have it. One that was cut is sent when all of its
    /// pieces are.
    public func routeState(_ route: AnnouncedRoute) -> NeighborRoute.State? {
        if fitted.refused[route] != nil { return .refused }
        guard let pieces = fitted.pieces(of: route) else { return rib.state(of: route) }
        let states = pieces.map { rib.state(of: $0) }
        return states.first { $0 != .sent } ?? .sent
    }

    /// Rules that the neighbor cannot be told at all.
    public var refusedRoutes: Int { fitted.refused.count + rib.refusals.count }
    /// Routes that are kept from the neighbor because it complained of them.
    public var quarantined: [QuarantinedRoute] { rib.quarantine.found.values.sorted { $0.since < $1.since } }
    /// Whether the route that the neighbor complained of is being looked for.
    public var isSearchingForFault: Bool { rib.quarantine.isSearching }
    /// For how long after its session it is worth knowing what is known of the neighbor; nil: not at all. A rule that it
    /// cannot bear would keep it down again, and sessions that fail one after the other would not be damped.
    public var memory: Duration? {
        if isStopped { return nil }
        if !rib.quarantine.isEmpty { return .seconds(3600) }
        return reconnection.failedSessions > 0 ? .seconds(120) : nil
    }
    /// Capabilities are left out because the neighbor would not have them.
    public var isFallenBack: Bool { fallback != nil }

    /// Changes what the neighbor is to have; sent at once where a session stands and takes it.
    public mutating func update(
        announce: [Announcement],
        withdraw: [AnnouncedRoute],
        at time: Timestamp
    ) -> [Effect] {
        if announce.count > 1000 { rib.reserve(announce.count) }
        for route in withdraw { fitted.withdraw(route, from: &rib, at: time) }
        let filter = configuration.filter
        let profile = configuration.profile
        let families = Set(configuration.families)
        var unsayable = UnsayableRoutes()
        for var announcement in announce {
            let isMeant = announcement.neighbors?.contains(configuration.address) ?? true
            // Whom else it is for makes no difference to the neighbor.
            if announcement.neighbors != nil { announcement.neighbors = nil }
            if isMeant, filter.allows(announcement) {
                // What it would not be told anyway need not fit.
                let family = announcement.route.bgpFamily
                guard families.contains(family) || families.contains(profile.family(of: announcement.route)) else {
                    rib.announce(announcement, at: time)
                    continue
                }
                fitted.announce(announcement, as: profile, to: &rib, at: time)
                if let refusal = fitted.refused[announcement.route] {
                    unsayable.note(announcement.route, "\(refusal)")
                }
            } else {
                // It may have been let through with what it was announced with before.
                fitted.withdraw(announcement.route, from: &rib, at: time)
            }
        }
        return unsayable.effects + transmit(at: time)
    }

    /// Says all routes again, whether or not the neighbor has asked for it.
    public mutating func resend(at time: Timestamp) -> [Effect] {
        guard let parameters else { return [] }
        for family in parameters.families { rib.resend(family, marked: parameters.enhancedRouteRefresh) }
        return transmit(at: time)
    }

    // MARK: The operator

    /// Begins to connect, or to wait for the neighbor (events 1 and 3 to 7).
    public mutating func start(at time: Timestamp) -> [Effect] {
        guard isStopped || idleHoldDeadline != nil else { return [] }
        isStopped = false
        idleHoldDeadline = nil
        fallback = nil
        reconnection.forget()
        return begin(at: time)
    }

    mutating func begin(at time: Timestamp) -> [Effect] {
        guard !configuration.isPassive else { return [] }
        isConnecting = true
        connectDeadline = time + Self.connectTime
        return [.connect]
    }

    /// Ends the session and tries no more (event 2).
    public mutating func stop(_ ending: Ending = .withdrawing(.administrativeShutdown), at time: Timestamp) -> [Effect]
    {
        isStopped = true
        idleHoldDeadline = nil
        return leave(ending, at: time)
    }

    /// Ends the session, to begin anew after a while (event 8).
    public mutating func reset(_ error: BGPError, for wait: Duration, at time: Timestamp) -> [Effect] {
        guard !isStopped else { return [] }
        idleHoldDeadline = time + wait
        return leave(.withdrawing(error), at: time)
    }

    private mutating func leave(_ ending: Ending, at time: Timestamp) -> [Effect] {
        var effects: [Effect] = isConnecting ? [.abandonConnect] : []
        isConnecting = false
        connectDeadline = nil
        for side in Side.allCases {
            switch ending {
            case .withdrawing(let error): effects += end(side, sending: error, at: time)
            case .keepingRoutes: effects += end(side, sending: nil, at: time)
            }
        }
        return effects
    }

    // MARK: The time

    /// What timers bring: ConnectRetryTimer, HoldTimer, KeepaliveTimer, DelayOpenTimer, IdleHoldTimer and
    /// SendHoldTimer (events 9 to 13, RFC 9687).
    public mutating func advance(to time: Timestamp) -> [Effect] {
        var effects: [Effect] = []
        for side in Side.allCases {
            guard let connection = connections[side] else { continue }
            if let deadline = connection.sendHoldDeadline, deadline <= time {
                effects += fail(side, .sendHoldTimerExpired, at: time)
            } else if let deadline = connection.holdDeadline, deadline <= time {
                effects += fail(side, .holdTimerExpired, at: time)
            } else if let deadline = connection.delayOpenDeadline, deadline <= time {
                effects += sendOpen(on: side, at: time)
            } else if let deadline = connection.keepaliveDeadline, deadline <= time {
                connections[side]?.spoke(at: time)
                effects += send(.keepalive, on: side, at: time)
            }
        }
        if let deadline = idleHoldDeadline, deadline <= time {
            idleHoldDeadline = nil
            if !isStopped { effects += begin(at: time) }
        }
        if let deadline = connectDeadline, deadline <= time {
            connectDeadline = nil
            if !isStopped, connections.isEmpty {
                if isConnecting { effects.append(.abandonConnect) }
                effects += begin(at: time)
            }
        }
        if let verdict = rib.quarantine.verdict, verdict <= time { effects += transmit(at: time) }
        return effects
    }
}
