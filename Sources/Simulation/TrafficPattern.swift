public import NetworkTypes

/// Traffic by its rate and what its packets look like.
public struct TrafficPattern: Sendable {
    public enum Kind: Sendable, Hashable {
        /// Customers at work: web, DNS, a little ICMP, to and from many hosts.
        case ordinary
        case udpFlood
        case synFlood
        case icmpFlood
    }

    public var kind: Kind
    /// The hosts inside; a flood has one.
    public var hosts: [IPAddress]
    public var packetsPerSecond: Double

    public init(kind: Kind, hosts: [IPAddress], packetsPerSecond: Double) {
        self.kind = kind
        self.hosts = hosts
        self.packetsPerSecond = packetsPerSecond
    }

    /// A packet of the traffic.
    public func packet(using random: inout SeededGenerator) -> SimulatedPacket {
        let host = hosts.randomElement(using: &random) ?? IPAddress(198, 51, 100, 1)
        let remote = Self.remote(for: host, using: &random)
        let port = UInt16.random(in: 1024...65_535, using: &random)
        switch kind {
        case .udpFlood:
            let transport = SimulatedPacket.Transport.udp(
                sourcePort: port,
                destinationPort: .random(in: 1...65_535, using: &random)
            )
            return SimulatedPacket(source: remote, destination: host, transport: transport, payloadLength: 1200)
        case .synFlood:
            let transport = SimulatedPacket.Transport.tcp(sourcePort: port, destinationPort: 443, flags: .syn)
            return SimulatedPacket(source: remote, destination: host, transport: transport, payloadLength: 0)
        case .icmpFlood:
            let type: UInt8 = host.isIPv4 ? 8 : 128
            return SimulatedPacket(
                source: remote,
                destination: host,
                transport: .icmp(type: type, code: 0),
                payloadLength: 56
            )
        case .ordinary:
            return Self.ordinaryPacket(between: remote, and: host, port: port, using: &random)
        }
    }

    private static func ordinaryPacket(
        between remote: IPAddress,
        and host: IPAddress,
        port: UInt16,
        using random: inout SeededGenerator
    ) -> SimulatedPacket {
        let isIncoming = Bool.random(using: &random)
        let source = isIncoming ? remote : host
        let destination = isIncoming ? host : remote
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<3:
            let type: UInt8 = host.isIPv4 ? 8 : 128
            return SimulatedPacket(
                source: source,
                destination: destination,
                transport: .icmp(type: type, code: 0),
                payloadLength: 56
            )
        case 3..<20:
            let transport = SimulatedPacket.Transport.udp(
                sourcePort: isIncoming ? 53 : port,
                destinationPort: isIncoming ? port : 53
            )
            return SimulatedPacket(source: source, destination: destination, transport: transport, payloadLength: 120)
        default:
            let isFirst = Int.random(in: 0..<40, using: &random) == 0
            let transport = SimulatedPacket.Transport.tcp(
                sourcePort: isIncoming ? 443 : port,
                destinationPort: isIncoming ? port : 443,
                flags: isFirst ? .syn : .ack
            )
            return SimulatedPacket(
                source: source,
                destination: destination,
                transport: transport,
                payloadLength: isFirst ? 0 : isIncoming ? 1400 : 60
            )
        }
    }

    /// Somewhere on the Internet; documentation and benchmark prefixes only.
    private static func remote(for host: IPAddress, using random: inout SeededGenerator) -> IPAddress {
        if host.isIPv4 { return IPAddress(v4: 0xC612_0000 | UInt32.random(in: 0..<(1 << 17), using: &random)) }
        return IPAddress(high: 0x2001_0DB8_FFFF_0000, low: .random(in: 1...(.max), using: &random))
    }
}
