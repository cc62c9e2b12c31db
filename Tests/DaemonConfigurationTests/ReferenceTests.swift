import FlowSpec
import Foundation
import NetworkTypes
import Testing

@testable import DaemonConfiguration

private func load(_ yaml: String) throws(ConfigurationErrors) -> DaemonConfiguration {
    try DaemonConfiguration.load(yaml: yaml, file: "floodgate.yaml") { _ in throw CocoaError(.fileNoSuchFile) }
}

private func reference() throws -> String {
    let file = URL(filePath: #filePath).appending(path: "../../../docs/configuration.md").standardizedFileURL
    return try String(contentsOf: file, encoding: .utf8)
}

/// The reference's example has every key: it must be valid, and every key that is read must be described.
@Test func theReferencesExampleIsValid() throws {
    let text = try reference()
    let example = try #require(
        text.components(separatedBy: "```yaml\n").dropFirst().first?.components(separatedBy: "```").first
    )
    let configuration = try load(example)
    #expect(configuration.networks.count == 3)
    #expect(configuration.telemetry.netFlow.count == 3)
    #expect(configuration.detection.thresholds[.udp, .flows] == 3500)
    #expect(configuration.detection.groups[1].measure == .group)
    #expect(
        configuration.mitigation.templates["udp_flood"]?.actions == [
            .rateLimitBytes(asn: 0, bytesPerSecond: 12_500_000)
        ]
    )
    #expect(configuration.bgp.neighbors[0].password == "secret")
    #expect(configuration.bgp.neighbors[0].ttlSecurityHops == 1)
    #expect(configuration.bgp.neighbors[0].gracefulRestart?.longLivedTime == 3600)
    #expect(configuration.bgp.neighbors[1].range == IPPrefix("192.0.2.64/28"))
    #expect(configuration.bgp.neighbors[1].isPassive)
    #expect(configuration.bgp.neighbors[1].vpn?.distinguisher == RouteDistinguisher("65001:100"))
    #expect(configuration.bgp.neighbors[1].vpn?.targets == [ExtendedCommunity(rawValue: 0x0002_FDE9_0000_0064)])
    #expect(configuration.bgp.neighbors[1].addPath == "receive")
}

