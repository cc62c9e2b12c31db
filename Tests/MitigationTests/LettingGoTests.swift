import Detection
import FlowSpec
import NetworkTypes
import Testing

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }

struct LettingGoTests {
    // MARK: Back-off

    private static func returning(_ policy: inout MitigationPolicy) {
        policy.banBackoff = .init(factor: 2, longest: .seconds(350), within: .seconds(60))
    }

    @Test func anAttackThatComesBackIsBannedForLonger() {
        var ledger = Ledger(policy: Fixture.policy(Self.returning))
        var start = 0.0
        var lasted: [Double] = []
        for round in 1...4 {
            let attack = Fixture.attack(UInt64(round))
            _ = ledger.handle(.began(attack), at: time(start))
            _ = ledger.handle(.ended(attack), at: time(start + 15))
            var end = start
            while !ledger.entries.isEmpty, end < start + 1000 {
                end += 1
                _ = ledger.advance(to: time(end))
            }
            lasted.append(end - start)
            start = end + 5
        }
        #expect(lasted == [100, 200, 350, 350])
        _ = ledger.handle(.began(Fixture.attack(9)), at: time(start + 100))
        _ = ledger.handle(.ended(Fixture.attack(9)), at: time(start + 110))
        #expect(ledger.advance(to: time(start + 200)).withdrawals.count == 1, "after a while it counts as new")
    }

    @Test func theLongerBanOutlastsARestart() {
        var first = Ledger(policy: Fixture.policy(Self.returning))
        _ = first.handle(.began(Fixture.attack(1)), at: time(0))
        _ = first.handle(.ended(Fixture.attack(1)), at: time(15))
        _ = first.advance(to: time(100))
        _ = first.handle(.began(Fixture.attack(2)), at: time(110))
        var second = Ledger(policy: first.policy)
        _ = second.restore(
            first.inForce,
            attacks: [Fixture.attack(2)],
            overruled: [],
            highestID: .init(rawValue: 2),
            at: time(120)
        )
        _ = second.handle(.ended(Fixture.attack(2)), at: time(130))
        #expect(second.advance(to: time(309)).withdrawals.isEmpty)
        #expect(second.advance(to: time(310)).withdrawals.count == 1)
        // And what was let go before the restart is known from what is stored.
        var gone = first.inForce
        gone[0].withdraw(at: time(310), because: "its time was up")
        var third = Ledger(policy: first.policy)
        third.recall(gone)
        _ = third.handle(.began(Fixture.attack(3)), at: time(320))
        _ = third.handle(.ended(Fixture.attack(3)), at: time(330))
        #expect(third.advance(to: time(669)).withdrawals.isEmpty)
        #expect(third.advance(to: time(670)).withdrawals.count == 1)
    }

    // MARK: Probing

    private static func probing(_ policy: inout MitigationPolicy) {
        policy.banTime = .seconds(3600)
        policy.probe = .init(every: .seconds(300), lasting: .seconds(5), bitsPerSecond: 1e9)
    }

