import NetworkTypes
import Simulation
import Traffic

/// Makes packets: of what somebody's users send, or of an attack.
struct PacketMix {
    typealias Maker = (inout SeededGenerator) -> PacketShape

    var name: String
    var make: Maker

    init(_ name: String, _ make: @escaping Maker) {
        self.name = name
        self.make = make
    }

    /// No threshold of bits is crossed by these.
    var isOfSmallPackets: Bool {
        name.contains("syn") || ["ack_flood", "rst_flood"].contains(name) || name.hasPrefix("tcp")
    }

    /// Parts with their shares of the packets.
    init(_ name: String, _ parts: [(share: Double, make: Maker)]) {
        let total = parts.reduce(0) { $0 + $1.share }
        self.init(name) { random in
            var left = Double.random(in: 0..<total, using: &random)
            for part in parts.dropLast() {
                if left < part.share { return part.make(&random) }
                left -= part.share
            }
            return parts[parts.count - 1].make(&random)
        }
    }
}

/// One packet to the target.
struct PacketShape: Sendable {
    var ipProtocol: IPProtocol
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    var length: UInt16
    var flags: TCPFlags = []
    var icmpType: UInt8 = 0
    var isFragment = false
    /// How many hosts there are at the other end.
    var sources: UInt32 = 50_000

    static func udp(
        _ sourcePort: UInt16,
        _ destinationPort: UInt16,
        _ length: UInt16,
        sources: UInt32 = 50_000
    ) -> PacketShape {
        PacketShape(
            ipProtocol: .udp,
            sourcePort: sourcePort,
            destinationPort: destinationPort,
            length: length,
            sources: sources
        )
    }

    static func tcp(
        _ sourcePort: UInt16,
        _ destinationPort: UInt16,
        _ flags: TCPFlags,
        _ length: UInt16
    ) -> PacketShape {
        PacketShape(
            ipProtocol: .tcp,
            sourcePort: sourcePort,
            destinationPort: destinationPort,
            length: length,
            flags: flags
        )
    }

    static func fragment(_ length: UInt16, _ ipProtocol: IPProtocol = .udp) -> PacketShape {
        PacketShape(ipProtocol: ipProtocol, length: length, isFragment: true)
    }

    /// As a sample of one packet in a thousand tells of it.
    func sample(_ random: inout SeededGenerator) -> TrafficSample {
        // Spread over the address space, the same ones for the same number.
        let host = UInt32.random(in: 0..<max(1, sources), using: &random) &* 2_654_435_761 | 0x0100_0000
        return TrafficSample(
            source: IPAddress(v4: host),
            destination: IPAddress(198, 51, 100, 5),
            packets: 1000,
            bytes: 1000 * UInt64(length),
            sourcePort: sourcePort,
            destinationPort: destinationPort,
            ipProtocol: ipProtocol,
            tcpFlags: flags,
            icmpType: icmpType,
            icmpCode: 0,
            timeToLive: 60,
            isFragment: isFragment
        )
    }
}

extension PacketMix {
    private static func client(_ random: inout SeededGenerator) -> UInt16 {
        .random(in: 32_768...60_999, using: &random)
    }
    private static func any(_ random: inout SeededGenerator) -> UInt16 { .random(in: 1...65_535, using: &random) }
    private static func length(_ range: ClosedRange<UInt16>, _ random: inout SeededGenerator) -> UInt16 {
        .random(in: range, using: &random)
    }

    /// What comes to a service over TCP: acknowledgements, requests, and connections that begin and end.
    private static func requests(to port: UInt16, _ random: inout SeededGenerator) -> PacketShape {
        let from = client(&random)
        switch Double.random(in: 0..<1, using: &random) {
        case ..<0.04: return .tcp(from, port, .syn, [52, 60, 64].randomElement(using: &random) ?? 60)
        case ..<0.64: return .tcp(from, port, .ack, 52)
        case ..<0.95: return .tcp(from, port, [.psh, .ack], length(100...1500, &random))
        default: return .tcp(from, port, [.fin, .ack], 52)
        }
    }

