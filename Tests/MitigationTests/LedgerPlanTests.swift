import Detection
import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1_000_000 + seconds) }

/// An attack whose samples are of a time.
private func attack(_ mix: String, samples: Int = 64, at seconds: Double, seed: UInt64 = 1, power: Double = 0.97)
    -> Attack
{
    let mixes = PacketMix.attacks.filter { $0.name == mix }
    var record = SynthesisCase(
        service: PacketMix.services[0],
        attack: mixes[0],
        samples: samples,
        power: power,
        seed: seed
    ).attackRecord()
    for index in record.samples.indices { record.samples[index].time = time(seconds) }
    return record
}

extension [LedgerEffect] {
    fileprivate var announced: [LedgerEntry] {
        compactMap { if case .announce(let entry) = $0 { entry } else { nil } }
    }
    fileprivate var withdrawn: [LedgerEntry] {
        compactMap { if case .withdraw(let entry) = $0 { entry } else { nil } }
    }
}

@Test func aPlanIsKeptWhileTheAttackIsOfOneShape() throws {
    var ledger = Ledger(policy: synthesisPolicy())
    let begun = ledger.handle(.began(attack("ntp_amplification", at: 0)), at: time(0)).announced
    let rule = try #require(begun.first)
    #expect(begun.count == 1)
    #expect("\(rule.announcement.route)".contains("source-port =123"), "\(rule.announcement.route)")
    let expectation = try #require(rule.expectation)
    #expect(expectation.attackShare > 0.95 && expectation.attackSamples == 64)
    #expect(expectation.normalShare == 0 && expectation.normalSamples == 64)
    for second in 1...60 {
        let update = attack("ntp_amplification", samples: 128, at: Double(second), seed: UInt64(second + 1))
        let effects = ledger.handle(.updated(update), at: time(Double(second)))
        #expect(effects.announced.isEmpty && effects.withdrawn.isEmpty, "at \(second) s: \(effects.announced)")
    }
}

/// What drops all of a host's traffic is put off for some seconds, in which more samples may come.
@Test func aTemplateThatDropsMuchOfTheUsualTrafficWaits() {
    var ledger = Ledger(policy: synthesisPolicy())
    var few = attack("ntp_amplification", at: 0)
    few.kind = .flood
    few.samples = Array(few.samples.prefix(5))
    let begun = ledger.handle(.began(few), at: few.began)
    #expect(begun.announced.isEmpty && begun.reasons == [.awaitsSamples])
    #expect(ledger.handle(.updated(few), at: few.began + .seconds(2)).announced.isEmpty)
    let later = ledger.handle(.updated(few), at: few.began + .seconds(3)).announced
    #expect(later.count == 1, "it is not put off for ever")
}

/// Nor is one announced that would drop that alone, and nothing of the attack.
@Test func aTemplateThatMissesTheAttackIsRefused() {
    var ledger = Ledger(policy: synthesisPolicy())
    var mixed = attack("ntp_amplification", at: 0)
    mixed.kind = .ackFlood
    mixed.samples = Array(mixed.samples.prefix(3)) + mixed.normal.prefix(9)
    for second in 0...5 {
        let effects = ledger.handle(second == 0 ? .began(mixed) : .updated(mixed), at: mixed.began + .seconds(second))
        #expect(effects.announced.isEmpty, "\(effects.announced)")
        if second == 0 { #expect(effects.reasons == [.missesAttack]) }
    }
}

@Test func anAttackThatChangesItsShapeGetsNewRulesBeforeTheFormerGo() throws {
    var ledger = Ledger(policy: synthesisPolicy { $0.maximumRulesPerAttack = 1 })
    let first = try #require(
        ledger.handle(.began(attack("ntp_amplification", at: 0)), at: time(0)).announced.first
    )
    for second in 1...5 {
        _ = ledger.handle(.updated(attack("ntp_amplification", at: Double(second), seed: 7)), at: time(Double(second)))
    }
    var announced: [LedgerEntry] = []
    var isFirstGone = false
    for second in 11...40 {
        let update = attack("ssdp_amplification", at: Double(second), seed: UInt64(second))
        for effect in ledger.handle(.updated(update), at: time(Double(second))) {
            switch effect {
            case .announce(let entry):
                #expect(!isFirstGone)
                announced.append(entry)
            case .withdraw(let entry):
                #expect(entry.id == first.id && !announced.isEmpty)
                #expect(entry.withdrawnBecause == "other rules against attack 1 took its place")
                isFirstGone = true
            default: continue
            }
        }
    }
    let second = try #require(announced.first)
    #expect(announced.count == 1 && isFirstGone, "\(announced.map(\.announcement))")
    #expect("\(second.announcement.route)".contains("source-port =1900"), "\(second.announcement.route)")
    #expect(second.reason.contains("attack changed shape"), "\(second.reason)")
}

