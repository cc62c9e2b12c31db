public import FlowSpec
public import NetworkTypes

/// The address families that are spoken (RFC 4760; SAFI 133 and 134 by RFC 8955).
public enum BGPFamily: String, Sendable, Hashable, CaseIterable {
    case ipv4Unicast = "ipv4-unicast"
    case ipv6Unicast = "ipv6-unicast"
    case ipv4FlowSpec = "ipv4-flowspec"
    case ipv6FlowSpec = "ipv6-flowspec"
    /// Rules with a route distinguisher.
    case ipv4FlowSpecVPN = "ipv4-flowspec-vpn"
    case ipv6FlowSpecVPN = "ipv6-flowspec-vpn"

    public var addressFamily: AddressFamily {
        switch self {
        case .ipv4Unicast, .ipv4FlowSpec, .ipv4FlowSpecVPN: .ipv4
        case .ipv6Unicast, .ipv6FlowSpec, .ipv6FlowSpecVPN: .ipv6
        }
    }

    public var isFlowSpec: Bool { kind != .unicast }

    public var isFlowSpecVPN: Bool { kind == .flowVPN }

    private var kind: TextFamily {
        switch self {
        case .ipv4Unicast, .ipv6Unicast: .unicast
        case .ipv4FlowSpec, .ipv6FlowSpec: .flow
        case .ipv4FlowSpecVPN, .ipv6FlowSpecVPN: .flowVPN
        }
    }

    /// Address family identifier.
    public var afi: UInt16 { addressFamily.rawValue }
    /// Subsequent address family identifier.
    public var safi: UInt8 { kind.safi }

    public init?(afi: UInt16, safi: UInt8) {
        guard let family = Self.allCases.first(where: { $0.afi == afi && $0.safi == safi }) else { return nil }
        self = family
    }

    /// As the text form names it.
    public init(_ family: AddressFamily, _ kind: TextFamily) {
        self =
            switch (family, kind) {
            case (.ipv4, .unicast): .ipv4Unicast
            case (.ipv6, .unicast): .ipv6Unicast
            case (.ipv4, .flow): .ipv4FlowSpec
            case (.ipv6, .flow): .ipv6FlowSpec
            case (.ipv4, .flowVPN): .ipv4FlowSpecVPN
            case (.ipv6, .flowVPN): .ipv6FlowSpecVPN
            }
    }
}

extension AnnouncedRoute {
    public var bgpFamily: BGPFamily {
        switch self {
        case .flowSpec(let rule): BGPFamily(rule.family, rule.routeDistinguisher == nil ? .flow : .flowVPN)
        case .unicast(let prefix): BGPFamily(prefix.family, .unicast)
        }
    }

    /// As it stands in an UPDATE.
    public var encodedNLRI: [UInt8] {
        switch self {
        case .flowSpec(let rule): rule.encodedNLRI
        case .unicast(let prefix): [UInt8(prefix.length)] + prefix.address.bytes.prefix((prefix.length + 7) / 8)
        }
    }
}
