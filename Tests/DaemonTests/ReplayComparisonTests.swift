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
}
