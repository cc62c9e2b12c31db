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
        var second = Fixture.restartedWhenAnAttackCameBack(Self.returning)
        var gone = second.inForce
        _ = second.handle(.ended(Fixture.attack(2)), at: time(130))
        #expect(second.advance(to: time(309)).withdrawals.isEmpty)
        #expect(second.advance(to: time(310)).withdrawals.count == 1)
        // And what was let go before the restart is known from what is stored.
        gone[0].withdraw(at: time(310), because: "its time was up")
        var third = Ledger(policy: second.policy)
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

/// Whatever attacks, steps, probes, modes and operators do: nothing outside the networks, nothing without an end, nothing
/// left after its time, nothing withdrawn while somebody needs it, and no more changes within a minute than allowed.
@Test(arguments: 1...20)
func nothingIsForgottenOrFlapsWhateverHappens(_ seed: Int) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
    func random(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }
    let allowed = 15
    let web = ["198.51.100.0/30"].compactMap { IPPrefix($0) }
    func policy(observesWeb: Bool) -> MitigationPolicy {
        Fixture.policy {
            $0.ladder = EscalationLadder(
                steps: [
                    .init(.init(), .actions(Fixture.limited)),
                    .init(.init(over: [.init(.bits, 2e9)]), .actions(Fixture.discarded)),
                    .init(.init(after: .seconds(10)), .blackhole([])),
                ],
                stay: .seconds(20)
            )
            $0.banTime = .seconds(60)
            $0.banBackoff = .init(factor: 2, longest: .seconds(300), within: .seconds(120))
            $0.probe = .init(every: .seconds(20), lasting: .seconds(3), bitsPerSecond: 5e9)
            $0.maximumChangesPerMinute = allowed
            $0.maximumRules = 12
            $0.groups = [.init(name: "web", prefixes: web, mode: observesWeb ? .observe : nil)]
        }
    }
    var ledger = Ledger(policy: policy(observesWeb: false))
    var disk: [LedgerEntry.ID: LedgerEntry] = [:]
    var wire: [AnnouncedRoute: [TrafficAction]] = [:]
    var announcements: [Double] = []
    var changes = 0
    var now = 0.0
    var open: [UInt64: Attack] = [:]
    /// Until when an operator was promised a rule.
    var promised: [IPPrefix: Double] = [:]
    func apply(_ effects: [LedgerEffect], byOperator: Bool = false) {
        for effect in effects {
            switch effect {
            case .persist(let entry): disk[entry.id] = entry
            case .announce(let entry):
                #expect(disk[entry.id]?.announcement.route == entry.announcement.route, "on disk before on the wire")
                #expect(ledger.policy.networks.contains { $0.contains(entry.target) })
                #expect(entry.expires > time(now) && entry.expires - time(now) <= .seconds(400), "it has an end")
                wire[entry.announcement.route] = entry.announcement.actions
                announcements.append(now)
                changes += 1
            case .withdraw(let entry):
                #expect(wire.removeValue(forKey: entry.announcement.route) != nil, "was on the wire")
                changes += 1
                let isNeeded = entry.requesters.contains { requester in
                    if case .attack(let id) = requester { return open[id.rawValue] != nil }
                    return promised[entry.target].map { $0 > now } ?? false
                }
                let reason = entry.withdrawnBecause ?? ""
                let isAllowed =
                    byOperator || reason.contains("room was needed") || reason.contains("ladder went down")
                    || reason.contains("only observed")
                #expect(!isNeeded || isAllowed, "\(entry.id) of \(entry.requesters): \(reason)")
            case .observe(let entry): #expect(ledger.policy.groups[0].mode == .observe && entry.state == .observed)
            case .refuse, .overrule, .climbed, .note: break
            }
        }
        let announced = ledger.entries.values.filter { $0.state == .announced }
        #expect(Set(wire.keys) == Set(announced.map(\.announcement.route)), "the wire is as the ledger says")
        #expect(ledger.entries.count <= 12)
        let recent = announcements.filter { $0 > now - 60 }
        #expect(recent.count <= allowed, "\(recent.count) within a minute")
    }
    for step in 1...600 {
        now += Double(random(8)) / 4
        if random(20) > 0 { ledger.hear(at: time(now)) }
        // Ticks come ten times a second.
        apply(ledger.advance(to: time(now)))
        let host = "198.51.100.\(random(6) + 1)"
        let target = try #require(IPPrefix("\(host)/32"))
        switch random(12) {
        case 0, 1:
            guard !open.values.contains(where: { $0.target == .host(target.address) }) else { continue }
            let new = Fixture.attack(UInt64(step), host, bits: Double(random(50) + 1) * 1e8)
            open[UInt64(step)] = new
            apply(ledger.handle(.began(new), at: time(now)))
        case 2, 3, 4:
            for (id, one) in open.sorted(by: { $0.key < $1.key }) {
                let samples = Fixture.samples(random(40), to: "\(one.target)", at: now)
                let changed = Fixture.attack(id, "\(one.target)", bits: Double(random(50) + 1) * 1e8, samples: samples)
                apply(ledger.handle(.updated(changed), at: time(now)))
            }
        case 5:
            guard let (id, one) = open.min(by: { $0.key < $1.key }) else { continue }
            open[id] = nil
            apply(ledger.handle(.ended(one), at: time(now)))
        case 6:
            let duration = Duration.seconds(Int64(random(90) + 1))
            let effects = ledger.ban(target, for: duration, template: "udp_flood", reason: "", at: time(now))
            if effects.reasons.isEmpty { promised[target] = now + duration.inSeconds }
            apply(effects)
        case 7 where random(4) == 0:
            promised[target] = nil
            apply(ledger.unban(target, at: time(now)), byOperator: true)
        case 8 where random(8) == 0: apply(ledger.adopt(policy(observesWeb: random(2) == 0), at: time(now)))
        default: continue
        }
    }
    apply(ledger.adopt(policy(observesWeb: false), at: time(now)))
    for (id, one) in open.sorted(by: { $0.key < $1.key }) {
        open[id] = nil
        apply(ledger.handle(.ended(one), at: time(now)))
    }
    for second in 1...700 {
        now += 1
        ledger.hear(at: time(now))
        apply(ledger.advance(to: time(now)))
        #expect(ledger.entries.values.allSatisfy { $0.expires > time(now) }, "none is left after its time (\(second))")
    }
    #expect(wire.isEmpty && ledger.entries.isEmpty, "nothing is left")
    #expect(disk.values.allSatisfy { $0.state == .withdrawn })
    #expect(changes > 30, "something happened: \(changes)")
}
