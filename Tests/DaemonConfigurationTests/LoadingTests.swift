import DaemonConfiguration
import FlowSpec
import NetworkTypes
import Testing

struct LoadingTests {
    @Test func aMinimalConfigurationHasTheDefaults() throws {
        let configuration = try ConfigurationText.load(ConfigurationText.minimal)
        #expect(configuration.networks.map(\.description) == ["198.51.100.0/24"])
        #expect(configuration.telemetry.sFlow.map(\.description) == ["0.0.0.0:6343"])
        #expect(configuration.telemetry.netFlow.isEmpty && configuration.telemetry.allowedExporters == nil)
        #expect(configuration.telemetry.workers == nil && configuration.telemetry.defaultSamplingRate == nil)
        #expect(configuration.detection.window == .seconds(1) && configuration.detection.tick == .milliseconds(100))
        #expect(!configuration.mitigation.enforces)
        #expect(configuration.mitigation.templates == RuleTemplate.builtIn)
    }

    @Test func everyKeyReachesTheModel() throws {
        let configuration = try ConfigurationText.load(ConfigurationText.complete)
        #expect(configuration.whitelistedDestinations.map(\.description) == ["198.51.100.1/32"])
        #expect(configuration.whitelistedSources.map(\.description) == ["192.0.2.0/24"])
        let telemetry = configuration.telemetry
        #expect(telemetry.netFlow.map(\.description) == ["0.0.0.0:2055", "[::]:4739"])
        #expect(telemetry.allowedExporters?.map(\.description) == ["192.0.2.0/24"])
        #expect(telemetry.defaultSamplingRate == 1000 && telemetry.workers == 2)
        let detection = configuration.detection
        #expect(detection.window == .seconds(2) && detection.quietPeriod == .seconds(20))
        #expect(detection.smoothing == .seconds(5))
        #expect(detection.baseline?.factor == 4 && detection.baseline?.learningTime == .seconds(2 * 86_400))
        #expect(detection.baseline?.packetsFloor == 2000 && detection.baseline?.bitsFloor == 20e6)
        #expect(detection.groups.map { $0.baseline != nil } == [true, false, false])
        #expect(detection.endsBelow == 0.75 && detection.maximumHosts == 50_000)
        #expect(detection.thresholds.all.count == 18)
        #expect(detection.thresholds[.total, .packets] == 20_000 && detection.thresholds[.total, .bits] == 1e9)
        #expect(detection.thresholds[.fragments, .bits] == 100e6)
        #expect(detection.outgoingThresholds[.total, .flows] == 9000)
        #expect(detection.networkThresholds[.udp, .packets] == 100_000)
        #expect(detection.outgoingNetworkThresholds[.total, .bits] == 20e9)
        #expect(detection.groups.map(\.name) == ["web", "all-of-office", "v6"])
        #expect(detection.groups.map(\.measure) == [.host, .group, .network])
        #expect(detection.groups.first?.outgoingThresholds[.udp, .packets] == 1000)
        let mitigation = configuration.mitigation
        #expect(mitigation.enforces && !mitigation.unbanOnlyIfAttackFinished && mitigation.banTime == .seconds(1800))
        #expect(mitigation.communities.map(\.description) == ["65001:666"])
        #expect(mitigation.maximumRules == 50 && mitigation.maximumChangesPerMinute == 60)
        #expect(mitigation.shortestIPv4Length == 25 && mitigation.shortestIPv6Length == 56)
        #expect(configuration.bgp.routerID == IPAddress(192, 0, 2, 10))
        #expect(configuration.bgp.listen.map(\.description) == ["[::]:179"])
        let neighbor = try #require(configuration.bgp.neighbors.first)
        #expect(neighbor.address == IPAddress(192, 0, 2, 1) && neighbor.remoteAS == ASN(65001))
        #expect(neighbor.localAS == ASN(65001) && neighbor.port == 1179 && neighbor.holdTime == 30)
        #expect(neighbor.localAddress == IPAddress(192, 0, 2, 10) && neighbor.isPassive)
        #expect(neighbor.password == "secret" && neighbor.ttlSecurityHops == 1 && neighbor.description == "edge")
        #expect(neighbor.communities.map(\.description) == ["65001:1"])
        #expect(configuration.bgp.neighbors.last?.remoteAS == ASN(4 << 16 | 10))
        #expect(configuration.bgp.neighbors.last?.families == ["ipv4-flowspec", "ipv6-flowspec"])
        #expect(configuration.store == "/tmp/floodgate.db" && configuration.controlSocket == "/tmp/control.sock")
        #expect(configuration.log.level == "debug" && configuration.log.file == "/tmp/floodgate.log")
    }

