public import FlowSpec
public import NetworkTypes

/// How to speak with one neighbor.
public struct NeighborConfiguration: Sendable, Hashable {
    public var address: IPAddress
    public var port: UInt16
    /// Where connections are made from; nil leaves it to the system.
    public var localAddress: IPAddress?
    public var remoteAS: ASN
    public var localAS: ASN
    /// The BGP identifier.
    public var routerID: UInt32
    /// Seconds: 0 or at least 3.
    public var holdTime: UInt16
    public var families: [BGPFamily]
    /// Never connects, only accepts.
    public var isPassive: Bool
    /// Added to every route.
    public var communities: [Community]
    public var description: String?
    /// TCP MD5 (RFC 2385).
    public var password: String?
    /// GTSM (RFC 5082): packets must come from at most so many hops away. Nil: not checked.
    public var ttlSecurityHops: UInt8?

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
