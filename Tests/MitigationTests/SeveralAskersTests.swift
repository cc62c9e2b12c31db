import Detection
import FlowSpec
import NetworkTypes
import Testing

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }

/// A rule that several asked for lasts as long as the one who needs it longest, and no longer when he is gone.
struct SeveralAskersTests {
    private let pipe = LedgerEntry.Requester.client("pipe /p")

    private func target() throws -> IPPrefix { try #require(IPPrefix("198.51.100.5/32")) }

    private func byHand(_ ledger: inout Ledger, for seconds: Int64, at second: Double) throws {
        let target = try target()
        _ = ledger.ban(target, for: .seconds(seconds), template: "udp_flood", reason: "", at: time(second))
    }

    private func byCommand(_ ledger: inout Ledger, for seconds: Int64, at second: Double) throws {
        let rule = try #require(ledger.inForce.first?.announcement)
        let answer = ledger.announce(rule, for: .seconds(seconds), by: pipe, reason: "", at: time(second))
        #expect(!answer.isRefused)
    }

    @Test func whoWithdrawsTakesHisTimeWithHim() throws {
        var ledger = Ledger(policy: Fixture.policy())
        try byHand(&ledger, for: 60, at: 0)
        try byCommand(&ledger, for: 1000, at: 1)
        #expect(ledger.inForce.map(\.expires) == [time(1001)])
        let id = try #require(ledger.inForce.first?.id)
        #expect(ledger.withdraw(id, by: pipe, at: time(5)).effects.withdrawals.isEmpty)
        #expect(ledger.inForce.map(\.expires) == [time(60)], "as long as the operator said")
    }

    /// Nobody knows that an attack is over when nobody hears anything, whoever else asked for its rule.
    @Test func silenceIsNoQuietForASharedRuleEither() throws {
        var ledger = Ledger(policy: Fixture.policy())
        ledger.hear(at: time(0))
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        try byCommand(&ledger, for: 20, at: 1)
        let effects = ledger.handle(.ended(Fixture.attack(1)), at: time(150))
        #expect(effects.withdrawals.isEmpty)
        #expect(effects.notes.contains { $0.contains("no exporter is heard") })
        #expect(ledger.inForce.map(\.expires) == [time(250)], "a ban time more")
    }

    @Test func whoWithdrawsWhenTheOthersTimeIsOverWithdrawsTheRule() throws {
        var ledger = Ledger(policy: Fixture.policy())
        try byHand(&ledger, for: 60, at: 0)
        try byCommand(&ledger, for: 1000, at: 1)
        #expect(ledger.advance(to: time(100)).withdrawals.isEmpty)
        let id = try #require(ledger.inForce.first?.id)
        #expect(ledger.withdraw(id, by: pipe, at: time(101)).effects.withdrawals.count == 1)
    }

    @Test func theTermsOutlastARestart() throws {
        var first = Ledger(policy: Fixture.policy())
        try byHand(&first, for: 60, at: 0)
        try byCommand(&first, for: 1000, at: 1)
        var second = Ledger(policy: first.policy)
        _ = second.restore(first.inForce, attacks: [], overruled: [], highestID: .init(rawValue: 1), at: time(5))
        _ = second.withdraw(.init(rawValue: 1), by: pipe, at: time(6))
        #expect(second.inForce.map(\.expires) == [time(60)])
    }

    @Test func anOperatorShortensHisOwnBesideAnAttackThatIsOver() throws {
        var ledger = Ledger(policy: Fixture.policy())
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(10))
        try byHand(&ledger, for: 5000, at: 20)
        #expect(ledger.inForce.map(\.expires) == [time(5020)])
        try byHand(&ledger, for: 30, at: 21)
        #expect(ledger.inForce.map(\.expires) == [time(100)], "the ban time of the attack")
    }

    @Test func anOperatorDoesNotShortenWhatAClientAskedFor() throws {
        var ledger = Ledger(policy: Fixture.policy())
        try byHand(&ledger, for: 60, at: 0)
        try byCommand(&ledger, for: 1000, at: 1)
        try byHand(&ledger, for: 5, at: 2)
        #expect(ledger.inForce.map(\.expires) == [time(1001)])
        let id = try #require(ledger.inForce.first?.id)
        _ = ledger.withdraw(id, by: pipe, at: time(3))
        #expect(ledger.inForce.map(\.expires) == [time(7)])
    }

    @Test func whoAsksAgainWhenTheOthersAreGoneHasWhatHeSaysLast() throws {
        var ledger = Ledger(policy: Fixture.policy())
        try byHand(&ledger, for: 20, at: 0)
        for (number, start) in [(1, 1.0), (2, 150.0)] {
            _ = ledger.handle(.began(Fixture.attack(UInt64(number))), at: time(start))
            _ = ledger.handle(.ended(Fixture.attack(UInt64(number))), at: time(start + 10))
            try byHand(&ledger, for: 500, at: start + 20)
        }
        #expect(ledger.inForce.map(\.expires) == [time(670)])
        _ = ledger.handle(.began(Fixture.attack(3)), at: time(200))
        _ = ledger.handle(.ended(Fixture.attack(3)), at: time(210))
        #expect(ledger.inForce.map(\.expires) == [time(670)])
    }

    @Test func anAttackThatEndsLeavesTheOperatorHisTime() throws {
        var ledger = Ledger(policy: Fixture.policy())
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        try byHand(&ledger, for: 500, at: 1)
        for second in 2...400 { _ = ledger.handle(.updated(Fixture.attack(1)), at: time(Double(second))) }
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(400))
        #expect(ledger.inForce.map(\.expires) == [time(501)])
        #expect(ledger.advance(to: time(501)).withdrawals.count == 1)
    }
}