    @Test(arguments: [
        (
            "udp_flood",
            "flow route destination 198.51.100.5/32 protocol =udp destination-port [ =53 >=1024&<=2047 ] rate-limit 12500000 community [ 65535:65281 ]"
        ),
        (
            "syn_flood",
            "flow route destination 198.51.100.5/32 tcp-flags [ syn&!ack ] packet-length <100 dscp =46 discard"
        ),
        (
            "icmp_flood",
            "flow route destination 198.51.100.5/32 protocol =icmp icmp-type =8 icmp-code =0 rate-limit 1000 packets"
        ),
        (
            "flood",
            "flow route { match { destination 198.51.100.5/32; port =53; source-port =123; fragment is-fragment; } then { redirect 65001:100; mark 8; } }"
        ),
        ("default", "flow route destination 198.51.100.5/32 accept"),
    ])
    func templatesBecomeTheRulesTheySay(kind: String, rule: String) throws {
        let template = try #require(ConfigurationText.load(ConfigurationText.complete).mitigation.templates[kind])
        let target = IPPrefix(host: IPAddress(198, 51, 100, 5))
        #expect(try template.announcement(for: target, direction: .incoming).description == rule)
    }

    @Test func aTemplateOfTheFileLeavesTheOthersBuiltIn() throws {
        let yaml = ConfigurationText.minimal + "mitigation: {templates: {flood: {then: {accept: true}}}}\n"
        let templates = try ConfigurationText.load(yaml).mitigation.templates
        #expect(templates["flood"]?.actions == [])
        #expect(templates["udp_flood"] == RuleTemplate.builtIn["udp_flood"])
    }

    @Test func networksAreReadFromAFile() throws {
        let list = "# ours\r\n198.51.100.0/24\r\n\r\n  2001:db8::/32   # and this\n"
        let configuration = try ConfigurationText.load("networks: {file: /etc/list}\n", files: ["/etc/list": list])
        #expect(configuration.networks.map(\.description) == ["198.51.100.0/24", "2001:db8::/32"])
    }

    @Test func withANeighborTheDefaultIsToEnforce() throws {
        let bgp = "bgp: {router_id: 192.0.2.10, local_as: 1, neighbors: [{address: 192.0.2.1, remote_as: 2}]}\n"
        #expect(try ConfigurationText.load(ConfigurationText.minimal + bgp).mitigation.enforces)
        let observing = ConfigurationText.minimal + bgp + "mitigation: {mode: observe}\n"
        #expect(try !ConfigurationText.load(observing).mitigation.enforces)
    }

    @Test func aliasesAreFollowed() throws {
        let yaml =
            ConfigurationText.minimal + """
                detection:
                  thresholds: &usual {total: {packets: 5 packets/s}}
                  outgoing_thresholds: *usual

                """
        #expect(try ConfigurationText.load(yaml).detection.outgoingThresholds[.total, .packets] == 5)
    }

    @Test func whatIsValidAndHardlyMeantIsWarnedOf() throws {
        let idle = try ConfigurationText.load("networks: [198.51.100.0/24]")
        #expect(idle.warnings.map { $0.prefix { $0 != ":" } } == ["telemetry", "detection.thresholds"])
        let halfProtected = try ConfigurationText.load(
            """
            networks: [198.51.100.0/24, 2001:db8:100::/48]
            telemetry: {sflow: {listen: "0.0.0.0:6343"}}
            detection: {groups: [{name: a, prefixes: [198.51.100.0/25], thresholds: {total: {packets: 1k packets/s}}}]}
            bgp:
              router_id: 192.0.2.10
              local_as: 65001
              neighbors: [{address: 192.0.2.1, remote_as: 65001, families: [ipv4-flowspec]}]
            """
        )
        #expect(
            halfProtected.warnings == ["bgp.neighbors: none has ipv6-flowspec, so its networks will not be protected"]
        )
        #expect(try ConfigurationText.load(ConfigurationText.complete).warnings.isEmpty)
    }

    @Test(arguments: ["+1:2", "1:+2", "65001", "65001:65536", "-1:1", ":1", "1:"])
    func communitiesAreTwoNumbersWithoutSigns(_ text: String) { #expect(Community(text) == nil) }
}