@Test func everyKeyThatIsReadIsDescribed() throws {
    let text = try reference()
    // Each section with a key that nobody knows: the error names those that it does.
    let probes: [(yaml: String, path: String)] = [
        ("zzz: 1", ""), ("whitelist: {zzz: 1}", "whitelist."), ("telemetry: {zzz: 1}", "telemetry."),
        ("telemetry: {exporters: {zzz: 1}}", "telemetry.exporters."),
        ("telemetry: {exporters: {settings: [{zzz: 1}]}}", "telemetry.exporters.settings[]."),
        ("telemetry: {forward: [{zzz: 1}]}", "telemetry.forward[]."),
        ("telemetry: {mirror: {zzz: 1}}", "telemetry.mirror."), ("detection: {zzz: 1}", "detection."),
        ("detection: {groups: [{zzz: 1}]}", "detection.groups[]."),
        ("detection: {baseline: {zzz: 1}}", "detection.baseline."),
        ("detection: {baseline: {floor: {zzz: 1}}}", "detection.baseline.floor."),
        ("mitigation: {zzz: 1}", "mitigation."),
        ("mitigation: {blackhole: {zzz: 1}}", "mitigation.blackhole."),
        ("mitigation: {escalation: [{zzz: 1}]}", "mitigation.escalation[]."),
        ("mitigation: {escalation: [{when: {zzz: 1}}]}", "mitigation.escalation[].when."),
        ("mitigation: {groups: [{zzz: 1}]}", "mitigation.groups[]."),
        ("mitigation: {probe: {zzz: 1}}", "mitigation.probe."),
        ("mitigation: {ban_backoff: {zzz: 1}}", "mitigation.ban_backoff."),
        ("bgp: {zzz: 1}", "bgp."), ("bgp: {neighbors: [{zzz: 1}]}", "bgp.neighbors[]."), ("log: {zzz: 1}", "log."),
        ("bgp: {neighbors: [{graceful_restart: {zzz: 1}}]}", "bgp.neighbors[].graceful_restart."),
        ("bgp: {neighbors: [{announce: {zzz: 1}}]}", "bgp.neighbors[].announce."),
        ("processes: [{zzz: 1}]", "processes[]."), ("announcements: [{zzz: 1}]", "announcements[]."),
        ("bgp: {neighbors: [{tcp_ao: {zzz: 1}}]}", "bgp.neighbors[].tcp_ao."),
        ("bgp: {neighbors: [{vpn: {zzz: 1}}]}", "bgp.neighbors[].vpn."),
        ("exabgp_pipe: {zzz: 1}", "exabgp_pipe."), ("exabgp_writer: {zzz: 1}", "exabgp_writer."),
        ("scripts: {zzz: 1}", "scripts."), ("metrics: {zzz: 1}", "metrics."),
        ("metrics: {graphite: {zzz: 1}}", "metrics.graphite."), ("metrics: {influxdb: {zzz: 1}}", "metrics.influxdb."),
    ]
    let sections: Set = [
        "whitelist", "telemetry", "detection", "mitigation", "mitigation.blackhole", "mitigation.escalation[].when",
        "mitigation.groups", "mitigation.probe", "mitigation.ban_backoff", "bgp", "log", "telemetry.sflow",
        "telemetry.netflow",
        "telemetry.ipfix_tcp", "telemetry.mirror",
        "telemetry.exporters", "telemetry.exporters.settings", "telemetry.forward", "detection.groups",
        "detection.baseline",
        "detection.baseline.floor", "bgp.neighbors",
        "bgp.neighbors[].graceful_restart", "bgp.neighbors[].announce",
        "bgp.neighbors[].tcp_ao", "bgp.neighbors[].vpn", "metrics", "metrics.graphite", "metrics.influxdb",
    ]
    for (yaml, path) in probes {
        let errors = #expect(throws: ConfigurationErrors.self) { _ = try load(yaml) }
        let unknown = try #require(errors?.errors.first { $0.value == "zzz" })
        let known = unknown.expected.replacing("one of the known keys ", with: "").split(separator: ";")[0]
        for key in known.components(separatedBy: ", ") where !sections.contains(path + key) {
            #expect(text.contains("| `\(path)\(key)` |"), "\(path)\(key) is not described")
        }
    }
}

