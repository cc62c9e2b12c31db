public import NetworkTypes

/// What a speaker says of itself in its OPEN (RFC 5492).
public struct Capabilities: Sendable, Hashable {
    /// Families that are spoken here too. Nil when there was no multiprotocol capability at all, which means IPv4
    /// unicast (RFC 4760 section 8).
    public var families: [BGPFamily]?
    /// RFC 2918.
    public var routeRefresh = false
    /// RFC 7313.
    public var enhancedRouteRefresh = false
    /// RFC 8654.
    public var extendedMessages = false
    /// RFC 6793; nil when only two octets are understood.
    public var fourOctetAS: ASN?
    public var gracefulRestart: GracefulRestart?
    /// RFC 9494: how long routes may outlive the session after graceful restart has given up.
    public var longLivedGracefulRestart: [LongLivedFamily]?
    /// RFC 8950: families whose next hop may be of IPv6.
    public var extendedNextHop: Set<BGPFamily> = []
    /// RFC 7911.
    public var addPath: [BGPFamily: AddPathMode] = [:]
    /// RFC 9234. More than one that differ are an error.
    public var role: SpeakerRole?
    /// draft-walton-bgp-hostname-capability.
    public var hostName: String?
    public var domainName: String?
    /// draft-abraitis-bgp-version-capability.
    public var softwareVersion: String?
    /// Codes that nobody here knows, and that are of no concern (RFC 5492 section 3).
    public var unknown: [UInt8] = []

    /// RFC 4724, with the bit of RFC 8538.
    public struct GracefulRestart: Sendable, Hashable {
        /// The speaker has restarted, and wants not to be waited for.
        public var isRestarting: Bool
        /// A NOTIFICATION too leaves routes standing (RFC 8538).
        public var coversNotifications: Bool
        /// Seconds, 0…4095: how long the speaker takes to come back.
        public var restartTime: UInt16
        public var families: [Family]

        public struct Family: Sendable, Hashable {
            public var family: BGPFamily
            /// Forwarding went on over the restart.
            public var isPreserved: Bool

            public init(_ family: BGPFamily, isPreserved: Bool) {
                self.family = family
                self.isPreserved = isPreserved
            }
        }

        public init(isRestarting: Bool, coversNotifications: Bool, restartTime: UInt16, families: [Family]) {
            self.isRestarting = isRestarting
            self.coversNotifications = coversNotifications
            self.restartTime = restartTime
            self.families = families
        }
    }

    public struct LongLivedFamily: Sendable, Hashable {
        public var family: BGPFamily
        public var isPreserved: Bool
        /// Seconds, 0…16777215.
        public var staleTime: UInt32

        public init(_ family: BGPFamily, isPreserved: Bool, staleTime: UInt32) {
            self.family = family
            self.isPreserved = isPreserved
            self.staleTime = staleTime
        }
    }

    public enum AddPathMode: UInt8, Sendable, Hashable {
        case receive = 1
        case send = 2
        case both = 3

        /// The word for it in the configuration.
        public init?(name: String) {
            switch name {
            case "receive": self = .receive
            case "send": self = .send
            case "both": self = .both
            default: return nil
            }
        }

        public var receives: Bool { self != .send }
        public var sends: Bool { self != .receive }
    }

    public init() {}
}

/// What a speaker is to its neighbor (RFC 9234 section 4.1).
public enum SpeakerRole: UInt8, Sendable, Hashable, CaseIterable {
    case provider = 0
    case routeServer = 1
    case routeServerClient = 2
    case customer = 3
    case peer = 4

    /// Whether the two belong together.
    public func matches(_ other: SpeakerRole) -> Bool {
        switch (self, other) {
        case (.provider, .customer), (.customer, .provider), (.peer, .peer), (.routeServer, .routeServerClient),
            (.routeServerClient, .routeServer):
            true
        default: false
        }
    }

    /// The word for it in the configuration.
    public var name: String {
        switch self {
        case .provider: "provider"
        case .routeServer: "rs"
        case .routeServerClient: "rs-client"
        case .customer: "customer"
        case .peer: "peer"
        }
    }
}
