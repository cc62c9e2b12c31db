public import NetworkTypes

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

    /// As the component is written in a rule; in IPv6 `next-header` and `traffic-class`.
    func keyword(for family: AddressFamily) -> String {
        switch self {
        case .destinationPrefix: "destination"
        case .sourcePrefix: "source"
        case .ipProtocol: family == .ipv4 ? "protocol" : "next-header"
        case .port: "port"
        case .destinationPort: "destination-port"
        case .sourcePort: "source-port"
        case .icmpType: "icmp-type"
        case .icmpCode: "icmp-code"
        case .tcpFlags: "tcp-flags"
        case .packetLength: "packet-length"
        case .dscp: family == .ipv4 ? "dscp" : "traffic-class"
        case .fragment: "fragment"
        case .flowLabel: "flow-label"
        }
    }

    /// Octets that a value may take on the wire.
    var maximumValueLength: Int {
        switch self {
        case .destinationPrefix, .sourcePrefix: 16
        case .ipProtocol, .icmpType, .icmpCode, .dscp, .fragment: 1
        case .port, .destinationPort, .sourcePort, .tcpFlags, .packetLength: 2
        case .flowLabel: 4
        }
    }

    /// The greatest value of the field.
    public var maximumValue: UInt64 {
        switch self {
        case .destinationPrefix, .sourcePrefix: 0
        case .ipProtocol, .icmpType, .icmpCode: 0xFF
        case .port, .destinationPort, .sourcePort, .packetLength: 0xFFFF
        case .tcpFlags: 0x0FFF
        case .dscp: 63
        case .fragment: 0x0F
        case .flowLabel: 0xF_FFFF
        }
    }
}

extension MatchComponentType: CustomStringConvertible {
    public var description: String { keyword(for: .ipv4) }
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

    /// The terms, whichever sort the component has; nil for prefixes.
    public enum Terms: Sendable, Hashable {
        case numeric([NumericTerm])
        case bitmask([BitmaskTerm])
    }

    public var terms: Terms? {
        switch self {
        case .destination, .source: nil
        case .tcpFlags(let terms), .fragment(let terms): .bitmask(terms)
        case .ipProtocol(let terms), .port(let terms), .destinationPort(let terms), .sourcePort(let terms),
            .icmpType(let terms), .icmpCode(let terms), .packetLength(let terms), .dscp(let terms),
            .flowLabel(let terms):
            .numeric(terms)
        }
    }

    /// A component of numeric terms; nil for the types that have none.
    public init?(_ type: MatchComponentType, numeric terms: [NumericTerm]) {
        switch type {
        case .destinationPrefix, .sourcePrefix, .tcpFlags, .fragment: return nil
        case .ipProtocol: self = .ipProtocol(terms)
        case .port: self = .port(terms)
        case .destinationPort: self = .destinationPort(terms)
        case .sourcePort: self = .sourcePort(terms)
        case .icmpType: self = .icmpType(terms)
        case .icmpCode: self = .icmpCode(terms)
        case .packetLength: self = .packetLength(terms)
        case .dscp: self = .dscp(terms)
        case .flowLabel: self = .flowLabel(terms)
        }
    }

    /// A component of bitmask terms; nil for the types that have none.
    public init?(_ type: MatchComponentType, bitmask terms: [BitmaskTerm]) {
        switch type {
        case .tcpFlags: self = .tcpFlags(terms)
        case .fragment: self = .fragment(terms)
        default: return nil
        }
    }
}

/// A prefix to match, with the bits before `offset` left open (RFC 8956 section 3.1; always 0 for IPv4).
public struct PrefixPattern: Sendable, Hashable {
    public var prefix: IPPrefix
    private var skipped: Int16

    /// Below the prefix length; 0 for IPv4.
    public var offset: Int {
        get { Int(skipped) }
        set { skipped = Int16(clamping: newValue) }
    }

    public init(_ prefix: IPPrefix, offset: Int = 0) {
        self.prefix = prefix
        skipped = Int16(clamping: offset)
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
    /// IPv4 only (RFC 8956 section 3.6).
    public static let dontFragment: UInt16 = 1
    /// A fragment other than the first.
    public static let isFragment: UInt16 = 2
    public static let firstFragment: UInt16 = 4
    public static let lastFragment: UInt16 = 8
}
