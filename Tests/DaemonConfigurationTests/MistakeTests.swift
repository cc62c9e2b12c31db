import NetworkTypes
import Testing

struct MistakeTests {
    /// Each kind of mistake with exactly what is said about it.
    @Test(arguments: [
        (
            "detection: {window: 1}",
            #"f.yaml:4:21: detection.window: found "1", expected a duration with its unit: ms, s, m, h or d, from 1s to 60s"#
        ),
        (
            "detection: {windw: 1s}",
            #"f.yaml:4:13: detection.windw: found "windw", expected one of the known keys baseline, ends_below, groups, max_hosts, network_thresholds, outgoing_network_thresholds, outgoing_thresholds, quiet_period, smoothing, thresholds, tick, window; did you mean window?"#
        ),
        ("detection: {tick: 300ms}", #"f.yaml:4:12: detection.window: expected a multiple of the tick, 0.3s"#),
        (
            "detection: {ends_below: 1.5}",
            #"f.yaml:4:25: detection.ends_below: found "1.5", expected a number from 0.01 to 1.0"#
        ),
        (
            "detection: {thresholds: {total: {packets: 1 Gbit/s}}}",
            #"f.yaml:4:43: detection.thresholds.total.packets: found "1 Gbit/s", expected a rate in packets/s, such as 20k packets/s"#
        ),
        (
            "detection: {thresholds: {total: {bits: 20000}}}",
            #"f.yaml:4:40: detection.thresholds.total.bits: found "20000", expected a rate in bit/s or B/s, such as 1 Gbit/s or 12.5 MB/s"#
        ),
        (
            "  exporters: {settings: [{prefix: 192.0.2.1}, {prefix: 192.0.2.1/32, ingress_only: true}]}",
            #"f.yaml:4:56: telemetry.exporters.settings[1].prefix: found "192.0.2.1/32", expected a prefix that no other settings have"#
        ),
        (
            "  mirror: {interfaces: []}",
            #"f.yaml:4:24: telemetry.mirror.interfaces: found "a list", expected names of network interfaces, such as [eth3]"#
        ),
        (
            "  exporters: {settings: [{prefix: 192.0.2.1, total_counters: growing}]}",
            #"f.yaml:4:62: telemetry.exporters.settings[0].total_counters: found "growing", expected deltas or running"#
        ),
        ("detection: [1]", #"f.yaml:4:12: detection: found "a list", expected a mapping of keys to values"#),
        (
            "detection: {groups: [{name: a, prefixes: [192.0.2.0/24]}]}",
            #"f.yaml:4:42: detection.groups[0].prefixes: found "a list", expected prefixes inside networks, not 192.0.2.0/24"#
        ),
        (
            "detection: {groups: [{prefixes: [198.51.100.0/24]}]}",
            #"f.yaml:4:22: detection.groups[0].name: expected a name"#
        ),
        (
            "detection: {groups: [{name: a, prefixes: 198.51.100.0/24}, {name: b, prefixes: 198.51.100.0/24}]}",
            #"f.yaml:4:80: detection.groups[1].prefixes: found "198.51.100.0/24", expected prefixes that no other group has, not 198.51.100.0/24"#
        ),
        (
            "whitelist: {sources: [192.0.2.1/24]}",
            #"f.yaml:4:23: whitelist.sources[0]: found "192.0.2.1/24", expected a prefix such as 198.51.100.0/24, without host bits set"#
        ),
        (
            "mitigation: {mode: enforce}",
            #"f.yaml:4:20: mitigation.mode: found "enforce", expected observe, as there is no neighbor to announce to"#
        ),
        ("mitigation: {mode: On}", #"f.yaml:4:20: mitigation.mode: found "On", expected enforce or observe"#),
        (
            "mitigation: {communities: [1]}",
            #"f.yaml:4:28: mitigation.communities[0]: found "1", expected a community such as 65001:666 or blackhole"#
        ),
        (
            "mitigation: {templates: {dns: {then: {discard: true}}}}",
            #"f.yaml:4:26: mitigation.templates.dns: found "dns", expected one of the known keys "#
                + (AttackKind.allCases.map(\.rawValue) + ["default"]).sorted().joined(separator: ", ")
        ),
        (
            "mitigation: {templates: {flood: {match: {port: 65536}, then: {discard: true}}}}",
            #"f.yaml:4:48: mitigation.templates.flood.match.port: found "65536", expected numbers up to 65535, each with an operator before it if not =, such as 53 or >=1024"#
        ),
        (
            "bgp: {local_as: 1, neighbors: [{address: 192.0.2.1, remote_as: 2}]}",
            #"f.yaml:4:6: bgp.router_id: expected an IPv4 address"#
        ),
        (
            "bgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [{address: 192.0.2.1, remote_as: 0}]}",
            #"f.yaml:4:86: bgp.neighbors[0].remote_as: found "0", expected an AS number from 1 to 4294967295"#
        ),
        (
            "bgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [{address: 192.0.2.1, remote_as: 2, families: []}]}",
            #"f.yaml:4:99: bgp.neighbors[0].families: found "a list", expected at least one family"#
        ),
        (
            "bgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [{address: 192.0.2.1, remote_as: 2, hold_time: 2s}]}",
            #"f.yaml:4:100: bgp.neighbors[0].hold_time: found "2s", expected 0s, or whole seconds from 3s to 65535s"#
        ),
        (
            "bgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [{address: 192.0.2.1, remote_as: 2, passive: true}]}",
            #"f.yaml:4:98: bgp.neighbors[0].passive: found "true", expected false, or bgp.listen to accept the neighbor's connection"#
        ),
        (
            "api: {listen: \"127.0.0.1:8080\"}",
            #"f.yaml:4:1: api: found "api", expected one of the known keys announcements, bgp, control_socket, detection, exabgp_pipe, exabgp_writer, log, metrics, mitigation, networks, processes, scripts, store, telemetry, whitelist"#
        ),
        (
            "log: {level: loud}",
            #"f.yaml:4:14: log.level: found "loud", expected one of trace, debug, info, notice, warning, error, critical"#
        ),
        ("store: [", "f.yaml:5:1: expected YAML: did not find expected node content"),
        ("log: {level: info, level: debug}", "f.yaml:4:7: expected YAML: each key once; twice there are level"),
        ("log: *nothing", "f.yaml:4:6: expected YAML: found undefined alias"),
    ])
    func mistakesAreNamedByPlaceKeyValueAndRemedy(line: String, message: String) {
        #expect(ConfigurationText.mistakes(ConfigurationText.minimal + line + "\n") == [message])
    }

    @Test(arguments: [
        (
            #"interfaces: ["a b"]"#,
            #"f.yaml:2:35: telemetry.mirror.interfaces[0]: found "a b", expected names of network interfaces, such as [eth3]"#
        ),
        (
            "kernel_sampling: 2",
            "f.yaml:2:21: telemetry.mirror.interfaces: expected names of network interfaces, such as [eth3]"
        ),
        (
            "interfaces: [eth3], sampling_rate: 0",
            #"f.yaml:2:57: telemetry.mirror.sampling_rate: found "0", expected a whole number from 1 to 10000000"#
        ),
    ])
    func mistakesOfTheMirrorAreNamed(keys: String, message: String) {
        let yaml = "networks: [198.51.100.0/24]\ntelemetry: {mirror: {\(keys)}}\n"
        #expect(ConfigurationText.mistakes(yaml) == [message])
    }

    /// `[::]` and `0.0.0.0` get what is for the loopback addresses too.
    @Test(arguments: [
        ("0.0.0.0:2055", "127.0.0.1:2055"), ("[::]:2055", "[::1]:2055"), ("192.0.2.1:2055", "192.0.2.1:2055"),
    ])
    func datagramsAreNotSentOnToWhereTheyCameFrom(listen: String, target: String) {
        let yaml = """
            networks: [198.51.100.0/24]
            telemetry: {netflow: {listen: "\(listen)"}, forward: [{to: "\(target)"}]}

            """
        let mistakes = ConfigurationText.mistakes(yaml)
        #expect(mistakes.count == 1 && mistakes[0].contains("datagrams sent to itself would go round for ever"))
        let elsewhere = yaml.replacing(":2055\"}]", with: ":2056\"}]")
        #expect(ConfigurationText.mistakes(elsewhere).isEmpty)
    }

    @Test func allMistakesAreSaidAtOnceInTheOrderOfTheFile() {
        let yaml = """
            networks: [198.51.100.0/24, 0.0.0.0/0]
            telemetry:
              sflow: {listen: "0.0.0.0"}
              mirrors: {interfaces: [eth3]}
            detection:
              tick: 100
              average_calculation_time: 5s
            mitigation:
              ban_time: forever
            graphite: {host: 192.0.2.1}

            """
        let places = ConfigurationText.mistakes(yaml).map { $0.split(separator: ": ")[..<2].joined(separator: " ") }
        #expect(
            places == [
                "f.yaml:1:29 networks[1]", "f.yaml:3:19 telemetry.sflow.listen", "f.yaml:4:3 telemetry.mirrors",
                "f.yaml:6:9 detection.tick", "f.yaml:7:3 detection.average_calculation_time",
                "f.yaml:9:13 mitigation.ban_time", "f.yaml:10:1 graphite",
            ]
        )
    }

    @Test func mistakesInANamedFileCarryItsName() {
        #expect(
            ConfigurationText.mistakes(
                "networks: {file: /l}\nstor: x\n",
                files: ["/l": "198.51.100.0/24\r\n  oops # here\n"]
            ) == [
                #"f.yaml:2:1: stor: found "stor", expected one of the known keys announcements, bgp, control_socket, detection, exabgp_pipe, exabgp_writer, log, metrics, mitigation, networks, processes, scripts, store, telemetry, whitelist; did you mean store?"#,
                #"/l:2:3: networks: found "oops", expected a prefix of the operator's own such as 198.51.100.0/24, without host bits set, of at least 8 bits (IPv6: 16)"#,
            ]
        )
        #expect(
            ConfigurationText.mistakes("networks: {file: /gone}\n").first
                == #"f.yaml:1:18: networks.file: found "/gone", expected a file that can be read: no such file"#
        )
    }

