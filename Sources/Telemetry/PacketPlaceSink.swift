internal import NetworkTypes

/// Finds where in the octets of a sampled frame its IP packet begins. Asked only of packets whose header tells no length,
/// so that the others need not carry it along.
struct PacketPlaceSink: HeaderSink {
    private let decapsulates: Tunnels
    /// Octets that were captured from the IP header on; of the inner one where tunnels are entered.
    private var captured = 0

    private init(decapsulates: Tunnels) { self.decapsulates = decapsulates }

    /// Octets before the IP packet.
    static func offset(in header: RawSpan, decapsulating: Tunnels, _ read: (RawSpan, inout Self) -> Bool) -> Int {
        var sink = Self(decapsulates: decapsulating)
        _ = read(header, &sink)
        return header.byteCount &- sink.captured
    }

    mutating func ipv4(_ header: RawSpan) { captured = header.byteCount }
    mutating func ipv6(_ header: RawSpan, carrying ipProtocol: UInt8) { captured = header.byteCount }
    mutating func enter(_ tunnel: Tunnels) -> Bool { decapsulates.contains(tunnel) }
    mutating func leave(isRead: Bool, outer: Self) {
        if !isRead { self = outer }
    }

    func ethernet(_ header: RawSpan) {}
    func vlan(_ tag: UInt16) {}
    func pppoe() {}
    func etherType(_ type: UInt16) {}
    func label(_ entry: UInt32) {}
    func fragment(offset: UInt16, moreFollow: Bool) {}
    func ports(source: UInt16, destination: UInt16) {}
    func tcpFlags(_ flags: UInt8) {}
    func icmp(type: UInt8, code: UInt8) {}
    func vxlanNetwork(_ identifier: UInt32) {}
    func cut() {}
}

extension FlowRecord {
    /// The IP header says no length: its field is 0 where the network card was to cut the packet up, and in jumbograms
    /// (RFC 2675). An IPv6 packet without payload says so in its next header.
    var lacksLength: Bool { bytes == 0 || (bytes == 40 && !source.isIPv4 && ipProtocol.rawValue != 59) }

    /// Takes the length of a packet whose header says none from its frame, less the link layer's part.
    ///
    /// - Parameters:
    ///   - frame: octets of the frame on the wire, or 0 where that is not known.
    ///   - header: what of it was captured.
    mutating func takeLength(
        ofFrame frame: Int,
        _ header: RawSpan,
        decapsulating tunnels: Tunnels,
        _ read: (RawSpan, inout PacketPlaceSink) -> Bool
    ) {
        let offset = PacketPlaceSink.offset(in: header, decapsulating: tunnels, read)
        bytes = max(bytes, UInt64(max(0, frame &- offset)))
    }
}
