import Detection
import FlowSpec
import NetworkTypes
import Testing

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }

/// A rule that is eased for a moment lets no attack through for longer than that, and is back whatever happens meanwhile.
struct ProbingTests {
    private static let host = "198.51.100.5"

    private static func policy(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> MitigationPolicy {
        Fixture.policy {
            $0.banTime = .seconds(3600)
            $0.probe = .init(every: .seconds(300), lasting: .seconds(5), bitsPerSecond: 1e9)
            change(&$0)
        }
    }

    /// A ledger whose rule against an attack that is over is eased at 310 s.
    private static func probing(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> Ledger {
        var ledger = Ledger(policy: policy(change))
        _ = ledger.handle(.began(Fixture.attack(1, host)), at: time(0))
        _ = ledger.handle(.ended(Fixture.attack(1, host)), at: time(10))
        return ledger
    }

    private static let eased: [TrafficAction] = [.rateLimitBytes(asn: 0, bytesPerSecond: 125_000_000)]

    @Test func anAttackOfAnotherShapeEndsTheProbe() throws {
        var ledger = Self.probing()
        let first = try #require(ledger.inForce.first?.announcement)
        #expect(ledger.advance(to: time(310)).announcements.map(\.actions) == [Self.eased])
        let back = ledger.handle(.began(Fixture.attack(2, Self.host, kind: .synFlood)), at: time(311))
        #expect(back.announcements.count == 2, "the rule against it, and the one that was eased")
        #expect(back.announcements.contains(first))
        for second in 312...400 { #expect(ledger.advance(to: time(Double(second))).withdrawals.isEmpty) }
    }

    @Test func anAttackOnTheNetworkAroundEndsTheProbe() throws {
        var ledger = Self.probing()
        let first = try #require(ledger.inForce.first?.announcement)
        #expect(ledger.advance(to: time(310)).announcements.count == 1)
        let whole = Fixture.attack(2, on: .network(try #require(IPPrefix("198.51.100.0/24"))))
        #expect(ledger.handle(.began(whole), at: time(311)).announcements.contains(first))
    }

    @Test func aStrongerAttackGetsAStricterRuleInTheMidstOfAProbe() {
        var ledger = Self.probing {
            $0.ladder = EscalationLadder(steps: [
                .init(.init(), .actions(Fixture.limited)),
                .init(.init(over: [.init(.bits, 1e10)]), .actions(Fixture.discarded)),
            ])
        }
        #expect(ledger.advance(to: time(310)).announcements.map(\.actions) == [Self.eased])
        let back = ledger.handle(.began(Fixture.attack(2, Self.host, bits: 2e10)), at: time(311))
        #expect(back.announcements.last?.actions == [.discard])
        #expect(back.reasons.isEmpty)
        #expect(ledger.advance(to: time(315)).withdrawals.isEmpty)
        #expect(ledger.inForce.map(\.requesters) == [[.attack(.init(rawValue: 1)), .attack(.init(rawValue: 2))]])
    }

    @Test func nothingIsEasedWhileTheTargetIsUnderAttack() {
        var ledger = Self.probing()
        _ = ledger.handle(.began(Fixture.attack(2, Self.host, kind: .synFlood)), at: time(300))
        for second in stride(from: 300, through: 1500, by: 1) {
            _ = ledger.handle(.updated(Fixture.attack(2, Self.host, kind: .synFlood)), at: time(Double(second)))
            #expect(ledger.advance(to: time(Double(second))).announcements.isEmpty, "at \(second) s")
        }
        _ = ledger.handle(.ended(Fixture.attack(2, Self.host, kind: .synFlood)), at: time(1501))
        var eased = 0
        for second in 1502...1900 { eased += ledger.advance(to: time(Double(second))).announcements.count }
        #expect(eased == 2, "when it is over, both are")
    }

    /// What a blackhole route drops is not seen through a rule, however much that lets pass.
    @Test func nothingIsEasedBehindABlackholeRoute() {
        var ledger = Self.probing {
            $0.blackholes.hosts = [.ipv4]
            $0.blackholes.communities = [.blackhole]
        }
        for second in 10...3500 { #expect(ledger.advance(to: time(Double(second))).isEmpty, "at \(second) s") }
    }

    @Test func aProbeThatTheConfigurationHasNoMoreEnds() {
        var ledger = Self.probing()
        #expect(ledger.advance(to: time(310)).announcements.map(\.actions) == [Self.eased])
        var effects = ledger.adopt(Self.policy { $0.probe = nil }, at: time(311))
        effects += ledger.advance(to: time(315))
        #expect(effects.announcements.map(\.actions) == [[.discard]])
        #expect(effects.withdrawals.isEmpty)
        #expect(ledger.advance(to: time(1000)).isEmpty)
    }

    @Test func theConfigurationMayBeginToAskForProbes() {
        var ledger = Self.probing { $0.probe = nil }
        _ = ledger.adopt(Self.policy(), at: time(100))
        #expect(ledger.advance(to: time(399)).isEmpty)
        #expect(ledger.advance(to: time(400)).announcements.map(\.actions) == [Self.eased])
    }

    @Test func probesGoOnAfterARestart() {
        var first = Self.probing()
        #expect(first.advance(to: time(310)).announcements.map(\.actions) == [Self.eased])
        var second = Ledger(policy: first.policy)
        let back = second.restore(
            first.inForce,
            attacks: [],
            overruled: [],
            highestID: .init(rawValue: 1),
            at: time(312)
        )
        #expect(back.announcements.map(\.actions) == [[.discard]], "all of it is back")
        #expect(second.advance(to: time(611)).isEmpty)
        #expect(second.advance(to: time(612)).announcements.map(\.actions) == [Self.eased])
        #expect(second.advance(to: time(617)).withdrawals.count == 1)
    }

    /// It was eased in the midst of an attack once: the next time comes after twice the time, restart or not.
    @Test func aRestartEasesNoSoonerWhatWasEasedInVain() {
        var first = Self.probing()
        #expect(first.advance(to: time(310)).announcements.map(\.actions) == [Self.eased])
        let again = Fixture.attack(2, Self.host)
        _ = first.handle(.began(again), at: time(311))
        _ = first.handle(.ended(again), at: time(320))
        var second = Ledger(policy: first.policy)
        _ = second.restore(first.inForce, attacks: [], overruled: [], highestID: .init(rawValue: 1), at: time(400))
        #expect(first.advance(to: time(919)).announcements.isEmpty)
        #expect(second.advance(to: time(999)).announcements.isEmpty)
        #expect(first.advance(to: time(920)).announcements.map(\.actions) == [Self.eased])
        #expect(second.advance(to: time(1000)).announcements.map(\.actions) == [Self.eased])
    }

    @Test func aProbeOfWhichTheEndIsNotSeenProvesNothing() {
        var ledger = Self.probing { $0.probe?.lasting = .seconds(30) }
        #expect(ledger.advance(to: time(310)).announcements.map(\.actions) == [Self.eased])
        ledger.hear(at: time(311))
        let after = ledger.advance(to: time(340))
        #expect(after.withdrawals.isEmpty && after.announcements.map(\.actions) == [[.discard]])
    }

    /// The way back counts when it is gone, and the room for it is kept until then.
    @Test func noMinuteSeesMoreAnnouncementsThanAllowed() {
        var ledger = Ledger(
            policy: Self.policy {
                $0.maximumChangesPerMinute = 10
                $0.probe = .init(every: .seconds(300), lasting: .seconds(55), bitsPerSecond: 1e9)
            }
        )
        for number in 1...5 {
            let attack = Fixture.attack(UInt64(number), "198.51.100.\(number)")
            _ = ledger.handle(.began(attack), at: time(0))
            _ = ledger.handle(.ended(attack), at: time(10))
        }
        var announced: [Double] = []
        for second in 11...310 {
            announced += ledger.advance(to: time(Double(second))).announcements.map { _ in Double(second) }
        }
        #expect(announced.count == 5, "all are eased")
        for number in 1...5 {
            let attack = Fixture.attack(UInt64(10 + number), "198.51.100.\(number)")
            announced += ledger.handle(.began(attack), at: time(364)).announcements.map { _ in 364 }
        }
        #expect(announced.count == 10, "and back")
        for number in 6...25 {
            let attack = Fixture.attack(UInt64(10 + number), "198.51.100.\(number)")
            announced += ledger.handle(.began(attack), at: time(370)).announcements.map { _ in 370 }
        }
        for second in 371...500 {
            announced += ledger.advance(to: time(Double(second))).announcements.map { _ in Double(second) }
        }
        for start in announced { #expect(announced.count { $0 >= start && $0 < start + 60 } <= 10, "from \(start)") }
        #expect(announced.count == 30, "none is forgotten")
    }

    /// A probe said that it was over, and it was back while the rule would still have stood: the next waits twice as long.
    @Test func whoComesBackEarlyIsProbedLater() {
        var ledger = Self.probing()
        _ = ledger.advance(to: time(310))
        #expect(ledger.advance(to: time(315)).withdrawals.count == 1)
        var waits: [Double] = []
        var begin = 340.0
        for number in 2...5 {
            _ = ledger.handle(.began(Fixture.attack(UInt64(number), Self.host)), at: time(begin))
            _ = ledger.handle(.ended(Fixture.attack(UInt64(number), Self.host)), at: time(begin + 10))
            var second = begin + 10
            while ledger.advance(to: time(second)).announcements.isEmpty, second < begin + 3000 { second += 1 }
            waits.append(second - begin - 10)
            #expect(ledger.advance(to: time(second + 5)).withdrawals.count == 1)
            begin = second + 30
        }
        #expect(waits == [600, 1200, 2400, 2400], "up to eight times")
        _ = ledger.handle(.began(Fixture.attack(9, "198.51.100.9")), at: time(begin))
        #expect(ledger.inForce.map(\.failedProbes) == [0], "others are not concerned")
    }

    @Test func whoComesBackLateIsProbedAsBefore() {
        var ledger = Self.probing()
        _ = ledger.advance(to: time(310))
        #expect(ledger.advance(to: time(315)).withdrawals.count == 1)
        _ = ledger.handle(.began(Fixture.attack(2, Self.host)), at: time(3601))
        #expect(ledger.inForce.map(\.failedProbes) == [0], "the rule would have gone by itself")
    }

    /// What failed is remembered for as long as a ban lasts, by a ledger that comes after as well.
    @Test func whatFailedIsKnownAfterARestart() throws {
        var first = Self.probing()
        var past: [LedgerEntry] = []
        for effect in first.advance(to: time(310)) + first.advance(to: time(315)) {
            if case .persist(let entry) = effect, entry.state == .withdrawn { past.append(entry) }
        }
        var second = Ledger(policy: first.policy)
        second.recall(past)
        _ = second.handle(.began(Fixture.attack(2, Self.host)), at: time(340))
        #expect(second.inForce.map(\.failedProbes) == [1])
        var third = Ledger(policy: first.policy)
        _ = third.restore(
            second.inForce,
            attacks: [Fixture.attack(2, Self.host)],
            overruled: [],
            highestID: .init(rawValue: 5),
            at: time(350)
        )
        _ = third.handle(.updated(Fixture.attack(2, Self.host, kind: .synFlood)), at: time(351))
        #expect(third.inForce.map(\.failedProbes) == [1, 1], "so do further rules against it")
    }
}
