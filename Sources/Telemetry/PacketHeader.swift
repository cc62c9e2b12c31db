internal import NetworkTypes

/// What takes the headers of a sampled packet as they are found. A protocol, so that the counters' few values and the
/// whole picture for people come out of one parser; each use is specialised.
protocol HeaderSink {
    /// The first 14 octets of an Ethernet frame.
    mutating func ethernet(_ header: RawSpan)
    mutating func vlan(_ tag: UInt16)
    mutating func pppoe()
    mutating func etherType(_ type: UInt16)
    mutating func label(_ entry: UInt32)
    /// A whole IPv4 header without its options.
    mutating func ipv4(_ header: RawSpan)
    /// A whole IPv6 header, with the protocol behind its extension headers.
    mutating func ipv6(_ header: RawSpan, carrying ipProtocol: UInt8)
    /// In units of 8 octets.
    mutating func fragment(offset: UInt16, moreFollow: Bool)
    mutating func ports(source: UInt16, destination: UInt16)
    mutating func tcpFlags(_ flags: UInt8)
    mutating func icmp(type: UInt8, code: UInt8)
    /// The number of a VXLAN network, before it is entered.
    mutating func vxlanNetwork(_ identifier: UInt32)
    /// The header ends within a link layer.
    mutating func cut()
    /// Whether the packet in this tunnel is of interest; if so, its headers follow, and then `leave`.
    mutating func enter(_ tunnel: Tunnels) -> Bool
    mutating func leave(isRead: Bool, outer: Self)
}

/// Reads the headers of a sampled packet. What is cut off in mid-header is left unknown: samplers keep only the first
/// octets of a packet. Each function says whether there was an IP header.
enum PacketHeader {
    enum EtherType {
        static let ipv4: UInt16 = 0x0800
        static let ipv6: UInt16 = 0x86DD
        static let mpls: UInt16 = 0x8847
        static let mplsMulticast: UInt16 = 0x8848
        static let pppoeSession: UInt16 = 0x8864
        /// 802.1Q, 802.1ad and the numbers that stood for it before.
        static func isTag(_ type: UInt16) -> Bool {
            type == 0x8100 || type == 0x88A8 || type == 0x9100 || type == 0x9200 || type == 0x9300
        }
        /// As PPP numbers its protocols; 0 for others.
        static func of(ppp: UInt16) -> UInt16 {
            switch ppp {
            case 0x21: ipv4
            case 0x57: ipv6
            case 0x281: mpls
            case 0x283: mplsMulticast
            default: 0
            }
        }
        /// What can be behind a frame's addresses where an IP packet is in it.
        static func leadsToIP(_ type: UInt16) -> Bool {
            [ipv4, ipv6, mpls, mplsMulticast, pppoeSession].contains(type) || isTag(type)
        }
    }

    /// Tunnels in tunnels are followed so far.
    private static let deepest = 4

    /// An Ethernet frame.
    static func readEthernet(_ header: RawSpan, into sink: inout some HeaderSink, depth: Int = 0) -> Bool {
        guard header.byteCount >= 14 else {
            sink.cut()
            return false
        }
        sink.ethernet(header)
        return readPayload(header.extracting(droppingFirst: 14), of: header.uint16(12), into: &sink, depth: depth)
    }

    /// What follows a type of Ethernet's.
    static func readPayload(
        _ header: RawSpan,
        of etherType: UInt16,
        into sink: inout some HeaderSink,
        depth: Int
    ) -> Bool {
        var type = etherType
        var offset = 0
        // Each turn takes four octets of what is left, so the loop ends with the header.
        while EtherType.isTag(type) {
            guard header.byteCount >= offset &+ 4 else {
                sink.cut()
                return false
            }
            sink.vlan(header.uint16(offset))
            type = header.uint16(offset &+ 2)
            offset &+= 4
        }
        if type == EtherType.pppoeSession, header.byteCount >= offset &+ 8 {
            sink.pppoe()
            type = EtherType.of(ppp: header.uint16(offset &+ 6))
            offset &+= 8
        }
        // A length instead of a type: 802.2 with SNAP.
        if (3...1500).contains(type), header.byteCount >= offset &+ 8, header.uint16(offset) == 0xAAAA {
            type = header.uint16(offset &+ 6)
            offset &+= 8
        }
        let rest = header.extracting(droppingFirst: offset)
        if type == EtherType.mpls || type == EtherType.mplsMulticast {
            return readMPLS(rest, into: &sink, depth: depth)
        }
        sink.etherType(type)
        guard type == EtherType.ipv4 || type == EtherType.ipv6 else { return false }
        return readIP(rest, into: &sink, depth: depth)
    }