@Test func allMistakesAreNamedAtOnceWithTheirPlaces() {
    let yaml = """
        networks: [198.51.100.0/24, 198.51.100.1/24]
        telemetry:
          sflow: {listen: "0.0.0.0"}
          wokers: 2
        detection:
          window: 1
          thresholds:
            total: {packets: 20000, bits: 5 packets/s}
        mitigation:
          mode: enforce
          templates:
            dns_flood: {then: {discard: true}}
        api: {listen: "127.0.0.1:8080"}
        """
    let errors = #expect(throws: ConfigurationErrors.self) { _ = try load(yaml) }
    let lines = errors?.errors.map(\.description) ?? []
    let wanted = [
        "floodgate.yaml:1:29: networks[1]: found \"198.51.100.1/24\", expected a prefix",
        "floodgate.yaml:3:19: telemetry.sflow.listen: found \"0.0.0.0\", expected an address and port",
        "floodgate.yaml:4:3: telemetry.wokers: found \"wokers\", expected one of the known keys",
        "floodgate.yaml:6:11: detection.window: found \"1\", expected a duration with its unit",
        "floodgate.yaml:8:22: detection.thresholds.total.packets: found \"20000\", expected a rate in packets/s",
        "floodgate.yaml:8:35: detection.thresholds.total.bits: found \"5 packets/s\", expected a rate in bit/s",
        "floodgate.yaml:10:9: mitigation.mode: found \"enforce\", expected observe, as there is no neighbor",
        "floodgate.yaml:12:5: mitigation.templates.dns_flood: found \"dns_flood\", expected one of the known keys",
        "floodgate.yaml:13:1: api: found \"api\", expected one of the known keys",
    ]
    #expect(lines.count == wanted.count, "\(lines.joined(separator: "\n"))")
    for (line, beginning) in zip(lines, wanted) { #expect(line.hasPrefix(beginning), "\(line)") }
    #expect(lines.contains { $0.hasSuffix("; did you mean workers?") })
}

@Test func whatCannotBeTogetherIsRefused() {
    let cases =
        [
            "networks: [0.0.0.0/0]", "{}", "", "networks: []", "networks: 5", "- a",
            "networks: [198.51.100.0/24]\nbgp: {neighbors: [{address: 192.0.2.1, remote_as: 1}]}",
            "networks: [198.51.100.0/24]\ndetection: {window: 1050ms}",
        ]
        + [
            "address: 192.0.2.0/28", "address: 192.0.2.1, ttl_security: 1, multihop: 3",
            "address: 192.0.2.1, require_role: true", "address: 192.0.2.1, password: a, tcp_ao: {key: b}",
            "address: 192.0.2.1, tcp_ao: {}", "address: 192.0.2.1, graceful_restart: {restart_time: 4096s}",
            "address: 192.0.2.1/28", "address: 192.0.2.1, on_max_received: stop",
        ].map {
            "networks: [198.51.100.0/24]\nbgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [{remote_as: 1, \($0)}]}"
        } + [
            "networks: [198.51.100.0/24]\ndetection: {groups: [{name: a, prefixes: [192.0.2.0/24]}]}",
            "networks: [198.51.100.0/24]\ntelemetry: {sflow: {listen: \"0.0.0.0:1\"}, netflow: {listen: \"0.0.0.0:1\"}}",
            "networks: [198.51.100.0/24]\nnetworks: [198.51.100.0/24]", "networks: [", "networks: {file: /nonexistent}",
        ]
    for yaml in cases { #expect(throws: ConfigurationErrors.self, "\(yaml)") { _ = try load(yaml) } }
}

@Test func aSmallConfigurationIsEnoughAndObserves() throws {
    let configuration = try load("networks: 198.51.100.0/24\ntelemetry: {sflow: {listen: \"[::]:6343\"}}")
    #expect(!configuration.mitigation.enforces)
    #expect(configuration.telemetry.sFlow.map(\.description) == ["[::]:6343"])
    #expect(configuration.mitigation.banTime == .seconds(1900))
}

@Test func quantitiesHaveTheirUnits() {
    #expect(Quantity.rate("20k packets/s", .packets) == 20_000)
    #expect(Quantity.rate("1 Gbit/s", .bits) == 1e9)
    #expect(Quantity.rate("12.5 MB/s", .bits) == 1e8)
    #expect(Quantity.rate("3500 flows/s", .flows) == 3500)
    #expect(Quantity.rate("1 Gbit/s", .packets) == nil)
    #expect(Quantity.rate("-1 packets/s", .packets) == nil)
    #expect(Quantity.duration("1900s") == .seconds(1900))
    #expect(Quantity.duration("30m") == .seconds(1800))
    #expect(Quantity.duration("100ms") == .milliseconds(100))
    #expect(Quantity.duration("10") == nil)
    #expect(Quantity.duration("99999999999999d") == nil)
}

@Test func mutatedConfigurationsAreErrorsAndNoTraps() throws {
    let text = try reference()
    let example = try #require(
        text.components(separatedBy: "```yaml\n").dropFirst().first?.components(separatedBy: "```").first
    )
    var random = SystemRandomNumberGenerator()
    let noise = Array(":{}[]-#&*!|>'\"%@` \n\t0129azAZ\u{0}é".unicodeScalars)
    for _ in 0..<300 {
        var scalars = Array(example.unicodeScalars)
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            scalars[Int.random(in: 0..<scalars.count, using: &random)] = noise.randomElement(using: &random) ?? " "
        }
        var mutated = ""
        mutated.unicodeScalars.append(contentsOf: scalars)
        _ = try? load(mutated)
    }
}
