public import NetworkTypes
public import Telemetry

/// A packet of a capture file. Its octets are the reader's, until the next packet is asked for.
public struct CapturedPacket: Sendable, Hashable {
    public var time: Timestamp
    public var link: LinkLayer
    /// Octets that it had on the wire; more than were kept where the capture cut it.
    public var originalLength: Int
    /// Where its octets lie in what the reader has buffered.
    var range: Range<Int>
}

/// A UDP datagram in a captured packet.
public struct CapturedDatagram: Sendable, Hashable {
    public var source: IPAddress
    public var sourcePort: UInt16
    public var destination: IPAddress
    public var destinationPort: UInt16
    /// A message of IPFIX over TCP.
    public var isConnection = false
    /// Where its payload lies in the packet. A capture may have cut it: what is there is what the datagram begins with.
    public var payload: Range<Int>

    /// Finds the datagram in a packet; nil where there is none, or a fragment of one.
    public init?(in packet: RawSpan, on link: LinkLayer) {
        guard let ip = CapturedIP(in: packet, on: link), ip.ipProtocol == 17, ip.fragment == nil else { return nil }
        self.init(ip, packet.extracting(ip.payload), at: ip.payload.lowerBound)
    }

    /// - Parameters:
    ///   - octets: from the UDP header on.
    ///   - offset: where they lie.
    init?(_ ip: CapturedIP, _ octets: RawSpan, at offset: Int) {
        guard octets.byteCount >= 8 else { return nil }
        let length = Int(octets.uint16(4))
        guard length >= 8 else { return nil }
        (source, destination) = (ip.source, ip.destination)
        (sourcePort, destinationPort) = (octets.uint16(0), octets.uint16(2))
        payload = (offset + 8)..<(offset + min(length, octets.byteCount))
    }

    init(ofConnection key: StreamAssembler.Key, length: Int) {
        (source, sourcePort) = (key.source, key.sourcePort)
        (destination, destinationPort) = (key.destination, key.destinationPort)
        isConnection = true
        payload = 0..<length
    }
}
