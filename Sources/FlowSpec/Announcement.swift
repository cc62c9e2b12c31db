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
///
/// One word: a hundred thousand may stand in the ledger and in a table for each neighbor. Copies share what they hold,
/// until one of them is changed.
public struct Announcement: Sendable, Hashable {
    private var contents: Contents

    public var route: AnnouncedRoute {
        get { contents.fields.route }
        set { change { $0.route = newValue } }
    }
    /// Empty for unicast.
    public var actions: [TrafficAction] {
        get { contents.fields.actions }
        set { change { $0.actions = newValue } }
    }
    public var communities: [Community] {
        get { contents.fields.communities }
        set { change { $0.communities = newValue } }
    }
    /// Those that are not traffic actions.
    public var extendedCommunities: [ExtendedCommunity] {
        get { contents.fields.extendedCommunities }
        set { change { $0.extendedCommunities = newValue } }
    }
    public var largeCommunities: [LargeCommunity] {
        get { contents.fields.largeCommunities }
        set { change { $0.largeCommunities = newValue } }
    }
    /// Of a unicast route; nil means the session's own local address. Of a FlowSpec rule only where an action redirects
    /// to it; otherwise a rule has none (RFC 8955 section 4.1).
    public var nextHop: IPAddress? {
        get { contents.fields.nextHop }
        set { change { $0.nextHop = newValue } }
    }
    public var origin: RouteOrigin {
        get { contents.fields.origin }
        set { change { $0.origin = newValue } }
    }
    /// What the route is to look as if it had come through; an external neighbor sees our AS before it.
    public var asPath: [ASN] {
        get { contents.fields.asPath }
        set { change { $0.asPath = newValue } }
    }
    /// MULTI_EXIT_DISC.
    public var metric: UInt32? {
        get { contents.fields.metric }
        set { change { $0.metric = newValue } }
    }
    /// LOCAL_PREF towards internal neighbors; nil means 100.
    public var localPreference: UInt32? {
        get { contents.fields.localPreference }
        set { change { $0.localPreference = newValue } }
    }
    /// The neighbors that it is for, in order; nil for all of them.
    public var neighbors: [IPAddress]? {
        get { contents.fields.neighbors }
        set { change { $0.neighbors = newValue } }
    }

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
        contents = Contents(
            Fields(
                route: route,
                actions: actions,
                communities: communities,
                extendedCommunities: extendedCommunities,
                largeCommunities: largeCommunities,
                asPath: asPath,
                neighbors: neighbors,
                nextHop: nextHop,
                origin: origin,
                metric: metric,
                localPreference: localPreference
            )
        )
    }

    private mutating func change(_ change: (inout Fields) -> Void) {
        var fields = contents.fields
        change(&fields)
        contents = Contents(fields)
    }

    /// Whether it holds the traffic of its route back at least as much as another would.
    public func restrains(asMuchAs other: Announcement) -> Bool {
        if actions == other.actions || actions.contains(where: \.discards) { return true }
        guard actions.count == 1, other.actions.count == 1 else { return false }
        switch (actions[0], other.actions[0]) {
        case (.rateLimitBytes(_, let mine), .rateLimitBytes(_, let theirs)): return mine <= theirs
        case (.rateLimitPackets(_, let mine), .rateLimitPackets(_, let theirs)): return mine <= theirs
        default: return false
        }
    }

    /// Whether an action sends the traffic to the announcement's next hop.
    public var redirectsToNextHop: Bool {
        actions.contains { if case .redirectToNextHop = $0 { true } else { false } }
    }
}

extension Announcement {
    /// In an order that leaves few gaps.
    private struct Fields: Sendable, Hashable {
        var route: AnnouncedRoute
        var actions: [TrafficAction]
        var communities: [Community]
        var extendedCommunities: [ExtendedCommunity]
        var largeCommunities: [LargeCommunity]
        var asPath: [ASN]
        var neighbors: [IPAddress]?
        var nextHop: IPAddress?
        var origin: RouteOrigin
        var metric: UInt32?
        var localPreference: UInt32?
    }

    private final class Contents: Sendable {
        let fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    public static func == (left: Announcement, right: Announcement) -> Bool {
        left.contents === right.contents || left.contents.fields == right.contents.fields
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(contents.fields) }

    /// Whether both can stand in one message, as far as what they say of themselves goes.
    public func hasAttributes(of other: Announcement) -> Bool {
        guard contents !== other.contents else { return true }
        let mine = contents
        let theirs = other.contents
        return mine.fields.actions == theirs.fields.actions && mine.fields.communities == theirs.fields.communities
            && mine.fields.nextHop == theirs.fields.nextHop
            && mine.fields.extendedCommunities == theirs.fields.extendedCommunities
            && mine.fields.largeCommunities == theirs.fields.largeCommunities
            && mine.fields.localPreference == theirs.fields.localPreference
            && mine.fields.metric == theirs.fields.metric && mine.fields.origin == theirs.fields.origin
            && mine.fields.asPath == theirs.fields.asPath
    }
}

extension Announcement {
    /// An announcement as what identifies it, its route: the key of a table, in one word.
    public struct Key: Sendable, Hashable {
        private let announcement: Announcement

        public init(_ announcement: Announcement) { self.announcement = announcement }
        /// To look a route up.
        public init(_ route: AnnouncedRoute) { announcement = Announcement(route: route) }

        public static func == (left: Key, right: Key) -> Bool {
            let mine = left.announcement.contents
            let theirs = right.announcement.contents
            return mine === theirs || mine.fields.route == theirs.fields.route
        }

        public func hash(into hasher: inout Hasher) { hasher.combine(announcement.contents.fields.route) }
    }
}
