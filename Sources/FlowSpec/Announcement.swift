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

/// Where a route comes from (RFC 4271 section 5.1.1), with its number on the wire.
public enum RouteOrigin: UInt8, Sendable, Hashable, CaseIterable {
    case igp = 0
    case egp = 1
    case incomplete = 2
}

/// A route with its attributes, as it stands in the Adj-RIB-Out of every neighbor that negotiated its family.
public struct Announcement: Sendable, Hashable {
    public var route: AnnouncedRoute
    /// Empty for unicast.
    public var actions: [TrafficAction]
    public var communities: [Community]
    /// Those that are not traffic actions.
    public var extendedCommunities: [ExtendedCommunity]
    public var largeCommunities: [LargeCommunity]
    /// Of a unicast route; nil means the session's own local address. Of a FlowSpec rule only where an action redirects
    /// to it; otherwise a rule has none (RFC 8955 section 4.1).
    public var nextHop: IPAddress?
    public var origin: RouteOrigin
    /// What the route is to look as if it had come through; an external neighbor sees our AS before it.
    public var asPath: [ASN]
    /// MULTI_EXIT_DISC.
    public var metric: UInt32?
    /// LOCAL_PREF towards internal neighbors; nil means 100.
    public var localPreference: UInt32?
    /// The neighbors that it is for, in order; nil for all of them.
    public var neighbors: [IPAddress]?

    public init(
        route: AnnouncedRoute,
        actions: [TrafficAction] = [],
        communities: [Community] = [],
        extendedCommunities: [ExtendedCommunity] = [],
        largeCommunities: [LargeCommunity] = [],
        nextHop: IPAddress? = nil,
        origin: RouteOrigin = .igp,
        asPath: [ASN] = [],
        metric: UInt32? = nil,
        localPreference: UInt32? = nil,
        neighbors: [IPAddress]? = nil
    ) {
        self.route = route
        self.actions = actions
        self.communities = communities
        self.extendedCommunities = extendedCommunities
        self.largeCommunities = largeCommunities
        self.nextHop = nextHop
        self.origin = origin
        self.asPath = asPath
        self.metric = metric
        self.localPreference = localPreference
        self.neighbors = neighbors
    }

    /// Whether an action sends the traffic to the announcement's next hop.
    public var redirectsToNextHop: Bool {
        actions.contains { if case .redirectToNextHop = $0 { true } else { false } }
    }
}
