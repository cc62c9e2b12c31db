internal import Detection
internal import FlowSpec
internal import NetworkTypes
internal import Traffic

/// The rules of an attack are planned when it begins, and kept: an answer that changes with each handful of samples
/// would flap. They are planned anew once early on, as the first samples are few, and later only where the newest
/// samples say that the attack is another.
extension Ledger {
    /// The plan against an attack for one of its prefixes.
    struct FollowedPlan {
        var rules: [PlannedRule]
        var made: Timestamp
        /// When the newest samples are held against the rules next.
        var nextReview: Timestamp
        /// The newest sample that they were held against.
        var newest: Timestamp?
        /// Whether it was looked at with more samples than at the beginning.
        var isRefined = false
        /// How often the attack changed its shape, or rules were found to be too wide or too narrow.
        var changes = 0
        /// Whether telemetry sees traffic that the routers drop: only then does its absence say that a rule helps no more.
        var seesDropped = false
        /// Samples of the attack since the rules were made, without its background, and those that they match: what one
        /// look cannot tell, several can.
        var seen = 0.0
        var matched = 0.0
        /// When the attack was last called something else.
        var renamed: Timestamp?
        /// Those for the kinds that the attack was taken for before, the latest first: they go with the last one's.
        var templates: [Announcement] = []
        /// What others have taken the place of; it goes when these are in force.
        var retiring: [Announcement] = []

        var isSynthesized: Bool { rules.contains(where: \.isSynthesized) }

        /// The more often, the longer it takes: one who changes the attack must not have the rules flap.
        mutating func delayNextChange(at time: Timestamp) {
            changes += 1
            nextReview = time + .seconds(Int64(3) << Int64(min(changes, 4)))
        }
    }

    /// Until a plan is looked at with more samples than it began with.
    private static let refinement = Duration.seconds(2)
    /// How long a template that would drop much of the usual traffic is held back for a narrower rule.
    private static let patience = Duration.seconds(3)
    private static let patienceForNetworks = Duration.seconds(60)
    private static let muchOfTheUsual = 0.2
    private static let leastOfAttack = 0.2
    private static let reviewInterval = Duration.seconds(5)
    /// After a look that found nothing better.
    private static let retryInterval = Duration.seconds(10)
    /// What an earlier look counts beside the next: an attack that has changed is not what it was on average.
    private static let memory = 0.5
    /// What a plan may fall short of the coverage before it is made anew, and what another must be better by.
    static let coverageMargin = 0.05
    /// What a rule must match of the attack to be of any use, where that can be seen.
    static let leastUseful = 0.02
    private static let leastGained = 0.02
    /// What a rule may drop of the usual traffic that matches nothing of the attack just now.
    private static let nextToNothing = 0.002
    private static let leastSpared = 0.005
    private static let leastSparedLater = 0.01
    /// What rules drop of the usual traffic for which they are looked at each second.
    private static let muchForLong = 0.05
    /// What a rule that matches more of the attack may drop more of the usual traffic, for each part that it gains.
    private static let priceOfGain = 0.2

    /// The rules against an attack for a prefix: as planned, or planned now.
    mutating func plannedRules(
        against attack: Attack,
        for target: IPPrefix,
        at time: Timestamp
    ) -> Result<[PlannedRule], Refusal.Reason> {
        guard isFollowed(attack, for: target) else { return policy.plan(against: attack, for: target) }
        guard var plan = attacks[attack.id]?.plans[target] ?? resumedPlan(against: attack, for: target, at: time) else {
            let isAllowed = planning.allowsPlan(at: time)
            let planned =
                isAllowed
                ? policy.plan(against: attack, for: target)
                : policy.templateRule(for: attack.kind, attack, target).map { [$0] }
            if case .success(let rules) = planned {
                if policy.synthesizes, missesAttack(rules) { return .failure(.missesAttack) }
                if policy.synthesizes, waitsForSamples(rules, against: attack, at: time) {
                    return .failure(.awaitsSamples)
                }
                let newest = rules.contains(where: \.isSynthesized) ? attack.samples.first?.time : nil
                attacks[attack.id]?.plans[target] = FollowedPlan(
                    rules: rules,
                    made: time,
                    // Where there was no time to look for anything, the next is good.
                    nextReview: isAllowed ? time + .seconds(1) : time,
                    newest: newest
                )
            }
            return planned
        }
        if !plan.isSynthesized {
            switch policy.templateRule(for: attack.kind, attack, target) {
            case .success(let rule) where rule.announcement != plan.rules.first?.announcement:
                rename(&plan, to: rule, attack, for: target, at: time)
            case .success: break
            case .failure(let reason): return .failure(reason)
            }
        }
        review(&plan, against: attack, for: target, at: time)
        attacks[attack.id]?.plans[target] = plan
        return .success(plan.rules)
    }

