internal import NetworkTypes

/// Reads the headers of a sampled packet into a flow record. What is cut off in mid-header is left unknown: samplers
/// keep only the first octets of a packet.
enum PacketHeader {
    private enum EtherType {
        static let ipv4: UInt16 = 0x0800
        static let ipv6: UInt16 = 0x86DD
        static let mpls: UInt16 = 0x8847
        static let mplsMulticast: UInt16 = 0x8848
        static let pppoeSession: UInt16 = 0x8864
        /// 802.1Q, 802.1ad and the numbers that stood for it before.
        static func isTag(_ type: UInt16) -> Bool {
            type == 0x8100 || type == 0x88A8 || type == 0x9100 || type == 0x9200 || type == 0x9300
        }
    }

    /// An Ethernet frame. False when there is no IP packet in it, or its header is not whole.
    static func readEthernet(_ header: RawSpan, into record: inout FlowRecord) -> Bool {
        var offset = 14
        guard header.byteCount >= offset else { return false }
        var type = header.uint16(12)
        // Each turn takes four octets of what is left, so the loop ends with the header.
        while EtherType.isTag(type) {
            guard header.byteCount >= offset &+ 4 else { return false }
            type = header.uint16(offset &+ 2)
            offset &+= 4
        }
        if type == EtherType.pppoeSession {
            guard header.byteCount >= offset &+ 8 else { return false }
            type = header.uint16(offset &+ 6) == 0x21 ? EtherType.ipv4 : EtherType.ipv6
            offset &+= 8
        }
        // A length instead of a type: 802.2 with SNAP.
        if type <= 1500, header.byteCount >= offset &+ 8, header.uint16(offset) == 0xAAAA {
            type = header.uint16(offset &+ 6)
            offset &+= 8
        }
        switch type {
        case EtherType.ipv4, EtherType.ipv6:
            return readIP(header.extracting(droppingFirst: offset), into: &record)
        case EtherType.mpls, EtherType.mplsMulticast:
            return readMPLS(header.extracting(droppingFirst: offset), into: &record)
        default:
            return false
        }
    }

    /// A label stack, then IP, or Ethernet behind a control word (RFC 4448).
    static func readMPLS(_ header: RawSpan, into record: inout FlowRecord) -> Bool {
        var offset = 0
        while header.byteCount >= offset &+ 4 {
            let isBottom = header.octet(offset &+ 2) & 1 == 1
            offset &+= 4
            guard isBottom else { continue }
            guard header.byteCount > offset else { return false }
            let rest = header.extracting(droppingFirst: offset)
            if rest.octet(0) >> 4 == 0 {
                return rest.byteCount > 4 && readEthernet(rest.extracting(droppingFirst: 4), into: &record)
            }
            return readIP(rest, into: &record)
        }
        return false
    }

    /// An IP packet, told apart by its version field.
    static func readIP(_ header: RawSpan, into record: inout FlowRecord) -> Bool {
        guard header.byteCount >= 20 else { return false }
        switch header.octet(0) >> 4 {
        case 4: return readIPv4(header, into: &record)
        case 6: return readIPv6(header, into: &record)
        default: return false
        }
    }

    private static func readIPv4(_ header: RawSpan, into record: inout FlowRecord) -> Bool {
        let headerLength = Int(header.octet(0) & 15) &* 4
        guard headerLength >= 20 else { return false }
        record.source = header.ipv4(12)
        record.destination = header.ipv4(16)
        record.ipProtocol = IPProtocol(rawValue: header.octet(9))
        record.timeToLive = header.octet(8)
        record.bytes = UInt64(header.uint16(2))
        let fragment = header.uint16(6)
        if fragment & 0x3FFF != 0 { record.traits.insert(.isFragment) }
        if fragment & 0x1FFF == 0 { readTransport(header, at: headerLength, into: &record) }
        return true
    }

    private static func readIPv6(_ header: RawSpan, into record: inout FlowRecord) -> Bool {
        guard header.byteCount >= 40 else { return false }
        record.source = header.ipv6(8)
        record.destination = header.ipv6(24)
        record.timeToLive = header.octet(7)
        record.bytes = UInt64(header.uint16(4)) &+ 40
        var next = header.octet(6)
        var offset = 40
        var isFirstFragment = true
        // Hop-by-hop, routing, fragment, authentication, destination options, mobility: each takes at least 8 octets.
        walk: while header.byteCount >= offset &+ 8 {
            switch next {
            case 44:
                let field = header.uint16(offset &+ 2)
                // An atomic fragment (RFC 6946) is a whole packet.
                if field & 0xFFF9 != 0 { record.traits.insert(.isFragment) }
                isFirstFragment = field & 0xFFF8 == 0
                next = header.octet(offset)
                offset &+= 8
                if !isFirstFragment { break walk }
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
        record.ipProtocol = IPProtocol(rawValue: next)
        if isFirstFragment { readTransport(header, at: offset, into: &record) }
        return true
    }

    private static func readTransport(_ header: RawSpan, at offset: Int, into record: inout FlowRecord) {
        let available = header.byteCount &- offset
        switch record.ipProtocol.rawValue {
        case 6, 17, 33, 132, 136:
            guard available >= 4 else { return }
            record.sourcePort = header.uint16(offset)
            record.destinationPort = header.uint16(offset &+ 2)
            if record.ipProtocol == .tcp, available >= 14 {
                record.tcpFlags = TCPFlags(rawValue: header.octet(offset &+ 13))
            }
        case 1, 58:
            guard available >= 2 else { return }
            record.icmpType = header.octet(offset)
            record.icmpCode = header.octet(offset &+ 1)
        default:
            break
        }
    }
}
