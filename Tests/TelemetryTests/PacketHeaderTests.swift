import NetworkTypes
import Testing

@testable import Telemetry

/// What sampled packets say, whatever they are wrapped in.
struct PacketHeaderTests {
    private typealias D = Datagrams

    private static let udp = D.udp(53, 4444)
    private static let inner = D.ipv4(17, to: 200, length: 300, D.udp(1, 2))

    private static func record(
        _ header: [UInt8],
        headerProtocol: Int = 1,
        decapsulating tunnels: Tunnels = []
    ) -> FlowRecord? {
        var intake = Intake(TelemetryConfiguration(decapsulates: tunnels))
        return intake.take(D.sFlow([D.flowSample(header, headerProtocol: headerProtocol)])).first
    }

    static let wrappings: [(name: String, header: [UInt8], headerProtocol: Int)] = [
        ("Ethernet", D.ethernet(0x0800) + D.ipv4(17, to: 5, udp), 1),
        ("802.1Q", D.ethernet(0x8100) + D.big16(42) + D.big16(0x0800) + D.ipv4(17, to: 5, udp), 1),
        (
            "QinQ",
            D.ethernet(0x88A8) + D.big16(1) + D.big16(0x9100) + D.big16(2) + D.big16(0x8100) + D.big16(3)
                + D.big16(0x0800) + D.ipv4(17, to: 5, udp), 1
        ),
        (
            "MPLS",
            D.ethernet(0x8847) + D.big32(16_001 << 12 | 64) + D.big32(3 << 12 | 0x140) + D.ipv4(17, to: 5, udp), 1
        ),
        (
            "Ethernet over MPLS",
            D.ethernet(0x8847) + D.big32(9 << 12 | 0x140) + D.big32(0) + D.ethernet(0x0800) + D.ipv4(17, to: 5, udp), 1
        ),
        (
            "Ethernet over MPLS without a control word",
            D.ethernet(0x8847) + D.big32(9 << 12 | 0x140) + D.ethernet(0x0800) + D.ipv4(17, to: 5, udp), 1
        ),
        (
            "the same to an address that begins as IPv4's header would not",
            D.ethernet(0x8847) + D.big32(9 << 12 | 0x140) + [0x40] + D.ethernet(0x0800).dropFirst()
                + D.ipv4(17, to: 5, udp), 1
        ),
        ("PPP in HDLC framing", [0xFF, 3, 0, 0x21] + D.ipv4(17, to: 5, udp), 7),
        ("PPP", [0, 0x21] + D.ipv4(17, to: 5, udp), 7),
        ("PPP, its protocol in one octet", [0x21] + D.ipv4(17, to: 5, udp), 14),
        ("PPP in HDLC framing, the same", [0xFF, 3, 0x21] + D.ipv4(17, to: 5, udp), 14),
        ("MPLS in PPP", [0xFF, 3, 2, 0x81] + D.big32(9 << 12 | 0x140) + D.ipv4(17, to: 5, udp), 7),
        ("Cisco HDLC", [0x0F, 0, 8, 0] + D.ipv4(17, to: 5, udp), 14),
        (
            "PPPoE",
            D.ethernet(0x8864) + [0x11, 0] + D.big16(7) + D.big16(502) + D.big16(0x21) + D.ipv4(17, to: 5, udp), 1
        ),
        ("SNAP", D.ethernet(508) + [0xAA, 0xAA, 3, 0, 0, 0] + D.big16(0x0800) + D.ipv4(17, to: 5, udp), 1),
        ("IPv4 options", D.ethernet(0x0800) + D.ipv4(17, to: 5, options: [7, 4, 0, 0, 1, 1, 1, 1], udp), 1),
        ("IPv4 alone", D.ipv4(17, to: 5, udp), 11),
        ("MPLS alone", D.big32(9 << 12 | 0x140) + D.ipv4(17, to: 5, udp), 13),
    ]

    @Test(arguments: wrappings.indices)
    func anIPv4PacketIsFoundInWhateverItIsWrapped(_ index: Int) throws {
        let (name, header, headerProtocol) = Self.wrappings[index]
        let record = try #require(Self.record(header, headerProtocol: headerProtocol), "\(name)")
        #expect(record.destination == IPAddress(198, 51, 100, 5) && record.bytes == 500, "\(name)")
        #expect(record.sourcePort == 53 && record.destinationPort == 4444 && record.ipProtocol == .udp, "\(name)")
    }

    /// Behind a label stack nothing says whether there is IP, or a frame to an address that begins as an IP header does.
    struct Labelled: Sendable {
        var name: String
        var payload: [UInt8]
        /// The last octet of the destination; nil where no packet is to be found.
        var host: UInt8?
    }

