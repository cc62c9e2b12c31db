public import NetworkTypes

/// The address families that are spoken (RFC 4760; SAFI 133 by RFC 8955).
public enum BGPFamily: String, Sendable, Hashable, CaseIterable {
    case ipv4Unicast = "ipv4-unicast"
    case ipv6Unicast = "ipv6-unicast"
    case ipv4FlowSpec = "ipv4-flowspec"
    case ipv6FlowSpec = "ipv6-flowspec"

    public var addressFamily: AddressFamily {
        switch self {
        case .ipv4Unicast, .ipv4FlowSpec: .ipv4
        case .ipv6Unicast, .ipv6FlowSpec: .ipv6
        }
    }

    public var isFlowSpec: Bool { self == .ipv4FlowSpec || self == .ipv6FlowSpec }

    /// Address family identifier.
    public var afi: UInt16 { addressFamily.rawValue }
    /// Subsequent address family identifier.
    public var safi: UInt8 { isFlowSpec ? 133 : 1 }

    public init?(afi: UInt16, safi: UInt8) {
        guard let family = Self.allCases.first(where: { $0.afi == afi && $0.safi == safi }) else { return nil }
        self = family
    }
}
