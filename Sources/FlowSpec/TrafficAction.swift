public import NetworkTypes

/// What a router does with the traffic that a rule matches (RFC 8955 section 7, RFC 8956 section 6, later drafts). A
/// rule without any action lets it pass.
public enum TrafficAction: Sendable, Hashable {
    /// Octets per second of the IP layer; 0 discards. The AS is informative.
    case rateLimitBytes(asn: UInt16, bytesPerSecond: Float)
    /// Packets per second; 0 discards.
    case rateLimitPackets(asn: UInt16, packetsPerSecond: Float)
    /// The traffic-action bits (RFC 8955 section 7.3): T set lets the router apply later rules too, S asks it to sample.
    case control(continueWithNextRules: Bool, sample: Bool)
    /// Redirect into the VRF that imports the route target.
    case redirect(RouteTarget)
    /// Redirect to an address, or copy to it, which the action itself names (draft-ietf-idr-flowspec-redirect-ip).
    case redirectToIP(IPAddress, copy: Bool)
    /// Redirect or copy to the next hop of the announcement (draft-simpson-idr-flowspec-redirect).
    case redirectToNextHop(copy: Bool)
    /// Rewrite the DSCP: 0…63.
    case markDSCP(UInt8)
    /// Apply on a set of interfaces only (draft-ietf-idr-flowspec-interfaceset); the group has 14 bits.
    case interfaceSet(asn: ASN, group: UInt16, input: Bool, output: Bool, transitive: Bool)

    /// Drop all of it: a rate limit of nothing.
    public static let discard = TrafficAction.rateLimitBytes(asn: 0, bytesPerSecond: 0)

    /// Throws for a rate that is negative, infinite or not a number, and for a DSCP over 63.
    public func validate() throws(FlowSpecError) {
        switch self {
        case .rateLimitBytes(_, let rate), .rateLimitPackets(_, let rate):
            guard rate.isFinite, rate >= 0 else { throw .invalidRate }
        case .markDSCP(let value):
            guard value <= 63 else { throw .invalidDSCP(value) }
        default: break
        }
    }
}

/// A route target in one of its encodings (RFC 4360, RFC 5668, RFC 5701).
public enum RouteTarget: Sendable, Hashable {
    case twoOctetAS(UInt16, UInt32)
    case ipv4(IPAddress, UInt16)
    case fourOctetAS(ASN, UInt16)
    case ipv6(IPAddress, UInt16)
}

extension TrafficAction {
    /// Whether all of the traffic is dropped.
    var discards: Bool {
        switch self {
        case .rateLimitBytes(_, let rate), .rateLimitPackets(_, let rate): rate == 0
        default: false
        }
    }
}
