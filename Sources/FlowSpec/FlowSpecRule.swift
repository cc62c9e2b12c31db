public import NetworkTypes

/// The match half of a FlowSpec rule: the traffic for which all components hold.
///
/// Components are kept in ascending order of type with at most one of each (RFC 8955 section 4.2), so equal rules are
/// equal values and equal wire forms.
public struct FlowSpecRule: Sendable, Hashable {
    public let family: AddressFamily
    public let components: [MatchComponent]

    /// Orders the components; throws for a component twice, an empty operator list, a prefix of the other family or a
    /// component that the family does not have. An empty list, which matches everything, is a valid value here: it
    /// arrives from other speakers. The guard rails refuse to announce it.
    public init(family: AddressFamily, components: [MatchComponent]) throws(FlowSpecError) {
        let ordered = components.sorted { $0.type < $1.type }
        for (one, next) in zip(ordered, ordered.dropFirst()) where one.type == next.type {
            throw .duplicateComponent(one.type)
        }
        for component in ordered { try component.validate(for: family) }
        self.family = family
        self.components = ordered
    }

    /// The destination prefix; nil when the rule does not look at the destination.
    public var destination: IPPrefix? {
        for case .destination(let pattern) in components { return pattern.prefix }
        return nil
    }
}

/// The component types of RFC 8955 section 4.2.2 and RFC 8956 section 3, with their IANA numbers.
public enum MatchComponentType: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    case destinationPrefix = 1
    case sourcePrefix = 2
    /// IPv6: the upper-layer protocol.
    case ipProtocol = 3
    case port = 4
    case destinationPort = 5
    case sourcePort = 6
    case icmpType = 7
    case icmpCode = 8
    case tcpFlags = 9
    case packetLength = 10
    case dscp = 11
    case fragment = 12
    /// IPv6 only (RFC 8956 section 3.7).
    case flowLabel = 13

    public static func < (left: MatchComponentType, right: MatchComponentType) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// One condition of a rule.
public enum MatchComponent: Sendable, Hashable {
    case destination(PrefixPattern)
    case source(PrefixPattern)
    case ipProtocol([NumericTerm])
    /// Source or destination port.
    case port([NumericTerm])
    case destinationPort([NumericTerm])
    case sourcePort([NumericTerm])
    case icmpType([NumericTerm])
    case icmpCode([NumericTerm])
    case tcpFlags([BitmaskTerm])
    /// Octets of the IP packet, link layer excluded, IP header included.
    case packetLength([NumericTerm])
    case dscp([NumericTerm])
    case fragment([BitmaskTerm])
    case flowLabel([NumericTerm])

    public var type: MatchComponentType {
        switch self {
        case .destination: .destinationPrefix
        case .source: .sourcePrefix
        case .ipProtocol: .ipProtocol
        case .port: .port
        case .destinationPort: .destinationPort
        case .sourcePort: .sourcePort
        case .icmpType: .icmpType
        case .icmpCode: .icmpCode
        case .tcpFlags: .tcpFlags
        case .packetLength: .packetLength
        case .dscp: .dscp
        case .fragment: .fragment
        case .flowLabel: .flowLabel
        }
    }
}

/// A prefix to match, with the bits before `offset` left open (RFC 8956 section 3.1; always 0 for IPv4).
public struct PrefixPattern: Sendable, Hashable {
    public var prefix: IPPrefix
    /// 0…prefix.length.
    public var offset: Int

    public init(_ prefix: IPPrefix, offset: Int = 0) {
        self.prefix = prefix
        self.offset = offset
    }
}

/// One operator and value of a numeric component (RFC 8955 section 4.2.1.1).
public struct NumericTerm: Sendable, Hashable {
    /// Joined to the previous term by AND; by OR when false. Ignored in the first term.
    public var and: Bool
    public var comparison: Comparison
    public var value: UInt64

    /// The lt, gt and eq bits of the operator, in the wire's order.
    public enum Comparison: UInt8, Sendable, Hashable, CaseIterable {
        case never = 0b000
        case equal = 0b001
        case greater = 0b010
        case greaterOrEqual = 0b011
        case less = 0b100
        case lessOrEqual = 0b101
        case notEqual = 0b110
        case always = 0b111
    }

    public init(_ comparison: Comparison, _ value: UInt64, and: Bool = false) {
        self.comparison = comparison
        self.value = value
        self.and = and
    }
}

/// One operator and mask of a bitmask component (RFC 8955 section 4.2.1.2).
public struct BitmaskTerm: Sendable, Hashable {
    /// Joined to the previous term by AND; by OR when false. Ignored in the first term.
    public var and: Bool
    /// The result is negated.
    public var not: Bool
    /// All bits of the value must be set (`=`); any of them when false.
    public var match: Bool
    public var value: UInt16

    public init(_ value: UInt16, match: Bool = false, not: Bool = false, and: Bool = false) {
        self.value = value
        self.match = match
        self.not = not
        self.and = and
    }
}

/// The bits of the fragment component (RFC 8955 section 4.2.2.12).
public enum FragmentBits {
    public static let dontFragment: UInt16 = 1
    /// A fragment other than the first.
    public static let isFragment: UInt16 = 2
    public static let firstFragment: UInt16 = 4
    public static let lastFragment: UInt16 = 8
}

extension MatchComponent {
    fileprivate func validate(for family: AddressFamily) throws(FlowSpecError) {
        switch self {
        case .destination(let pattern), .source(let pattern):
            guard pattern.prefix.family == family else { throw .wrongFamily(type) }
            let offsets = family == .ipv4 ? 0...0 : 0...pattern.prefix.length
            guard offsets.contains(pattern.offset) else { throw .invalidOffset(type) }
        case .ipProtocol(let terms), .port(let terms), .destinationPort(let terms), .sourcePort(let terms),
            .icmpType(let terms), .icmpCode(let terms), .packetLength(let terms), .dscp(let terms):
            guard !terms.isEmpty else { throw .emptyComponent(type) }
        case .flowLabel(let terms):
            guard family == .ipv6 else { throw .wrongFamily(type) }
            guard !terms.isEmpty else { throw .emptyComponent(type) }
        case .tcpFlags(let terms), .fragment(let terms):
            guard !terms.isEmpty else { throw .emptyComponent(type) }
        }
    }
}