/// Of vectors that take turns each has its rule when it comes again: one that costs nothing stays while there is room.
@Test func vectorsThatTakeTurnsKeepTheirRules() {
    var ledger = Ledger(policy: synthesisPolicy())
    let kinds = ["ntp_amplification", "ssdp_amplification", "dns_amplification"]
    var changes: [Int] = []
    for second in 0..<300 {
        let update = attack(kinds[second / 15 % kinds.count], at: Double(second), seed: UInt64(second))
        let effects = ledger.handle(second == 0 ? .began(update) : .updated(update), at: time(Double(second)))
        if !effects.announced.isEmpty || !effects.withdrawn.isEmpty { changes.append(second) }
        guard second >= 100 else { continue }
        let rules = ledger.inForce.compactMap { entry -> FlowSpecRule? in
            if case .flowSpec(let rule) = entry.announcement.route { rule } else { nil }
        }
        let matched = update.samples.count { sample in rules.contains { $0.matches(sample.matchedPacket) } }
        #expect(Double(matched) >= 0.85 * Double(update.samples.count), "at \(second) s")
    }
    #expect(changes.allSatisfy { $0 < 100 }, "\(changes)")
}

/// Telemetry from behind the routers sees what is not dropped: that nothing matches a rule is its merit.
@Test func aRuleThatMayBeWorkingStaysWhenOthersAreAdded() throws {
    var ledger = Ledger(policy: synthesisPolicy())
    _ = ledger.handle(.began(attack("ntp_amplification", at: 0)), at: time(0))
    var effects: [LedgerEffect] = []
    for second in 1...30 {
        let update = attack("ssdp_amplification", at: Double(second), seed: UInt64(second))
        effects += ledger.handle(.updated(update), at: time(Double(second)))
    }
    #expect(effects.announced.count == 1 && effects.withdrawn.isEmpty, "\(effects.announced) \(effects.withdrawn)")
}

/// Between two pulses flow records tell of what is usual alone: by these the attack would be another.
@Test func whatComesBetweenTwoPulsesIsNoOtherAttack() {
    var ledger = Ledger(policy: synthesisPolicy())
    _ = ledger.handle(.began(attack("ntp_amplification", at: 0)), at: time(0))
    var effects: [LedgerEffect] = []
    for second in 1...30 {
        var update = attack("ssdp_amplification", at: Double(second), seed: UInt64(second))
        // Less than the threshold, a packet per second.
        update.samplesDuration = .seconds(1_000_000)
        effects += ledger.handle(.updated(update), at: time(Double(second)))
    }
    #expect(effects.announced.isEmpty && effects.withdrawn.isEmpty, "\(effects.announced)")
}