    @Test(arguments: ["", "# nothing\n", "~", "[]", "5", "--- a\n--- b\n"])
    func whatIsNoConfigurationIsRefused(yaml: String) { #expect(!ConfigurationText.mistakes(yaml).isEmpty) }

    /// What was to narrow a rule must not widen it by having no value.
    @Test(arguments: ["protocol: ", "protocol: []", "destination_port: []", "fragment: ~"])
    func aMatchWithoutItsValueIsRefused(_ match: String) {
        let yaml = "mitigation: {templates: {udp_flood: {match: {\(match)}, then: {discard: true}}}}\n"
        #expect(ConfigurationText.mistakes(ConfigurationText.minimal + yaml).count == 1)
    }

    @Test func aKeyWithoutItsValueIsRefused() {
        let yaml = ConfigurationText.minimal + "whitelist: {destinations: }\n"
        #expect(ConfigurationText.mistakes(yaml).count == 1)
    }

    @Test(arguments: [
        ("vpn: {route_distinguisher: \"65001:1\"}", "vpn: found"),
        ("families: [ipv4-flowspec-vpn], vpn: {}", "vpn.route_distinguisher: expected"),
        ("families: [ipv4-flowspec-vpn], vpn: {route_distinguisher: x}", "vpn.route_distinguisher: found \"x\""),
        (
            "families: [ipv6-flowspec-vpn], vpn: {route_distinguisher: \"1:1\", route_targets: [y]}",
            "vpn.route_targets[0]: found \"y\""
        ), ("add_path: yes please", "add_path: found"), ("extended_next_hop: true", "extended_next_hop: found"),
    ])
    func anExtensionThatCannotBeIsRefused(_ keys: String, _ mistake: String) {
        let neighbor = "{address: 192.0.2.1, remote_as: 1, \(keys)}"
        let bgp = "bgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [\(neighbor)]}\n"
        let found = ConfigurationText.mistakes(ConfigurationText.minimal + bgp)
        #expect(found.count == 1)
        #expect(found.first?.contains("bgp.neighbors[0].\(mistake)") == true, "\(found)")
    }

    @Test func aMistakeInAListIsSaidOnce() {
        let neighbor = "{address: 192.0.2.1, remote_as: 1, families: [ipv4]}"
        let bgp = "bgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [\(neighbor)]}\n"
        #expect(ConfigurationText.mistakes(ConfigurationText.minimal + bgp).count == 1)
        let none = bgp.replacing("[ipv4]", with: "[]")
        #expect(ConfigurationText.mistakes(ConfigurationText.minimal + none).count == 1)
    }

    @Test func bothDefaultRoutesAreRefused() {
        #expect(ConfigurationText.mistakes("networks: [\"::/0\"]\n").count == 1)
        #expect(ConfigurationText.mistakes("networks: [0.0.0.0/0]\n").count == 1)
        // Two halves are the whole.
        #expect(ConfigurationText.mistakes("networks: [0.0.0.0/1, 128.0.0.0/1, \"2000::/3\"]\n").count == 3)
    }

    @Test func oneAddressAndPortIsListenedOnOnce() {
        let yaml = """
            networks: [198.51.100.0/24]
            telemetry: {sflow: {listen: "0.0.0.0:6343"}, netflow: {listen: "0.0.0.0:6343"}}

            """
        #expect(
            ConfigurationText.mistakes(yaml) == [
                #"f.yaml:2:55: telemetry.netflow: found "a mapping", expected each address and port to be listened on once; 0.0.0.0:6343 stands there twice"#
            ]
        )
    }