    /// PPP, with or without the address and control octets of HDLC (RFC 1662) and the upper octet of its protocol; or
    /// Cisco's HDLC, which has a type of Ethernet's.
    static func readPPP(_ header: RawSpan, into sink: inout some HeaderSink) -> Bool {
        guard header.byteCount >= 4 else {
            sink.cut()
            return false
        }
        var type: UInt16
        var offset = 4
        switch header.uint16(0) {
        case 0x0F00, 0x8F00: type = header.uint16(2)
        case 0xFF03 where header.octet(2) & 1 != 0: (type, offset) = (EtherType.of(ppp: UInt16(header.octet(2))), 3)
        case 0xFF03: type = EtherType.of(ppp: header.uint16(2))
        case let word where word >> 8 & 1 != 0: (type, offset) = (EtherType.of(ppp: word >> 8), 1)
        case let word: (type, offset) = (EtherType.of(ppp: word), 2)
        }
        return readPayload(header.extracting(droppingFirst: offset), of: type, into: &sink, depth: 0)
    }

    /// A label stack, then IP, or Ethernet, with or without a control word (RFC 4448).
    static func readMPLS(_ header: RawSpan, into sink: inout some HeaderSink, depth: Int = 0) -> Bool {
        var offset = 0
        while header.byteCount >= offset &+ 4 {
            let entry = header.uint32(offset)
            sink.label(entry)
            offset &+= 4
            guard entry & 0x100 != 0 else { continue }
            guard header.byteCount > offset else { return false }
            let rest = header.extracting(droppingFirst: offset)
            switch LabelledPayload(rest) {
            case .ip: return readIP(rest, into: &sink, depth: depth)
            case .ethernet(let frame):
                return rest.byteCount > frame
                    && readEthernet(rest.extracting(droppingFirst: frame), into: &sink, depth: depth)
            case .unknown: return false
            }
        }
        return false
    }

    /// An IP packet, told apart by its version field.
    static func readIP(_ header: RawSpan, into sink: inout some HeaderSink, depth: Int = 0) -> Bool {
        guard header.byteCount >= 20 else { return false }
        switch header.octet(0) >> 4 {
        case 4: return readIPv4(header, into: &sink, depth: depth)
        case 6: return readIPv6(header, into: &sink, depth: depth)
        default: return false
        }
    }

    private static func readIPv4(_ header: RawSpan, into sink: inout some HeaderSink, depth: Int) -> Bool {
        let headerLength = Int(header.octet(0) & 15) &* 4
        guard headerLength >= 20 else { return false }
        sink.ipv4(header)
        let field = header.uint16(6)
        if field & 0x3FFF != 0 { sink.fragment(offset: field & 0x1FFF, moreFollow: field & 0x2000 != 0) }
        if field & 0x1FFF == 0, header.byteCount > headerLength {
            let rest = header.extracting(droppingFirst: headerLength)
            readTransport(rest, of: header.octet(9), into: &sink, depth: depth)
        }
        return true
    }

    private static func readIPv6(_ header: RawSpan, into sink: inout some HeaderSink, depth: Int) -> Bool {
        guard header.byteCount >= 40 else { return false }
        var next = header.octet(6)
        var offset = 40
        var fragmentField: UInt16?
        // Hop-by-hop, routing, fragment, authentication, destination options, mobility: each takes at least 8 octets.
        walk: while header.byteCount >= offset &+ 8 {
            let current = next
            switch current {
            case 44:
                fragmentField = header.uint16(offset &+ 2)
                next = header.octet(offset)
                offset &+= 8
                if header.uint16(offset &- 6) & 0xFFF8 != 0 { break walk }
            case 51:
                next = header.octet(offset)
                offset &+= (Int(header.octet(offset &+ 1)) &+ 2) &* 4
            case 0, 43, 60, 135:
                next = header.octet(offset)
                offset &+= (Int(header.octet(offset &+ 1)) &+ 1) &* 8
            default:
                break walk
            }
        }
        sink.ipv6(header, carrying: next)
        if let fragmentField {
            sink.fragment(offset: fragmentField >> 3, moreFollow: fragmentField & 1 != 0)
            if fragmentField & 0xFFF8 != 0 { return true }
        }
        if header.byteCount > offset {
            readTransport(header.extracting(droppingFirst: offset), of: next, into: &sink, depth: depth)
        }
        return true
    }

