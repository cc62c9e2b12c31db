import NetworkTypes

/// What a host inside is for, and what its traffic therefore looks like.
public enum Service: String, Sendable, Hashable, CaseIterable {
    case web
    /// A node of a content network: HTTP/3 over QUIC, and HTTP/2.
    case cdn
    case dnsResolver = "dns_resolver"
    case dnsAuthority = "dns_authority"
    case mail
    case gameServer = "game_server"
    /// Tunnels of a few offices: IPsec, GRE, WireGuard.
    case vpnGateway = "vpn_gateway"
    /// An office or a provider's customers behind one address.
    case natGateway = "nat_gateway"
    case voip
    case ntpServer = "ntp_server"
    /// Takes the backups of others.
    case storage

    /// A part of a service's traffic: the shapes of its packets, and who sends them.
    struct Part {
        /// Of the service's packets.
        var share: Double
        var shapes: [PacketShape]
        var spread: Population.Spread
        var conversations = 128
        var packetsPerConversation = 30.0
        /// Whether it comes in bursts rather than evenly.
        var isBursty = false
    }

    var parts: [Part] {
        switch self {
        case .web: [Self.web(0.96), Self.answers(0.02), Self.pings(0.02)]
        case .cdn: [Self.quicServer(0.6), Self.web(0.37), Self.answers(0.02), Self.pings(0.01)]
        case .dnsResolver: Self.resolver
        case .dnsAuthority: Self.authority
        case .mail: [Self.mail(0.9), Self.answers(0.08), Self.pings(0.02)]
        case .gameServer: Self.game
        case .vpnGateway: Self.tunnels
        case .natGateway: Self.office
        case .voip: Self.calls
        case .ntpServer: Self.clocks
        case .storage: [Self.backup(0.95), Self.answers(0.03), Self.pings(0.02)]
        }
    }

    // MARK: TCP

    /// Clients of a server: handshakes, requests and acknowledgements come in, pages go out.
    private static func clients(_ port: PacketShape.Port, requests: ClosedRange<Int>) -> [PacketShape] {
        [
            PacketShape(4, .tcp, hostPort: port, flags: .syn, length: 52...64),
            PacketShape(4, .tcp, hostPort: port, flags: [.syn, .ack], length: 52...60, isOutgoing: true),
            PacketShape(36, .tcp, hostPort: port, flags: .ack, length: 40...64),
            PacketShape(14, .tcp, hostPort: port, flags: [.psh, .ack], length: requests),
            PacketShape(38, .tcp, hostPort: port, flags: .ack, length: 1300...1500, isOutgoing: true),
            PacketShape(3, .tcp, hostPort: port, flags: [.fin, .ack], length: 40...52),
            PacketShape(1, .tcp, hostPort: port, flags: .rst, length: 40...40),
        ]
    }

    private static func web(_ share: Double) -> Part {
        Part(
            share: share,
            shapes: clients(.oneOf([443, 443, 443, 80]), requests: 120...1460),
            spread: .networks(300),
            packetsPerConversation: 25
        )
    }

    private static func mail(_ share: Double) -> Part {
        let shapes =
            clients(.oneOf([25, 25, 587, 993]), requests: 60...1500)
            + [PacketShape(25, .tcp, hostPort: .fixed(25), flags: .ack, length: 1300...1500)]
        return Part(share: share, shapes: shapes, spread: .networks(120), packetsPerConversation: 60)
    }

    private static func backup(_ share: Double) -> Part {
        let port = PacketShape.Port.oneOf([22, 873, 445])
        let shapes = [
            PacketShape(80, .tcp, hostPort: port, flags: .ack, length: 1400...1500),
            PacketShape(20, .tcp, hostPort: port, flags: .ack, length: 52...52, isOutgoing: true),
        ]
        return Part(
            share: share,
            shapes: shapes,
            spread: .hosts(6),
            conversations: 6,
            packetsPerConversation: 500_000,
            isBursty: true
        )
    }

    // MARK: What every host has

