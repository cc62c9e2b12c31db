public import NetworkTypes

/// One record kept as evidence: what some of the counted packets looked like.
@frozen
public struct TrafficSample: Hashable, Sendable, BitwiseCopyable {
    public var source: IPAddress
    public var destination: IPAddress
    /// Packets and IP octets that the sample stands for: multiplied by the sampling rate.
    public var packets: UInt64
    public var bytes: UInt64
    /// When the last of its packets flowed, by the collector's clock.
    public var time: Timestamp
    /// Who told of it; unspecified for packets that were mirrored to us, or read from a capture.
    public var exporter: IPAddress
    /// The interface by which it entered, as the exporter numbers them; 0 where it is not said.
    public var inputInterface: UInt32
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    public var ipProtocol: IPProtocol
    public var tcpFlags: TCPFlags
    public var icmpType: UInt8
    public var icmpCode: UInt8
    public var timeToLive: UInt8
    @usableFromInline var marks: UInt8
    /// How long its packets flowed, in seconds, rounded up; 0 for those of a moment.
    public var flowSeconds: UInt16

    @inlinable
    public init(
        source: IPAddress,
        destination: IPAddress,
        packets: UInt64,
        bytes: UInt64,
        time: Timestamp = Timestamp(nanoseconds: 0),
        exporter: IPAddress = .unspecified,
        inputInterface: UInt32 = 0,
        sourcePort: UInt16,
        destinationPort: UInt16,
        ipProtocol: IPProtocol,
        tcpFlags: TCPFlags,
        icmpType: UInt8,
        icmpCode: UInt8,
        timeToLive: UInt8,
        isFragment: Bool,
        flowSeconds: UInt16 = 0
    ) {
        self.source = source
        self.destination = destination
        self.packets = packets
        self.bytes = bytes
        self.time = time
        self.exporter = exporter
        self.inputInterface = inputInterface
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.ipProtocol = ipProtocol
        self.tcpFlags = tcpFlags
        self.icmpType = icmpType
        self.icmpCode = icmpCode
        self.timeToLive = timeToLive
        marks = isFragment ? Self.fragmentMark : 0
        self.flowSeconds = flowSeconds
    }

    @usableFromInline static let fragmentMark: UInt8 = 1
    @usableFromInline static let averageMark: UInt8 = 2
    /// The bits above hold how many packets were counted: one more than the binary logarithm, rounded up; 0 for unknown.
    private static let countedShift: UInt8 = 2

    @inlinable
    public var isFragment: Bool {
        get { marks & Self.fragmentMark != 0 }
        set { marks = newValue ? marks | Self.fragmentMark : marks & ~Self.fragmentMark }
    }

    /// Whether it is a part of a flow whose packets are of several lengths: a whole number of octets for each packet is then
    /// what dividing it up has left, and no length that a packet has.
    @inlinable
    public var isPartOfAverage: Bool {
        get { marks & Self.averageMark != 0 }
        set { marks = newValue ? marks | Self.averageMark : marks & ~Self.averageMark }
    }

    /// The most packets that the record may have been of, as the exporter counted them, whatever each stands for: a power of
    /// two. Nil where it is not known.
    public var mostCounted: UInt64? {
        let mark = marks >> Self.countedShift
        return mark == 0 ? nil : 1 << UInt64(mark - 1)
    }

    /// Notes of how many packets the record was, as the exporter counted them.
    public mutating func noteCounted(_ packets: UInt64) {
        let logarithm = packets > 1 ? UInt8(64 - (packets - 1).leadingZeroBitCount) : 0
        marks = marks & 3 | (min(logarithm, 62) + 1) << Self.countedShift
    }

    /// Whether the record was of one packet: the length is then that packet's, and no average that happens to be a whole
    /// number.
    public var isOfOnePacket: Bool { mostCounted == 1 }

    /// Whether it counts for a class of traffic.
    public func isOf(_ trafficClass: TrafficClass) -> Bool {
        switch trafficClass {
        case .total: true
        case .tcp: ipProtocol == .tcp
        case .udp: ipProtocol == .udp
        case .icmp: ipProtocol.rawValue == 1 || ipProtocol.rawValue == 58
        case .tcpSYN: ipProtocol == .tcp && tcpFlags.isConnectionAttempt
        case .fragments: isFragment
        }
    }

    /// Whether all of its packets are of one length, as far as can be told: an average that is no whole number says that
    /// they are not.
    public var isOfOneLength: Bool { !isPartOfAverage && bytes % max(1, packets) == 0 }

    /// Octets of one of its packets, on average: the IP layer.
    public var packetLength: UInt16 { UInt16(clamping: bytes / max(1, packets)) }
}