    /// What servers answer.
    private static func answers(from port: UInt16, _ random: inout SeededGenerator) -> PacketShape {
        let to = client(&random)
        switch Double.random(in: 0..<1, using: &random) {
        case ..<0.03: return .tcp(port, to, [.syn, .ack], 60)
        case ..<0.63: return .tcp(port, to, .ack, 1500)
        case ..<0.95: return .tcp(port, to, [.psh, .ack], length(60...1500, &random))
        default: return .tcp(port, to, [.fin, .ack], 52)
        }
    }

    private static func echo(_: inout SeededGenerator) -> PacketShape {
        PacketShape(ipProtocol: .icmp, length: 84, icmpType: 8)
    }
    private static func resolved(_ random: inout SeededGenerator) -> PacketShape {
        .udp(53, client(&random), length(80...420, &random), sources: 4)
    }

    /// Of each sort of service, what comes to it.
    static var services: [PacketMix] {
        [
            PacketMix(
                "web server",
                [
                    (0.70, { requests(to: 443, &$0) }), (0.12, { requests(to: 80, &$0) }),
                    (0.15, { .udp(client(&$0), 443, length(50...1350, &$0)) }), (0.02, resolved), (0.01, echo),
                ]
            ),
            PacketMix(
                "DNS resolver",
                [
                    (0.48, { .udp(any(&$0), 53, length(56...110, &$0)) }),
                    (0.46, { .udp(53, any(&$0), length(80...512, &$0), sources: 3000) }),
                    (0.02, { .udp(53, any(&$0), length(513...1450, &$0), sources: 3000) }),
                    (0.03, { requests(to: 53, &$0) }), (0.01, echo),
                ]
            ),
            PacketMix(
                "game server",
                [
                    (0.93, { .udp(any(&$0), 27_015, length(60...180, &$0), sources: 200) }),
                    (0.05, { requests(to: 443, &$0) }), (0.01, resolved), (0.01, echo),
                ]
            ),
            PacketMix(
                "NAT gateway",
                [
                    (0.58, { answers(from: 443, &$0) }), (0.06, { answers(from: 80, &$0) }),
                    (0.26, { .udp(443, client(&$0), length(1200...1350, &$0)) }),
                    (0.04, { .udp(53, client(&$0), length(80...420, &$0), sources: 4) }),
                    (0.01, { .udp(123, client(&$0), 76, sources: 20) }),
                    (0.04, { .udp(any(&$0), client(&$0), length(80...1300, &$0)) }), (0.01, echo),
                ]
            ),
            PacketMix(
                "mail server",
                [
                    (0.45, { requests(to: 25, &$0) }), (0.20, { answers(from: 25, &$0) }),
                    (0.20, { requests(to: 993, &$0) }), (0.06, { requests(to: 587, &$0) }), (0.08, resolved),
                    (0.01, echo),
                ]
            ),
            PacketMix(
                "VPN gateway",
                [
                    (0.45, { .udp(any(&$0), 51_820, length(80...1450, &$0), sources: 300) }),
                    (0.20, { .udp(4500, 4500, length(100...1450, &$0), sources: 100) }),
                    (0.25, { PacketShape(ipProtocol: .esp, length: length(100...1450, &$0), sources: 60) }),
                    (0.08, { requests(to: 443, &$0) }), (0.02, echo),
                ]
            ),
        ]
    }

    // MARK: Attacks

    private static func amplification(
        _ name: String,
        _ port: UInt16,
        _ lengths: ClosedRange<UInt16>,
        fragments: Double = 0,
        reflectors: UInt32 = 3000
    ) -> PacketMix {
        PacketMix(
            name,
            [
                (1 - fragments, { .udp(port, any(&$0), length(lengths, &$0), sources: reflectors) }),
                (fragments, { .fragment(length(600...1500, &$0)) }),
            ]
        )
    }

