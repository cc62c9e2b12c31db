internal import NetworkTypes

/// The headers of a sampled packet on their way into a normalised record: outer and inner ones, each with all it says.
struct NormalizedHeaderSink: HeaderSink {
    private(set) var record = NormalizedRecord()
    /// The packets around the one being read, the outermost first.
    private var outer: [NormalizedRecord] = []

    mutating func ethernet(_ header: RawSpan) {
        record.add(.destinationMAC, .macAddress(header.uint64(0) >> 16))
        record.add(.sourceMAC, .macAddress(header.uint64(4) & 0xFFFF_FFFF_FFFF))
    }

    mutating func vlan(_ tag: UInt16) { append(UInt64(tag & 0xFFF), to: .vlans) }

    mutating func pppoe() { record.add(.pppoe, .flag(true)) }

    mutating func vxlanNetwork(_ identifier: UInt32) { record.add(.vni, identifier) }

    mutating func etherType(_ type: UInt16) { record.add(.etherType, type) }

    mutating func label(_ entry: UInt32) { append(UInt64(entry >> 12), to: .mpls) }

    private mutating func append(_ number: UInt64, to key: NormalizedRecord.Key) {
        if case .numbers(let numbers) = record[key] {
            record.set(key, .numbers(numbers + [number]))
        } else {
            record.add(key, .numbers([number]))
        }
    }

    mutating func ipv4(_ header: RawSpan) {
        record.add(.etherType, 0x0800 as UInt16)
        record.add(.src, header.ipv4(12))
        record.add(.dst, header.ipv4(16))
        record.add(.proto, header.octet(9))
        record.add(.ipLength, header.uint16(2))
        record.add(.tos, header.octet(1))
        record.add(.ttl, header.octet(8))
    }

    mutating func ipv6(_ header: RawSpan, carrying ipProtocol: UInt8) {
        record.add(.etherType, 0x86DD as UInt16)
        record.add(.src, header.ipv6(8))
        record.add(.dst, header.ipv6(24))
        record.add(.proto, ipProtocol)
        record.add(.ipLength, UInt64(header.uint16(4)) + 40)
        record.add(.tos, header.uint16(0) >> 4 & 0xFF)
        record.add(.ttl, header.octet(7))
        record.add(.flowLabel, header.uint32(0) & 0xF_FFFF)
    }

    mutating func fragment(offset: UInt16, moreFollow: Bool) {
        var fragment = NormalizedRecord()
        fragment.add(.offset, offset)
        fragment.add(.moreFollow, .flag(moreFollow))
        record.add(.frag, .record(fragment))
    }

    mutating func ports(source: UInt16, destination: UInt16) {
        record.add(.sport, source)
        record.add(.dport, destination)
    }

    mutating func tcpFlags(_ flags: UInt8) { record.add(.tcpFlags, flags) }

    mutating func icmp(type: UInt8, code: UInt8) {
        record.add(.icmpType, type)
        record.add(.icmpCode, code)
    }

    mutating func cut() { record.add(.short, .flag(true)) }

    mutating func enter(_ tunnel: Tunnels) -> Bool {
        let name = tunnel == .gtpU ? "gtpu" : Tunnels.named.first { $0.tunnel == tunnel }?.name ?? "unknown"
        record.add(.tunnel, .text(name))
        outer.append(record)
        record = NormalizedRecord()
        return true
    }

    mutating func leave(isRead: Bool, outer before: Self) {
        guard var enclosing = outer.popLast() else { return }
        if !record.fields.isEmpty { enclosing.add(.inner, .record(record)) }
        record = enclosing
    }
}
