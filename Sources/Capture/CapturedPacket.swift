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
    /// Where its payload lies in the packet. A capture may have cut it: what is there is what the datagram begins with.
    public var payload: Range<Int>

    /// Finds the datagram in a packet; nil where there is none, or a fragment of one.
    public init?(in packet: RawSpan, on link: LinkLayer) {
        guard var offset = Self.beginOfIP(in: packet, on: link), packet.byteCount > offset else { return nil }
        switch packet.octet(offset) >> 4 {
        case 4:
            let header = Int(packet.octet(offset) & 15) * 4
            guard header >= 20, packet.byteCount >= offset + header, packet.octet(offset + 9) == 17,
                packet.uint16(offset + 6) & 0x3FFF == 0
            else { return nil }
            source = IPAddress(v4: packet.uint32(offset + 12))
            destination = IPAddress(v4: packet.uint32(offset + 16))
            offset += header
        case 6:
            guard packet.byteCount >= offset + 40, packet.octet(offset + 6) == 17 else { return nil }
            source = IPAddress(high: packet.uint64(offset + 8), low: packet.uint64(offset + 16))
            destination = IPAddress(high: packet.uint64(offset + 24), low: packet.uint64(offset + 32))
            offset += 40
        default:
            return nil
        }
        guard packet.byteCount >= offset + 8 else { return nil }
        sourcePort = packet.uint16(offset)
        destinationPort = packet.uint16(offset + 2)
        let length = Int(packet.uint16(offset + 4))
        guard length >= 8 else { return nil }
        payload = (offset + 8)..<min(offset + length, packet.byteCount)
    }

    private static func beginOfIP(in packet: RawSpan, on link: LinkLayer) -> Int? {
        switch link {
        case .ethernet: beginOfIP(in: packet, typeAt: 12)
        case .cooked: beginOfIP(in: packet, typeAt: 14)
        case .cooked2 where packet.byteCount >= 2 && isIP(packet.uint16(0)): 20
        // A tag of a VLAN, whose own type lies behind the header.
        case .cooked2: packet.byteCount >= 24 && isTag(packet.uint16(0)) ? beginOfIP(in: packet, typeAt: 22) : nil
        case .ip: 0
        case .loopback: 4
        }
    }

    /// Behind the tags of VLANs, each of four octets, so that the walk ends with the packet.
    private static func beginOfIP(in packet: RawSpan, typeAt start: Int) -> Int? {
        var offset = start
        while packet.byteCount >= offset + 2 {
            let type = packet.uint16(offset)
            if isIP(type) { return offset + 2 }
            guard isTag(type) else { return nil }
            offset += 4
        }
        return nil
    }

    private static func isTag(_ type: UInt16) -> Bool { type == 0x8100 || type == 0x88A8 || type == 0x9100 }

    private static func isIP(_ type: UInt16) -> Bool { type == 0x0800 || type == 0x86DD }
}
