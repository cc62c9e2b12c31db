import DaemonConfiguration
import FlowSpec
import NetworkTypes
import Testing

/// Add-path, next hops of the other family and rules of VPNs in an exabgp.conf.
struct ExaBGPExtensionsTests {
    private static func neighbor(_ inner: String) throws -> DaemonConfiguration.Neighbor {
        try #require(try ExaBGPFileTests.load(ExaBGPFileTests.around(inner)).bgp.neighbors.first)
    }

    private static func warnings(_ inner: String) -> [String] {
        ExaBGPFileTests.remarks(ExaBGPFileTests.around(inner))
    }

    // MARK: Add-path

    @Test(
        arguments: [
            ("", nil), ("capability { add-path disable; }", nil), ("capability { add-path receive; }", "receive"),
            ("capability { add-path send; }", "send"), ("capability { add-path Send/Receive; }", "both"),
            ("capability { add-path send; } capability { add-path disabled; }", nil),
        ] as [(String, String?)]
    )
    func pathIdentifiersAreOfferedAsItSays(inner: String, mode: String?) throws {
        #expect(try Self.neighbor(inner).addPath == mode)
        #expect(Self.warnings(inner) == [])
    }

    @Test func whatIsNoModeIsAMistake() {
        let remarks = Self.warnings("capability { add-path receive/send; }")
        let expected =
            "exabgp.conf:6: error: add-path: \"receive/send\" is none of receive, send, send/receive and disable"
        #expect(remarks == [expected], "\(remarks)")
    }

    @Test func pathIdentifiersOfSomeFamiliesAreOfAll() throws {
        let inner = "capability { add-path send; } add-path { ipv4 unicast; }"
        #expect(try Self.neighbor(inner).addPath == "send")
        #expect(Self.warnings(inner).count == 1 && Self.warnings(inner)[0].contains("for all families"))
    }

    // MARK: Next hops

    @Test(arguments: [
        ("", false), ("capability { nexthop enable; }", true), ("capability { nexthop; }", true),
        ("capability { nexthop disable; }", false), ("nexthop { ipv4 unicast ipv6; }", true),
        ("capability { nexthop disable; } nexthop { ipv4 unicast ipv6; }", false),
        ("capability { nexthop enable; } nexthop { ipv4 unicast ipv6; }", true),
        ("capability { nexthop enable; } family { ipv4 unicast; ipv6 flow; }", true),
    ])
    func nextHopsOfIPv6AreOfferedAsItSays(inner: String, isOffered: Bool) throws {
        #expect(try Self.neighbor(inner).extendedNextHop == isOffered)
        #expect(Self.warnings(inner) == [])
    }

    @Test(arguments: [
        ("nexthop { ipv6 unicast ipv4; }", "nexthop", "ipv6: unicast ipv4 is not offered"),
        ("capability { nexthop; } nexthop { ipv4 mpls-vpn ipv6; }", "nexthop", "ipv4: mpls-vpn ipv6 is not offered"),
        ("capability { nexthop; } family { ipv4 flow; }", "nexthop", "none of the families of 192.0.2.1"),
    ])
    func whatNextHopsAreNotOfferedIsTold(inner: String, key: String, part: String) throws {
        #expect(try !Self.neighbor(inner).extendedNextHop)
        let remarks = Self.warnings(inner)
        #expect(remarks.count == 1 && remarks[0].contains(": warning: ") && remarks[0].contains(part), "\(remarks)")
    }

    @Test func aRouteMayHaveANextHopOfIPv6() throws {
        let configuration = try ExaBGPFileTests.load(
            ExaBGPFileTests.around(
                "capability { nexthop; } static { route 198.51.100.1/32 next-hop 2001:db8:100::1; }"
            )
        )
        #expect(configuration.announcements.first?.nextHop == IPAddress("2001:db8:100::1"))
    }

    // MARK: VPNs

    @Test(arguments: [
        ("family { ipv4 flow-vpn; ipv6 flow-vpn; }", ["ipv4-flowspec-vpn", "ipv6-flowspec-vpn"]),
        ("family { ipv4 flow; ipv4 flow-vpn; }", ["ipv4-flowspec", "ipv4-flowspec-vpn"]),
        (
            "family { all; }",
            [
                "ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec", "ipv4-flowspec-vpn",
                "ipv6-flowspec-vpn",
            ]
        ),
        (
            "",
            [
                "ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec", "ipv4-flowspec-vpn",
                "ipv6-flowspec-vpn",
            ]
        ),
    ])
    func rulesOfVPNsAreAFamily(inner: String, families: [String]) throws {
        #expect(try Self.neighbor(inner).families == families)
        #expect(Self.warnings(inner) == [])
    }

    @Test(arguments: ["nlri-mpls", "mpls-vpn", "multicast"])
    func otherFamiliesAreStillWarnedOf(family: String) throws {
        let inner = "family { ipv4 flow-vpn; ipv4 \(family); }"
        #expect(try Self.neighbor(inner).families == ["ipv4-flowspec-vpn"])
        let remarks = Self.warnings(inner)
        #expect(remarks.count == 1 && remarks[0].contains("\(family) is not spoken"), "\(remarks)")
    }

    @Test(arguments: [
        "flow { route a { rd 65001:7; match { destination 198.51.100.1/32; } then { discard; } } }",
        "flow { route { route-distinguisher 65001:7; match { destination 198.51.100.1/32; } then { discard; } } }",
        "announce { ipv4 { flow-vpn rd 65001:7 destination 198.51.100.1/32 discard; } }",
        "announce { ipv4 { flow rd 65001:7 destination 198.51.100.1/32 discard; } }",
    ])
    func rulesKeepTheirRouteDistinguisher(inner: String) throws {
        let configuration = try ExaBGPFileTests.load(ExaBGPFileTests.around("family { ipv4 flow-vpn; } " + inner))
        let texts = configuration.announcements.map(\.description)
        let expected = "flow route { rd 65001:7; match { destination 198.51.100.1/32; } then { discard; } }"
        #expect(texts == [expected], "\(texts)")
    }

    @Test func theSameRuleStandsInEachVPN() throws {
        let rule = "route { rd 65001:$; match { destination 198.51.100.1/32; } then { discard; } }"
        let rules = ["7", "8"].map { rule.replacing("$", with: $0) }.joined(separator: " ")
        let configuration = try ExaBGPFileTests.load(ExaBGPFileTests.around("flow { \(rules) }"))
        #expect(configuration.announcements.count == 2)
    }

    @Test(arguments: [
        ("static { route 198.51.100.1/32 rd 65001:7 next-hop self; }", "warning: rd: this route is left out"),
        ("announce { ipv4 { unicast 198.51.100.1/32 rd 65001:7 next-hop self; } }", "warning: rd: this route is left"),
        (
            "announce { ipv4 { mpls-vpn 198.51.100.1/32 rd 65001:7 next-hop self; } }",
            "mpls-vpn is not announced: unicast, flow and flow-vpn are"
        ),
        ("announce { ipv4 { flow-vpn destination 198.51.100.1/32 discard; } }", "error: flow-vpn: rd and a route"),
        (
            "flow { route { rd 65001; match { destination 198.51.100.1/32; } then { discard; } } }",
            "error: route: a route"
        ),
    ])
    func whatNoRuleOfAVPNIsLeftOut(inner: String, part: String) {
        let remarks = Self.warnings(inner)
        #expect(remarks.count == 1 && remarks[0].contains(part), "\(remarks)")
    }
}
