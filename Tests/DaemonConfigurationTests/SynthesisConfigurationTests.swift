import FlowSpec
import Testing

@testable import DaemonConfiguration

struct SynthesisConfigurationTests {
    private func load(_ lines: String) throws -> DaemonConfiguration {
        try ConfigurationText.load(ConfigurationText.minimal + lines + "\n")
    }

    @Test func whatRulesAreLookedForWithIsRead() throws {
        let usual = try load("").mitigation
        #expect(usual.synthesizes && usual.coverage == 0.95 && usual.maximumRulesPerAttack == 4)
        let set = try load("mitigation: {synthesize: off, coverage: 90 %, max_rules_per_attack: 2}").mitigation
        #expect(!set.synthesizes && set.coverage == 0.9 && set.maximumRulesPerAttack == 2)
        #expect(try load("mitigation: {coverage: 0.99}").mitigation.coverage == 0.99)
    }

    @Test func onlyATemplateWithAMatchStandsForIt() throws {
        let templates = """
            mitigation:
              templates:
                udp_flood: {match: {protocol: udp}, then: {discard: true}}
                syn_flood: {then: {rate_limit: 1 Mbit/s}}
            """
        #expect(try load(templates).mitigation.fixedTemplates == ["udp_flood"])
    }

    @Test func whatNeighborsLackIsRead() throws {
        let neighbors = """
            bgp:
              router_id: 192.0.2.10
              local_as: 65001
              neighbors:
                - {address: 192.0.2.1, remote_as: 65001, lacks: [packet-length, tcp-flags]}
                - {address: 192.0.2.2, remote_as: 65001}
            """
        #expect(try load(neighbors).bgp.neighbors.map(\.lacks) == [[.packetLength, .tcpFlags], []])
    }

    @Test(arguments: [
        ("mitigation: {coverage: 40%}", "a share from 50%"), ("mitigation: {coverage: much}", "a share from 50%"),
        ("mitigation: {coverage: nan}", "a share from 50%"), ("mitigation: {synthesize: maybe}", "on or off"),
        ("mitigation: {max_rules_per_attack: 0}", "1 to 64"),
        (
            "bgp: {router_id: 192.0.2.9, local_as: 1, neighbors: [{address: 192.0.2.1, remote_as: 1, lacks: [x]}]}",
            "port-range"
        ),
    ])
    func mistakesAreNamed(lines: String, expected: String) throws {
        let errors = #expect(throws: ConfigurationErrors.self) { _ = try load(lines) }
        #expect(errors?.errors.contains { $0.expected.contains(expected) } == true, "\(errors?.errors ?? [])")
    }
}
