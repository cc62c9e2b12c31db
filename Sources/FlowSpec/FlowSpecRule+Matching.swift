public import NetworkTypes

/// What a rule looks at in a packet.
public struct MatchedPacket: Sendable, Hashable {
    public var source: IPAddress
    public var destination: IPAddress
    public var ipProtocol: UInt8
    /// Nil where the packet has none, such as a fragment other than the first.
    public var sourcePort: UInt16?
    public var destinationPort: UInt16?
    public var icmpType: UInt8?
    public var icmpCode: UInt8?
    public var tcpFlags: UInt16?
    /// Octets of the IP packet.
    public var length: UInt16
    /// 0…63.
    public var dscp: UInt8
    /// In the bits of `FragmentBits`.
    public var fragment: UInt16
    /// 20 bits; nil for IPv4.
    public var flowLabel: UInt32?

    public init(
        source: IPAddress,
        destination: IPAddress,
        ipProtocol: UInt8,
        sourcePort: UInt16? = nil,
        destinationPort: UInt16? = nil,
        icmpType: UInt8? = nil,
        icmpCode: UInt8? = nil,
        tcpFlags: UInt16? = nil,
        length: UInt16 = 64,
        dscp: UInt8 = 0,
        fragment: UInt16 = 0,
        flowLabel: UInt32? = nil
    ) {
        self.source = source
        self.destination = destination
        self.ipProtocol = ipProtocol
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.icmpType = icmpType
        self.icmpCode = icmpCode
        self.tcpFlags = tcpFlags
        self.length = length
        self.dscp = dscp
        self.fragment = fragment
        self.flowLabel = flowLabel
    }
}

extension FlowSpecRule {
    /// Whether all components hold for the packet. A component over a field that the packet does not have does not hold.
    public func matches(_ packet: MatchedPacket) -> Bool {
        packet.destination.family == family && components.allSatisfy { $0.matches(packet) }
    }
}

extension MatchComponent {
    fileprivate func matches(_ packet: MatchedPacket) -> Bool {
        switch self {
        case .destination(let pattern): pattern.matches(packet.destination)
        case .source(let pattern): pattern.matches(packet.source)
        case .ipProtocol(let terms): terms.hold(packet.ipProtocol)
        case .port(let terms): terms.hold(packet.sourcePort) || terms.hold(packet.destinationPort)
        case .destinationPort(let terms): terms.hold(packet.destinationPort)
        case .sourcePort(let terms): terms.hold(packet.sourcePort)
        case .icmpType(let terms): terms.hold(packet.icmpType)
        case .icmpCode(let terms): terms.hold(packet.icmpCode)
        case .tcpFlags(let terms): terms.hold(packet.tcpFlags)
        case .packetLength(let terms): terms.hold(packet.length)
        case .dscp(let terms): terms.hold(packet.dscp)
        case .fragment(let terms): terms.hold(packet.fragment)
        case .flowLabel(let terms): terms.hold(packet.flowLabel)
        }
    }
}

extension PrefixPattern {
    fileprivate func matches(_ address: IPAddress) -> Bool {
        guard address.family == prefix.family else { return false }
        guard offset > 0 else { return prefix.contains(address) }
        let before = IPAddress(high: .max, low: .max).masked(to: offset)
        let within = IPAddress(high: .max, low: .max).masked(to: prefix.length)
        let high = within.high & ~before.high
        let low = within.low & ~before.low
        return address.high & high == prefix.address.high & high && address.low & low == prefix.address.low & low
    }
}

/// AND binds tighter than OR (RFC 8955 section 4.2.1.1): one of the chains must hold whole.
private func anyChain<Term>(_ terms: [Term], joins: (Term) -> Bool, holds: (Term) -> Bool) -> Bool {
    var chain: Bool?
    for term in terms {
        if let value = chain, joins(term) {
            chain = value && holds(term)
        } else {
            if chain == true { return true }
            chain = holds(term)
        }
    }
    return chain == true
}

extension Array where Element == NumericTerm {
    fileprivate func hold(_ field: (some FixedWidthInteger & UnsignedInteger)?) -> Bool {
        guard let field else { return false }
        let value = UInt64(field)
        return anyChain(self, joins: \.and) { term in
            switch term.comparison {
            case .never: false
            case .equal: value == term.value
            case .greater: value > term.value
            case .greaterOrEqual: value >= term.value
            case .less: value < term.value
            case .lessOrEqual: value <= term.value
            case .notEqual: value != term.value
            case .always: true
            }
        }
    }
}

extension Array where Element == BitmaskTerm {
    fileprivate func hold(_ field: UInt16?) -> Bool {
        guard let field else { return false }
        return anyChain(self, joins: \.and) { term in
            (term.match ? field & term.value == term.value : field & term.value != 0) != term.not
        }
    }
}
