import Capture
import DaemonConfiguration
import Foundation
import NetworkTypes
import TestSupport
import Testing

@testable import Daemon

/// What another configuration would have done with the same capture.
struct ReplayComparisonTests {
    private static let end = Timestamp(seconds: 1_800_000_000)

    private static func outcome(_ lines: String, of capture: String) throws -> ReplayOutcome {
        let yaml = "networks: [198.51.100.0/24]\nstore: /nowhere/floodgate.db\n" + lines
        let root = try DaemonConfiguration.document(yaml: yaml, file: "f.yaml")
        var configuration = try DaemonConfiguration.load(root) { _ in "" }
        configuration.mitigation.enforces = true
        var replay = Replay(configuration: configuration, content: .packets)
        var outcome = ReplayOutcome()
        var file = try CaptureFile(capture)
        while let packet = try file.next() {
            replay.receive(packet, file.octets(of: packet)) { outcome.note($0, at: $1) }
        }
        replay.finish(atMost: .seconds(86_400)) { outcome.note($0, at: $1) }
        return outcome
    }

    @Test func thresholdsAndTemplatesMakeTheDifference() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let capture = folder.path("floods.pcap")
        try FloodCapture.write(to: capture, endingAt: Self.end)
        let usual = "detection: {thresholds: {total: {packets: 1k packets/s}}, quiet_period: 1s}\n"
        let first = try Self.outcome(usual, of: capture)
        #expect(first.attacks.count == 3 && first.rules.count == 3)
        #expect(first.attacks.allSatisfy { $0.ended != nil } && first.rules.allSatisfy { $0.ended != nil })

        let same = ReplayComparison(first, try Self.outcome(usual, of: capture))
        #expect(same.differences.isEmpty && same.alikeAttacks == 3 && same.alikeRules == 3)

        let blind = try Self.outcome(
            "detection: {thresholds: {total: {packets: 10k packets/s}}, quiet_period: 1s}\n",
            of: capture
        )
        let missed = ReplayComparison(first, blind)
        #expect(missed.differences.count == 6 && missed.differences.allSatisfy { $0.second == nil })
        #expect(ReplayComparison(blind, first).differences.allSatisfy { $0.first == nil })

        let wider = ReplayComparison(
            first,
            try Self.outcome(usual + "mitigation: {synthesize: off, ban_time: 60s}\n", of: capture)
        )
        #expect(wider.alikeAttacks == 3 && wider.alikeRules == 0)
        #expect(Set(wider.differences.map(\.sort)) == [.rule])
    }

    /// What is announced is more than what routers are to do.
    @Test func communitiesNextHopsAndObservingMakeADifference() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let capture = folder.path("floods.pcap")
        try FloodCapture.write(to: capture, endingAt: Self.end)
        let group = "groups: [{name: web, prefixes: [198.51.100.8/29]}]"
        let usual = "detection: {thresholds: {total: {packets: 1k packets/s}}, quiet_period: 1s, \(group)}\n"
        func outcome(_ mitigation: String) throws -> ReplayOutcome {
            try Self.outcome(usual + "mitigation: {ban_time: 20s, \(mitigation)}\n", of: capture)
        }
        func natures(_ first: ReplayOutcome, _ second: ReplayOutcome) -> [[String?]] {
            let comparison = ReplayComparison(first, second)
            #expect(comparison.alikeAttacks == 3 && comparison.differences.count == 3)
            return comparison.differences.map { [$0.first?.nature, $0.second?.nature] }
        }
        let plain = try outcome("")
        #expect(
            natures(plain, try outcome("communities: [\"65001:666\"]")).allSatisfy {
                $0 == ["discard", "discard community [ 65001:666 ]"]
            }
        )
        func blackhole(_ community: String, _ hop: String) throws -> ReplayOutcome {
            try outcome("blackhole: {hosts: [ipv4], communities: [\"\(community)\"], next_hop: \(hop)}")
        }
        let holes = natures(try blackhole("65001:666", "192.0.2.1"), try blackhole("65001:777", "192.0.2.2"))
        #expect(
            holes.allSatisfy {
                $0 == ["next-hop 192.0.2.1 community [ 65001:666 ]", "next-hop 192.0.2.2 community [ 65001:777 ]"]
            },
            "\(holes)"
        )
        // Rules of mode observe end as others do.
        let observed = try outcome("groups: [{name: web, mode: observe}]")
        #expect(observed.rules.count == 3 && observed.rules.allSatisfy { $0.ended != nil })
        #expect(observed.rules.map(\.ended) == plain.rules.map(\.ended))
        #expect(natures(plain, observed).allSatisfy { $0 == ["discard", "only observed: discard"] })
    }
}