    /// Whether what an attack is answered with is kept and looked at again. What the operator has written against its kind
    /// is not, nor is a template that takes the place of what was found, as nothing is looked for any more.
    private func isFollowed(_ attack: Attack, for target: IPPrefix) -> Bool {
        if policy.isSynthesized(attack.kind) { return true }
        let wasFound = attacks[attack.id]?.plans[target]?.isSynthesized ?? false
        return !policy.fixedTemplates.contains(attack.kind.rawValue) && attacks[attack.id] != nil && !wasFound
    }

    /// Whether a template's rule would drop much of the usual traffic and next to nothing of the attack.
    func missesAttack(_ rules: [PlannedRule]) -> Bool {
        guard let rule = rules.first, !rule.isSynthesized, let expectation = rule.expectation,
            Double(expectation.attackSamples) >= RuleSynthesis.fewestSamples, let share = expectation.normalShare
        else { return false }
        return expectation.attackShare < Self.leastOfAttack && share >= Self.muchOfTheUsual
    }

    /// Whether the template's rule would drop much of the target's usual traffic, and the next seconds may show a narrower
    /// one.
    private func waitsForSamples(_ rules: [PlannedRule], against attack: Attack, at time: Timestamp) -> Bool {
        guard let rule = rules.first, !rule.isSynthesized, let share = rule.expectation?.normalShare,
            share >= Self.muchOfTheUsual
        else { return false }
        // All hosts of a network are not cut off for what one of them gets.
        let patience = if case .host = attack.target { Self.patience } else { Self.patienceForNetworks }
        return time - attack.began < patience
    }

    /// Lets rules go that others have taken the place of: when all of these are in force, not before.
    mutating func retireRules(of attack: Attack.ID, for target: IPPrefix, at time: Timestamp) -> [LedgerEffect] {
        guard let plan = attacks[attack]?.plans[target], !plan.retiring.isEmpty else { return [] }
        let isAnnounced = plan.retiring.contains { retired in
            byRoute[.init(retired)].flatMap { entries[$0] }?.state == .announced
        }
        // One that is only observed takes the place of none that drops anything.
        let areInForce = plan.rules.allSatisfy { rule in
            guard let entry = byRoute[.init(rule.announcement)].flatMap({ entries[$0] }) else { return false }
            return isAnnounced ? entry.state == .announced : entry.state != .waiting
        }
        guard areInForce else { return [] }
        attacks[attack]?.plans[target]?.retiring = []
        let requester = LedgerEntry.Requester.attack(attack)
        return plan.retiring.flatMap { retired -> [LedgerEffect] in
            guard let entry = byRoute[.init(retired)].flatMap({ entries[$0] }), entry.requesters.contains(requester)
            else { return [] }
            guard entry.requesters == [requester] else {
                return update(entry.id) { $0.requesters.removeAll { $0 == requester } }
            }
            return close(entry.id, because: "other rules against \(requester) took its place", at: time)
        }
    }

    /// After a restart the rules that came back are the plan.
    private mutating func resumedPlan(
        against attack: Attack,
        for target: IPPrefix,
        at time: Timestamp
    ) -> FollowedPlan? {
        guard attacks[attack.id]?.isResumed == true else { return nil }
        let rules = index.entries(of: attack.id).compactMap { id -> PlannedRule? in
            guard let entry = entries[id], entry.target == target, entry.isRule else { return nil }
            return PlannedRule(
                target: target,
                announcement: entry.announcement,
                template: entry.template,
                expectation: entry.expectation,
                isSynthesized: entry.expectation != nil && !isOfTemplate(entry)
            )
        }
        guard rules.contains(where: \.isSynthesized) else {
            // Those for the names that the attack had: the last one's, and those before it.
            return rules.last.map { last in
                let former = rules.dropLast().reversed().map(\.announcement)
                return FollowedPlan(rules: [last], made: time, nextReview: time + .seconds(1), templates: former)
            }
        }
        return FollowedPlan(rules: rules, made: time, nextReview: time + Self.refinement, isRefined: true)
    }

