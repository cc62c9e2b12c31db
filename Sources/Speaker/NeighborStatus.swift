public import BGP
public import NetworkTypes

/// How the sessions with a neighbor stand.
public struct NeighborStatus: Sendable {
    public var configuration: NeighborConfiguration
    public var state: NeighborSession.State
    /// How long it has been in that state.
    public var inState: Duration
    /// Nil unless established.
    public var parameters: NeighborSession.SessionParameters?
    public var announcedRoutes: Int
    public var messagesReceived: UInt64
    public var messagesSent: UInt64
    /// FlowSpec rules of the neighbor that could not be read, and were passed over.
    public var unreadableRules: UInt64
    public var lastError: String?
}

/// What happens with a neighbor.
public enum NeighborEvent: Sendable {
    case up(IPAddress, NeighborSession.SessionParameters)
    case down(IPAddress, reason: String)
    /// An UPDATE of the neighbor, decoded, and its octets as they came.
    case received(IPAddress, UpdateMessage, [UInt8])
}