    @Test func oneAddressAmongAllIsListenedOnOnce() {
        func mistakes(_ sFlow: String, _ netFlow: String) -> [String] {
            ConfigurationText.mistakes(
                "networks: [198.51.100.0/24]\ntelemetry: {sflow: {listen: \"\(sFlow)\"}, netflow: {listen: \"\(netFlow)\"}}\n"
            )
        }
        for (sFlow, netFlow) in [("0.0.0.0:6343", "192.0.2.1:6343"), ("[2001:db8::1]:6343", "[::]:6343")] {
            let said = mistakes(sFlow, netFlow)
            #expect(said.count == 1 && said[0].hasSuffix("\(netFlow) and \(sFlow) are the same in part"), "\(said)")
        }
        for (sFlow, netFlow) in [
            ("0.0.0.0:6343", "192.0.2.1:2055"), ("0.0.0.0:6343", "[::]:6343"), ("192.0.2.2:6343", "192.0.2.1:6343"),
        ] {
            #expect(mistakes(sFlow, netFlow).isEmpty)
        }
    }

    @Test func twoNeighborsOfOneAddressAreRefused() {
        let neighbor = "{address: 192.0.2.1, remote_as: 2}"
        let yaml =
            "networks: [198.51.100.0/24]\nbgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [\(neighbor), \(neighbor)]}\n"
        #expect(
            ConfigurationText.mistakes(yaml) == [
                #"f.yaml:2:100: bgp.neighbors[1].address: found "192.0.2.1", expected an address that no other neighbor has"#
            ]
        )
    }

    /// It would be tried for ever: which link is meant cannot be said.
    @Test func aNeighborOnALinkOfNoNameIsRefused() {
        let yaml =
            "networks: [198.51.100.0/24]\n"
            + "bgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [{address: \"fe80::2\", remote_as: 2}]}\n"
        let said = ConfigurationText.mistakes(yaml)
        #expect(said.count == 1 && said[0].contains(#"bgp.neighbors[0].address: found "fe80::2""#), "\(said)")
    }
}
