internal import NetworkTypes

/// The headers of a sampled packet on their way into a flow record.
struct SampledPacketSink: HeaderSink {
    var record: FlowRecord
    private let decapsulates: Tunnels

    init(_ record: FlowRecord, decapsulates: Tunnels = []) {
        self.record = record
        self.decapsulates = decapsulates
    }

    @inline(__always)
    mutating func ipv4(_ header: RawSpan) {
        record.source = header.ipv4(12)
        record.destination = header.ipv4(16)
        record.ipProtocol = IPProtocol(rawValue: header.octet(9))
        record.timeToLive = header.octet(8)
        record.bytes = UInt64(header.uint16(2))
    }

    @inline(__always)
    mutating func ipv6(_ header: RawSpan, carrying ipProtocol: UInt8) {
        record.source = header.ipv6(8)
        record.destination = header.ipv6(24)
        record.ipProtocol = IPProtocol(rawValue: ipProtocol)
        record.timeToLive = header.octet(7)
        record.bytes = UInt64(header.uint16(4)) &+ 40
    }

    @inline(__always)
    mutating func fragment(offset: UInt16, moreFollow: Bool) {
        // An atomic fragment (RFC 6946) is a whole packet.
        if offset > 0 || moreFollow { record.traits.insert(.isFragment) }
    }

    @inline(__always)
    mutating func ports(source: UInt16, destination: UInt16) {
        record.sourcePort = source
        record.destinationPort = destination
    }

    @inline(__always)
    mutating func tcpFlags(_ flags: UInt8) { record.tcpFlags = TCPFlags(rawValue: flags) }

    @inline(__always)
    mutating func icmp(type: UInt8, code: UInt8) {
        record.icmpType = type
        record.icmpCode = code
    }

    @inline(__always)
    mutating func enter(_ tunnel: Tunnels) -> Bool {
        guard decapsulates.contains(tunnel) else { return false }
        record.sourcePort = 0
        record.destinationPort = 0
        record.traits.remove(.isFragment)
        return true
    }

    @inline(__always)
    mutating func leave(isRead: Bool, outer: Self) {
        // What cannot be read inside is counted for what it is outside.
        if !isRead { record = outer.record }
    }

    func ethernet(_ header: RawSpan) {}
    func vlan(_ tag: UInt16) {}
    func pppoe() {}
    func etherType(_ type: UInt16) {}
    func label(_ entry: UInt32) {}
    func vxlanNetwork(_ identifier: UInt32) {}
    func cut() {}
}

extension PacketHeader {
    /// What is behind an IP header, by the protocol that the record has.
    static func readTransport(_ header: RawSpan, into record: inout FlowRecord) {
        var sink = SampledPacketSink(record)
        readTransport(header, of: record.ipProtocol.rawValue, into: &sink, depth: 0)
        record = sink.record
    }

    static func readEthernet(
        _ header: RawSpan,
        into record: inout FlowRecord,
        decapsulating tunnels: Tunnels = []
    ) -> Bool {
        var sink = SampledPacketSink(record, decapsulates: tunnels)
        defer { record = sink.record }
        return readEthernet(header, into: &sink)
    }

    static func readMPLS(
        _ header: RawSpan,
        into record: inout FlowRecord,
        decapsulating tunnels: Tunnels = []
    ) -> Bool {
        var sink = SampledPacketSink(record, decapsulates: tunnels)
        defer { record = sink.record }
        return readMPLS(header, into: &sink)
    }

    @inline(never)
    static func readPPP(
        _ header: RawSpan,
        into record: inout FlowRecord,
        decapsulating tunnels: Tunnels = []
    ) -> Bool {
        var sink = SampledPacketSink(record, decapsulates: tunnels)
        defer { record = sink.record }
        return readPPP(header, into: &sink)
    }

    static func readIP(
        _ header: RawSpan,
        into record: inout FlowRecord,
        decapsulating tunnels: Tunnels = []
    ) -> Bool {
        var sink = SampledPacketSink(record, decapsulates: tunnels)
        defer { record = sink.record }
        return readIP(header, into: &sink)
    }
}
