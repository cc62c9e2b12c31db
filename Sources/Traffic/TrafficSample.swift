public import NetworkTypes

/// One record kept as evidence: what some of the counted packets looked like.
@frozen
public struct TrafficSample: Hashable, Sendable, BitwiseCopyable {
    public var source: IPAddress
    public var destination: IPAddress
    /// Packets and IP octets, multiplied by the sampling rate.
    public var packets: UInt64
    public var bytes: UInt64
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    public var ipProtocol: IPProtocol
    public var tcpFlags: TCPFlags
    public var icmpType: UInt8
    public var icmpCode: UInt8
    public var timeToLive: UInt8
    public var isFragment: Bool

    @inlinable
    public init(
        source: IPAddress,
        destination: IPAddress,
        packets: UInt64,
        bytes: UInt64,
        sourcePort: UInt16,
        destinationPort: UInt16,
        ipProtocol: IPProtocol,
        tcpFlags: TCPFlags,
        icmpType: UInt8,
        icmpCode: UInt8,
        timeToLive: UInt8,
        isFragment: Bool
    ) {
        self.source = source
        self.destination = destination
        self.packets = packets
        self.bytes = bytes
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.ipProtocol = ipProtocol
        self.tcpFlags = tcpFlags
        self.icmpType = icmpType
        self.icmpCode = icmpCode
        self.timeToLive = timeToLive
        self.isFragment = isFragment
    }
}
