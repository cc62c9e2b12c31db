internal import NetworkTypes
internal import Telemetry

/// The IP packet in what was captured of a frame, behind tags, labels and PPPoE. Only where it lies, and who sent what kind.
struct CapturedIP {
    struct Fragment: Hashable {
        var identification: UInt32
        /// Octets of the whole payload before it.
        var offset: Int
        var moreFollow: Bool
    }

    let source: IPAddress
    let destination: IPAddress
    /// Behind the extension headers of IPv6.
    let ipProtocol: UInt8
    /// Of a part of a packet alone.
    let fragment: Fragment?
    /// What the IP header has behind it, as far as it was captured.
    let payload: Range<Int>
    /// Whether all of it was.
    let isWhole: Bool

    init?(in packet: RawSpan, on link: LinkLayer) {
        guard let begin = Self.begin(in: packet, on: link), packet.byteCount > begin else { return nil }
        switch packet.octet(begin) >> 4 {
        case 4: self.init(ipv4: packet, at: begin)
        case 6: self.init(ipv6: packet, at: begin)
        default: return nil
        }
    }

    private init?(ipv4 packet: RawSpan, at begin: Int) {
        guard packet.byteCount >= begin + 20 else { return nil }
        let header = Int(packet.octet(begin) & 15) * 4
        guard header >= 20, packet.byteCount >= begin + header else { return nil }
        source = IPAddress(v4: packet.uint32(begin + 12))
        destination = IPAddress(v4: packet.uint32(begin + 16))
        ipProtocol = packet.octet(begin + 9)
        let field = packet.uint16(begin + 6)
        fragment =
            field & 0x3FFF == 0
            ? nil
            : Fragment(
                identification: UInt32(packet.uint16(begin + 4)),
                offset: Int(field & 0x1FFF) * 8,
                moreFollow: field & 0x2000 != 0
            )
        // 0 where the network card was to cut the packet up.
        let told = Int(packet.uint16(begin + 2))
        let end = told >= header ? begin + told : packet.byteCount
        payload = (begin + header)..<max(begin + header, min(end, packet.byteCount))
        isWhole = end <= packet.byteCount
    }

    private init?(ipv6 packet: RawSpan, at begin: Int) {
        guard packet.byteCount >= begin + 40 else { return nil }
        source = IPAddress(high: packet.uint64(begin + 8), low: packet.uint64(begin + 16))
        destination = IPAddress(high: packet.uint64(begin + 24), low: packet.uint64(begin + 32))
        let told = Int(packet.uint16(begin + 4))
        let end = told > 0 ? begin + 40 + told : packet.byteCount
        var next = packet.octet(begin + 6)
        var offset = begin + 40
        var fragment: Fragment?
        // Hop-by-hop, routing, authentication, destination options, mobility, fragment: each takes eight octets or more.
        walk: while packet.byteCount >= offset + 8, fragment == nil {
            let units = Int(packet.octet(offset + 1))
            switch next {
            case 0, 43, 60, 135: (next, offset) = (packet.octet(offset), offset + (units + 1) * 8)
            case 51: (next, offset) = (packet.octet(offset), offset + (units + 2) * 4)
            case 44:
                let field = packet.uint16(offset + 2)
                if field & 0xFFF9 != 0 {
                    fragment = Fragment(
                        identification: packet.uint32(offset + 4),
                        offset: Int(field & 0xFFF8),
                        moreFollow: field & 1 != 0
                    )
                }
                (next, offset) = (packet.octet(offset), offset + 8)
            default: break walk
            }
        }
        ipProtocol = next
        self.fragment = fragment
        payload = min(offset, packet.byteCount)..<max(min(offset, packet.byteCount), min(end, packet.byteCount))
        isWhole = end <= packet.byteCount
    }

    // MARK: Link layers

    private static func begin(in packet: RawSpan, on link: LinkLayer) -> Int? {
        switch link {
        case .ethernet: packet.byteCount >= 14 ? begin(in: packet, of: packet.uint16(12), at: 14) : nil
        case .cooked: packet.byteCount >= 16 ? begin(in: packet, of: packet.uint16(14), at: 16) : nil
        case .cooked2: packet.byteCount >= 20 ? begin(in: packet, of: packet.uint16(0), at: 20) : nil
        case .ip: 0
        case .loopback: 4
        }
    }

    /// Behind a type of Ethernet's. Each turn takes four octets at least, so the walk ends with the packet.
    private static func begin(in packet: RawSpan, of first: UInt16, at start: Int) -> Int? {
        var (type, offset) = (first, start)
        while true {
            switch type {
            case 0x0800, 0x86DD: return offset
            case 0x8100, 0x88A8, 0x9100:
                guard packet.byteCount >= offset + 4 else { return nil }
                (type, offset) = (packet.uint16(offset + 2), offset + 4)
            case 0x8864:
                guard packet.byteCount >= offset + 8, [0x21, 0x57].contains(packet.uint16(offset + 6)) else {
                    return nil
                }
                return offset + 8
            case 0x8847, 0x8848:
                // The last label says that it is.
                while packet.byteCount >= offset + 4, packet.octet(offset + 2) & 1 == 0 { offset += 4 }
                return offset + 4
            default: return nil
            }
        }
    }
}
