public import NetworkTypes

/// What a router does with the traffic that a rule matches (RFC 8955 section 7, RFC 7674 and later drafts). A rule
/// without any action lets it pass.
public enum TrafficAction: Sendable, Hashable {
    /// Octets per second of the IP layer; 0 discards. The AS is informative.
    case rateLimitBytes(asn: UInt16, bytesPerSecond: Float)
    /// Packets per second; 0 discards.
    case rateLimitPackets(asn: UInt16, packetsPerSecond: Float)
    /// The traffic-action bits (RFC 8955 section 7.3): T set lets the router apply later rules too, S asks it to sample.
    case control(continueWithNextRules: Bool, sample: Bool)
    /// Redirect into the VRF that imports the route target.
    case redirect(RouteTarget)
    /// Redirect to a next hop, or copy to it (draft-ietf-idr-flowspec-redirect-ip).
    case redirectToIP(IPAddress, copy: Bool)
    /// Rewrite the DSCP: 0…63.
    case markDSCP(UInt8)
    /// Apply on a set of interfaces only (draft-ietf-idr-flowspec-interfaceset).
    case interfaceSet(asn: ASN, group: UInt16, input: Bool, output: Bool, transitive: Bool)

    /// Drop all of it: a rate limit of nothing.
    public static let discard = TrafficAction.rateLimitBytes(asn: 0, bytesPerSecond: 0)
}

/// A route target in one of its three encodings (RFC 4360, RFC 5668).
public enum RouteTarget: Sendable, Hashable {
    case twoOctetAS(UInt16, UInt32)
    case ipv4(IPAddress, UInt16)
    case fourOctetAS(ASN, UInt16)
}

/// A BGP community (RFC 1997).
public struct Community: RawRepresentable, Sendable, Hashable, Comparable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static func < (left: Community, right: Community) -> Bool { left.rawValue < right.rawValue }

    /// RFC 7999: drop the traffic.
    public static let blackhole = Community(rawValue: 0xFFFF_029A)
    public static let noExport = Community(rawValue: 0xFFFF_FF01)
    public static let noAdvertise = Community(rawValue: 0xFFFF_FF02)
}

extension Community: CustomStringConvertible {
    /// `65001:666`.
    public var description: String { "\(rawValue >> 16):\(rawValue & 0xFFFF)" }

    private static let names: [String: Community] = [
        "blackhole": .blackhole, "no-export": .noExport, "no-advertise": .noAdvertise,
    ]

    /// Reads `65001:666` or a well-known name such as `blackhole`.
    public init?(_ text: String) {
        if let known = Self.names[text.lowercased()] {
            self = known
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        // `UInt16` would take a sign.
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.first.map { (48...57).contains($0) } == true }),
            let high = UInt16(parts[0]), let low = UInt16(parts[1])
        else { return nil }
        self.init(rawValue: UInt32(high) << 16 | UInt32(low))
    }
}
