import FlowSpec
import NetworkTypes
import Testing

/// What no rule gets past, be it in the configuration or asked for.
struct GuardRailsTests {
    /// What speaks against a rule, as its text is read.
    private static func objection(
        to text: String,
        networks: [String] = ["198.51.100.0/24", "2001:db8:100::/48"],
        shortest: Int = 24
    ) throws -> GuardRails.Objection? {
        let rails = GuardRails(
            networks: networks.compactMap { IPPrefix($0) },
            whitelist: [IPPrefix(host: IPAddress(198, 51, 100, 53))],
            shortestIPv4Length: shortest,
            shortestIPv6Length: 48
        )
        guard case .announce(let announcement)? = try FlowSpecText.parse(text).first?.order else {
            Issue.record("no rule")
            return nil
        }
        guard let (target, direction) = rails.subject(of: announcement.route) else { return .matchesAll }
        return rails.objection(to: announcement.route, target: target, direction: direction)
    }

    @Test(arguments: [
        "flow route destination 198.51.100.1/32 discard", "flow route source 198.51.100.1/32 discard",
        "flow route destination 192.0.2.1/32 source 198.51.100.1/32 discard",
        "flow route rd 65001:7 destination 198.51.100.1/32 discard", "route 198.51.100.1/32 next-hop self",
        "flow route destination 2001:db8:100::1/128 discard",
    ])
    func whatIsOursMayBeAnnounced(rule: String) throws {
        #expect(try Self.objection(to: rule) == nil)
    }

    @Test(
        arguments: [
            ("flow route protocol udp discard", .matchesAll),
            ("flow route destination 192.0.2.1/32 discard", .outsideNetworks),
            ("flow route rd 65001:7 destination 192.0.2.1/32 discard", .outsideNetworks),
            ("flow route destination 0.0.0.0/0 discard", .outsideNetworks),
            ("flow route source 192.0.2.1/32 discard", .outsideNetworks),
            ("route 198.51.0.0/16 next-hop self", .outsideNetworks),
            (
                "flow route destination 198.51.100.53/32 discard",
                .whitelisted(IPPrefix(host: IPAddress(198, 51, 100, 53)))
            ),
            // The bits before an offset are anybody's.
            ("flow route destination 2001:db8:100::1/128/64 discard", .outsideNetworks),
        ] as [(String, GuardRails.Objection)]
    )
    func whatSpeaksAgainstARuleIsNamed(rule: String, expected: GuardRails.Objection) throws {
        #expect(try Self.objection(to: rule) == expected)
    }

    @Test func lengthsAreBounded() throws {
        let rule = "flow route destination 198.51.100.128/25 discard"
        #expect(try Self.objection(to: rule, shortest: 26) == .tooShort(allowed: 26))
        #expect(try Self.objection(to: rule, shortest: 25) == nil)
        let everything = "flow route destination 0.0.0.0/0 discard"
        #expect(try Self.objection(to: everything, networks: ["0.0.0.0/0"], shortest: 0) == .tooShort(allowed: 1))
    }
}
