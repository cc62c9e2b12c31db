public import NetworkTypes

/// What packets of one sort look like, between a host inside and somebody outside.
public struct PacketShape: Sendable, Hashable {
    public enum Port: Sendable, Hashable {
        case fixed(UInt16)
        /// One of a few, for each conversation.
        case oneOf([UInt16])
        /// As systems choose their own: 1024…65535, for each conversation.
        case ephemeral
        /// 1…65535, for each packet anew.
        case any
    }

    public enum Part: Sendable, Hashable {
        case whole
        case firstFragment
        case laterFragment
    }

    /// How many of the packets are of this shape, in proportion to the other shapes' weights.
    public var weight: Double
    public var ipProtocol: IPProtocol
    public var remotePort: Port
    public var hostPort: Port
    public var flags: TCPFlags
    /// Of ICMP for IPv4; for IPv6 the type of the same meaning is put.
    public var icmpType: UInt8
    /// Octets of the IPv4 packet, all equally likely; an IPv6 packet has 20 more.
    public var length: ClosedRange<Int>
    /// From the host.
    public var isOutgoing: Bool
    public var part: Part

    public init(
        _ weight: Double,
        _ ipProtocol: IPProtocol,
        remotePort: Port = .ephemeral,
        hostPort: Port = .ephemeral,
        flags: TCPFlags = [],
        icmpType: UInt8 = 8,
        length: ClosedRange<Int>,
        isOutgoing: Bool = false,
        part: Part = .whole
    ) {
        self.weight = weight
        self.ipProtocol = ipProtocol
        self.remotePort = remotePort
        self.hostPort = hostPort
        self.flags = flags
        self.icmpType = icmpType
        self.length = length
        self.isOutgoing = isOutgoing
        self.part = part
    }

    /// The classes that detectors count such packets in.
    func isOf(_ trafficClass: TrafficClass) -> Bool {
        switch trafficClass {
        case .total: true
        case .tcp: ipProtocol == .tcp
        case .udp: ipProtocol == .udp
        case .icmp: ipProtocol.isICMP
        case .tcpSYN: ipProtocol == .tcp && flags.isConnectionAttempt
        case .fragments: part != .whole
        }
    }

    var meanLength: Double { Double(length.lowerBound + length.upperBound) / 2 }
}

/// Who speaks with a host, and from which ports: packets of one are of one flow.
struct Conversation: Sendable {
    var remote: IPAddress
    var remoteSeed: UInt16
    var hostSeed: UInt16
    var timeToLive: UInt8

    init(with remote: IPAddress, using random: inout SeededGenerator) {
        self.remote = remote
        let bits = random.next()
        remoteSeed = UInt16(truncatingIfNeeded: bits)
        hostSeed = UInt16(truncatingIfNeeded: bits >> 16)
        // The three that systems begin with, some routers ago.
        timeToLive = [64, 128, 255][Int(bits >> 32 % 3)] - UInt8(truncatingIfNeeded: (bits >> 40) % 20 + 4)
    }
}

extension PacketShape.Port {
    fileprivate func number(_ seed: UInt16, using random: inout SeededGenerator) -> UInt16 {
        switch self {
        case .fixed(let port): port
        case .oneOf(let ports): ports.isEmpty ? 0 : ports[Int(seed) % ports.count]
        case .ephemeral: seed % 64_512 + 1024
        case .any: UInt16(random.below(65_535) + 1)
        }
    }
}

extension PacketShape {
    /// A packet of a conversation with a host.
    func packet(
        of conversation: Conversation,
        with host: IPAddress,
        using random: inout SeededGenerator
    ) -> SimulatedPacket {
        let length = length.lowerBound + random.below(length.count)
        let remotePort = remotePort.number(conversation.remoteSeed, using: &random)
        let hostPort = hostPort.number(conversation.hostSeed, using: &random)
        let (source, destination) = isOutgoing ? (host, conversation.remote) : (conversation.remote, host)
        let (sourcePort, destinationPort) = isOutgoing ? (hostPort, remotePort) : (remotePort, hostPort)
        let transport: SimulatedPacket.Transport
        switch ipProtocol {
        case .udp: transport = .udp(sourcePort: sourcePort, destinationPort: destinationPort)
        case .tcp: transport = .tcp(sourcePort: sourcePort, destinationPort: destinationPort, flags: flags)
        case .icmp: transport = .icmp(type: host.isIPv4 ? icmpType : Self.icmpv6Type(of: icmpType), code: 0)
        default: transport = .other(ipProtocol)
        }
        var packet = SimulatedPacket(
            source: source,
            destination: destination,
            transport: transport,
            payloadLength: 0,
            timeToLive: isOutgoing ? 63 : conversation.timeToLive
        )
        switch part {
        case .whole: break
        case .firstFragment: packet.fragment = .init(offset: 0, moreFollow: true)
        case .laterFragment: packet.fragment = .init(offset: 185, moreFollow: length >= 1500)
        }
        packet.payloadLength = max(0, length + (host.isIPv4 ? 0 : 20) - packet.ipLength)
        return packet
    }

    /// RFC 4443: echo, its answer, unreachable, time exceeded.
    private static func icmpv6Type(of type: UInt8) -> UInt8 {
        switch type {
        case 0: 129
        case 3: 1
        case 11: 3
        default: 128
        }
    }
}
