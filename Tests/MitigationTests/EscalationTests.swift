import Detection
import FlowSpec
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }
private typealias Step = EscalationLadder.Step
private typealias Condition = EscalationLadder.Condition

/// Limit, discard over 10 Gbit/s, blackhole when nothing helps.
private let ladder = EscalationLadder(
    steps: [
        Step(Condition(over: [.init(.bits, 1e9)]), .actions(Fixture.limited)),
        Step(Condition(over: [.init(.bits, 1e10)]), .actions(Fixture.discarded)),
        Step(Condition(after: .seconds(30)), .blackhole([])),
    ]
)

private func ledger(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> Ledger {
    Ledger(
        policy: Fixture.policy {
            $0.ladder = ladder
            $0.templates["udp_flood"]?.actions = [.rateLimitBytes(asn: 0, bytesPerSecond: 1_250_000)]
            change(&$0)
        }
    )
}

struct EscalationTests {
    @Test func stepsAreTakenAtOnceAndInPlace() {
        var ledger = ledger()
        let first = ledger.handle(.began(Fixture.attack(1, bits: 5e8)), at: time(0)).announcements
        #expect(first.map(\.actions) == [[.rateLimitBytes(asn: 0, bytesPerSecond: 1_250_000)]], "below the ladder")
        let second = ledger.handle(.updated(Fixture.attack(1, bits: 2e9)), at: time(1))
        #expect(second.announcements.map(\.actions) == [Fixture.limited.actions])
        #expect(second.announcements.map(\.route) == first.map(\.route), "the same rule in other words")
        #expect(second.withdrawals.isEmpty)
        let third = ledger.handle(.updated(Fixture.attack(1, bits: 2e10)), at: time(2))
        #expect(third.announcements.map(\.actions) == [[.discard]])
        #expect(third.notes == ["the ladder goes up to step 2 of 3 (over 10 Gbit/s)"])
        #expect(ledger.entries.count == 1)
    }

    @Test func aStepIsLeftOnlyWhenItHasBeenCalmForLong() {
        var ledger = ledger()
        _ = ledger.handle(.began(Fixture.attack(1, bits: 2e10)), at: time(0))
        var changes: [(Int, [TrafficAction])] = []
        for second in 1...300 {
            let effects = ledger.handle(.updated(Fixture.attack(1, bits: 5e8)), at: time(Double(second)))
            changes += effects.announcements.map { (second, $0.actions) }
        }
        #expect(changes.map(\.0) == [61, 122], "one step at a time, each after its stay")
        #expect(changes.map(\.1) == [Fixture.limited.actions, [.rateLimitBytes(asn: 0, bytesPerSecond: 1_250_000)]])
        #expect(
            ledger.handle(.updated(Fixture.attack(1, bits: 9e9)), at: time(301)).announcements.count == 1,
            "and up again at once"
        )
    }

    @Test func justBelowTheConditionIsNotCalm() {
        var ledger = ledger()
        _ = ledger.handle(.began(Fixture.attack(1, bits: 2e10)), at: time(0))
        for second in 1...300 {
            let effects = ledger.handle(.updated(Fixture.attack(1, bits: 9e9)), at: time(Double(second)))
            #expect(effects.announcements.isEmpty, "at \(second) s")
        }
    }

    /// An attack that swells whenever the step is left: each time the step is kept twice as long.
    @Test func nothingFlaps() {
        var ledger = ledger { $0.ladder = EscalationLadder(steps: Array(ladder.steps.prefix(2))) }
        var changes = 0
        _ = ledger.handle(.began(Fixture.attack(1, bits: 2e10)), at: time(0))
        for second in 1...7200 {
            let isDiscarded = ledger.entries.values.contains { $0.announcement.actions == [.discard] }
            let attack = Fixture.attack(1, bits: isDiscarded ? 5e8 : 2e10)
            changes += ledger.handle(.updated(attack), at: time(Double(second))).announcements.count
        }
        #expect((6...16).contains(changes), "\(changes) in two hours")
    }

    @Test func theChangeBudgetHoldsStepsBackToo() {
        var ledger = ledger { $0.maximumChangesPerMinute = 2 }
        _ = ledger.handle(.began(Fixture.attack(1, bits: 5e8)), at: time(0))
        _ = ledger.handle(.began(Fixture.attack(2, "198.51.100.6", bits: 5e8)), at: time(0))
        #expect(ledger.handle(.updated(Fixture.attack(1, bits: 2e10)), at: time(1)).announcements.isEmpty)
        #expect(ledger.handle(.updated(Fixture.attack(1, bits: 2e10)), at: time(59)).announcements.isEmpty)
        #expect(ledger.handle(.updated(Fixture.attack(1, bits: 2e10)), at: time(61)).announcements.count == 1)
    }

    @Test func whatDoesNotHelpIsFollowedByABlackhole() throws {
        var ledger = ledger { $0.blackholes.nextHop = IPAddress(192, 0, 2, 254) }
        func attack(_ second: Double, from exporters: [IPAddress]) -> Attack {
            Fixture.attack(
                1,
                bits: exporters.count == 1 ? 1.2e10 : 2e10,
                samples: exporters.flatMap { Fixture.samples(20, from: $0, at: second) }
            )
        }
        let both = [IPAddress(192, 0, 2, 1), IPAddress(192, 0, 2, 2)]
        _ = ledger.handle(.began(attack(0, from: both)), at: time(0))
        var routes: [(Int, Announcement)] = []
        for second in 1...60 {
            // One of the routers drops it, the other does not.
            let effects = ledger.handle(.updated(attack(Double(second), from: [both[1]])), at: time(Double(second)))
            routes += effects.announcements.map { (second, $0) }
        }
        let leak = ledger.entries.keys.sorted().compactMap { ledger.effect(of: $0) }.first
        #expect(leak?.verdict == .unknown, "all that came by the second still does: that may be before its filter")
        #expect(routes.isEmpty)

        var trusting = Ledger(policy: ledger.policy)
        let after = try #require(IPPrefix("192.0.2.0/24"))
        var policy = ledger.policy
        policy.samplesBeforeFilter = PrefixTable([(after, false)])
        _ = trusting.adopt(policy, at: time(0))
        _ = trusting.handle(.began(attack(0, from: both)), at: time(0))
        for second in 1...60 {
            let effects = trusting.handle(.updated(attack(Double(second), from: [both[1]])), at: time(Double(second)))
            routes += effects.announcements.map { (second, $0) }
        }
        #expect(routes.map(\.1.route) == [.unicast(try #require(IPPrefix("198.51.100.5/32")))])
        #expect(routes.map(\.0) == [37], "five seconds for the routers, three verdicts, thirty without effect")
        #expect(routes.first?.1.communities == [.blackhole])
        #expect(routes.first?.1.nextHop == IPAddress(192, 0, 2, 254))
        #expect(trusting.entries.count == 2, "the rule stays beside it")
        let gone = trusting.handle(.ended(attack(61, from: both)), at: time(200))
        #expect(gone.withdrawals.count == 2)
    }

    @Test func aBlackholeGoesWhenItsPowerIsGone() {
        var ledger = ledger {
            $0.ladder = EscalationLadder(steps: [
                Step(Condition(), .actions(Fixture.limited)),
                Step(Condition(over: [.init(.packets, 1e6)]), .blackhole([.noExport])),
            ])
        }
        #expect(ledger.handle(.began(Fixture.attack(1, bits: 1e10)), at: time(0)).announcements.count == 2)
        var gone: [Int] = []
        for second in 1...100 {
            let effects = ledger.handle(.updated(Fixture.attack(1, bits: 1e9)), at: time(Double(second)))
            if !effects.withdrawals.isEmpty { gone.append(second) }
        }
        #expect(gone == [61])
        #expect(ledger.entries.values.map(\.announcement.actions) == [Fixture.limited.actions])
        let outgoing = Fixture.attack(2, "198.51.100.9", bits: 1e10, direction: .outgoing)
        let routes = ledger.handle(.began(outgoing), at: time(200)).announcements
        #expect(routes.count == 1, "against what a host sends a blackhole route does nothing")
    }

    @Test func theShareOfALinkCounts() {
        let steps = [Step(Condition(linkShare: 0.8), .actions(Fixture.limited))]
        var ledger = ledger {
            $0.ladder = EscalationLadder(steps: steps)
            $0.capacity = 1e10
            $0.groups = [
                .init(name: "small", prefixes: ["198.51.100.0/28"].compactMap { IPPrefix($0) }, capacity: 1e9)
            ]
        }
        let small = ledger.handle(.began(Fixture.attack(1, bits: 9e8)), at: time(0)).announcements
        #expect(small.first?.actions == Fixture.limited.actions)
        let large = ledger.handle(.began(Fixture.attack(2, "198.51.100.77", bits: 7e9)), at: time(0)).announcements
        #expect(large.first?.actions != Fixture.limited.actions)
        let over = ledger.handle(.updated(Fixture.attack(2, "198.51.100.77", bits: 8.1e9)), at: time(1)).announcements
        #expect(over.first?.actions == Fixture.limited.actions)
    }

    @Test func afterARestartAnAttackStandsWhereItStood() {
        var first = ledger()
        _ = first.handle(.began(Fixture.attack(1, bits: 2e10)), at: time(0))
        var second = Ledger(policy: first.policy)
        _ = second.restore(
            first.inForce,
            attacks: [Fixture.attack(1, bits: 2e10)],
            overruled: [],
            highestID: .init(rawValue: 1),
            at: time(5)
        )
        let effects = second.handle(.updated(Fixture.attack(1, bits: 5e8)), at: time(6))
        #expect(effects.announcements.isEmpty, "no step down before it has been calm")
    }

    /// It had to go up again once: from then on a step is kept for twice as long, restart or not.
    @Test func aRestartForgetsNoRelapse() throws {
        var first = ledger()
        var written: [LedgerEffect] = []
        func swelling(_ second: Int) -> Attack { Fixture.attack(1, bits: second == 0 || second == 70 ? 2e10 : 5e8) }
        written += first.handle(.began(swelling(0)), at: time(0))
        for second in 1...75 { written += first.handle(.updated(swelling(second)), at: time(Double(second))) }
        let climb = try #require(
            written.compactMap { if case .climbed(_, let climb) = $0 { climb } else { nil } }.last
        )
        #expect(climb.step == 1 && climb.relapses == 1 && climb.lastLeft == 1)
        var second = Ledger(policy: first.policy)
        _ = second.restore(
            first.inForce,
            attacks: [swelling(70)],
            overruled: [],
            climbs: [swelling(0).id: climb],
            highestID: .init(rawValue: 1),
            at: time(76)
        )
        var changed: [Int] = []
        for moment in 77...250 {
            let effects = second.handle(.updated(swelling(moment)), at: time(Double(moment)))
            if !effects.announcements.isEmpty { changed.append(moment) }
        }
        #expect(changed == [197], "two minutes, not one, and the next step later still")
    }

    @Test func whatWasWrittenOfAClimbMayBeAnything() {
        let climb = Climb(step: .max, since: time(0), taken: .max, relapses: .min, lastLeft: .max)
        #expect(climb.step == EscalationLadder.maximumSteps - 1 && climb.relapses == 0)
        var ledger = ledger { $0.ladder?.steps.removeLast() }
        let attack = Fixture.attack(1, bits: 5e8)
        let climbs = [attack.id: climb]
        _ = ledger.restore(
            [],
            attacks: [attack],
            overruled: [],
            climbs: climbs,
            highestID: .init(rawValue: 1),
            at: time(5)
        )
        for second in 6...600 { _ = ledger.handle(.updated(attack), at: time(Double(second))) }
        #expect(ledger.inForce.map(\.announcement.actions) == [[.rateLimitBytes(asn: 0, bytesPerSecond: 1_250_000)]])
    }

    @Test func anotherAttackWithinTheBanTimeDoesNotSoftenTheRule() {
        var ledger = ledger()
        _ = ledger.handle(.began(Fixture.attack(1, bits: 2e10)), at: time(0))
        _ = ledger.handle(.ended(Fixture.attack(1, bits: 2e10)), at: time(20))
        let effects = ledger.handle(.began(Fixture.attack(2, bits: 5e8)), at: time(30))
        #expect(effects.announcements.isEmpty)
        #expect(ledger.entries.values.map(\.announcement.actions) == [[.discard]])
    }

    @Test func whatAnOperatorAskedForIsNotChanged() throws {
        var ledger = ledger()
        let target = try #require(IPPrefix("198.51.100.5/32"))
        _ = ledger.ban(target, for: .seconds(500), template: "udp_flood", reason: "by hand", at: time(0))
        _ = ledger.handle(.began(Fixture.attack(1, bits: 5e8)), at: time(1))
        let effects = ledger.handle(.updated(Fixture.attack(1, bits: 2e10)), at: time(2))
        #expect(effects.announcements.isEmpty)
        #expect(effects.reasons.count == 1, "and it is said")
        #expect(ledger.handle(.updated(Fixture.attack(1, bits: 2e10)), at: time(3)).reasons.isEmpty, "once")
    }

    @Test func stepsThatCannotBeReachedAreNamed() {
        func unreachable(_ conditions: [EscalationLadder.Condition], hasCapacity: Bool = false) -> [Int] {
            EscalationLadder(steps: conditions.map { Step($0, .actions(Fixture.limited)) })
                .unreachableSteps(hasCapacity: hasCapacity).map(\.step)
        }
        let large = Condition(over: [.init(.bits, 1e10)])
        let small = Condition(over: [.init(.bits, 1e9), .init(.packets, 1e6)])
        #expect(unreachable([small, large]).isEmpty)
        #expect(unreachable([large, small]) == [0], "in the wrong order")
        #expect(unreachable([small, Condition()]) == [0])
        #expect(unreachable([Condition(), small, Condition(after: .seconds(5))]).isEmpty)
        #expect(unreachable([Condition(linkShare: 0.5), Condition(after: .seconds(5))]) == [0, 1])
        #expect(unreachable([Condition(linkShare: 0.5), Condition(linkShare: 0.9)], hasCapacity: true).isEmpty)
    }
}
