import Detection
import FlowSpec
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1_000_000 + seconds) }

private func policy(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> MitigationPolicy {
    let networks = ["198.51.100.0/24", "203.0.113.0/24", "2001:db8:100::/48"].compactMap { IPPrefix($0) }
    var policy = MitigationPolicy(mode: .enforce, networks: networks, banTime: .seconds(100))
    change(&policy)
    return policy
}

private func attack(
    _ id: UInt64,
    _ host: String = "198.51.100.5",
    kind: AttackKind = .udpFlood,
    bits: Double = 1e9
) -> Attack {
    let crossing = ThresholdCrossing(
        trafficClass: .total,
        unit: .bits,
        threshold: 1e8,
        rate: bits,
        lowerBound: bits,
        upperBound: bits,
        window: .seconds(1),
        samples: 100,
        group: nil
    )
    var rates = TrafficRates()
    rates[.total, .bits] = bits
    return Attack(
        id: Attack.ID(rawValue: id),
        target: .host(IPAddress(host) ?? .unspecified),
        direction: .incoming,
        began: time(0),
        kind: kind,
        kindShare: 1,
        crossing: crossing,
        rates: rates,
        samples: []
    )
}

extension [LedgerEffect] {
    fileprivate var announced: [String] {
        compactMap { if case .announce(let entry) = $0 { entry.announcement.route.description } else { nil } }
    }
    fileprivate var withdrawn: [String] {
        compactMap { if case .withdraw(let entry) = $0 { entry.announcement.route.description } else { nil } }
    }
    fileprivate var refused: [Refusal.Reason] {
        compactMap { if case .refuse(let refusal) = $0 { refusal.reason } else { nil } }
    }
}

private let udpRule = "destination 198.51.100.5/32 protocol =udp"

@Test func anAttackIsAnsweredByItsTemplateAndWithdrawnAfterItsBanTime() {
    var ledger = Ledger(policy: policy())
    #expect(ledger.handle(.began(attack(1)), at: time(0)).announced == [udpRule])
    #expect(ledger.handle(.ended(attack(1)), at: time(30)).withdrawn.isEmpty, "the ban time has not passed")
    #expect(ledger.advance(to: time(99)).isEmpty)
    #expect(ledger.advance(to: time(100)).withdrawn == [udpRule])
    #expect(ledger.entries.isEmpty)
}

@Test func aRuleOutlastsItsBanTimeWhileTheAttackGoesOn() {
    var ledger = Ledger(policy: policy())
    _ = ledger.handle(.began(attack(1)), at: time(0))
    for second in 1...300 {
        #expect(ledger.handle(.updated(attack(1)), at: time(Double(second))).withdrawn.isEmpty)
        #expect(ledger.advance(to: time(Double(second))).withdrawn.isEmpty, "at \(second) s")
    }
    #expect(ledger.handle(.ended(attack(1)), at: time(301)).withdrawn == [udpRule], "at once: the ban time is over")
}

@Test func aRuleGoesAtOnceWhereTheBanTimeIsAllThatCounts() {
    var ledger = Ledger(policy: policy { $0.unbanOnlyIfAttackFinished = false })
    _ = ledger.handle(.began(attack(1)), at: time(0))
    #expect(ledger.advance(to: time(100)).withdrawn == [udpRule])
    #expect(ledger.handle(.updated(attack(1)), at: time(101)).announced == [udpRule], "it is still there, so again")
}

@Test func aRuleAskedForTwiceIsAnnouncedOnceAndGoesWithTheLastAsker() throws {
    var ledger = Ledger(policy: policy { $0.templates["default"] = $0.templates["udp_flood"] })
    let target = try #require(IPPrefix("198.51.100.5/32"))
    _ = ledger.handle(.began(attack(1)), at: time(0))
    #expect(ledger.ban(target, for: .seconds(500), reason: "by hand", at: time(10)).announced.isEmpty)
    #expect(ledger.handle(.ended(attack(1)), at: time(200)).withdrawn.isEmpty, "the operator still wants it")
    #expect(ledger.advance(to: time(509)).withdrawn.isEmpty)
    #expect(ledger.advance(to: time(510)).withdrawn == [udpRule])
}

@Test func aChangeOfKindAddsItsRuleAndKeepsTheFirst() {
    var ledger = Ledger(policy: policy())
    _ = ledger.handle(.began(attack(1)), at: time(0))
    let effects = ledger.handle(.updated(attack(1, kind: .icmpFlood)), at: time(5))
    #expect(effects.announced == ["destination 198.51.100.5/32 protocol =icmp"])
    #expect(effects.withdrawn.isEmpty)
    #expect(ledger.handle(.ended(attack(1)), at: time(200)).withdrawn.count == 2)
}

@Test func guardRailsRefuseWithTheReason() throws {
    var ledger = Ledger(policy: policy { $0.whitelist = [IPPrefix("198.51.100.53/32")].compactMap { $0 } })
    func refusal(_ prefix: String) throws -> Refusal.Reason? {
        ledger.ban(try #require(IPPrefix(prefix)), reason: "test", at: time(0)).refused.first
    }
    #expect(try refusal("8.8.8.8/32") == .outsideNetworks)
    #expect(try refusal("0.0.0.0/0") == .outsideNetworks)
    #expect(try refusal("198.51.100.0/23") == nil || refusal("198.51.100.0/23") == .outsideNetworks)
    #expect(try refusal("198.51.100.53/32") == IPPrefix("198.51.100.53/32").map { .whitelisted($0) })
    #expect(try refusal("198.51.100.0/24") == IPPrefix("198.51.100.53/32").map { .whitelisted($0) })
    #expect(ledger.handle(.began(attack(1, "192.0.2.9")), at: time(0)).refused == [.outsideNetworks])
    #expect(ledger.handle(.updated(attack(1, "192.0.2.9")), at: time(1)).refused.isEmpty, "said once")
    var wide = Ledger(
        policy: policy { $0.networks = [IPPrefix("198.51.0.0/16"), IPPrefix("0.0.0.0/0")].compactMap { $0 } }
    )
    #expect(
        wide.ban(try #require(IPPrefix("198.51.0.0/16")), reason: "", at: time(0)).refused == [.tooShort(allowed: 24)]
    )
    var open = Ledger(
        policy: policy {
            $0.networks = [IPPrefix("0.0.0.0/0")].compactMap { $0 }
            $0.shortestIPv4Length = 0
        }
    )
    #expect(open.ban(try #require(IPPrefix("0.0.0.0/0")), reason: "", at: time(0)).refused == [.tooShort(allowed: 1)])
    #expect(
        ledger.ban(try #require(IPPrefix("198.51.100.7/32")), for: .seconds(0), reason: "", at: time(0)).refused == [
            .invalidDuration
        ]
    )
}

@Test func atTheLimitTheWorstAttacksWin() {
    var ledger = Ledger(policy: policy { $0.maximumRules = 2 })
    _ = ledger.handle(.began(attack(1, "198.51.100.1", bits: 1e9)), at: time(0))
    _ = ledger.handle(.began(attack(2, "198.51.100.2", bits: 3e9)), at: time(1))
    #expect(
        ledger.handle(.began(attack(3, "198.51.100.3", bits: 5e8)), at: time(2)).refused == [.tooManyRules(allowed: 2)]
    )
    let effects = ledger.handle(.began(attack(4, "198.51.100.4", bits: 2e9)), at: time(3))
    #expect(effects.withdrawn == ["destination 198.51.100.1/32 protocol =udp"])
    #expect(effects.announced == ["destination 198.51.100.4/32 protocol =udp"])
}

