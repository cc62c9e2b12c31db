/// What is behind a label stack, which no field says: IP by its version, or the Ethernet frame of a pseudowire (RFC 4448),
/// whose first octet, of an address, may be the same.
enum LabelledPayload {
    case ip
    /// A frame that begins at the offset, which is 4 behind a control word.
    case ethernet(Int)
    case unknown

    init(_ payload: RawSpan) {
        guard payload.byteCount > 0 else {
            self = .unknown
            return
        }
        switch payload.octet(0) >> 4 {
        case 0:
            // The first four bits of a control word; or an address.
            self = .ethernet(Self.isFrame(payload, at: 0) && !Self.isFrame(payload, at: 4) ? 0 : 4)
        case 4, 6:
            let header = IPHeaderCheck(payload, at: 0)
            if header == .proven {
                self = .ip
            } else if Self.holdsPacket(payload) || header != .possible && Self.isFrame(payload, at: 0) {
                self = .ethernet(0)
            } else {
                self = header == .wrong ? .unknown : .ip
            }
        default: self = Self.isFrame(payload, at: 0) ? .ethernet(0) : .unknown
        }
    }

    private static func isFrame(_ octets: RawSpan, at offset: Int) -> Bool {
        octets.byteCount >= offset &+ 14 && PacketHeader.EtherType.leadsToIP(octets.uint16(offset &+ 12))
    }

    /// Whether there is a frame, behind whose tags is an IP header as it must be.
    private static func holdsPacket(_ octets: RawSpan) -> Bool {
        var offset = 12
        // Each turn takes four octets, so the loop ends.
        while octets.byteCount >= offset &+ 2, PacketHeader.EtherType.isTag(octets.uint16(offset)) { offset &+= 4 }
        guard octets.byteCount >= offset &+ 3 else { return false }
        let version = octets.octet(offset &+ 2) >> 4
        switch octets.uint16(offset) {
        // An IPv6 address may well have the number of IPv4 in it, but no right header behind that.
        case PacketHeader.EtherType.ipv4:
            return version == 4 && IPHeaderCheck(octets, at: offset &+ 2) == .proven
        case PacketHeader.EtherType.ipv6:
            return version == 6 && IPHeaderCheck(octets, at: offset &+ 2) == .possible
        default: return false
        }
    }
}

/// How far what may be an IP header is one.
enum IPHeaderCheck {
    /// IPv4 whose checksum is right.
    case proven
    case possible
    /// IPv4 whose checksum is wrong, as with agents that look at a packet while it is being changed.
    case doubtful
    case wrong

    /// - Parameter octets: of the packet, as far as they were captured.
    init(_ octets: RawSpan, at offset: Int) {
        let left = octets.byteCount &- offset
        guard left >= 20 else {
            self = .wrong
            return
        }
        let first = octets.octet(offset)
        switch first >> 4 {
        case 4:
            let length = Int(first & 15) &* 4
            let total = Int(octets.uint16(offset &+ 2))
            guard length >= 20, total == 0 || total >= length, Self.fits(left, in: total) else {
                self = .wrong
                return
            }
            // Not there where the network card is to write it, and not to be checked where options are cut off.
            guard left >= length, octets.uint16(offset &+ 10) != 0 else {
                self = .possible
                return
            }
            self = Self.sum(octets, from: offset, length: length) == 0xFFFF ? .proven : .doubtful
        case 6:
            // Too short to hold addresses, or a hop limit of 0, which no router passes on.
            guard left >= 40, octets.octet(offset &+ 7) > 0 else {
                self = .wrong
                return
            }
            let payload = Int(octets.uint16(offset &+ 4))
            self = Self.fits(left, in: payload == 0 ? 0 : payload &+ 40) ? .possible : .wrong
        default: self = .wrong
        }
    }

    /// Octets of the shortest payload of a frame, and of what may follow it: the check sequence and time stamps of taps.
    private static let (shortest, trailer) = (46, 16)

    /// Whether a packet of that length, 0 where its header tells none (RFC 2675), can have had so many octets captured.
    private static func fits(_ captured: Int, in total: Int) -> Bool {
        total == 0 || captured <= max(total, shortest) &+ trailer
    }

    /// The sum of RFC 791's checksum: all ones over a right header.
    private static func sum(_ octets: RawSpan, from offset: Int, length: Int) -> UInt32 {
        var sum: UInt32 = 0
        for word in stride(from: offset, to: offset &+ length, by: 2) { sum &+= UInt32(octets.uint16(word)) }
        sum = sum >> 16 &+ sum & 0xFFFF
        return sum >> 16 &+ sum & 0xFFFF
    }
}