    /// Of each kind, one that is typical of it; named as the kind is.
    static var attacks: [PacketMix] {
        [
            PacketMix("udp_flood") { .udp(any(&$0), any(&$0), length(900...1400, &$0)) },
            PacketMix("icmp_flood") { _ in PacketShape(ipProtocol: .icmp, length: 1028, icmpType: 8) },
            PacketMix("gre_flood") { PacketShape(ipProtocol: .gre, length: length(500...560, &$0)) },
            PacketMix("fragment_flood") { _ in .fragment(1500) },
            PacketMix("syn_flood") { .tcp(any(&$0), 443, .syn, 40) },
            PacketMix("syn_ack_reflection") {
                .tcp([80, 443, 22, 25].randomElement(using: &$0) ?? 80, any(&$0), [.syn, .ack], 44)
            },
            PacketMix("ack_flood") { .tcp(any(&$0), any(&$0), .ack, 40) },
            PacketMix("rst_flood") { .tcp(any(&$0), 443, .rst, 40) },
            PacketMix("tcp_null_flood") { .tcp(any(&$0), any(&$0), [], 40) },
            PacketMix("tcp_xmas_flood") { .tcp(any(&$0), any(&$0), [.fin, .psh, .urg], 40) },
            amplification("dns_amplification", 53, 1000...1500, fragments: 0.3),
            amplification("ntp_amplification", 123, 468...468),
            amplification("ssdp_amplification", 1900, 290...420),
            amplification("memcached_amplification", 11_211, 1400...1428),
            amplification("cldap_amplification", 389, 1450...1500, fragments: 0.45),
            amplification("chargen_amplification", 19, 200...1500),
            amplification("snmp_amplification", 161, 500...1500, fragments: 0.1),
            amplification("portmap_amplification", 111, 98...510),
            amplification("qotd_amplification", 17, 100...320),
            amplification("mdns_amplification", 5353, 200...800),
            amplification("ws_discovery_amplification", 3702, 600...1400),
            amplification("arms_amplification", 3283, 1032...1060),
            amplification("coap_amplification", 5683, 300...1100),
            amplification("tftp_amplification", 69, 544...544),
            amplification("rip_amplification", 520, 532...532),
            amplification("sip_amplification", 5060, 400...1000),
            amplification("netbios_amplification", 137, 220...300),
        ]
    }

    /// Several at once, and what is made to be hard.
    static var mixedAttacks: [PacketMix] {
        [
            PacketMix(
                "DNS and NTP",
                [(0.6, { .udp(53, any(&$0), length(1000...1500, &$0)) }), (0.4, { .udp(123, any(&$0), 468) })]
            ),
            PacketMix(
                "UDP and SYN",
                [
                    (0.7, { .udp(any(&$0), any(&$0), length(900...1400, &$0)) }),
                    (0.3, { .tcp(any(&$0), 443, .syn, 40) }),
                ]
            ),
            PacketMix(
                "DNS, SYN and ICMP",
                [
                    (0.5, { .udp(53, any(&$0), length(1000...1500, &$0)) }), (0.3, { .tcp(any(&$0), 443, .syn, 40) }),
                    (0.2, { _ in PacketShape(ipProtocol: .icmp, length: 1028, icmpType: 8) }),
                ]
            ),
            PacketMix(
                "six reflectors",
                [53, 123, 389, 1900, 11_211, 161].map { port in
                    (1, { random in .udp(port, any(&random), length(450...1500, &random)) })
                }
            ),
            PacketMix("UDP of any length") { .udp(any(&$0), any(&$0), length(28...1500, &$0)) },
            PacketMix("three hosts") { .udp(any(&$0), 443, length(900...1400, &$0), sources: 3) },
        ]
    }
}