    /// Answers to a host's own questions.
    private static func answers(_ share: Double) -> Part {
        let shapes = [
            PacketShape(45, .udp, remotePort: .fixed(53), length: 90...520),
            PacketShape(45, .udp, remotePort: .fixed(53), length: 58...90, isOutgoing: true),
            PacketShape(5, .udp, remotePort: .fixed(123), length: 76...76),
            PacketShape(5, .udp, remotePort: .fixed(123), length: 76...76, isOutgoing: true),
        ]
        return Part(share: share, shapes: shapes, spread: .hosts(4), packetsPerConversation: 2)
    }

    private static func pings(_ share: Double) -> Part {
        let shapes = [
            PacketShape(70, .icmp, icmpType: 8, length: 60...84), PacketShape(15, .icmp, icmpType: 3, length: 56...80),
            PacketShape(15, .icmp, icmpType: 11, length: 56...80),
        ]
        return Part(share: share, shapes: shapes, spread: .networks(40))
    }

    // MARK: UDP

    private static func quicServer(_ share: Double) -> Part {
        let shapes = [
            PacketShape(3, .udp, hostPort: .fixed(443), length: 1228...1280),
            PacketShape(35, .udp, hostPort: .fixed(443), length: 52...120),
            PacketShape(12, .udp, hostPort: .fixed(443), length: 120...1300),
            PacketShape(50, .udp, hostPort: .fixed(443), length: 1200...1400, isOutgoing: true),
        ]
        return Part(share: share, shapes: shapes, spread: .networks(300), packetsPerConversation: 120)
    }

    private static var resolver: [Part] {
        let customers = [
            PacketShape(50, .udp, hostPort: .fixed(53), length: 56...96),
            PacketShape(48, .udp, hostPort: .fixed(53), length: 80...500, isOutgoing: true),
            PacketShape(2, .tcp, hostPort: .fixed(53), flags: .ack, length: 40...120),
        ]
        let authorities = [
            PacketShape(45, .udp, remotePort: .fixed(53), length: 80...512),
            PacketShape(8, .udp, remotePort: .fixed(53), length: 512...1472),
            PacketShape(1, .udp, remotePort: .fixed(53), length: 1500...1500, part: .firstFragment),
            PacketShape(1, .udp, length: 120...900, part: .laterFragment),
            PacketShape(45, .udp, remotePort: .fixed(53), length: 60...100, isOutgoing: true),
        ]
        return [
            Part(share: 0.62, shapes: customers, spread: .networks(80), packetsPerConversation: 2),
            Part(share: 0.37, shapes: authorities, spread: .networks(400), packetsPerConversation: 2), pings(0.01),
        ]
    }

    private static var authority: [Part] {
        let questions = [
            PacketShape(52, .udp, hostPort: .fixed(53), length: 56...110),
            PacketShape(46, .udp, hostPort: .fixed(53), length: 100...800, isOutgoing: true),
            PacketShape(1, .tcp, hostPort: .fixed(53), flags: .syn, length: 52...60),
            PacketShape(3, .tcp, hostPort: .fixed(53), flags: .ack, length: 40...140),
        ]
        return [
            Part(share: 0.97, shapes: questions, spread: .networks(500), packetsPerConversation: 2), answers(0.02),
            pings(0.01),
        ]
    }

    private static var game: [Part] {
        let players = [
            PacketShape(55, .udp, hostPort: .fixed(27_015), length: 60...180),
            PacketShape(40, .udp, hostPort: .fixed(27_015), length: 100...900, isOutgoing: true),
        ]
        let lobby = [
            PacketShape(1, .udp, hostPort: .fixed(27_015), length: 53...53),
            PacketShape(1, .udp, hostPort: .fixed(27_015), length: 120...400, isOutgoing: true),
        ]
        return [
            Part(share: 0.85, shapes: players, spread: .networks(120), packetsPerConversation: 20_000),
            Part(share: 0.04, shapes: lobby, spread: .networks(120), packetsPerConversation: 2),
            Part(
                share: 0.08,
                shapes: clients(.fixed(443), requests: 120...900),
                spread: .networks(120),
                packetsPerConversation: 25
            ), answers(0.02), pings(0.01),
        ]
    }

