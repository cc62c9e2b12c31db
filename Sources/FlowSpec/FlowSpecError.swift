/// Why octets or components are not a FlowSpec rule, or why an action cannot be.
public enum FlowSpecError: Error, Sendable, Hashable {
    /// The same component type twice.
    case duplicateComponent(MatchComponentType)
    /// A component without any operator and value.
    case emptyComponent(MatchComponentType)
    /// No component at all: the rule would match all traffic.
    case matchesEverything
    /// A component that the family does not have, or a prefix of the other family.
    case wrongFamily(MatchComponentType)
    /// An IPv6 offset that is not below the prefix length.
    case invalidOffset(MatchComponentType)
    /// The NLRI is longer than the octets that there are.
    case truncated
    /// The octets end within a component.
    case truncatedComponent(MatchComponentType)
    /// The last operator of a list lacks the end-of-list bit.
    case missingEndOfList(MatchComponentType)
    /// A component type that is not in the registry.
    case unknownComponent(UInt8)
    /// A component before which one of a higher type stands.
    case wrongOrder(MatchComponentType)
    /// A prefix length over 32 or 128.
    case invalidPrefixLength(UInt8)
    /// Bits beyond the length of an IPv4 prefix are set.
    case hostBits(MatchComponentType)
    /// More value octets than the component takes.
    case valueLength(MatchComponentType, octets: Int)
    /// A value greater than the field that it is compared with can hold.
    case valueRange(MatchComponentType, value: UInt64, limit: UInt64)
    /// "Don't fragment" in an IPv6 rule.
    case dontFragmentInIPv6
    /// The wire form would be longer than the 4095 octets that its length field can say.
    case tooLong
    /// A rate that is negative, infinite or not a number.
    case invalidRate
    /// A DSCP over 63.
    case invalidDSCP(UInt8)
}

extension FlowSpecError: CustomStringConvertible {
    /// What is wrong, and the section that says so.
    public var description: String {
        switch self {
        case .duplicateComponent(let type): "\(type) twice; each component type at most once (RFC 8955 section 4.2)"
        case .emptyComponent(let type): "\(type) without a value (RFC 8955 section 4.2.1)"
        case .matchesEverything: "no match component: the rule would match all traffic (RFC 8955 section 4.2)"
        case .wrongFamily(.flowLabel): "flow-label in an IPv4 rule (RFC 8956 section 3.7)"
        case .wrongFamily(let type): "\(type) of the other address family (RFC 8955 section 4.2.2, RFC 8956 section 3)"
        case .invalidOffset(let type):
            "\(type): the offset must be below the prefix length, and IPv4 has none (RFC 8956 section 3.1)"
        case .truncated: "the NLRI ends before its length (RFC 8955 section 4.1)"
        case .truncatedComponent(let type): "the NLRI ends within \(type) (RFC 8955 section 4.2)"
        case .missingEndOfList(let type): "\(type) has no end-of-list bit (RFC 8955 section 4.2.1.1)"
        case .unknownComponent(let number): "unknown component type \(number) (RFC 8955 section 4.2)"
        case .wrongOrder(let type): "\(type) after a component of a higher type (RFC 8955 section 4.2)"
        case .invalidPrefixLength(let length):
            "prefix length \(length) (RFC 8955 section 4.2.2.1, RFC 8956 section 3.1)"
        case .hostBits(let type): "\(type): bits are set beyond the prefix length (RFC 8955 section 4.2.2.1)"
        case .valueLength(let type, let octets):
            "\(type): a value of \(octets) octets where at most \(type.maximumValueLength) are allowed "
                + "(RFC \(type == .flowLabel ? "8956 section 3.7" : "8955 section 4.2.2.\(type.rawValue)"))"
        case .valueRange(let type, let value, let limit):
            "\(type): \(value) is over \(limit) "
                + "(RFC \(type == .flowLabel ? "8956 section 3.7" : "8955 section 4.2.2.\(type.rawValue)"))"
        case .dontFragmentInIPv6: "dont-fragment in an IPv6 rule (RFC 8956 section 3.6)"
        case .tooLong: "the NLRI would be longer than 4095 octets (RFC 8955 section 4.1)"
        case .invalidRate: "a rate must be a finite number and not negative (RFC 8955 section 7.1)"
        case .invalidDSCP(let value): "DSCP \(value) is over 63 (RFC 8955 section 7.5)"
        }
    }
}
