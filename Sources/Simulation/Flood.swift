public import NetworkTypes

/// The packets of an attack of one kind.
public struct Flood: Sendable, Hashable {
    public var kind: AttackKind
    public var shapes: [PacketShape]
    public var spread: Population.Spread

    public init(kind: AttackKind, shapes: [PacketShape], spread: Population.Spread) {
        self.kind = kind
        self.shapes = shapes
        self.spread = spread
    }

    /// One of the forms in which attacks of a kind are seen.
    public init(_ kind: AttackKind, using random: inout SeededGenerator) {
        self.kind = kind
        if let service = Amplifier.all[kind] {
            shapes = service.shapes(using: &random)
            spread = .hosts(Int(random.logarithmic(60...3000)))
            return
        }
        switch kind {
        case .synACKReflection:
            shapes = Self.shapes(of: kind, using: &random)
            spread = .hosts(Int(random.logarithmic(200...4000)))
        case .udpFlood, .greFlood, .ackFlood:
            shapes = Self.shapes(of: kind, using: &random)
            spread = [.anywhere, .networks(300), .hosts(1500), .hosts(3)][random.below(4)]
        default:
            shapes = Self.shapes(of: kind, using: &random)
            spread = random.below(3) == 0 ? .hosts(random.below(8) + 1) : .anywhere
        }
    }

    private static func shapes(of kind: AttackKind, using random: inout SeededGenerator) -> [PacketShape] {
        // Tools send packets of one length, or of any.
        let small = 28 + random.below(60)
        let length = random.below(3) == 0 ? 60...1400 : { $0...$0 }(Int(random.logarithmic(60...1480)))
        let service = PacketShape.Port.fixed(random.element(of: [80, 443, 22, 25, 53, 8080]))
        switch kind {
        case .icmpFlood: return [PacketShape(1, .icmp, icmpType: 8, length: small...small)]
        case .greFlood: return [PacketShape(1, .gre, length: 540...560)]
        case .fragmentFlood:
            return [
                PacketShape(9, .udp, length: 1480...1500, part: .laterFragment),
                PacketShape(1, .udp, remotePort: .any, hostPort: .any, length: 1500...1500, part: .firstFragment),
            ]
        case .synFlood:
            return [PacketShape(1, .tcp, remotePort: .any, hostPort: service, flags: .syn, length: 40...40)]
        case .synACKReflection:
            let ports = PacketShape.Port.oneOf([80, 443, 443, 22, 179])
            return [PacketShape(1, .tcp, remotePort: ports, hostPort: .any, flags: [.syn, .ack], length: 44...60)]
        case .ackFlood: return [tcp(.ack, service)]
        case .rstFlood: return [tcp(.rst, service)]
        case .tcpNullFlood: return [tcp([], service)]
        case .tcpXmasFlood: return [tcp([.fin, .psh, .urg], service)]
        case .flood:
            return [
                PacketShape(34, .udp, remotePort: .any, hostPort: .any, length: length),
                PacketShape(33, .tcp, remotePort: .any, hostPort: service, flags: .syn, length: 40...40),
                PacketShape(33, .icmp, icmpType: 8, length: small...small),
            ]
        default:
            let port = random.below(2) == 0 ? PacketShape.Port.any : .fixed(UInt16(random.below(64_000) + 1024))
            return [PacketShape(1, .udp, remotePort: .any, hostPort: port, length: length)]
        }
    }

    private static func tcp(_ flags: TCPFlags, _ port: PacketShape.Port) -> PacketShape {
        PacketShape(1, .tcp, remotePort: .any, hostPort: port, flags: flags, length: 40...40)
    }
}

/// A service whose answers are larger than its questions.
struct Amplifier {
    var port: UInt16
    /// Octets of the answers' IP packets.
    var length: ClosedRange<Int>
    /// Whether larger answers come in fragments, of which all but the first have no ports.
    var isFragmented = false

    static let all: [AttackKind: Amplifier] = [
        .dnsAmplification: Amplifier(port: 53, length: 900...1472, isFragmented: true),
        .ntpAmplification: Amplifier(port: 123, length: 468...468),
        .ssdpAmplification: Amplifier(port: 1900, length: 280...420),
        .memcachedAmplification: Amplifier(port: 11_211, length: 1400...1428),
        .cldapAmplification: Amplifier(port: 389, length: 1400...1472, isFragmented: true),
        .chargenAmplification: Amplifier(port: 19, length: 100...1052),
        .snmpAmplification: Amplifier(port: 161, length: 500...1472, isFragmented: true),
        .portmapAmplification: Amplifier(port: 111, length: 96...680),
        .qotdAmplification: Amplifier(port: 17, length: 60...540),
        .mdnsAmplification: Amplifier(port: 5353, length: 90...600),
        .wsDiscoveryAmplification: Amplifier(port: 3702, length: 600...1472),
        .armsAmplification: Amplifier(port: 3283, length: 1062...1062),
        .coapAmplification: Amplifier(port: 5683, length: 90...1280),
        .tftpAmplification: Amplifier(port: 69, length: 544...544),
        .ripAmplification: Amplifier(port: 520, length: 132...532),
        .sipAmplification: Amplifier(port: 5060, length: 380...900),
        .netbiosAmplification: Amplifier(port: 137, length: 150...260),
    ]

    func shapes(using random: inout SeededGenerator) -> [PacketShape] {
        let port =
            random.below(2) == 0 ? PacketShape.Port.any : .fixed(random.element(of: [80, 443, 22, 3074, 27_015]))
        let whole = PacketShape(1, .udp, remotePort: .fixed(self.port), hostPort: port, length: length)
        guard isFragmented, random.below(2) == 0 else { return [whole] }
        var first = whole
        first.length = 1500...1500
        first.part = .firstFragment
        return [first, PacketShape(1, .udp, length: 200...1500, part: .laterFragment)]
    }
}
