import DaemonConfiguration
import Detection
import FlowSpec
import Foundation
import Mitigation
import NetworkTypes
import Testing
import Traffic

@testable import Daemon

private func load(_ yaml: String) throws(ConfigurationErrors) -> DaemonConfiguration {
    try DaemonConfiguration.load(yaml: yaml, file: "floodgate.yaml") { _ in throw CocoaError(.fileNoSuchFile) }
}

private func load(mitigation: String, _ more: String = "") throws(ConfigurationErrors) -> DaemonConfiguration {
    try load(
        """
        networks: [198.51.100.0/24]
        telemetry: {sflow: {listen: "127.0.0.1:6343"}}
        detection:
          thresholds: {total: {bits: 100 Mbit/s}}
          groups: [{name: web, prefixes: [198.51.100.0/26]}]
        bgp:
          router_id: 192.0.2.10
          local_as: 65001
          neighbors: [{address: 192.0.2.1, remote_as: 65001, families: [ipv4-flowspec, ipv4-unicast]}]
        mitigation: {\(mitigation)}
        \(more)
        """
    )
}

private func attack(_ bits: Double) -> Attack {
    var rates = TrafficRates()
    rates[.total, .bits] = bits
    return Attack(
        id: .init(rawValue: 1),
        target: .host(IPAddress(198, 51, 100, 5)),
        direction: .incoming,
        began: Timestamp(seconds: 0),
        kind: .udpFlood,
        kindShare: 1,
        crossing: ThresholdCrossing(
            trafficClass: .total,
            unit: .bits,
            threshold: 5e8,
            rate: bits,
            lowerBound: bits,
            upperBound: bits,
            window: .seconds(1),
            samples: 100,
            group: nil
        ),
        rates: rates,
        samples: []
    )
}

struct EscalationConfigurationTests {
    /// The guide's table: over 10 Gbit/s discard, over 1 Gbit/s one limit, else another.
    @Test func theExampleThatShipsActsAsTheGuidesTable() throws {
        let file = URL(filePath: #filePath).appending(path: "../../../docs/escalation.yaml").standardizedFileURL
        let configuration = try load(String(contentsOf: file, encoding: .utf8))
        #expect(configuration.allWarnings == [])
        for (bits, limit) in [(6e8, 1_250_000), (2e9, 12_500_000), (1.1e10, 0)] as [(Double, Float)] {
            var ledger = Ledger(policy: configuration.mitigationPolicy)
            let effects = ledger.handle(.began(attack(bits)), at: Timestamp(seconds: 1))
            let announced = effects.compactMap { effect -> [TrafficAction]? in
                if case .announce(let entry) = effect { entry.announcement.actions } else { nil }
            }
            #expect(announced == [[.rateLimitBytes(asn: 0, bytesPerSecond: limit)]], "at \(bits) bit/s")
        }
    }

    @Test func allOfItIsRead() throws {
        let configuration = try load(
            mitigation: """
                capacity: 10 Gbit/s, step_stay: 90s, step_down_below: 0.5,
                escalation: [{when: {over: [1 Gbit/s, 1M packets/s]}, then: {rate_limit: 100 Mbit/s}},
                  {when: {link_share: 80%}, then: {redirect: "65001:100"}},
                  {when: {after: 30s}, then: {blackhole: true, communities: [blackhole]}}],
                groups: [{name: web, mode: observe, capacity: 1 Gbit/s, then: {discard: true}}],
                probe: {every: 5m, for: 5s, rate_limit: 1 Gbit/s},
                ban_backoff: {factor: 3, max: 2h, within: 10m}
                """
        )
        let policy = configuration.mitigationPolicy
        #expect(policy.ladder?.steps.map(\.condition.over) == [[.init(.bits, 1e9), .init(.packets, 1e6)], [], []])
        #expect(policy.ladder?.steps[1].condition.linkShare == 0.8)
        #expect(
            policy.ladder?.steps[1].response
                == .actions(.init(components: [], actions: [.redirect(.twoOctetAS(65001, 100))]))
        )
        #expect(policy.ladder?.steps[2].response == .blackhole([.blackhole]))
        #expect(policy.ladder?.steps[2].condition.after == .seconds(30))
        #expect(policy.ladder?.stay == .seconds(90) && policy.ladder?.lowersBelow == 0.5)
        #expect(policy.capacity == 1e10)
        #expect(policy.groups.map(\.mode) == [.observe] && policy.groups.map(\.capacity) == [1e9])
        #expect(policy.groups.first?.ladder?.steps.count == 1)
        #expect(policy.probe == .init(every: .seconds(300), lasting: .seconds(5), bitsPerSecond: 1e9))
        #expect(policy.banBackoff == .init(factor: 3, longest: .seconds(7200), within: .seconds(600)))
        #expect(configuration.allWarnings.count == 1, "where exporters sample: \(configuration.allWarnings)")
    }

