import DaemonConfiguration
import FlowSpec
import NetworkTypes
import Testing

/// `announcements` and `processes`.
struct AnnouncementConfigurationTests {
    private static let minimal = """
        networks: [198.51.100.0/24, "2001:db8:100::/48"]
        whitelist: {destinations: [198.51.100.53]}
        mitigation: {max_rules: 3}
        bgp:
          router_id: 192.0.2.10
          local_as: 65001
          neighbors: [{address: 192.0.2.1, remote_as: 65001}, {address: 192.0.2.2, remote_as: 65002, local_as: 65003}]

        """

    @Test func announcementsAreForAllOrSome() throws {
        let configuration = try ConfigurationText.load(
            Self.minimal + """
                announcements:
                  - flow route destination 198.51.100.1/32 protocol udp discard
                  - {rule: "announce route 198.51.100.2/32 next-hop self", neighbors: [192.0.2.2, 192.0.2.1]}
                  - flow route source 198.51.100.3/32 discard
                """
        )
        #expect(
            configuration.announcements.map(\.neighbors) == [
                nil, [IPAddress(192, 0, 2, 1), IPAddress(192, 0, 2, 2)], nil,
            ]
        )
        #expect(configuration.bgp.neighbors.map(\.localAS) == [ASN(65001), ASN(65003)])
    }

    @Test(arguments: [
        ("flow route destination 192.0.2.1/32 discard", "a prefix inside networks, not 192.0.2.1/32"),
        ("flow route protocol udp discard", "a rule with a destination or source"),
        ("flow route destination 0.0.0.0/0 discard", "a prefix inside networks"),
        ("flow route destination 198.51.100.53/32 discard", "whitelist.destinations"),
        ("route 198.51.0.0/16 next-hop self", "a prefix inside networks"),
        ("withdraw route 198.51.100.1/32", "one rule or route to announce"),
        ("neighbor 192.0.2.1 announce route 198.51.100.1/32 next-hop self", "stand beside it"),
        ("flow route destination 198.51.100.1/33 discard", "column 24"),
        ("{rule: route 198.51.100.1/32 next-hop self, neighbors: [192.0.2.9]}", "the address of a neighbor"),
        ("{rule: route 198.51.100.1/32 next-hop self, neighbors: []}", "at least one neighbor"),
        ("{neighbors: [192.0.2.1]}", "a rule such as"),
    ])
    func whatTheGuardRailsWouldRefuseIsAMistake(rule: String, part: String) {
        let mistakes = ConfigurationText.mistakes(Self.minimal + "announcements:\n  - \(rule)\n")
        #expect(mistakes.count == 1 && mistakes[0].hasPrefix("f.yaml:9:"), "\(mistakes)")
        #expect(mistakes.first?.contains(part) == true, "\(mistakes)")
    }

    @Test func eachStandsOnceAndWithinBounds() {
        let rule = "  - flow route destination 198.51.100.$/32 discard\n"
        let twice = Self.minimal + "announcements:\n" + rule.replacing("$", with: "1") + rule.replacing("$", with: "1")
        #expect(ConfigurationText.mistakes(twice).first?.contains("each rule once") == true)
        let many = Self.minimal + "announcements:\n" + (1...4).map { rule.replacing("$", with: "\($0)") }.joined()
        #expect(ConfigurationText.mistakes(many).first?.contains("no more than mitigation.max_rules, 3") == true)
    }

    @Test func processesAreRead() throws {
        let configuration = try ConfigurationText.load(
            Self.minimal + """
                processes:
                  - {name: a, run: "/bin/x  -f 'a b'", encoder: json, events: neighbor-changes, neighbors: 192.0.2.1, expires: 1h}
                  - {name: b.c, run: [y, ""], respawn: false}
                """
        )
        #expect(configuration.processes.map(\.run) == [["/bin/x", "-f", "a b"], ["y", ""]])
        let first = configuration.processes[0]
        #expect(first.usesJSON && first.tellsChanges && first.respawns && first.expires == .seconds(3600))
        #expect(first.neighbors == [IPAddress(192, 0, 2, 1)] && !configuration.processes[1].respawns)
    }

    @Test(arguments: [
        "{run: x}", "{name: a}", "{name: a, run: \"\"}", "{name: a b, run: x}", "{name: a, run: \"'x\"}",
        "{name: a, run: x, encoder: xml}", "{name: a, run: x, events: [update]}",
        "{name: a, run: x, neighbors: [192.0.2.9]}",
        "{name: a, run: x, expires: 31d}",
    ])
    func mistakesOfProcessesAreNamed(process: String) {
        let mistakes = ConfigurationText.mistakes(Self.minimal + "processes:\n  - \(process)\n")
        #expect(
            mistakes.count == 1 && mistakes[0].hasPrefix("f.yaml:9:") && mistakes[0].contains("processes[0]"),
            "\(mistakes)"
        )
    }
}
