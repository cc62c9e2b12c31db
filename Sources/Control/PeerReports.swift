/// One BGP neighbor, as `neighbors` lists it.
public struct NeighborReport: Codable, Sendable, Hashable {
    /// A rule that is kept from the neighbor because it complained of it.
    public struct Quarantined: Codable, Sendable, Hashable {
        public var match: String
        /// The NOTIFICATION, in words.
        public var error: String
        public var since: String

        public init(match: String, error: String, since: String) {
            self.match = match
            self.error = error
            self.since = since
        }
    }

    public var address: String
    public var remoteAS: UInt32
    public var description: String?
    /// It came out of a range.
    public var isDynamic = false
    /// The state of RFC 4271 section 8.2.2: `Established`, `Connect`, …
    public var state: String
    /// How long it has been in that state.
    public var stateSeconds = 0.0
    /// The families negotiated; empty unless established.
    public var families: [String] = []
    /// What else was negotiated, in words.
    public var capabilities: [String] = []
    /// What the neighbor says it is and runs.
    public var hostName: String?
    public var software: String?
    /// Nil unless established; 0: no keepalives.
    public var holdTimeSeconds: Double?
    /// `compatible` or `unrestricted`, with the form of redirects where one is set.
    public var profile: String?
    /// Rules that no form that its router takes can say.
    public var refusedRules = 0
    /// Rules that it is to have, and that it was sent on this session.
    public var rules = 0
    public var announcedRoutes = 0
    /// Its own routes by family, as many as are kept, and what was beyond that.
    public var receivedRoutes: [String: Int] = [:]
    public var receivedBeyondLimit: UInt64 = 0
    public var messagesReceived: UInt64 = 0
    public var messagesSent: UInt64 = 0
    /// FlowSpec rules of the neighbor that could not be read, and were passed over.
    public var unreadableRules: UInt64 = 0
    /// What was wrong in its UPDATEs and did not take a reset (RFC 7606), and the last of it in words.
    public var updateFaults: UInt64 = 0
    public var lastFault: String?
    /// Families of the neighbor that are passed over until the session ends, as an UPDATE of them could not be read.
    public var disabledFamilies: [String] = []
    public var quarantined: [Quarantined] = []
    /// The rule that it complained of is being looked for.
    public var isSearchingForFault = false
    /// The last error, with its NOTIFICATION code in words.
    public var lastError: String?
    /// What is to be done about it.
    public var hints: [String] = []

    /// `remoteAs`, so that the change to snake case and back meets the same key.
    private enum CodingKeys: String, CodingKey {
        case address, remoteAS = "remoteAs", description, isDynamic, state, stateSeconds, families, capabilities
        case hostName, software, holdTimeSeconds, profile, refusedRules, rules, announcedRoutes, receivedRoutes,
            receivedBeyondLimit
        case messagesReceived, messagesSent, unreadableRules, updateFaults, lastFault, disabledFamilies, quarantined,
            isSearchingForFault, lastError, hints
    }

    public init(address: String, remoteAS: UInt32, state: String) {
        self.address = address
        self.remoteAS = remoteAS
        self.state = state
    }
}

/// A route of a neighbor's own, as `neighbors --received` lists it.
public struct ReceivedRouteReport: Codable, Sendable, Hashable {
    /// `ipv4-unicast`, `ipv6-flowspec`, …
    public var family: String
    /// In text, with what is to be done and its communities.
    public var route: String
    /// The nearest first; empty for one of our own AS.
    public var asPath: String

    public init(family: String, route: String, asPath: String) {
        self.family = family
        self.route = route
        self.asPath = asPath
    }
}

/// How one rule stands with one neighbor, as `rules --neighbor` lists it.
public struct NeighborRuleReport: Codable, Sendable, Hashable {
    /// The ledger's number; nil once it is withdrawn.
    public var id: UInt64?
    public var match: String
    public var action: String?
    /// `queued`, `sent`, `withdrawing`, `withdrawn`, `waits for the session`, `family not agreed`, `over the limit`,
    /// `suspected` or `quarantined`.
    public var state: String
    /// When its announcement was queued; RFC 3339, UTC.
    public var queued: String?
    /// On the session that stands; of a withdrawn one, on the one that stood then.
    public var sent: String?
    public var withdrawn: String?
    /// The NOTIFICATION that the neighbor answered it with, in words.
    public var complaint: String?

    public init(
        id: UInt64?,
        match: String,
        action: String?,
        state: String,
        queued: String?,
        sent: String?,
        withdrawn: String?,
        complaint: String?
    ) {
        self.id = id
        self.match = match
        self.action = action
        self.state = state
        self.queued = queued
        self.sent = sent
        self.withdrawn = withdrawn
        self.complaint = complaint
    }
}