/// What the first few samples had in common may be more than could be said of them.
@Test func moreSamplesMakeARuleNarrower() {
    var ledger = Ledger(policy: synthesisPolicy())
    let few = attack("rst_flood", samples: 9, at: 0)
    let begun = ledger.handle(.began(few), at: time(0)).announced
    func most(_ entries: [LedgerEntry]) -> [MatchComponent] {
        let all = entries.map { entry -> [MatchComponent] in
            if case .flowSpec(let rule) = entry.announcement.route { rule.components } else { [] }
        }
        return all.max { $0.count < $1.count } ?? []
    }
    for second in 1...6 {
        let update = attack("rst_flood", samples: 128, at: Double(second), seed: UInt64(second))
        _ = ledger.handle(.updated(update), at: time(Double(second)))
    }
    let (wide, narrow) = (most(begun), most(ledger.inForce))
    #expect(narrow.count > wide.count && wide.allSatisfy(narrow.contains), "\(wide), then \(narrow)")
    #expect(ledger.inForce.contains { $0.reason.contains("found anew") })
}

@Test func anAttackThatChangesAllTheTimeDoesNotHaveRulesFlap() {
    var ledger = Ledger(policy: synthesisPolicy())
    var changes = 0
    let kinds = PacketMix.attacks.map(\.name).filter { $0.hasSuffix("amplification") }
    for second in 0..<600 {
        let update = attack(kinds[second / 5 % kinds.count], at: Double(second), seed: UInt64(second))
        let effects = ledger.handle(.updated(update), at: time(Double(second)))
        changes += effects.announced.count + effects.withdrawn.count
        #expect(ledger.inForce.count <= 8)
    }
    #expect(changes < 60, "\(changes) changes within ten minutes")
}

@Test func aFewSamplesBeginWithTheTemplateAndMoreNarrowIt() throws {
    var ledger = Ledger(policy: synthesisPolicy())
    let begun = ledger.handle(.began(attack("ntp_amplification", samples: 5, at: 0)), at: time(0)).announced
    #expect(begun.map { "\($0.announcement.route)" } == ["destination 198.51.100.5/32 protocol =udp source-port =123"])
    #expect(begun.first?.reason.contains("5 samples are too few") == true)
    let effects = ledger.handle(.updated(attack("ntp_amplification", at: 1, seed: 2)), at: time(1))
    #expect(effects.announced.count == 1 && effects.withdrawn.map(\.id) == begun.map(\.id))
    #expect(effects.announced.first?.reason.contains("found anew from 64 samples") == true)
}

@Test func theFormerRulesStayWhileTheNewOnesHaveToWait() throws {
    var ledger = Ledger(policy: synthesisPolicy { $0.maximumChangesPerMinute = 1 })
    _ = ledger.handle(.began(attack("ntp_amplification", samples: 5, at: 0)), at: time(0))
    let waiting = ledger.handle(.updated(attack("ntp_amplification", at: 1, seed: 2)), at: time(1))
    #expect(waiting.announced.isEmpty && waiting.withdrawn.isEmpty)
    #expect(ledger.advance(to: time(61)).announced.count == 1)
    let update = attack("ntp_amplification", at: 62, seed: 2)
    #expect(ledger.handle(.updated(update), at: time(62)).withdrawn.count == 1)
}

@Test func theOperatorsOwnMatchStandsForExactlyItsKind() throws {
    let policy = synthesisPolicy { policy in
        let own = RuleTemplate(
            components: [.ipProtocol([NumericTerm(.equal, 17)]), .packetLength([NumericTerm(.greater, 100)])],
            actions: [.rateLimitBytes(asn: 0, bytesPerSecond: 1000)]
        )
        policy.templates = RuleTemplate.builtIn(replacedBy: ["udp_flood": own])
        policy.fixedTemplates = ["udp_flood"]
    }
    var ledger = Ledger(policy: policy)
    let own = ledger.handle(.began(attack("udp_flood", at: 0)), at: time(0)).announced
    #expect(own.map { "\($0.announcement.route)" } == ["destination 198.51.100.5/32 protocol =udp packet-length >100"])
    #expect(own.first?.expectation == nil)
    var other = Ledger(policy: policy)
    let found = other.handle(.began(attack("ntp_amplification", at: 0)), at: time(0)).announced
    #expect(found.first?.announcement.actions == [.rateLimitBytes(asn: 0, bytesPerSecond: 1000)])
    #expect(found.contains { "\($0.announcement.route)".contains("source-port =123") })
}