    @Test func aProbeThatSeesNothingLetsGo() {
        var ledger = Ledger(policy: Fixture.policy(Self.probing))
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        #expect(ledger.advance(to: time(400)).announcements.isEmpty, "the attack goes on")
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(400))
        #expect(ledger.advance(to: time(699)).announcements.isEmpty)
        let eased = ledger.advance(to: time(700)).announcements
        #expect(eased.map(\.actions) == [[.rateLimitBytes(asn: 0, bytesPerSecond: 125_000_000)]])
        #expect(ledger.inForce.map(\.announcement.actions) == [[.discard]], "what a crash brings back is all of it")
        #expect(ledger.advance(to: time(704)).withdrawals.isEmpty)
        #expect(ledger.advance(to: time(705)).withdrawals.count == 1)
    }

    @Test func aProbeThatSeesTheAttackEndsAtOnceAndComesLaterNextTime() {
        var ledger = Ledger(policy: Fixture.policy(Self.probing))
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(10))
        #expect(ledger.advance(to: time(310)).announcements.count == 1)
        let back = ledger.handle(.began(Fixture.attack(2)), at: time(311)).announcements
        #expect(back.map(\.actions) == [[.discard]])
        #expect(ledger.advance(to: time(315)).isEmpty)
        _ = ledger.handle(.ended(Fixture.attack(2)), at: time(330))
        #expect(ledger.advance(to: time(929)).announcements.isEmpty)
        #expect(ledger.advance(to: time(930)).announcements.count == 1, "after twice as long")
    }

    @Test func aProbeNeedsRoomForTheWayBackAndSomebodyWhoListens() {
        var ledger = Ledger(
            policy: Fixture.policy {
                Self.probing(&$0)
                $0.maximumChangesPerMinute = 1
            }
        )
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(10))
        for second in 300...400 { #expect(ledger.advance(to: time(Double(second))).isEmpty) }

        var deaf = Ledger(policy: Fixture.policy(Self.probing))
        _ = deaf.handle(.began(Fixture.attack(1)), at: time(0))
        deaf.hear(at: time(10))
        _ = deaf.handle(.ended(Fixture.attack(1)), at: time(10))
        #expect(deaf.advance(to: time(310)).announcements.count == 1)
        let after = deaf.advance(to: time(315))
        #expect(after.withdrawals.isEmpty && after.announcements.map(\.actions) == [[.discard]])
    }

    // MARK: Silence

    @Test func anEndThatNobodyCouldSeeIsNoEnd() {
        var ledger = Ledger(policy: Fixture.policy())
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        for second in stride(from: 1.0, through: 200, by: 1) {
            ledger.hear(at: time(second))
            _ = ledger.handle(.updated(Fixture.attack(1)), at: time(second))
        }
        #expect(ledger.handle(.ended(Fixture.attack(1)), at: time(210)).withdrawals.isEmpty, "every exporter is gone")
        #expect(ledger.advance(to: time(309)).withdrawals.isEmpty)
        #expect(ledger.advance(to: time(310)).withdrawals.count == 1)
    }

    // MARK: Groups

    private static func web(_ mode: MitigationPolicy.Mode) -> MitigationPolicy.Group {
        .init(name: "web", prefixes: ["198.51.100.0/26"].compactMap { IPPrefix($0) }, mode: mode)
    }

    @Test func whatIsOnlyObservedIsNeverAnnounced() throws {
        var ledger = Ledger(policy: Fixture.policy { $0.groups = [Self.web(.observe)] })
        #expect(ledger.handle(.began(Fixture.attack(1)), at: time(0)).announcements.isEmpty)
        #expect(ledger.handle(.began(Fixture.attack(2, "198.51.100.99")), at: time(0)).announcements.count == 1)
        let one = try #require(IPPrefix("198.51.100.7/32"))
        #expect(ledger.ban(one, reason: "", at: time(1)).announcements.isEmpty, "whoever asks")
        let all = try #require(IPPrefix("198.51.100.0/24"))
        #expect(ledger.ban(all, reason: "", at: time(1)).announcements.isEmpty, "nor what would reach into it")
        #expect(ledger.entries.values.filter { $0.state == .announced }.count == 1)

        var careful = Ledger(
            policy: Fixture.policy {
                $0.mode = .observe
                $0.groups = [Self.web(.enforce)]
            }
        )
        #expect(careful.handle(.began(Fixture.attack(1)), at: time(0)).announcements.isEmpty, "the stricter counts")
    }

    @Test func aChangeOfModeMovesTheRules() {
        var ledger = Ledger(policy: Fixture.policy { $0.groups = [Self.web(.observe)] })
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        #expect(ledger.adopt(Fixture.policy(), at: time(1)).announcements.count == 1)
        #expect(ledger.inForce.map(\.state) == [.announced])
        let back = ledger.adopt(Fixture.policy { $0.groups = [Self.web(.observe)] }, at: time(2))
        #expect(back.withdrawals.count == 1)
        #expect(ledger.inForce.map(\.state) == [.observed])
        #expect(ledger.handle(.ended(Fixture.attack(1)), at: time(300)).withdrawals.isEmpty)
        #expect(ledger.entries.isEmpty)
    }

    // MARK: Commands

    @Test func anOperatorShortensHisOwnBanAndNobodyElses() throws {
        var ledger = Ledger(policy: Fixture.policy())
        let target = try #require(IPPrefix("198.51.100.5/32"))
        _ = ledger.ban(target, for: .seconds(500), template: "udp_flood", reason: "", at: time(0))
        _ = ledger.ban(target, for: .seconds(20), template: "udp_flood", reason: "", at: time(10))
        #expect(ledger.inForce.map(\.expires) == [time(30)])
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(11))
        _ = ledger.ban(target, for: .seconds(5), template: "udp_flood", reason: "", at: time(12))
        #expect(ledger.inForce.map(\.expires) == [time(111)])
    }
}
