import Compatibility
import DaemonConfiguration
import FlowSpec
import NetworkTypes
import Testing

/// What a `fastnetmon.conf` comes to.
struct FastNetMonFileTests {
    private typealias Text = FastNetMonText

    // MARK: Thresholds

    @Test func thresholdsThatAreSwitchedOnCountBothWays() throws {
        let configuration = try Text.load(
            """
            ban_for_pps = on
            ban_for_bandwidth = on
            ban_for_tcp_syn_pps = on
            ban_for_udp_bandwidth = on
            ban_for_flows = off
            threshold_pps = 20000   # many
            threshold_mbps = 1000
            threshold_flows = 3500
            threshold_tcp_syn_pps = 7
            threshold_udp_mbps = 12
            threshold_icmp_pps = 5
            """
        )
        for thresholds in [configuration.detection.thresholds, configuration.detection.outgoingThresholds] {
            #expect(thresholds[.total, .packets] == 20_000)
            #expect(thresholds[.total, .bits] == 1e9)
            #expect(thresholds[.tcpSYN, .packets] == 7)
            #expect(thresholds[.udp, .bits] == 12e6)
            #expect(thresholds.all.count == 4, "flows are off, and icmp is not on")
        }
    }

    @Test func whereNothingIsSwitchedAllCount() throws {
        let text = "threshold_mbps = 1000\nthreshold_pps = 20000\n"
        let configuration = try Text.load(text)
        #expect(configuration.detection.thresholds.all.count == 2)
        let notes = Text.read(text).remarks.filter { $0.message.contains("no ban_for_") }
        #expect(notes.count == 1 && notes[0].severity == .note)
    }

    @Test func aSwitchWithoutThresholdAndAThresholdOfZeroAreErrors() {
        let errors = Text.read("ban_for_pps = on\nban_for_flows = on\nthreshold_flows = 0\n").errors
        #expect(errors.count == 2)
        #expect(errors[0].hasPrefix("/etc/fastnetmon.conf:1: error: ban_for_pps: is on without threshold_pps"))
        #expect(errors[1].hasPrefix("/etc/fastnetmon.conf:3: error: threshold_flows: 0 would have every host banned"))
    }

