public import BGP
public import NetworkTypes

/// How the sessions with a neighbor stand.
public struct NeighborStatus: Sendable {
    public var configuration: NeighborConfiguration
    /// It came out of a range, and goes when its session does; some time later where that ended in a fault.
    public var isDynamic: Bool
    public var state: NeighborSession.State
    /// How long it has been in that state.
    public var inState: Duration
    /// Nil unless established.
    public var parameters: SessionParameters?
    public var announcedRoutes: Int
    /// Routes that it is to have.
    public var routes: Int
    /// Rules that no form that its router takes can say.
    public var refusedRoutes: Int
    public var messagesReceived: UInt64
    public var messagesSent: UInt64
    /// FlowSpec rules of the neighbor that could not be read, and were passed over.
    public var unreadableRules: UInt64
    /// What was wrong in its UPDATEs and did not take a reset, and what it was last.
    public var updateFaults: UInt64
    public var lastFault: UpdateFault?
    /// Families whose routes of the neighbor can no longer be relied on, until the session ends (RFC 7606 section 5.4).
    public var disabledFamilies: Set<BGPFamily>
    /// Routes of the neighbor by family, as many as are kept.
    public var receivedRoutes: [BGPFamily: Int]
    /// Announcements of the neighbor that were not kept because there were too many.
    public var receivedBeyondLimit: UInt64
    public var quarantined: [QuarantinedRoute]
    /// The route that the neighbor complained of is being looked for.
    public var isSearchingForFault: Bool
    public var lastError: String?

    init(_ session: NeighborSession, isDynamic: Bool, inState: Duration) {
        configuration = session.configuration
        self.isDynamic = isDynamic
        state = session.state
        self.inState = inState
        parameters = session.parameters
        announcedRoutes = session.announcedRoutes
        routes = session.routes
        refusedRoutes = session.refusedRoutes
        messagesReceived = session.messagesReceived
        messagesSent = session.messagesSent
        unreadableRules = session.unreadableRules
        updateFaults = session.updateFaults
        lastFault = session.lastFault
        disabledFamilies = session.adjRIBIn.disabled
        receivedRoutes = session.adjRIBIn.counts
        receivedBeyondLimit = session.adjRIBIn.passedOver
        quarantined = session.quarantined
        isSearchingForFault = session.isSearchingForFault
        lastError = session.lastError
    }
}

/// What happens with a neighbor.
public enum NeighborEvent: Sendable {
    case up(IPAddress, SessionParameters)
    case down(IPAddress, reason: String)
    /// An UPDATE of the neighbor, decoded, and its octets as they came.
    case received(IPAddress, UpdateMessage, [UInt8])
    /// The neighbor has complained of one of so many routes, which are tried again in halves.
    case suspects(IPAddress, Int, BGPError)
    /// The neighbor has complained of this route, and does not get it any more.
    case quarantined(IPAddress, QuarantinedRoute)
}