    /// Whether a rule matches what its template says, not what was found.
    private func isOfTemplate(_ entry: LedgerEntry) -> Bool {
        let own = try? policy.template(named: entry.template)?.announcement(
            for: entry.target,
            direction: entry.direction
        )
        return own?.route == entry.announcement.route
    }

    // MARK: Reviewing

    private mutating func review(
        _ plan: inout FollowedPlan,
        against attack: Attack,
        for target: IPPrefix,
        at time: Timestamp
    ) {
        // Samples are of traffic above the threshold: where the attack is held, none are new.
        guard time >= plan.nextReview, let newest = attack.samples.first?.time, newest != plan.newest,
            planning.allowsPlan(at: time)
        else { return }
        guard tellsOfAttack(attack) else {
            plan.nextReview = time + .seconds(1)
            return
        }
        let before = plan.newest
        plan.newest = newest
        let evidence = policy.evidence(of: attack, for: target)
        guard evidence.attackCount >= RuleSynthesis.fewestSamples else {
            plan.nextReview = time + .seconds(1)
            return
        }
        let matched = evidence.members(of: plan.rules, attack)
        let isBroad = evidence.normalCost(of: matched) >= Self.muchForLong
        let isOften = time - plan.made < (isBroad ? Self.patienceForNetworks : Self.reviewInterval)
        plan.nextReview = time + (isOften ? .seconds(1) : Self.reviewInterval)
        // A burst of what is usual is none of the attack: what is left is not held against the rules.
        let isRestUsual = plan.isSynthesized && evidence.isRestUsual(matched, policy.coverage)
        // By packets, by octets or by both, whichever the rules match least of.
        let covered = evidence.bySingleUnits.reduce(evidence.attackShare(of: matched)) {
            min($0, $1.attackShare(of: matched))
        }
        let fresh = attack.samples.count { sample in before.map { sample.time > $0 } ?? true }
        let count = evidence.attackCount * Double(fresh) / Double(max(1, attack.samples.count))
        plan.seen = plan.seen * Self.memory + count
        plan.matched = plan.matched * Self.memory + (isRestUsual ? count : count * covered)
        let standing = time - (plan.renamed ?? plan.made)
        if covered >= 0.5, standing >= (plan.isSynthesized ? .seconds(3) : .seconds(5)) { plan.seesDropped = true }
        if plan.isSynthesized, !isRestUsual, evidence.isSurelyBelow(matched, policy.coverage - Self.coverageMargin) {
            change(&plan, against: attack, for: target, evidence, at: time)
        } else if !plan.isSynthesized || time - plan.made >= Self.refinement {
            refine(&plan, against: attack, for: target, evidence, mayWiden: !isRestUsual, at: time)
        }
    }

    /// Whether the newest samples are of so much that they are of an attack. Flow records tell of the time between two pulses
    /// as well, and of the first second of an attack among those of a minute: by these it would have changed its shape.
    private func tellsOfAttack(_ attack: Attack) -> Bool {
        let seconds = attack.samplesDuration.inSeconds
        guard seconds > 0, attack.crossing.unit != .flows else { return true }
        // Packets are told of at once: those of some seconds may be fewer than the threshold, and the present above it.
        if !attack.exceeded.isEmpty, !attack.samples.contains(where: { $0.flowSeconds > 0 }) { return true }
        let amount = attack.samples.reduce(0) { sum, sample in
            sum + (attack.crossing.unit == .bits ? Double(sample.bytes) * 8 : Double(sample.packets))
        }
        return amount / seconds >= attack.crossing.threshold
    }

