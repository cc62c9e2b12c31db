public import NetworkTypes

/// A packet that might have been on a wire.
public struct SimulatedPacket: Sendable, Hashable {
    public enum Transport: Sendable, Hashable {
        case udp(sourcePort: UInt16, destinationPort: UInt16)
        case tcp(sourcePort: UInt16, destinationPort: UInt16, flags: TCPFlags)
        case icmp(type: UInt8, code: UInt8)
    }

    public var source: IPAddress
    public var destination: IPAddress
    public var transport: Transport
    /// Octets behind the transport header.
    public var payloadLength: Int
    /// 802.1Q tags, outermost first.
    public var vlans: [UInt16]

    public init(
        source: IPAddress,
        destination: IPAddress,
        transport: Transport,
        payloadLength: Int,
        vlans: [UInt16] = []
    ) {
        self.source = source
        self.destination = destination
        self.transport = transport
        self.payloadLength = payloadLength
        self.vlans = vlans
    }

    /// The whole Ethernet frame; the payload is zeros.
    public var frame: [UInt8] { header + Array(repeating: 0, count: payloadLength) }

    /// Octets of the IP packet.
    public var ipLength: Int { (source.isIPv4 ? 20 : 40) + transportHeader.count + payloadLength }

    /// The frame up to the end of the transport header.
    public var header: [UInt8] {
        var octets: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]
        for vlan in vlans { octets += [0x81, 0x00] + Self.big(vlan) }
        octets += source.isIPv4 ? [0x08, 0x00] : [0x86, 0xDD]
        return octets + ipHeader + transportHeader
    }

    private var ipHeader: [UInt8] {
        let number: UInt8 =
            switch transport {
            case .udp: 17
            case .tcp: 6
            case .icmp: source.isIPv4 ? 1 : 58
            }
        if source.isIPv4 {
            var octets: [UInt8] = [0x45, 0] + Self.big(UInt16(clamping: ipLength)) + [0, 1, 0, 0, 60, number, 0, 0]
            octets += source.bytes + destination.bytes
            let checksum = Self.big(Self.checksum(octets))
            octets.replaceSubrange(10..<12, with: checksum)
            return octets
        }
        let length = UInt16(clamping: transportHeader.count + payloadLength)
        return [0x60, 0, 0, 0] + Self.big(length) + [number, 60] + source.bytes + destination.bytes
    }

    private var transportHeader: [UInt8] {
        switch transport {
        case .udp(let sourcePort, let destinationPort):
            return Self.big(sourcePort) + Self.big(destinationPort) + Self.big(UInt16(clamping: 8 + payloadLength))
                + [0, 0]
        case .tcp(let sourcePort, let destinationPort, let flags):
            return Self.big(sourcePort) + Self.big(destinationPort) + [0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags.rawValue]
                + [0xFF, 0xFF, 0, 0, 0, 0]
        case .icmp(let type, let code):
            return [type, code, 0, 0, 0, 0, 0, 0]
        }
    }

    private static func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

    /// RFC 1071.
    private static func checksum(_ octets: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: octets.count - 1, by: 2) {
            sum += UInt32(octets[index]) << 8 | UInt32(octets[index + 1])
        }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
