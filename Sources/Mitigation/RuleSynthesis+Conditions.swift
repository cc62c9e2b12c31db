internal import FlowSpec
internal import NetworkTypes

/// One condition of a rule that the search tries.
enum RuleCondition: Hashable {
    case ipProtocol(UInt8)
    case sourcePort(ValueRanges)
    case destinationPort(ValueRanges)
    case length(ValueRanges)
    /// All of `set` and none of `unset`; ECE and CWR do not matter.
    case tcpFlags(set: UInt8, unset: UInt8)
    /// A fragment, be it the first or another.
    case fragment
    /// Those alone that begin a datagram, and have its ports, or those alone that go on with one.
    case partOfDatagram(first: Bool)
    case icmpType(UInt8)
    case icmpCode(UInt8)
    /// The end that is not ours.
    case remote(IPPrefix)

    private static let fragments = FragmentBits.isFragment | FragmentBits.firstFragment

    private static func bit(_ first: Bool) -> UInt16 { first ? FragmentBits.firstFragment : FragmentBits.isFragment }

    func holds(for sample: SampledPacket) -> Bool {
        let packet = sample.packet
        switch self {
        case .ipProtocol(let value): return packet.ipProtocol == value
        case .sourcePort(let ranges): return packet.sourcePort.map(ranges.contains) ?? false
        case .destinationPort(let ranges): return packet.destinationPort.map(ranges.contains) ?? false
        case .length(let ranges): return ranges.contains(packet.length)
        case .tcpFlags(let set, let unset):
            guard let flags = packet.tcpFlags else { return false }
            return flags & UInt16(set) == UInt16(set) && flags & UInt16(unset) == 0
        case .fragment: return packet.fragment & Self.fragments != 0
        case .partOfDatagram(let first): return packet.fragment & Self.bit(first) != 0
        case .icmpType(let value): return packet.icmpType == value
        case .icmpCode(let value): return packet.icmpCode == value
        case .remote(let prefix): return prefix.contains(sample.remote)
        }
    }

    /// As FlowSpec says it.
    func component(_ direction: TrafficDirection) -> MatchComponent {
        switch self {
        case .ipProtocol(let value): return .ipProtocol([NumericTerm(.equal, UInt64(value))])
        case .sourcePort(let ranges): return .sourcePort(ranges.terms)
        case .destinationPort(let ranges): return .destinationPort(ranges.terms)
        case .length(let ranges): return .packetLength(ranges.terms)
        case .tcpFlags(let set, let unset):
            let none = BitmaskTerm(UInt16(unset), not: true, and: set != 0)
            guard set != 0 else { return .tcpFlags([none]) }
            let all = BitmaskTerm(UInt16(set), match: set.nonzeroBitCount > 1)
            return .tcpFlags(unset == 0 ? [all] : [all, none])
        case .fragment: return .fragment([BitmaskTerm(Self.fragments)])
        case .partOfDatagram(let first): return .fragment([BitmaskTerm(Self.bit(first))])
        case .icmpType(let value): return .icmpType([NumericTerm(.equal, UInt64(value))])
        case .icmpCode(let value): return .icmpCode([NumericTerm(.equal, UInt64(value))])
        case .remote(let prefix):
            let pattern = PrefixPattern(prefix)
            return direction == .incoming ? .source(pattern) : .destination(pattern)
        }
    }

    /// Whether it names one value of a field that has many.
    var isConstant: Bool {
        switch self {
        case .sourcePort(let ranges), .destinationPort(let ranges), .length(let ranges):
            ranges.ranges.count == 1 && ranges.areSingle
        case .ipProtocol, .tcpFlags, .fragment, .partOfDatagram, .icmpType, .icmpCode, .remote: false
        }
    }

    /// Whether it names what packets made by one tool have in common: one or few values, or these flags and no others.
    var isNarrow: Bool {
        switch self {
        case .sourcePort(let ranges), .destinationPort(let ranges): ranges.areSingle
        case .length(let ranges): ranges.areSingle && ranges.ranges.count == 1
        case .tcpFlags(let set, let unset): set | unset == 0x3F
        case .fragment, .partOfDatagram, .icmpType, .icmpCode: true
        case .ipProtocol, .remote: false
        }
    }

    /// How many samples must all have it for the others to be taken to have it as well: ports and lengths may be a few of
    /// many, while tools set flags and types to one value.
    var samplesToBelieve: Double {
        switch self {
        case .tcpFlags, .fragment, .partOfDatagram, .icmpType, .icmpCode: 10
        case .ipProtocol, .sourcePort, .destinationPort, .length, .remote: 20
        }
    }

    var type: MatchComponentType {
        // Which end it is of makes no difference: a rule has one of each in either direction.
        component(.incoming).type
    }