    private static var calls: [Part] {
        let signalling = [
            PacketShape(50, .udp, remotePort: .fixed(5060), hostPort: .fixed(5060), length: 380...1100),
            PacketShape(
                50,
                .udp,
                remotePort: .fixed(5060),
                hostPort: .fixed(5060),
                length: 380...1100,
                isOutgoing: true
            ),
        ]
        let voice = [
            PacketShape(50, .udp, length: 200...200), PacketShape(50, .udp, length: 200...200, isOutgoing: true),
        ]
        return [
            Part(share: 0.05, shapes: signalling, spread: .hosts(20), packetsPerConversation: 200),
            Part(share: 0.92, shapes: voice, spread: .hosts(60), packetsPerConversation: 6000), answers(0.02),
            pings(0.01),
        ]
    }

    private static var clocks: [Part] {
        let questions = [
            PacketShape(50, .udp, hostPort: .fixed(123), length: 76...76),
            PacketShape(10, .udp, remotePort: .fixed(123), hostPort: .fixed(123), length: 76...76),
            PacketShape(40, .udp, hostPort: .fixed(123), length: 76...76, isOutgoing: true),
        ]
        return [
            Part(share: 0.98, shapes: questions, spread: .networks(800), packetsPerConversation: 1), pings(0.02),
        ]
    }

    // MARK: Gateways

    private static var tunnels: [Part] {
        let shapes = [
            PacketShape(30, .gre, length: 80...1476), PacketShape(25, .gre, length: 80...1476, isOutgoing: true),
            PacketShape(15, .esp, length: 100...1480), PacketShape(15, .esp, length: 100...1480, isOutgoing: true),
            PacketShape(8, .udp, remotePort: .fixed(4500), hostPort: .fixed(4500), length: 120...1480),
            PacketShape(7, .udp, hostPort: .fixed(51_820), length: 80...1480),
        ]
        return [
            Part(share: 0.97, shapes: shapes, spread: .hosts(8), conversations: 8, packetsPerConversation: 100_000),
            answers(0.02), pings(0.01),
        ]
    }

    private static var office: [Part] {
        let web = PacketShape.Port.oneOf([443, 443, 443, 80])
        let surfing = [
            PacketShape(2, .tcp, remotePort: web, flags: [.syn, .ack], length: 52...60),
            PacketShape(2, .tcp, remotePort: web, flags: .syn, length: 52...64, isOutgoing: true),
            PacketShape(8, .tcp, remotePort: web, flags: .ack, length: 40...64),
            PacketShape(45, .tcp, remotePort: web, flags: .ack, length: 1200...1500),
            PacketShape(5, .tcp, remotePort: web, flags: [.psh, .ack], length: 100...1400),
            PacketShape(2, .tcp, remotePort: web, flags: [.fin, .ack], length: 40...52),
            PacketShape(1, .tcp, remotePort: web, flags: .rst, length: 40...40),
            PacketShape(30, .tcp, remotePort: web, flags: .ack, length: 40...200, isOutgoing: true),
        ]
        let video = [
            PacketShape(60, .udp, remotePort: .fixed(443), length: 1200...1400),
            PacketShape(10, .udp, remotePort: .fixed(443), length: 52...300),
            PacketShape(30, .udp, remotePort: .fixed(443), length: 52...300, isOutgoing: true),
        ]
        let meetings = [
            PacketShape(50, .udp, remotePort: .oneOf([3478, 8801, 19_305]), length: 90...1250),
            PacketShape(50, .udp, remotePort: .oneOf([3478, 8801, 19_305]), length: 90...1250, isOutgoing: true),
        ]
        return [
            Part(share: 0.55, shapes: surfing, spread: .networks(150), packetsPerConversation: 300, isBursty: true),
            Part(share: 0.25, shapes: video, spread: .networks(30), packetsPerConversation: 5000),
            Part(share: 0.16, shapes: meetings, spread: .hosts(20), packetsPerConversation: 20_000), answers(0.03),
            pings(0.01),
        ]
    }
}