    static func readTransport(
        _ header: RawSpan,
        of ipProtocol: UInt8,
        into sink: inout some HeaderSink,
        depth: Int
    ) {
        switch ipProtocol {
        case 6, 17, 33, 132, 136:
            guard header.byteCount >= 4 else { return }
            let destination = header.uint16(2)
            sink.ports(source: header.uint16(0), destination: destination)
            if ipProtocol == 6, header.byteCount >= 14 { sink.tcpFlags(header.octet(13)) }
            if ipProtocol == 17 { readUDPTunnel(header, to: destination, into: &sink, depth: depth) }
        case 1, 58:
            guard header.byteCount >= 2 else { return }
            sink.icmp(type: header.octet(0), code: header.octet(1))
        case 4, 41:
            follow(ipProtocol == 4 ? .ipip : .sixInFour, header, into: &sink, depth: depth)
        case 47:
            readGRE(header, into: &sink, depth: depth)
        default:
            break
        }
    }

    private static func readUDPTunnel(
        _ header: RawSpan,
        to port: UInt16,
        into sink: inout some HeaderSink,
        depth: Int
    ) {
        guard port == 4789 || port == 2152, header.byteCount >= 16 else { return }
        let flags = header.octet(8)
        if port == 4789, flags & 8 != 0 {
            sink.vxlanNetwork(header.uint32(12) >> 8)
            follow(.vxlan, header.extracting(droppingFirst: 16), into: &sink, depth: depth)
        } else if port == 2152, flags >> 5 == 1, header.octet(9) == 0xFF {
            // A G-PDU; sequence number, N-PDU number and extension type follow when any of their flags is set.
            var length = flags & 7 != 0 ? 20 : 16
            guard header.byteCount > length else { return }
            // Extension headers (5.2): a length in units of four octets, and the type of the next in the last octet.
            var next = flags & 4 != 0 ? header.octet(19) : 0
            while next != 0 {
                let units = Int(header.octet(length))
                guard units > 0, header.byteCount > length &+ units &* 4 else { return }
                length &+= units &* 4
                next = header.octet(length &- 1)
            }
            follow(.gtpU, header.extracting(droppingFirst: length), into: &sink, depth: depth)
        }
    }

    private static func readGRE(_ header: RawSpan, into sink: inout some HeaderSink, depth: Int) {
        guard header.byteCount >= 4 else { return }
        let flags = header.uint16(0)
        guard flags & 7 == 0 else { return }
        // Checksum (or routing), key and sequence number take four octets each where their flag is set.
        var length = 4
        if flags & 0xC000 != 0 { length &+= 4 }
        if flags & 0x2000 != 0 { length &+= 4 }
        if flags & 0x1000 != 0 { length &+= 4 }
        let type = header.uint16(2)
        guard header.byteCount > length, [EtherType.ipv4, EtherType.ipv6, 0x6558].contains(type) else {
            return
        }
        follow(.gre, header.extracting(droppingFirst: length), isEthernet: type == 0x6558, into: &sink, depth: depth)
    }

    private static func follow(
        _ tunnel: Tunnels,
        _ packet: RawSpan,
        isEthernet: Bool = false,
        into sink: inout some HeaderSink,
        depth: Int
    ) {
        let outer = sink
        guard depth < deepest, sink.enter(tunnel) else { return }
        let isRead =
            isEthernet || tunnel == .vxlan
            ? readEthernet(packet, into: &sink, depth: depth &+ 1) : readIP(packet, into: &sink, depth: depth &+ 1)
        sink.leave(isRead: isRead, outer: outer)
    }
}