    @Test func aThresholdThatDoesNotCountIsSaid() {
        let document = Text.read(
            "ban_for_pps = off\nban_for_bandwidth = on\nthreshold_mbps = 5\nthreshold_pps = 5\nthreshold_flows = 5\n"
        )
        #expect(
            document.said(of: "threshold_pps") == [
                "4 warning does not count: ban_for_pps is off in line 1; say ban_for_pps = on where it is to"
            ]
        )
        #expect(
            document.said(of: "threshold_flows") == [
                "5 warning does not count: ban_for_flows is left out, which is off; say ban_for_flows = on where it is to"
            ]
        )
    }

    @Test func directionsCanBeSwitchedOff() throws {
        let configuration = try Text.load("threshold_pps = 5\nprocess_outgoing_traffic = off\n")
        #expect(configuration.detection.thresholds.all.count == 1)
        #expect(configuration.detection.outgoingThresholds.isEmpty)
    }

    // MARK: Groups

    @Test func groupsOfBothFamiliesInheritNothing() throws {
        let configuration = try Text.load(
            """
            web_threshold_mbps = 5000
            hostgroup = web:198.51.100.0/26, 203.0.113.77/28, 2001:db8:100:1::/64
            web_ban_for_bandwidth = on
            ban_for_pps = on
            ban_for_bandwidth = on
            threshold_pps = 20000
            threshold_mbps = 1000
            """
        )
        let group = try #require(configuration.detection.groups.first)
        #expect(group.name == "web")
        #expect(group.prefixes.map(\.description) == ["198.51.100.0/26", "203.0.113.64/28", "2001:db8:100:1::/64"])
        let judged = group.thresholds.inheriting(from: configuration.detection.thresholds)
        #expect(judged[.total, .bits] == 5e9)
        #expect(judged[.total, .packets] == 1e15, "no traffic comes to that")
        #expect(group.outgoingThresholds == group.thresholds)
    }

    @Test func aGroupThatIsNotBannedIsWhitelisted() throws {
        let text = "threshold_pps = 5\nhostgroup = quiet:198.51.100.0/26\nquiet_enable_ban = off\n"
        #expect(try Text.load(text).whitelistedDestinations == [IPPrefix("198.51.100.0/26")])
    }

    @Test func groupsThatCannotCountAreTold() {
        let document = Text.read(
            """
            hostgroup = a:198.51.100.0/26
            hostgroup = a:198.51.100.64/26
            hostgroup = b:198.51.100.0/26,192.0.2.0/24
            hostgroup = c:198.51.100.0/33
            hostgroup = nothing
            webb_threshold_pps = 5
            hostgroup = web:203.0.113.0/25
            other_threshold_pps = 5
            """
        )
        let said = document.said(of: "hostgroup")
        #expect(said.count == 5)
        #expect(said[0].hasPrefix("2 warning there is a group a already"))
        #expect(said[1].hasPrefix("3 warning 198.51.100.0/26 is in another group"))
        #expect(said[2].hasPrefix("3 warning 192.0.2.0/24 is in none of your networks"))
        #expect(said[3].hasPrefix("4 error \"198.51.100.0/33\" is no prefix"))
        #expect(said[4].hasPrefix("5 error \"nothing\" is not name:prefix"))
        #expect(document.said(of: "webb_threshold_pps") == ["6 error there is no group webb; did you mean web?"])
        #expect(
            document.said(of: "other_threshold_pps").first?.hasPrefix("8 warning there is no hostgroup = other") == true
        )
    }

    // MARK: What is done

    @Test func banKeysBecomeThePolicy() throws {
        let configuration = try Text.load("ban_time = 600\nunban_only_if_attack_finished = off\nexabgp = on\n")
        #expect(configuration.mitigation.banTime == .seconds(600))
        #expect(!configuration.mitigation.unbanOnlyIfAttackFinished)
        #expect(configuration.mitigation.enforces)
        #expect(try Text.load("ban_time = 0\n").mitigation.banTime == .seconds(30 * 86_400))
        #expect(Text.read("ban_time = 0\n").said(of: "ban_time")[0].hasPrefix("1 warning 0 is for ever"))
    }

    @Test func enableBanOffObserves() throws {
        let text = "enable_ban = off\nexabgp = on\n"
        #expect(try !Text.load(text).mitigation.enforces)
        #expect(Text.read(text).said(of: "enable_ban").isEmpty)
        #expect(Text.read("exabgp = on\n").said(of: "enable_ban").first?.hasPrefix("0 note left out") == true)
    }

    @Test func withoutIPv6BansItsNetworksAreNotTouched() throws {
        #expect(try Text.load("enable_ban_ipv6 = off\n").whitelistedDestinations == [IPPrefix("2001:db8:100::/48")])
        #expect(try Text.load("enable_ban_ipv6 = on\n").whitelistedDestinations.isEmpty)
    }

    @Test func kindsCanBeSwitchedOff() throws {
        let text = "enable_ban_for_udp_flood = on\nenable_ban_for_tcp_syn_flood = off\n"
        #expect(try Text.load(text).mitigation.kinds == ["udp_flood", "icmp_flood", "flood"])
        #expect(try Text.load("enable_ban_for_udp_flood = on\n").mitigation.kinds == nil)
    }

    // MARK: Who announces

    @Test func thePipeIsReadWithNeighborsAndWrittenWithout() throws {
        let text = "exabgp = on\nexabgp_command_pipe = /run/x.cmd\nexabgp_community = 65001:666\n"
        #expect(try Text.load(text).exabgpWriters == ["/run/x.cmd"])
        let configuration = try Text.load(text, hasNeighbors: true)
        #expect(configuration.exabgpPipes.map(\.path) == ["/run/x.cmd"])
        #expect(configuration.mitigation.communities == [Community("65001:666")])
        #expect(configuration.mitigation.announcesRules && configuration.mitigation.blackholes.hosts.isEmpty)
        #expect(try Text.load("exabgp = on\n").exabgpWriters == ["/var/run/exabgp.cmd"])
    }

    @Test func exabgpOffBesideNeighborsLeavesThemToCommands() throws {
        #expect(try Text.load("exabgp = off\n", hasNeighbors: true).mitigation.kinds == [])
        #expect(try Text.load("exabgp = off\n").mitigation.kinds == nil)
        #expect(try Text.load("threshold_pps = 5\n", hasNeighbors: true).mitigation.kinds == nil)
        #expect(try Text.load("exabgp = off\ngobgp = on\n", hasNeighbors: true).mitigation.kinds == nil)
    }

    @Test func hostsAndNetworksAreAnnouncedAsBlackholes() throws {
        let text = """
            exabgp = on
            exabgp_announce_host = on
            exabgp_announce_whole_subnet = on
            exabgp_community = [65001:666 65001:777]
            exabgp_community_subnet = 65001:888
            exabgp_next_hop = 10.0.3.114
            """
        let files = ["/etc/networks_list": "198.51.96.0/20\n2001:db8:100::/48\n"]
        let mitigation = try Text.load(text, files: files).mitigation
        #expect(!mitigation.announcesRules)
        #expect(mitigation.communities.isEmpty, "which are for rules")
        #expect(mitigation.blackholes.hosts == [.ipv4, .ipv6] && mitigation.blackholes.networks == [.ipv4, .ipv6])
        #expect(mitigation.blackholes.communities.map(\.description) == ["65001:666", "65001:777"])
        #expect(mitigation.blackholes.networkCommunities.map(\.description) == ["65001:888"])
        #expect(mitigation.blackholes.nextHop == IPAddress("10.0.3.114"))
        #expect(mitigation.blackholes.nextHopIPv6 == IPAddress("100::1"))
        #expect(mitigation.shortestIPv4Length == 20 && mitigation.shortestIPv6Length == 48)
        let both = try Text.load(text + "\nexabgp_flow_spec_announces = on\n", files: files).mitigation
        #expect(both.announcesRules && both.communities.count == 2 && !both.blackholes.hosts.isEmpty)
    }

    @Test func templatesAskForFlowSpecBesideBlackholes() throws {
        var files = Text.networks
        files["/etc/flowspec_templates.conf"] = "udp_flood: {match: [protocol: udp], then: [discard]}\n"
        let mitigation = try Text.load("exabgp = on\nexabgp_announce_host = on\n", files: files).mitigation
        #expect(mitigation.announcesRules && !mitigation.blackholes.hosts.isEmpty)
    }

    @Test func gobgpIsANeighborWithItsOwnKeys() throws {
        let text = """
            gobgp = on
            gobgp_next_hop = 0.0.0.0
            gobgp_announce_host_ipv6 = off
            gobgp_announce_whole_subnet_ipv6 = on
            gobgp_community_host = 65001:666
            gobgp_community_subnet_ipv6 = 65001:777
            """
        let blackholes = try Text.load(text, hasNeighbors: true).mitigation.blackholes
        #expect(blackholes.hosts == [.ipv4] && blackholes.networks == [.ipv6])
        #expect(blackholes.nextHop == nil && blackholes.nextHopIPv6 == IPAddress("100::1"))
        #expect(blackholes.communities.count == 1 && blackholes.networkCommunities.count == 1)
        #expect(Text.read(text).said(of: "gobgp").first?.contains("nothing is announced") == true)
    }

    // MARK: Telemetry

    @Test func enginesListenWhereTheyAreTold() throws {
        let telemetry = try Text.load(
            """
            sflow = on
            sflow_port = 6343,6344 , 6343
            sflow_host = ::
            netflow = on
            netflow_sampling_ratio = 1000
            mirror_afpacket = on
            interfaces = eth3,eth4
            mirror_af_packet_custom_sampling_rate = 100
            """
        ).telemetry
        #expect(telemetry.sFlow.map(\.description) == ["[::]:6343", "[::]:6344"])
        #expect(telemetry.netFlow.map(\.description) == ["0.0.0.0:2055"])
        #expect(telemetry.defaultSamplingRate == 1000)
        #expect(telemetry.mirror.interfaces == ["eth3", "eth4"] && telemetry.mirror.samplingRate == 100)
    }

    @Test func withoutAnEngineBothListen() throws {
        let text = "sflow = off\nnetflow_port = 2056\n"
        let telemetry = try Text.load(text).telemetry
        #expect(telemetry.sFlow.map(\.description) == ["0.0.0.0:6343"])
        #expect(telemetry.netFlow.map(\.description) == ["0.0.0.0:2056"])
        #expect(Text.read(text).said(of: "").first?.hasPrefix("0 warning switches no capture engine on") == true)
        #expect(try Text.load("netflow = on\n").telemetry.sFlow.isEmpty)
        // Where it is said elsewhere, nothing is taken on ports that nobody named, and nothing is warned of.
        let beside = FastNetMonFile.read(
            text,
            file: "/etc/fastnetmon.conf",
            hasNeighbors: false,
            hasTelemetry: true,
            readFile: FastNetMonText(files: FastNetMonText.networks).readFile
        )
        #expect(!beside.said(of: "").contains { $0.contains("capture engine") })
        let documented = try DaemonConfiguration.load(beside.document) { FastNetMonText.networks[$0] ?? "" }
        #expect(documented.telemetry.sFlow.isEmpty && documented.telemetry.netFlow.isEmpty)
    }
}
