public import FlowSpec
public import NetworkTypes

/// How to speak with one neighbor.
public struct NeighborConfiguration: Sendable, Hashable {
    public var address: IPAddress
    /// Speaks for every address of a range: neighbors that connect from there are taken as they come.
    public var range: IPPrefix?
    /// Of a range: how many neighbors at a time, at least 1.
    public var maximumNeighbors = 16
    public var port: UInt16
    /// Where connections are made from; nil leaves it to the system.
    public var localAddress: IPAddress?
    public var remoteAS: ASN
    public var localAS: ASN
    /// The BGP identifier.
    public var routerID: UInt32
    /// Seconds: 0 or at least 3.
    public var holdTime: UInt16
    /// How long the neighbor may take nothing of what is sent before it is given up (RFC 9687). Zero: for ever.
    public var sendHoldTime = Duration.seconds(480)
    /// How long to wait for the neighbor's OPEN before sending ours (RFC 4271 section 8.1.1); nil: not at all.
    public var delayOpen: Duration?
    public var families: [BGPFamily]
    /// Never connects, only accepts.
    public var isPassive: Bool
    /// Added to every route.
    public var communities: [Community]
    public var description: String?
    /// TCP MD5 (RFC 2385).
    public var password: String?
    /// TCP-AO (RFC 5925).
    public var authentication: TCPAuthentication?
    /// GTSM (RFC 5082): packets must come from at most so many hops away. Nil: not checked.
    public var ttlSecurityHops: UInt8?
    /// The hop limit of what is sent; nil leaves it to the system.
    public var hopLimit: UInt8?
    /// RFC 4724; nil: not offered.
    public var gracefulRestart: GracefulRestartPolicy?
    /// What we are to the neighbor (RFC 9234); nil: not said.
    public var role: SpeakerRole?
    /// The neighbor must say what it is.
    public var requiresRole = false
    /// Whether path identifiers are taken from the neighbor, and sent to it (RFC 7911); nil: neither.
    public var addPath: Capabilities.AddPathMode?
    /// IPv4 prefixes may have a next hop of IPv6, both ways (RFC 8950).
    public var extendedNextHop = false
    /// What the neighbor's router takes; rules are cut or held back accordingly.
    public var profile = CompatibilityProfile.compatible
    /// Of all routes, those that this neighbor gets.
    public var filter = OutboundFilter()
    /// How many routes this neighbor gets at most; the rest wait.
    public var maximumRoutes = Int.max
    /// How many routes of the neighbor are looked at, at most.
    public var maximumReceived = 10_000
    /// Beyond that: end the session (CEASE, maximum number of prefixes reached); else what is too much is counted.
    public var endsSessionAtLimit = false
    /// What the neighbor's operator is told when we end the session (RFC 9003).
    public var shutdownText: String?
    /// Our name (draft-walton-bgp-hostname-capability); nil: not said.
    public var hostName: String?
    /// Our version (draft-abraitis-bgp-version-capability); nil: not said.
    public var softwareVersion: String?
    /// How long a rule must have been with the neighbor without complaint to be beyond suspicion.
    public var probation = Duration.seconds(5)

    public init(
        address: IPAddress,
        port: UInt16 = 179,
        localAddress: IPAddress? = nil,
        remoteAS: ASN,
        localAS: ASN,
        routerID: UInt32,
        holdTime: UInt16 = 90,
        families: [BGPFamily],
        isPassive: Bool = false,
        communities: [Community] = [],
        description: String? = nil,
        password: String? = nil,
        ttlSecurityHops: UInt8? = nil
    ) {
        self.address = address
        self.port = port
        self.localAddress = localAddress
        self.remoteAS = remoteAS
        self.localAS = localAS
        self.routerID = routerID
        self.holdTime = holdTime
        self.families = families
        self.isPassive = isPassive
        self.communities = communities
        self.description = description
        self.password = password
        self.ttlSecurityHops = ttlSecurityHops
    }

    public var isInternal: Bool { remoteAS == localAS }
}

/// What the neighbor is to keep while we are away (RFC 4724, RFC 9494).
public struct GracefulRestartPolicy: Sendable, Hashable {
    /// Seconds, 1…4095.
    public var restartTime: UInt16
    /// Seconds, 1…16777215; nil: not offered.
    public var longLivedTime: UInt32?

    public init(restartTime: UInt16 = 120, longLivedTime: UInt32? = nil) {
        self.restartTime = restartTime
        self.longLivedTime = longLivedTime
    }
}

/// A key of TCP-AO (RFC 5925).
public struct TCPAuthentication: Sendable, Hashable {
    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// RFC 5926, both of them.
        case hmacSHA1 = "hmac-sha-1-96"
        case aesCMAC = "aes-128-cmac-96"
    }

    /// 1…80 octets.
    public var key: String
    public var sendID: UInt8
    public var receiveID: UInt8
    public var algorithm: Algorithm

    public init(key: String, sendID: UInt8 = 1, receiveID: UInt8 = 1, algorithm: Algorithm = .hmacSHA1) {
        self.key = key
        self.sendID = sendID
        self.receiveID = receiveID
        self.algorithm = algorithm
    }
}

/// Which routes a neighbor gets.
public struct OutboundFilter: Sendable, Hashable {
    /// The route's destination, or source where it names none, lies in one of these; empty: anywhere.
    public var prefixes: [IPPrefix]
    /// The route has one of these; empty: whatever it has.
    public var communities: [Community]

    public init(prefixes: [IPPrefix] = [], communities: [Community] = []) {
        self.prefixes = prefixes
        self.communities = communities
    }

    public func allows(_ announcement: Announcement) -> Bool {
        if !communities.isEmpty, !announcement.communities.contains(where: communities.contains) { return false }
        guard !prefixes.isEmpty else { return true }
        guard let prefix = announcement.route.protectedPrefix else { return false }
        return prefixes.contains { $0.contains(prefix) }
    }
}

extension AnnouncedRoute {
    /// The prefix that the route is about: its destination, or its source where it names none.
    var protectedPrefix: IPPrefix? {
        switch self {
        case .unicast(let prefix): return prefix
        case .flowSpec(let rule):
            if let destination = rule.destination { return destination }
            for case .source(let pattern) in rule.components { return pattern.prefix }
            return nil
        }
    }
}

extension NeighborConfiguration {
    /// Whether its segments are to be signed.
    public var hasKey: Bool { password != nil || authentication != nil }

    /// Whether a session under `former` has to end for this to take effect.
    public func needsReset(from former: NeighborConfiguration) -> Bool {
        var comparable = former
        comparable.description = description
        comparable.shutdownText = shutdownText
        comparable.sendHoldTime = sendHoldTime
        comparable.delayOpen = delayOpen
        comparable.maximumNeighbors = maximumNeighbors
        comparable.endsSessionAtLimit = endsSessionAtLimit
        return comparable != self
    }
}