    /// With the checksum that the header must have.
    private static func checked(_ packet: [UInt8]) -> [UInt8] {
        var sum = stride(from: 0, to: 20, by: 2).reduce(0) { $0 + Int(packet[$1]) << 8 + Int(packet[$1 + 1]) }
        while sum > 0xFFFF { sum = sum >> 16 + sum & 0xFFFF }
        var packet = packet
        packet.replaceSubrange(10..<12, with: D.big16(~sum & 0xFFFF))
        return packet
    }

    static let labelled: [Labelled] = {
        let inner = checked(D.ipv4(17, to: 5, udp))
        let inner6 = D.ipv6(17, to: 6, udp)
        /// A frame to an address, from one that begins as the end of an IP header might.
        func frame(_ target: [UInt8], _ type: Int, _ packet: [UInt8]) -> [UInt8] {
            target + [0x3C, 0x40, 1, 2, 3, 4] + D.big16(type) + packet
        }
        // Its source is in 8.0.0.0/16, where a frame has its type.
        var fromEight = D.ipv4(17, to: 8, udp)
        fromEight.replaceSubrange(12..<16, with: [8, 0, 69, 1])
        // The third group of its source is the number of IPv4.
        var fromGroup = D.ipv6(17, to: 7, udp)
        fromGroup.replaceSubrange(12..<14, with: [8, 0])
        return [
            Labelled(name: "IPv4", payload: inner, host: 5), Labelled(name: "IPv6", payload: inner6, host: 6),
            Labelled(name: "IPv4 without a checksum", payload: D.ipv4(17, to: 9, udp), host: 9),
            Labelled(name: "a wrong checksum, and no frame", payload: bentIPv4, host: 10),
            Labelled(name: "a right checksum beside a type", payload: checked(fromEight), host: 8),
            Labelled(name: "IPv6 with a type in its source", payload: fromGroup, host: 7),
            Labelled(name: "to 45:…", payload: frame([0x45, 0, 1, 0xF4, 0, 1], 0x0800, inner), host: 5),
            Labelled(name: "to 45:…, IPv6", payload: frame([0x45, 0, 1, 0xF4, 0, 1], 0x86DD, inner6), host: 6),
            Labelled(
                name: "to 45:…, tagged",
                payload: frame([0x45, 0, 1, 0xF4, 0, 1], 0x8100, D.big16(7) + D.big16(0x0800) + inner),
                host: 5
            ),
            Labelled(name: "to 60:…", payload: frame([0x60, 0, 0, 0, 1, 0xCC], 0x0800, inner), host: 5),
            Labelled(name: "to 64:…, IPv6", payload: frame([0x64, 0, 0, 0, 1, 0xCC], 0x86DD, inner6), host: 6),
            Labelled(
                name: "to 60:…, tagged twice",
                payload: frame(
                    [0x60, 0, 0, 0, 0, 9],
                    0x88A8,
                    D.big16(7) + D.big16(0x8100) + D.big16(8) + D.big16(0x0800) + inner
                ),
                host: 5
            ),
            Labelled(name: "IPv6 shorter than what was captured", payload: short(inner6), host: nil),
            Labelled(name: "IPv4 of four words", payload: [0x44] + inner.dropFirst(), host: nil),
            Labelled(name: "neither", payload: [0x90] + inner.dropFirst(), host: nil),
        ]
    }()

    private static let bentIPv4: [UInt8] = {
        var packet = checked(D.ipv4(17, to: 10, udp))
        packet[10] ^= 1
        return packet
    }()

    private static func short(_ packet: [UInt8]) -> [UInt8] {
        var packet = packet + [UInt8](repeating: 0, count: 80)
        packet.replaceSubrange(4..<6, with: D.big16(8))
        return packet
    }

    @Test(arguments: labelled.indices)
    func behindLabelsIPIsToldFromAFrame(_ index: Int) {
        let labelled = Self.labelled[index]
        let record = Self.record(D.ethernet(0x8847) + D.big32(9 << 12 | 0x140) + labelled.payload)
        #expect(Self.host(record) == labelled.host, "\(labelled.name)")
    }

    private static func host(_ record: FlowRecord?) -> UInt8? { record?.destination.bytes.last }

