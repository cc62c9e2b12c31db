import Control
import Detection
import FlowSpec
import Foundation
import Mitigation
import NetworkTypes
import Store
import TestSupport
import Testing
import Traffic

@testable import floodgate

/// What `explain` says of an attack with more rules than anybody reads.
@Suite(.serialized)
struct ExplainTests {
    private static let host = IPAddress(198, 51, 100, 5)

    private func attack() -> Attack {
        let crossing = ThresholdCrossing(
            trafficClass: .total,
            unit: .packets,
            threshold: 1,
            rate: 2,
            lowerBound: 2,
            upperBound: 2,
            window: .seconds(1),
            samples: 100,
            group: nil
        )
        var attack = Attack(
            id: Attack.ID(rawValue: 3),
            target: .host(Self.host),
            direction: .incoming,
            began: Timestamp(seconds: 1000),
            kind: .udpFlood,
            kindShare: 1,
            crossing: crossing,
            rates: TrafficRates(),
            samples: []
        )
        attack.ended = Timestamp(seconds: 1100)
        return attack
    }

    private func rule(_ number: UInt64) throws -> LedgerEntry {
        let target = try #require(IPPrefix(Self.host, length: 32))
        let template = try #require(RuleTemplate.builtIn["udp_flood"])
        return LedgerEntry(
            id: LedgerEntry.ID(rawValue: number),
            announcement: try template.announcement(for: target, direction: .incoming, communities: []),
            target: target,
            direction: .incoming,
            template: "udp_flood",
            reason: "because",
            created: Timestamp(seconds: 1000),
            requesters: [.attack(Attack.ID(rawValue: 3))],
            announced: Timestamp(seconds: 1000),
            expires: Timestamp(seconds: 1050),
            state: .withdrawn,
            withdrawn: Timestamp(seconds: 1050)
        )
    }

    @Test func moreRulesThanAreListedAreCounted() async throws {
        let daemon = try RunningDaemon(detection: ["quiet_period: 1s"])
        defer { daemon.folder.remove() }
        do {
            let store = try Store(path: daemon.folder.path("floodgate.db"))
            try store.write([.attack(attack())] + (1...1003).map { .entry(try rule($0)) })
        }
        let process = try await daemon.start()
        defer { process.stop() }
        func explain(_ limit: Int?) async throws -> ExplanationReport? {
            let request = ControlRequest(.explain, target: "3", limit: limit)
            guard case .explanation(let report) = try await daemon.ask(request) else { return nil }
            return report
        }
        let short = try #require(try await explain(nil))
        #expect(short.rules.map(\.id) == Array(4...1003) && short.omittedRules == 3, "the latest")
        let text = ExplainCommand.text(short)
        #expect(text.contains("of its 1003 rules the latest 1000 are listed, 3 more are older: --limit 1003 lists all"))
        let all = try #require(try await explain(1003))
        #expect(all.rules.map(\.id) == Array(1...1003) && all.omittedRules == nil)
        #expect(!ExplainCommand.text(all).contains("are listed"))
    }
}