    @Test func mistakesAreNamedWithTheirPlaces() {
        let cases = [
            ("escalation: [{when: {over: 10}, then: {discard: true}}]", "mitigation.escalation[0].when.over"),
            (
                "escalation: [{when: {link_share: 0.8}, then: {discard: true}}]",
                "mitigation.escalation[0].when.link_share"
            ),
            ("escalation: [{when: {}, then: {discard: true}}]", "mitigation.escalation[0].when"),
            ("escalation: [{when: {over: 1 Gbit/s}}]", "mitigation.escalation[0].then"),
            ("escalation: [{then: {discard: true}}, {then: {discard: true}}]", "mitigation.escalation[1].when"),
            ("escalation: [{then: {blackhole: true, discard: true}}]", "mitigation.escalation[0].then.discard"),
            ("groups: [{name: wob, mode: observe}]", "mitigation.groups[0].name"),
            ("groups: [{name: web}, {name: web}]", "mitigation.groups[1].name"),
            ("groups: [{name: web, then: {discard: true}, escalation: []}]", "mitigation.groups[0].then"),
            ("probe: {every: 5m, for: 5s}", "mitigation.probe.rate_limit"),
            ("ban_time: 1h, ban_backoff: {max: 10m}", "mitigation.ban_backoff.max"),
        ]
        for (yaml, key) in cases {
            let errors = #expect(throws: ConfigurationErrors.self, "\(yaml)") { _ = try load(mitigation: yaml) }
            let lines = errors?.errors.map(\.description) ?? []
            #expect(lines.contains { $0.hasPrefix("floodgate.yaml:") && $0.contains(" \(key): ") }, "\(lines)")
        }
    }

    @Test func aLadderThatDoesNotLeadAnywhereIsWarnedOf() throws {
        func warnings(_ mitigation: String) throws -> [String] { try load(mitigation: mitigation).allWarnings }
        let order =
            "escalation: [{when: {over: 10 Gbit/s}, then: {discard: true}}, {when: {over: 1 Gbit/s}, then: {rate_limit: 1 Mbit/s}}]"
        #expect(try warnings(order).map { $0.contains("step 1 can never be reached") } == [true])
        let share = "escalation: [{when: {link_share: 80%}, then: {discard: true}}]"
        #expect(try warnings(share).map { $0.contains("capacity that is not set") } == [true])
        #expect(try warnings("capacity: 1 Gbit/s, " + share).isEmpty)
        let late = "escalation: [{when: {after: 30s}, then: {discard: true}}]"
        #expect(try warnings(late).map { $0.contains("samples") } == [true])
        let probe = "probe: {every: 5m, for: 5s, rate_limit: 50 Mbit/s}"
        #expect(try warnings(probe).map { $0.contains("mitigation.probe.rate_limit") } == [true])
        let group = "mode: observe, groups: [{name: web, mode: enforce}]"
        #expect(try warnings(group).map { $0.contains("has no effect") } == [true])
    }
}
