public import NetworkTypes

/// A packet that might have been on a wire.
public struct SimulatedPacket: Sendable, Hashable {
    public enum Transport: Sendable, Hashable {
        case udp(sourcePort: UInt16, destinationPort: UInt16)
        case tcp(sourcePort: UInt16, destinationPort: UInt16, flags: TCPFlags)
        case icmp(type: UInt8, code: UInt8)
        /// A protocol without ports, such as GRE.
        case other(IPProtocol)
    }

    /// What makes a packet a fragment of one.
    public struct Fragment: Sendable, Hashable {
        /// In units of 8 octets. Where it is not 0 there is no transport header.
        public var offset: UInt16
        public var moreFollow: Bool

        public init(offset: UInt16, moreFollow: Bool) {
            self.offset = offset
            self.moreFollow = moreFollow
        }
    }

    public var source: IPAddress
    public var destination: IPAddress
    public var transport: Transport
    /// Octets behind the transport header.
    public var payloadLength: Int
    /// Nil for a whole packet.
    public var fragment: Fragment?
    public var timeToLive: UInt8
    /// 802.1Q tags, outermost first.
    public var vlans: [UInt16]

    public init(
        source: IPAddress,
        destination: IPAddress,
        transport: Transport,
        payloadLength: Int,
        fragment: Fragment? = nil,
        timeToLive: UInt8 = 60,
        vlans: [UInt16] = []
    ) {
        self.source = source
        self.destination = destination
        self.transport = transport
        self.payloadLength = payloadLength
        self.fragment = fragment
        self.timeToLive = timeToLive
        self.vlans = vlans
    }

    /// The whole Ethernet frame; the payload is zeros.
    public var frame: [UInt8] { header + Array(repeating: 0, count: payloadLength) }

    /// Octets of the IP packet.
    public var ipLength: Int { headersLength + payloadLength }

    /// Octets of the headers from IP on.
    private var headersLength: Int {
        (source.isIPv4 ? 20 : fragment == nil ? 40 : 48) + transportLength
    }

    public var ipProtocol: IPProtocol {
        switch transport {
        case .udp: .udp
        case .tcp: .tcp
        case .icmp: source.isIPv4 ? .icmp : .icmpv6
        case .other(let number): number
        }
    }

    /// Whether there is a transport header in it: not in fragments other than the first.
    public var hasTransportHeader: Bool { fragment.map { $0.offset == 0 } ?? true }

    private var transportLength: Int {
        guard hasTransportHeader else { return 0 }
        switch transport {
        case .udp, .icmp: return 8
        case .tcp: return 20
        case .other: return 0
        }
    }

    /// The frame up to the end of the transport header.
    public var header: [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(80)
        writeHeader(to: &octets)
        return octets
    }

    /// Appends `header`.
    func writeHeader(to octets: inout [UInt8]) {
        octets += [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]
        for vlan in vlans {
            octets.append(big16: 0x8100)
            octets.append(big16: vlan)
        }
        octets.append(big16: source.isIPv4 ? 0x0800 : 0x86DD)
        writeIPHeader(to: &octets)
        if hasTransportHeader { writeTransportHeader(to: &octets) }
    }

    private func writeIPHeader(to octets: inout [UInt8]) {
        let start = octets.count
        guard source.isIPv4 else {
            octets.append(big32: 0x6000_0000)
            octets.append(big16: UInt16(clamping: ipLength - 40))
            octets.append(fragment == nil ? ipProtocol.rawValue : 44)
            octets.append(timeToLive)
            octets.append(address: source)
            octets.append(address: destination)
            if let fragment {
                // RFC 8200 section 4.5.
                octets.append(ipProtocol.rawValue)
                octets.append(0)
                octets.append(big16: fragment.offset << 3 | (fragment.moreFollow ? 1 : 0))
                octets.append(big32: 1)
            }
            return
        }
        octets.append(big16: 0x4500)
        octets.append(big16: UInt16(clamping: ipLength))
        octets.append(big16: 1)
        octets.append(big16: fragment.map { $0.offset & 0x1FFF | ($0.moreFollow ? 0x2000 : 0) } ?? 0)
        octets.append(timeToLive)
        octets.append(ipProtocol.rawValue)
        octets.append(big16: 0)
        octets.append(address: source)
        octets.append(address: destination)
        octets.set(big16: Self.checksum(octets[start...]), at: start + 10)
    }

    private func writeTransportHeader(to octets: inout [UInt8]) {
        switch transport {
        case .udp(let sourcePort, let destinationPort):
            octets.append(big16: sourcePort)
            octets.append(big16: destinationPort)
            octets.append(big16: UInt16(clamping: 8 + payloadLength))
            octets.append(big16: 0)
        case .tcp(let sourcePort, let destinationPort, let flags):
            octets.append(big16: sourcePort)
            octets.append(big16: destinationPort)
            octets.append(big32: 1)
            octets.append(big32: 0)
            octets.append(0x50)
            octets.append(flags.rawValue)
            octets.append(big16: 0xFFFF)
            octets.append(big32: 0)
        case .icmp(let type, let code):
            octets.append(type)
            octets.append(code)
            octets.append(big16: 0)
            octets.append(big32: 0)
        case .other: break
        }
    }

    /// RFC 1071, of an even number of octets.
    private static func checksum(_ octets: ArraySlice<UInt8>) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: octets.startIndex, to: octets.endIndex - 1, by: 2) {
            sum += UInt32(octets[index]) << 8 | UInt32(octets[index + 1])
        }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