    /// About how much of traffic in general, nobody's in particular, it holds for: what is known where there are few
    /// samples of normal traffic. Orders of magnitude, of which nothing depends but which rule is the more specific.
    var generalShare: Double {
        switch self {
        case .ipProtocol(let value): return value == 6 ? 0.7 : value == 17 ? 0.25 : 0.02
        case .sourcePort(let ranges), .destinationPort(let ranges): return ranges.share(Self.portShare)
        case .length(let ranges): return ranges.share(Self.lengthShare)
        case .tcpFlags(let set, let unset):
            return Self.flagShares.reduce(0.001) { $1.flags & set == set && $1.flags & unset == 0 ? $0 + $1.share : $0 }
        case .fragment: return 0.01
        case .partOfDatagram: return 0.005
        case .icmpType: return 0.3
        case .icmpCode: return 0.6
        // Each two bits halve it: addresses are where people are.
        case .remote(let prefix): return 1 / Double(UInt64(1) << UInt64(min(24, prefix.length / 2)))
        }
    }

    private static let flagShares: [(flags: UInt8, share: Double)] = [
        (TCPFlags.ack.rawValue, 0.4), (TCPFlags.ack.rawValue | TCPFlags.psh.rawValue, 0.4),
        (TCPFlags.syn.rawValue, 0.03), (TCPFlags.syn.rawValue | TCPFlags.ack.rawValue, 0.03),
        (TCPFlags.fin.rawValue | TCPFlags.ack.rawValue, 0.03), (TCPFlags.rst.rawValue, 0.03),
        (TCPFlags.rst.rawValue | TCPFlags.ack.rawValue, 0.03),
    ]

    private static func portShare(_ range: ClosedRange<UInt16>) -> Double {
        let known: [(UInt16, Double)] = [(443, 0.2), (80, 0.1), (53, 0.02), (123, 0.01)]
        let others = Double(range.upperBound - range.lowerBound) + 1
        return known.reduce(0.68 * others / 65_536) { range.contains($1.0) ? $0 + $1.1 : $0 }
    }

    private static func lengthShare(_ range: ClosedRange<UInt16>) -> Double {
        let known: [(ClosedRange<UInt16>, Double)] = [(40...99, 0.3), (100...1399, 0.3), (1400...1500, 0.4)]
        return known.reduce(0.0001) { sum, part in
            let common = range.clamped(to: part.0)
            guard range.overlaps(part.0) else { return sum }
            let width = Double(part.0.upperBound - part.0.lowerBound) + 1
            return sum + part.1 * (Double(common.upperBound - common.lowerBound) + 1) / width
        }
    }
}

/// Values of a field: ranges in ascending order that do not touch.
struct ValueRanges: Hashable {
    let ranges: [ClosedRange<UInt16>]

    /// What a component may have of operators and values so that every known router takes it.
    static let maximumTerms = 5

    init(_ range: ClosedRange<UInt16>) { ranges = [range] }

    /// Single values; nil for more than a rule may name.
    init?(values: [UInt16]) {
        guard (1...Self.maximumTerms).contains(values.count) else { return nil }
        ranges = Set(values).sorted().map { $0...$0 }
    }

    /// All but these; nil for more than a rule may name, and for none.
    init?(allBut values: [UInt16]) {
        var ranges: [ClosedRange<UInt16>] = []
        var next: UInt16? = 0
        for value in Set(values).sorted() {
            if let lower = next, value > lower { ranges.append(lower...(value - 1)) }
            next = value == .max ? nil : value + 1
        }
        if let next { ranges.append(next...UInt16.max) }
        self.ranges = ranges
        guard !values.isEmpty, !ranges.isEmpty, terms.count <= Self.maximumTerms else { return nil }
    }

    func contains(_ value: UInt16) -> Bool { ranges.contains { $0.contains(value) } }

    var areSingle: Bool { ranges.allSatisfy { $0.lowerBound == $0.upperBound } }

    var terms: [NumericTerm] {
        ranges.flatMap { range -> [NumericTerm] in
            let lower = UInt64(range.lowerBound)
            let upper = UInt64(range.upperBound)
            if lower == upper { return [NumericTerm(.equal, lower)] }
            if upper == UInt16.max { return [NumericTerm(.greaterOrEqual, lower)] }
            if lower == 0 { return [NumericTerm(.lessOrEqual, upper)] }
            return [NumericTerm(.greaterOrEqual, lower), NumericTerm(.lessOrEqual, upper, and: true)]
        }
    }

    fileprivate func share(_ share: (ClosedRange<UInt16>) -> Double) -> Double {
        min(1, ranges.reduce(0) { $0 + share($1) })
    }
}