    @Test func extensionHeadersOfIPv6AreWalked() throws {
        let hopByHop: [UInt8] = [60, 0, 5, 2, 0, 0, 1, 0]
        let destinationOptions: [UInt8] = [43, 1] + [UInt8](repeating: 0, count: 14)
        let routing: [UInt8] = [51, 2, 4, 0] + [UInt8](repeating: 0, count: 20)
        let authentication: [UInt8] = [17, 4] + [UInt8](repeating: 0, count: 22)
        let chain = hopByHop + destinationOptions + routing + authentication + Self.udp
        let record = try #require(Self.record(D.ethernet(0x86DD) + D.ipv6(0, to: 7, chain)))
        #expect(Self.host(record) == 7 && record.ipProtocol == .udp && record.destinationPort == 4444)
        #expect(record.bytes == 500)
    }

    @Test func laterFragmentsHaveNoPortsAndAtomicOnesAreWhole() throws {
        func fragment(_ field: Int) -> [UInt8] { [17, 0] + D.big16(field) + D.big32(9) }
        let later = try #require(Self.record(D.ethernet(0x86DD) + D.ipv6(44, to: 7, fragment(185 << 3) + Self.udp)))
        #expect(later.traits.contains(.isFragment) && later.destinationPort == 0 && later.ipProtocol == .udp)
        let first = try #require(Self.record(D.ethernet(0x86DD) + D.ipv6(44, to: 7, fragment(1) + Self.udp)))
        #expect(first.traits.contains(.isFragment) && first.destinationPort == 4444)
        let atomic = try #require(Self.record(D.ethernet(0x86DD) + D.ipv6(44, to: 7, fragment(0) + Self.udp)))
        #expect(!atomic.traits.contains(.isFragment) && atomic.destinationPort == 4444)
        let ipv4 = try #require(Self.record(D.ethernet(0x0800) + D.ipv4(17, to: 5, fragment: 185, Self.udp)))
        #expect(ipv4.traits.contains(.isFragment) && ipv4.destinationPort == 0)
    }

    static let tunnels: [(tunnel: Tunnels, payload: (ipProtocol: UInt8, octets: [UInt8]))] = [
        (.gre, (47, [0x30, 0] + D.big16(0x0800) + D.big32(77) + D.big32(1) + inner)),
        (.gre, (47, [0, 0] + D.big16(0x6558) + D.ethernet(0x0800) + inner)),
        (.ipip, (4, inner)), (.sixInFour, (41, D.ipv6(17, to: 200, length: 260, D.udp(1, 2)))),
        (.vxlan, (17, D.udp(9999, 4789, [8, 0, 0, 0, 0, 0, 9, 0] + D.ethernet(0x0800) + inner))),
        (.gtpU, (17, D.udp(2152, 2152, [0x30, 0xFF] + D.big16(300) + D.big32(5) + inner))),
        (.gtpU, (17, D.udp(2152, 2152, [0x32, 0xFF] + D.big16(304) + D.big32(5) + D.big32(0) + inner))),
    ]

    @Test(arguments: tunnels.indices)
    func theInnerPacketCountsOnlyWhereThatIsConfigured(_ index: Int) throws {
        let (tunnel, payload) = Self.tunnels[index]
        let header = D.ethernet(0x0800) + D.ipv4(payload.ipProtocol, to: 5, payload.octets)
        let outer = try #require(Self.record(header))
        #expect(Self.host(outer) == 5 && outer.bytes == 500 && outer.ipProtocol.rawValue == payload.ipProtocol)
        let others = Tunnels(rawValue: 31).subtracting(tunnel)
        #expect(Self.host(Self.record(header, decapsulating: others)) == 5)
        let inner = try #require(Self.record(header, decapsulating: tunnel))
        #expect(Self.host(inner) == 200 && inner.bytes == 300)
        #expect(inner.sourcePort == 1 && inner.destinationPort == 2 && inner.ipProtocol == .udp)
    }

    @Test func aTunnelWhoseInsideCannotBeReadCountsAsWhatItIsOutside() throws {
        for cut in 0..<Self.inner.count {
            let payload = [0, 0] + D.big16(0x0800) + Self.inner.prefix(cut)
            let record = try #require(
                Self.record(D.ethernet(0x0800) + D.ipv4(47, to: 5, payload), decapsulating: .gre)
            )
            #expect(Self.host(record) == (cut < 20 ? 5 : 200), "cut at \(cut)")
        }
        // Endless nesting ends.
        let nested = [UInt8](repeating: 0, count: 20).reduce(into: Self.inner) { packet, _ in
            packet = D.ipv4(4, to: 6, packet)
        }
        #expect(Self.record(D.ethernet(0x0800) + nested, decapsulating: .ipip) != nil)
    }

    @Test func everyCutOfEveryWrappingIsSurvived() {
        for (_, header, headerProtocol) in Self.wrappings {
            for length in header.indices {
                _ = Self.record(Array(header.prefix(length)), headerProtocol: headerProtocol)
            }
        }
    }
}