@Test func beyondTheChangeBudgetAnnouncementsWaitAndAreNotForgotten() {
    var ledger = Ledger(policy: policy { $0.maximumChangesPerMinute = 2 })
    for index in 1...4 {
        let effects = ledger.handle(.began(attack(UInt64(index), "198.51.100.\(index)")), at: time(0))
        #expect(effects.announced.count == (index <= 2 ? 1 : 0))
    }
    #expect(ledger.advance(to: time(59)).announced.isEmpty)
    #expect(ledger.advance(to: time(61)).announced.count == 2)
}

@Test func aRuleThatStillWaitsGoesWithItsAttack() {
    var ledger = Ledger(policy: policy { $0.maximumChangesPerMinute = 1 })
    _ = ledger.handle(.began(attack(1, "198.51.100.1")), at: time(0))
    #expect(ledger.handle(.began(attack(2, "198.51.100.2")), at: time(0)).announced.isEmpty)
    #expect(ledger.handle(.ended(attack(2, "198.51.100.2")), at: time(20)).withdrawn.isEmpty, "it never was announced")
    #expect(ledger.advance(to: time(61)).announced.isEmpty, "nobody is attacked any more")
}

@Test func restartsNeitherLengthenRulesNorPassTheBudget() throws {
    var observing = Ledger(policy: policy { $0.mode = .observe })
    _ = observing.ban(try #require(IPPrefix("198.51.100.5/32")), for: .seconds(100), reason: "", at: time(0))
    var stored = observing.inForce
    for restart in 1...9 {
        var next = Ledger(policy: policy { $0.mode = .observe })
        _ = next.restore(
            stored,
            attacks: [],
            overruled: [],
            highestID: .init(rawValue: 1),
            at: time(Double(restart * 10))
        )
        stored = next.inForce
    }
    #expect(stored.map(\.expires) == [time(100)])

    var held = Ledger(policy: policy { $0.maximumChangesPerMinute = 1 })
    for index in 1...3 { _ = held.handle(.began(attack(UInt64(index), "198.51.100.\(index)")), at: time(0)) }
    var next = Ledger(policy: policy { $0.maximumChangesPerMinute = 1 })
    let open = (1...3).map { attack(UInt64($0), "198.51.100.\($0)") }
    let effects = next.restore(held.inForce, attacks: open, overruled: [], highestID: .init(rawValue: 3), at: time(1))
    #expect(effects.announced.count == 2, "the one that was on the wire, and what the budget allows")
}

@Test func aClockThatWasWrongMakesNoRuleLastForYears() throws {
    var first = Ledger(policy: policy())
    _ = first.ban(try #require(IPPrefix("198.51.100.5/32")), for: .seconds(100), reason: "", at: time(0))
    var second = Ledger(policy: policy())
    let before = Timestamp(seconds: 10)
    _ = second.restore(first.inForce, attacks: [], overruled: [], highestID: .init(rawValue: 1), at: before)
    #expect(second.inForce.map(\.expires) == [before + .seconds(100)])
    // Nor does it make the next restart lose the rule, by that clock or one that is right again.
    for again in [before, before + .seconds(50), time(10)] {
        var third = Ledger(policy: policy())
        let row = second.inForce
        _ = third.restore(row, attacks: [], overruled: [], highestID: .init(rawValue: 1), at: again)
        #expect(third.inForce.map(\.expires) == (again < time(0) ? [before + .seconds(100)] : []))
    }
}

@Test func observeDoesEverythingButAnnounce() {
    var ledger = Ledger(policy: policy { $0.mode = .observe })
    let effects = ledger.handle(.began(attack(1)), at: time(0))
    #expect(effects.announced.isEmpty)
    #expect(effects.contains { if case .observe = $0 { true } else { false } })
    #expect(ledger.handle(.ended(attack(1)), at: time(200)).withdrawn.isEmpty)
    #expect(ledger.entries.isEmpty)
}

@Test func anOperatorsUnbanHoldsForTheAttack() throws {
    var ledger = Ledger(policy: policy())
    _ = ledger.handle(.began(attack(1)), at: time(0))
    let effects = ledger.unban(try #require(IPPrefix("198.51.100.5/32")), at: time(1))
    #expect(effects.withdrawn == [udpRule])
    #expect(effects.contains(.overrule(attack(1).id)))
    #expect(ledger.handle(.updated(attack(1)), at: time(2)).announced.isEmpty)

    var next = Ledger(policy: policy())
    _ = next.restore([], attacks: [attack(1)], overruled: [attack(1).id], highestID: .init(rawValue: 1), at: time(3))
    #expect(next.handle(.updated(attack(1)), at: time(4)).announced.isEmpty, "after a restart too")
    _ = next.handle(.ended(attack(1)), at: time(20))
    #expect(next.handle(.began(attack(2)), at: time(30)).announced == [udpRule], "another attack is another matter")
}

@Test func afterARestartWhatIsValidComesBackAndWhatIsNotIsClosed() throws {
    var first = Ledger(policy: policy())
    _ = first.handle(.began(attack(1, "198.51.100.1")), at: time(0))
    _ = first.handle(.began(attack(2, "198.51.100.2")), at: time(0))
    _ = first.handle(.ended(attack(2, "198.51.100.2")), at: time(10))
    var second = Ledger(policy: policy())
    let effects = second.restore(
        first.inForce,
        attacks: [attack(1, "198.51.100.1")],
        overruled: [],
        highestID: LedgerEntry.ID(rawValue: 9),
        at: time(150)
    )
    #expect(effects.announced == ["destination 198.51.100.1/32 protocol =udp"], "its attack goes on")
    #expect(second.inForce.count == 1, "the other's time was up")
    #expect(second.handle(.ended(attack(1, "198.51.100.1")), at: time(160)).withdrawn.count == 1)
    #expect(second.handle(.began(attack(3, "198.51.100.3")), at: time(161)).announced.count == 1)
    #expect(second.inForce.first?.id == LedgerEntry.ID(rawValue: 10), "numbers are never used again")
}

/// Whatever attacks, operators and time do: nothing is on the wire that is not on disk or outside the networks, and when
/// all is over nothing is left.
@Test(arguments: 1...20)
func invariantsHoldForRandomHistories(_ seed: Int) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
    func random(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }
    var ledger = Ledger(
        policy: policy {
            $0.maximumRules = 8
            $0.maximumChangesPerMinute = 30
            $0.unbanOnlyIfAttackFinished = seed.isMultiple(of: 2)
        }
    )
    var disk: [LedgerEntry.ID: LedgerEntry] = [:]
    var wire: Set<AnnouncedRoute> = []
    func apply(_ effects: [LedgerEffect]) {
        for effect in effects {
            switch effect {
            case .persist(let entry): disk[entry.id] = entry
            case .announce(let entry):
                #expect(disk[entry.id]?.announcement == entry.announcement, "on disk before on the wire")
                #expect(ledger.policy.networks.contains { $0.contains(entry.target) })
                #expect(entry.expires > entry.created)
                wire.insert(entry.announcement.route)
            case .withdraw(let entry): #expect(wire.remove(entry.announcement.route) != nil, "was on the wire")
            case .observe, .refuse, .overrule, .climbed, .note: break
            }
        }
        let announced = Set(ledger.entries.values.filter { $0.state == .announced }.map(\.announcement.route))
        #expect(wire == announced, "the wire is as the ledger says")
        #expect(ledger.entries.count <= 8)
    }
    var open: [UInt64: Attack] = [:]
    var now = 0.0
    for step in 1...400 {
        now += Double(random(20)) / 4
        let host = "198.51.100.\(random(6) + 1)"
        switch random(7) {
        case 0, 1:
            let new = attack(UInt64(step), host, kind: AttackKind.allCases[random(4)], bits: Double(random(100)) * 1e8)
            open[UInt64(step)] = new
            apply(ledger.handle(.began(new), at: time(now)))
        case 2:
            for (_, one) in open.sorted(by: { $0.key < $1.key }) { apply(ledger.handle(.updated(one), at: time(now))) }
        case 3:
            if let (id, one) = open.min(by: { $0.key < $1.key }) {
                open[id] = nil
                apply(ledger.handle(.ended(one), at: time(now)))
            }
        case 4:
            apply(
                ledger.ban(
                    try #require(IPPrefix("\(host)/32")),
                    for: .seconds(Int64(random(90) + 1)),
                    reason: "",
                    at: time(now)
                )
            )
        case 5: apply(ledger.unban(try #require(IPPrefix("\(host)/32")), at: time(now)))
        default: apply(ledger.advance(to: time(now)))
        }
    }
    for (_, one) in open.sorted(by: { $0.key < $1.key }) { apply(ledger.handle(.ended(one), at: time(now))) }
    for second in 1...400 { apply(ledger.advance(to: time(now + Double(second)))) }
    #expect(wire.isEmpty && ledger.entries.isEmpty, "nothing is left")
    #expect(disk.values.allSatisfy { $0.state == .withdrawn })
}
