public import FlowSpec
public import NetworkTypes

extension DaemonConfiguration {
    public struct BGP: Sendable, Equatable {
        /// Nil only without neighbors.
        public var routerID: IPAddress?
        public var listen: [ListenAddress] = []
        /// A stop leaves the rules with neighbors that have graceful restart; else it withdraws them.
        public var keepsRulesOnStop = false
        /// What neighbors are told when their session is ended.
        public var shutdownMessage: String?
        /// Said to neighbors; nil: not.
        public var hostName: String?
        public var saysVersion = false
        public var neighbors: [Neighbor] = []
    }

    public struct Neighbor: Sendable, Equatable {
        /// Of a range: its first address.
        public var address: IPAddress
        /// Neighbors that connect from anywhere in it; nil: the one at `address`.
        public var range: IPPrefix?
        public var maximumNeighbors = 16
        public var port: UInt16 = 179
        public var localAddress: IPAddress?
        public var remoteAS: ASN
        public var localAS: ASN
        /// Nil: that of all neighbors.
        public var routerID: IPAddress?
        /// In the names of `BGPFamily`.
        public var families: [String]
        public var isPassive = false
        /// Seconds.
        public var holdTime: UInt16 = 90
        public var sendHoldTime: Duration = .seconds(480)
        public var delayOpen: Duration?
        public var password: String?
        public var authentication: Authentication?
        public var ttlSecurityHops: UInt8?
        public var hopLimit: UInt8?
        public var gracefulRestart: GracefulRestart?
        /// In the names of RFC 9234.
        public var role: String?
        public var requiresRole = false
        /// In the words of the configuration: receive, send or both; nil: neither.
        public var addPath: String?
        /// IPv4 prefixes may have a next hop of IPv6.
        public var extendedNextHop = false
        public var vpn: VPN?
        /// Rules as they are, whatever the neighbor's router may make of them.
        public var takesAllRules = false
        /// In the names of `RedirectEncoding`.
        public var redirects = "as-written"
        /// What its router cannot match on.
        public var lacks: Set<MatchFeature> = []
        public var announcedPrefixes: [IPPrefix] = []
        public var announcedCommunities: [Community] = []
        public var maximumRules: Int?
        public var maximumReceived = 10_000
        public var endsSessionAtLimit = false
        public var communities: [Community] = []
        public var description: String?
    }

    /// Where rules of no VPN are announced within one.
    public struct VPN: Sendable, Hashable {
        public var distinguisher: RouteDistinguisher
        public var targets: [ExtendedCommunity] = []
    }

    /// A key of TCP-AO.
    public struct Authentication: Sendable, Hashable {
        public var key: String
        public var sendID: UInt8 = 1
        public var receiveID: UInt8 = 1
        public var algorithm = "hmac-sha-1-96"
    }

    public struct GracefulRestart: Sendable, Hashable {
        /// Seconds, 1…4095.
        public var restartTime: UInt16 = 120
        /// Seconds, 1…16777215.
        public var longLivedTime: UInt32?
    }
}
