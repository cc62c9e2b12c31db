/// What a captured packet begins with.
public enum LinkLayer: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
    case ethernet
    /// Linux cooked capture, version 1: `LINKTYPE_LINUX_SLL`, of `tcpdump -i any`.
    case cooked
    /// Version 2: `LINKTYPE_LINUX_SLL2`.
    case cooked2
    /// No link layer: the packet begins with its IP header.
    case ip
    /// The BSDs' loopback: an address family of four octets in either byte order, then IP.
    case loopback

    /// By the numbers of pcap and pcapng files (tcpdump.org/linktypes).
    public init?(linkType: UInt32) {
        switch linkType {
        case 1: self = .ethernet
        case 113: self = .cooked
        case 276: self = .cooked2
        // Raw IP is 101 in files, and 12 or 14 where a system wrote its own number.
        case 12, 14, 101, 228, 229: self = .ip
        case 0, 108: self = .loopback
        default: return nil
        }
    }
}

extension PacketHeader {
    /// A captured packet, whatever it begins with. Says whether there was an IP header.
    static func read(_ packet: RawSpan, on link: LinkLayer, into sink: inout some HeaderSink) -> Bool {
        switch link {
        case .ethernet: return readEthernet(packet, into: &sink)
        case .cooked: return readCooked(packet, typeAt: 14, length: 16, into: &sink)
        case .cooked2: return readCooked(packet, typeAt: 0, length: 20, into: &sink)
        case .ip: return readIP(packet, into: &sink)
        case .loopback:
            guard packet.byteCount >= 4 else { return false }
            return readIP(packet.extracting(droppingFirst: 4), into: &sink)
        }
    }

    private static func readCooked(
        _ packet: RawSpan,
        typeAt offset: Int,
        length: Int,
        into sink: inout some HeaderSink
    ) -> Bool {
        guard packet.byteCount >= length else {
            sink.cut()
            return false
        }
        let type = packet.uint16(offset)
        return readPayload(packet.extracting(droppingFirst: length), of: type, into: &sink, depth: 0)
    }
}
