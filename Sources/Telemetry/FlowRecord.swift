public import NetworkTypes

/// What an exporter said about some packets of one flow: the one form in which all telemetry reaches the counters.
///
/// Fixed in layout and free of references, so a batch is plain memory. Not multiplied by the sampling rate.
@frozen
public struct FlowRecord: Hashable, Sendable, BitwiseCopyable {
    public var source: IPAddress
    public var destination: IPAddress
    /// Packets seen, before multiplication by `samplingRate`; 1 for a sampled packet.
    public var packets: UInt64
    /// Octets of the IP layer, before multiplication by `samplingRate`.
    public var bytes: UInt64
    /// When the first packet flowed, by the collector's clock; equal to `last` for a sampled packet.
    public var first: Timestamp
    /// When the last packet flowed, by the collector's clock; never later than the arrival.
    public var last: Timestamp
    /// What packets and bytes are to be multiplied by: one packet in this many was looked at. 0 when neither
    /// the exporter nor the configuration says; the record then counts once.
    public var samplingRate: UInt32
    public var inputInterface: UInt32
    public var outputInterface: UInt32
    /// 0 for protocols without ports and for fragments other than the first.
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    public var ipProtocol: IPProtocol
    /// The flags of all packets of the flow, or-ed.
    public var tcpFlags: TCPFlags
    public var icmpType: UInt8
    public var icmpCode: UInt8
    public var timeToLive: UInt8
    public var traits: Traits
    /// Who told of it: where its address stands in the batch's list of exporters, plus one. 0 when there is none, or not
    /// known. Of no meaning outside its batch.
    public var exporter: UInt16

    /// What else is known of a record, a bit each. Computed, as the counters look at them for each record from another room.
    @frozen
    public struct Traits: OptionSet, Hashable, Sendable, BitwiseCopyable {
        public var rawValue: UInt8

        @inlinable
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The record is one sampled packet (sFlow, mirrored, a packet section), not a finished flow.
        @inlinable public static var isPacket: Traits { Traits(rawValue: 1) }
        /// The packets are fragments, the first included.
        @inlinable public static var isFragment: Traits { Traits(rawValue: 2) }
        /// The exporter marked the packets as dropped by itself: seen, but not forwarded.
        @inlinable public static var isDropped: Traits { Traits(rawValue: 4) }
        /// Made from the reverse half of a biflow (RFC 5103).
        @inlinable public static var isReverse: Traits { Traits(rawValue: 8) }
    }

    /// Whether packets can be so long as octets and packets say; 0 packets say nothing. RouterOS and misread templates among
    /// others bring about records of petabytes.
    var isPlausible: Bool {
        let (most, overflow) = packets.multipliedReportingOverflow(by: Self.longestPacket)
        return overflow || packets == 0 || bytes <= most
    }

    /// The header of IPv6 and what its length field can say.
    private static let longestPacket: UInt64 = 65_575

    @inlinable
    public init() {
        source = .unspecified
        destination = .unspecified
        packets = 0
        bytes = 0
        first = Timestamp(nanoseconds: 0)
        last = Timestamp(nanoseconds: 0)
        samplingRate = 0
        inputInterface = 0
        outputInterface = 0
        sourcePort = 0
        destinationPort = 0
        ipProtocol = IPProtocol(rawValue: 0)
        tcpFlags = []
        icmpType = 0
        icmpCode = 0
        timeToLive = 0
        traits = []
        exporter = 0
    }
}
