import Detection
import FlowSpec
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }
private typealias Step = EscalationLadder.Step
private typealias Condition = EscalationLadder.Condition

/// The ladder where rules of others, budgets, restarts and short times come in its way.
struct LadderInUseTests {
    private static let limitThenDiscard = EscalationLadder(steps: [
        Step(Condition(), .actions(Fixture.limited)),
        Step(Condition(over: [.init(.bits, 1e10)]), .actions(Fixture.discarded)),
    ])

    /// The rule of an attack that is over stands, and is milder than what the next one needs.
    @Test func aStrongerAttackWithinTheBanTimeGetsAStricterRule() {
        var ledger = Ledger(policy: Fixture.policy { $0.ladder = Self.limitThenDiscard })
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(20))
        let effects = ledger.handle(.began(Fixture.attack(2, bits: 2e10)), at: time(30))
        #expect(effects.reasons.isEmpty)
        #expect(effects.announcements.last?.actions == [.discard])
        for second in 31...200 {
            _ = ledger.handle(.updated(Fixture.attack(2, bits: 2e10)), at: time(Double(second)))
            let isGone = !ledger.advance(to: time(Double(second))).withdrawals.isEmpty
            #expect(!isGone, "it is needed at \(second) s")
        }
    }

    @Test func theSameWithNoRoomForTheChangeYet() {
        var ledger = Ledger(
            policy: Fixture.policy {
                $0.ladder = Self.limitThenDiscard
                $0.maximumChangesPerMinute = 1
            }
        )
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(20))
        #expect(ledger.handle(.began(Fixture.attack(2, bits: 2e10)), at: time(30)).announcements.isEmpty)
        #expect(ledger.entries.values.map(\.requesters.count) == [2], "but it is held")
        #expect(ledger.handle(.updated(Fixture.attack(2, bits: 2e10)), at: time(61)).announcements.count == 1)
    }

    /// A step more after two seconds without effect, as exporters behind the filter tell.
    private static func climbing(_ policy: inout MitigationPolicy) {
        policy.ladder = EscalationLadder(steps: [
            Step(Condition(), .actions(Fixture.limited)),
            Step(Condition(after: .seconds(2)), .actions(Fixture.discarded)),
            Step(Condition(after: .seconds(2)), .blackhole([])),
        ])
        if let exporters = IPPrefix("192.0.2.0/24") { policy.samplesBeforeFilter = PrefixTable([(exporters, false)]) }
    }

    /// What has not been tried cannot have failed: `after` counts from when the routers can have the step's rule.
    @Test func aStepIsGivenTheTimeToHelp() {
        var ledger = Ledger(
            policy: Fixture.policy {
                Self.climbing(&$0)
            }
        )
        func leaking(_ second: Double) -> Attack {
            Fixture.attack(1, bits: 2e10, samples: Fixture.samples(20, at: second))
        }
        _ = ledger.handle(.began(leaking(0)), at: time(0))
        var steps: [Int] = []
        for second in 1...60 {
            let effects = ledger.handle(.updated(leaking(Double(second))), at: time(Double(second)))
            if !effects.announcements.isEmpty { steps.append(second) }
        }
        // Five seconds for the routers, three verdicts, and two seconds without effect, for each step.
        #expect(steps == [9, 18])
    }

    @Test func aStepThatHadToWaitIsNotTakenForOneThatFailed() {
        var ledger = Ledger(
            policy: Fixture.policy {
                Self.climbing(&$0)
                $0.maximumChangesPerMinute = 2
            }
        )
        func leaking(_ id: UInt64, _ host: String, _ second: Double) -> Attack {
            Fixture.attack(id, host, bits: 2e10, samples: Fixture.samples(20, to: host, at: second))
        }
        _ = ledger.handle(.began(leaking(1, "198.51.100.5", 0)), at: time(0))
        _ = ledger.handle(.began(Fixture.attack(2, "198.51.100.6")), at: time(0))
        var steps: [(Int, [TrafficAction])] = []
        var blackholed: Int?
        for second in 1...64 {
            let effects = ledger.handle(.updated(leaking(1, "198.51.100.5", Double(second))), at: time(Double(second)))
            steps += effects.announcements.map { (second, $0.actions) }
            if !ledger.entries.values.allSatisfy(\.isRule) { blackholed = blackholed ?? second }
        }
        #expect(blackholed == nil, "no blackhole before the rule was tried")
        #expect(steps.map(\.1) == [[.discard]])
    }

    @Test func aHostThatIsBlackholedAnywayStandsOnNoBlackholeStepAfterARestart() {
        let policy = Fixture.policy {
            $0.blackholes.hosts = [.ipv4]
            $0.blackholes.communities = [.blackhole]
            $0.ladder = EscalationLadder(
                steps: Self.limitThenDiscard.steps + [Step(Condition(after: .seconds(30)), .blackhole([]))]
            )
        }
        var first = Ledger(policy: policy)
        _ = first.handle(.began(Fixture.attack(1)), at: time(0))
        var second = Ledger(policy: policy)
        _ = second.restore(
            first.inForce,
            attacks: [Fixture.attack(1)],
            overruled: [],
            highestID: .init(rawValue: 2),
            at: time(5)
        )
        #expect(second.handle(.updated(Fixture.attack(1)), at: time(6)).announcements.isEmpty)
        let rule = second.inForce.first { $0.isRule }
        #expect(rule?.announcement.actions == Fixture.limited.actions)
    }

    /// The ladder's route is for a host: it is not the whole of a network that is given up.
    @Test func aNetworkIsNotBlackholedByTheLadder() throws {
        var ledger = Ledger(
            policy: Fixture.policy {
                $0.ladder = EscalationLadder(steps: [
                    Step(Condition(), .actions(Fixture.limited)),
                    Step(Condition(over: [.init(.bits, 1e9)]), .blackhole([])),
                ])
            }
        )
        let network = try #require(IPPrefix("198.51.100.0/24"))
        let whole = Fixture.attack(1, bits: 2e10, on: .network(network))
        let routes = ledger.handle(.began(whole), at: time(0)).announcements
        #expect(routes.map(\.actions) == [Fixture.limited.actions])
    }

    /// What the ladder joined it leaves again when it goes down, and takes its time with it.
    @Test func anOperatorsBlackholeLastsNoLongerForTheLadder() throws {
        var ledger = Ledger(
            policy: Fixture.policy {
                $0.banTime = .seconds(500)
                $0.blackholes.nextHop = IPAddress(192, 0, 2, 254)
                $0.ladder = EscalationLadder(steps: [
                    Step(Condition(), .actions(Fixture.limited)),
                    Step(Condition(over: [.init(.bits, 1e10)]), .blackhole([])),
                ])
            }
        )
        let target = try #require(IPPrefix("198.51.100.5/32"))
        let route = Announcement(
            route: .unicast(target),
            communities: [.blackhole],
            nextHop: IPAddress(192, 0, 2, 254)
        )
        let pipe = LedgerEntry.Requester.client("pipe /p")
        #expect(!ledger.announce(route, for: .seconds(100), by: pipe, reason: "", at: time(0)).isRefused)
        _ = ledger.handle(.began(Fixture.attack(1, bits: 2e10)), at: time(1))
        let joined = ledger.inForce.first { !$0.isRule }
        #expect(joined?.requesters.count == 2 && joined?.expires ?? time(0) > time(100))
        for second in 2...70 { _ = ledger.handle(.updated(Fixture.attack(1, bits: 1e9)), at: time(Double(second))) }
        let left = ledger.inForce.first { !$0.isRule }
        #expect(left?.requesters == [pipe] && left?.expires == time(100))
    }

    @Test func aRuleIsNotGivenUpForOneThatMustWait() {
        var ledger = Ledger(
            policy: Fixture.policy {
                $0.maximumRules = 1
                $0.maximumChangesPerMinute = 2
            }
        )
        _ = ledger.handle(.began(Fixture.attack(1, "198.51.100.5", bits: 1e9)), at: time(0))
        var worse = Fixture.attack(2, "198.51.100.6", bits: 5e9)
        worse.peak = worse.rates
        #expect(ledger.handle(.began(worse), at: time(1)).withdrawals.isEmpty)
        #expect(ledger.entries.values.map(\.state) == [.announced])
        let later = ledger.handle(.updated(worse), at: time(61))
        #expect(later.withdrawals.count == 1 && later.announcements.count == 1)
    }

    @Test func aShortBanTimeLeavesNoGapWhileTheAttackGoesOn() {
        var ledger = Ledger(policy: Fixture.policy { $0.banTime = .seconds(1) })
        _ = ledger.handle(.began(Fixture.attack(1)), at: time(0))
        for tenth in 1...100 {
            let now = time(Double(tenth) / 10)
            #expect(ledger.advance(to: now).withdrawals.isEmpty, "at \(tenth)")
            if tenth % 10 == 5 { _ = ledger.handle(.updated(Fixture.attack(1)), at: now) }
        }
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(10))
        #expect(ledger.entries.isEmpty, "and no longer than asked for")
    }

    /// While a rule waited its lease was renewed over and over: that does not count as the time that it is to last.
    @Test func whatWaitedForLongDoesNotStayForAsLong() {
        var ledger = Ledger(policy: Fixture.policy { $0.maximumChangesPerMinute = 1 })
        for number in 1...30 {
            _ = ledger.handle(.began(Fixture.attack(UInt64(number), "198.51.100.\(number)")), at: time(0))
        }
        for second in 1...1900 {
            for number in 1...30 {
                let attack = Fixture.attack(UInt64(number), "198.51.100.\(number)")
                _ = ledger.handle(.updated(attack), at: time(Double(second)))
            }
            _ = ledger.advance(to: time(Double(second)))
        }
        #expect(ledger.entries.values.allSatisfy { $0.state == .announced })
        let latest = ledger.entries.values.map(\.expires).max() ?? time(0)
        #expect(latest <= time(1900 + 100 + 60), "who hears of no attack any more lets go")
    }

    @Test func aGroupWithinOneThatIsObservedIsObserved() throws {
        let outer = try #require(IPPrefix("198.51.100.0/24"))
        let inner = try #require(IPPrefix("198.51.100.0/28"))
        var ledger = Ledger(
            policy: Fixture.policy {
                $0.groups = [
                    .init(name: "outer", prefixes: [outer], mode: .observe),
                    .init(name: "inner", prefixes: [inner], capacity: 1e9),
                ]
            }
        )
        #expect(ledger.handle(.began(Fixture.attack(1)), at: time(0)).announcements.isEmpty)
    }

    @Test func anAttackThatComesAndGoesDoesNotMakeItsRuleGrow() {
        var ledger = Ledger(policy: Fixture.policy { $0.banTime = .seconds(86_400) })
        for round in 1...200 {
            _ = ledger.handle(.began(Fixture.attack(UInt64(round))), at: time(Double(round * 20)))
            _ = ledger.handle(.ended(Fixture.attack(UInt64(round))), at: time(Double(round * 20 + 10)))
        }
        #expect((1...16).contains(ledger.inForce.first?.requesters.count ?? 0))
        #expect(ledger.inForce.first?.requesters.last == .attack(.init(rawValue: 200)))
    }

    // MARK: Back-off

    private static func returning(_ policy: inout MitigationPolicy) {
        policy.banBackoff = .init(factor: 2, longest: .seconds(800), within: .seconds(600))
    }

    /// What the ladder gives up in the midst of an attack was not let go.
    @Test func aStepThatIsLeftMakesNoLongerBan() {
        var ledger = Ledger(
            policy: Fixture.policy {
                Self.returning(&$0)
                $0.ladder = EscalationLadder(steps: [
                    Step(Condition(), .actions(Fixture.limited)),
                    Step(Condition(over: [.init(.bits, 1e10)]), .blackhole([])),
                ])
            }
        )
        _ = ledger.handle(.began(Fixture.attack(1, bits: 2e10)), at: time(0))
        for second in 1...70 { _ = ledger.handle(.updated(Fixture.attack(1, bits: 1e9)), at: time(Double(second))) }
        #expect(ledger.entries.count == 1, "the blackhole is gone")
        _ = ledger.handle(.ended(Fixture.attack(1)), at: time(71))
        _ = ledger.handle(.began(Fixture.attack(2, kind: .synFlood)), at: time(80))
        #expect(ledger.inForce.last?.banTime == nil, "no rule was let go yet")
    }

    @Test func newRulesAgainstAResumedAttackAreBannedAsLong() {
        var second = Fixture.restartedWhenAnAttackCameBack(Self.returning)
        _ = second.handle(.updated(Fixture.attack(2, kind: .synFlood)), at: time(121))
        #expect(second.inForce.map(\.banTime) == [.seconds(200), .seconds(200)])
    }

    @Test func partsOfANetworkAreBannedForLongerToo() throws {
        let network = try #require(IPPrefix("10.0.0.0/16"))
        var ledger = Ledger(
            policy: Fixture.policy {
                Self.returning(&$0)
                $0.networks = [network]
            }
        )
        func attack(_ id: UInt64) -> Attack {
            Fixture.attack(id, on: .network(network), samples: Fixture.samples(20, to: "10.0.7.1", at: 0))
        }
        _ = ledger.handle(.began(attack(1)), at: time(0))
        #expect(ledger.inForce.map(\.target.length) == [24])
        _ = ledger.handle(.ended(attack(1)), at: time(15))
        _ = ledger.advance(to: time(100))
        _ = ledger.handle(.began(attack(2)), at: time(110))
        #expect(ledger.inForce.map(\.banTime) == [.seconds(200)])
    }

    @Test func withdrawalsBeyondTheBudgetAreNotForgotten() {
        var budget = ChangeBudget(allowed: 5)
        for _ in 0..<10 { budget.record(at: time(0)) }
        for _ in 0..<10 { budget.record(at: time(59)) }
        let soon = budget.allowsAnnouncement(at: time(61))
        let later = budget.allowsAnnouncement(at: time(119.5))
        #expect(!soon && later)
    }
}