    /// Takes what more samples say in the place of what the first few said, where it is clearly better.
    private func refine(
        _ plan: inout FollowedPlan,
        against attack: Attack,
        for target: IPPrefix,
        _ evidence: SampleEvidence,
        mayWiden: Bool,
        at time: Timestamp
    ) {
        let (wasSynthesized, wasRefined) = (plan.isSynthesized, plan.isRefined)
        plan.isRefined = wasSynthesized
        // Later on only what spares much: rules that change with each handful of samples would flap.
        let leastSpared = wasRefined ? Self.leastSparedLater : Self.leastSpared
        let former = evidence.members(of: plan.rules, attack)
        let isShort = SampleEvidence.isBelow(plan.matched, of: plan.seen, policy.coverage, deviations: 0.84)
        let isYoung = time - plan.made < Self.reviewInterval
        guard !wasRefined || isYoung || isShort || evidence.normalCost(of: former) >= leastSpared else { return }
        guard case .success(var found) = policy.plan(against: attack, for: target),
            found.contains(where: \.isSynthesized)
        else { return }
        found = evidence.withoutUsual(found, attack, policy.coverage)
        let matched = evidence.members(of: found, attack)
        let spared = evidence.normalCost(of: former) - evidence.normalCost(of: matched)
        let gained = evidence.attackShare(of: matched) - evidence.attackShare(of: former)
        let isEnough = gained >= -0.01 || evidence.isCovered(matched, policy.coverage)
        let isWider =
            mayWiden && gained >= (isShort ? Self.leastGained : wasRefined ? .infinity : Self.coverageMargin)
            && spared >= -Self.priceOfGain * gained
        // What spares much is worth a part of what is taken for the attack's.
        let isCheaper = spared >= Self.muchForLong && gained >= -min(spared, Self.coverageMargin)
        // More samples of what the first few had in common.
        let isNarrower =
            (!wasRefined || isYoung) && isEnough && spared >= 0 && PlannedRule.areNarrower(found, than: plan.rules)
        // Of a template's rule there is nothing to lose but breadth.
        guard
            isEnough && spared >= leastSpared || isWider || isCheaper || isNarrower || !wasSynthesized && spared >= 0
        else { return }
        let text = "found anew from \(evidence.attack.count) samples"
        for index in found.indices { found[index].note = text }
        let routes = Set(found.map(\.announcement.route))
        plan.retiring += plan.templates + plan.rules.map(\.announcement)
        plan.retiring.removeAll { routes.contains($0.route) }
        plan.templates = []
        plan.rules = found
        (plan.seen, plan.matched) = (0, 0)
        if wasRefined { plan.delayNextChange(at: time) }
    }

    /// Answers an attack that is another than it was.
    private func change(
        _ plan: inout FollowedPlan,
        against attack: Attack,
        for target: IPPrefix,
        _ evidence: SampleEvidence,
        at time: Timestamp
    ) {
        plan.isRefined = true
        // Who tries with each handful of samples finds something in the end, by chance.
        plan.nextReview = time + Self.retryInterval
        guard case .success(var found) = policy.plan(against: attack, for: target),
            found.contains(where: \.isSynthesized)
        else { return }
        found = evidence.withoutUsual(evidence.kept(plan.rules, insteadOf: found, attack), attack, policy.coverage)
        let covered = evidence.attackShare(of: evidence.members(of: plan.rules, attack))
        let matched = evidence.members(of: found, attack)
        let former = evidence.members(of: plan.rules, attack)
        let gained = evidence.attackShare(of: matched) - covered
        let spared = evidence.normalCost(of: former) - evidence.normalCost(of: matched)
        guard gained >= Self.coverageMargin, spared >= -Self.priceOfGain * gained else { return }
        plan.delayNextChange(at: time)
        let text = "attack changed shape: the rules before match \(RuleExpectation.percent(covered)) of what comes now"
        for index in found.indices { found[index].note = text }
        let routes = Set(found.map(\.announcement.route))
        let others = plan.rules.filter { !routes.contains($0.announcement.route) }
        // What still matches some of it that the new ones do not stays, unless it drops more of the usual than that is worth,
        // as does what may be holding back what telemetry does not see: but of what it matches some is seen, it sees the
        // rest.
        let helpful = others.filter { rule in
            let own = evidence.members(of: [rule], attack)
            if evidence.attackShare(of: own) >= Self.leastUseful {
                let rest = own.subtracting(matched)
                let share = evidence.attackShare(of: rest)
                return share >= Self.leastUseful && evidence.normalCost(of: rest) <= Self.priceOfGain * share
            }
            // Of several vectors that take turns it is the next one's.
            return !plan.seesDropped || evidence.normalCost(of: own) <= Self.nextToNothing
        }
        let kept = helpful.prefix(max(0, policy.maximumRulesPerAttack - found.count))
        plan.retiring += others.filter { !kept.contains($0) }.map(\.announcement)
        plan.retiring.removeAll { routes.contains($0.route) }
        plan.rules = found + kept
        (plan.seen, plan.matched) = (0, 0)
    }
}
