public import NetworkTypes

/// What is announced, and what identifies it for withdrawal: the NLRI.
public enum AnnouncedRoute: Sendable, Hashable {
    case flowSpec(FlowSpecRule)
    /// A prefix for remotely triggered blackholing.
    case unicast(IPPrefix)

    public var family: AddressFamily {
        switch self {
        case .flowSpec(let rule): rule.family
        case .unicast(let prefix): prefix.family
        }
    }
}

/// A route with its attributes, as it stands in the Adj-RIB-Out of every neighbor that negotiated its family.
public struct Announcement: Sendable, Hashable {
    public var route: AnnouncedRoute
    /// Empty for unicast.
    public var actions: [TrafficAction]
    public var communities: [Community]
    /// For unicast; nil means the session's own local address. FlowSpec has none (RFC 8955 section 4.1).
    public var nextHop: IPAddress?

    public init(
        route: AnnouncedRoute,
        actions: [TrafficAction] = [],
        communities: [Community] = [],
        nextHop: IPAddress? = nil
    ) {
        self.route = route
        self.actions = actions
        self.communities = communities
        self.nextHop = nextHop
    }
}