@Test func whereNothingIsLookedForTheTemplateIsAllThereIs() throws {
    var ledger = Ledger(policy: synthesisPolicy { $0.synthesizes = false })
    let begun = ledger.handle(.began(attack("ntp_amplification", at: 0)), at: time(0)).announced
    #expect(begun.map { "\($0.announcement.route)" } == ["destination 198.51.100.5/32 protocol =udp source-port =123"])
}

@Test func thePlanOutlivesARestart() throws {
    var ledger = Ledger(policy: synthesisPolicy())
    let record = attack("ntp_amplification", at: 0)
    let rule = try #require(ledger.handle(.began(record), at: time(0)).announced.first)
    var next = Ledger(policy: synthesisPolicy())
    _ = next.restore([rule], attacks: [record], overruled: [], highestID: rule.id, at: time(10))
    for second in 11...20 {
        let update = attack("ntp_amplification", samples: 16, at: Double(second), seed: UInt64(second))
        #expect(next.handle(.updated(update), at: time(Double(second))).announced.isEmpty)
    }
}

/// Six hundred at once, told of again in one of the ten ticks of each second, as the detector does.
@Test func ofThousandsOfAttacksAtOnceTheLaterBeginWithTheirTemplates() {
    var ledger = Ledger(policy: synthesisPolicy { ($0.maximumChangesPerMinute, $0.maximumRules) = (100_000, 100_000) })
    let record = attack("ntp_amplification", samples: 16, at: 0)
    func other(_ number: Int, at seconds: Double) -> Attack {
        var other = Attack(
            id: Attack.ID(rawValue: UInt64(number)),
            target: .host(IPAddress(198, 51, 100 + UInt8(number / 250), UInt8(number % 250))),
            direction: .incoming,
            began: time(0),
            kind: .ntpAmplification,
            kindShare: 1,
            crossing: record.crossing,
            rates: record.rates,
            samples: record.samples,
            normal: record.normal
        )
        other.lastActive = time(seconds)
        return other
    }
    func narrow() -> Int {
        ledger.attacks.values.count { $0.plans.values.first?.isSynthesized == true }
    }
    for number in 1...600 { _ = ledger.handle(.began(other(number, at: 0)), at: time(0)) }
    #expect(narrow() == PlanningBudget.plansAtOnce)
    var before = narrow()
    for tick in 1...20 {
        let now = Double(tick) / 10
        for number in 1...600 where number % 10 == tick % 10 {
            _ = ledger.handle(.updated(other(number, at: now)), at: time(now))
        }
        // No tick takes another's part, nor is any of it lost while there is something to plan.
        if before < 600 { #expect(narrow() > before, "tick \(tick)") }
        #expect(narrow() - before <= PlanningBudget.plansPerSecond / 10, "tick \(tick)")
        before = narrow()
    }
    #expect(before > PlanningBudget.plansPerSecond)
}

@Test func aSecondsPlansAreSpreadOverItsTicks() {
    var budget = PlanningBudget()
    func allowed(at seconds: Double) -> Int {
        (0..<1000).count { _ in budget.allowsPlan(at: time(seconds)) }
    }
    #expect(allowed(at: 0) == 100)
    #expect(allowed(at: 0) == 0)
    let ticks = (1...10).map { allowed(at: Double($0) / 10) }
    #expect(ticks.reduce(0, +) == 250 && ticks.allSatisfy { (24...26).contains($0) }, "\(ticks)")
    #expect(allowed(at: 0.5) == 0, "a clock that was set back")
    #expect(allowed(at: 3600) == 100, "nothing is saved up")
}
