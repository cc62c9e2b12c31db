internal import Detection
internal import FlowSpec
internal import NetworkTypes

/// What the ladder says is done with the traffic of an attack. What is matched, the plan says.
extension Ledger {
    /// Takes the steps that are due for an attack, before its rules are asked for.
    mutating func climb(_ attack: Attack, at time: Timestamp) -> [LedgerEffect] {
        guard let ladder = policy.ladder(for: attack.target) else {
            attacks[attack.id]?.climb = nil
            return []
        }
        let ids = index.entries(of: attack.id)
        var climb = attacks[attack.id]?.climb ?? Climb(at: standingStep(against: attack, ladder, at: time), since: time)
        let former = climb.step
        attacks[attack.id]?.power.note(attack, at: time)
        let power = attacks[attack.id]?.power ?? AttackPower()
        let changed = climb.judge(
            ladder,
            power: power,
            capacity: policy.capacity(for: attack.target),
            takesBlackholes: Self.takesBlackholes(attack),
            failingSince: isStepInForce(against: attack.id) ? ids.compactMap { watches[$0]?.failingSince }.min() : nil,
            at: time
        )
        attacks[attack.id]?.climb = climb
        guard changed else { return [] }
        for id in ids { watches[id]?.restart(at: time) }
        let climbed = LedgerEffect.climbed(attack.id, climb)
        guard let id = ids.first, let entry = entries[id] else { return [climbed] }
        return [climbed, .note(entry, Self.words(ladder, from: former, to: climb.step))]
    }

    /// A blackhole route is for a host, and does nothing against what the host sends.
    private static func takesBlackholes(_ attack: Attack) -> Bool {
        if case .host = attack.target { attack.direction != .outgoing } else { false }
    }

    /// Whether something that the attack's step has done with it is still to be announced. What others keep as it is,
    /// is not.
    private func isStepPending(against attack: Attack.ID) -> Bool {
        let own = index.entries(of: attack).compactMap { entries[$0] }
        if blackhole(against: attack) != nil, !own.contains(where: { !$0.isRule && $0.state != .waiting }) {
            return true
        }
        let wanted = actions(against: attack)
        return own.contains { entry in
            guard entry.isRule else { return false }
            if entry.state == .waiting { return true }
            guard entry.requesters.allSatisfy(\.isAttack), let template = wanted ?? policy.templates[entry.template]
            else {
                return false
            }
            return !entry.announcement.restrains(asMuchAs: policy.announcement(entry.announcement, doing: template))
        }
    }

    /// Whether what the attack's step has done with it is announced, and some router has each of it: what is not there
    /// cannot have failed.
    private func isStepInForce(against attack: Attack.ID) -> Bool {
        !isStepPending(against: attack) && !index.entries(of: attack).contains { unheld.contains($0) }
    }

    private static func words(_ ladder: EscalationLadder, from former: Int, to step: Int) -> String {
        let place = step < 0 ? "below the first step" : "step \(step + 1) of \(ladder.steps.count)"
        let deciding = max(former, step)
        let condition = ladder.steps.indices.contains(deciding) ? "\(ladder.steps[deciding].condition)" : ""
        return step > former
            ? "the ladder goes up to \(place) (\(condition))"
            : "the ladder goes down to \(place), as it has been calm (\(condition))"
    }

    /// The hardest step that rules against the attack stand on already: those of an attack whose ban time has not passed,
    /// or those of before a restart where it was not written down on which step that was.
    private mutating func standingStep(
        against attack: Attack,
        _ ladder: EscalationLadder,
        at time: Timestamp
    ) -> Int {
        guard attacks[attack.id]?.isOverruled == false, policy.actsOn(attack.kind) else { return -1 }
        var routes: [AnnouncedRoute] = []
        for target in targets(of: attack) {
            // The plan is kept, and asked for again right after this.
            if policy.announcesRules,
                case .success(let rules) = plannedRules(against: attack, for: target, at: time)
            {
                routes += rules.map(\.announcement.route)
            }
            routes.append(.unicast(target))
        }
        let ids = Set(routes.compactMap { byRoute[.init($0)] } + index.entries(of: attack.id))
        let standing = ids.compactMap { entries[$0] }.filter { $0.requesters.allSatisfy(\.isAttack) }
        let steps = ladder.steps.indices.filter { index in
            switch ladder.steps[index].response {
            case .actions(let template): standing.contains { $0.announcement.actions == template.actions && $0.isRule }
            // A host may be blackholed whatever the ladder says.
            case .blackhole: standing.contains { $0.template == Self.ladderRoute }
            }
        }
        return steps.max() ?? -1
    }

    /// The actions that an attack's rules have by the ladder; nil where their templates say it.
    func actions(against attack: Attack.ID) -> RuleTemplate? {
        guard let followed = attacks[attack], let climb = followed.climb,
            let ladder = policy.ladder(for: followed.attack.target)
        else { return nil }
        for step in ladder.steps.prefix(climb.step + 1).reversed() {
            if case .actions(let template) = step.response { return template }
        }
        return nil
    }

    /// The communities of the blackhole route that the ladder has come to, if it has.
    private func blackhole(against attack: Attack.ID) -> [Community]? {
        guard let followed = attacks[attack], let climb = followed.climb,
            let ladder = policy.ladder(for: followed.attack.target), ladder.steps.indices.contains(climb.step),
            case .blackhole(let own) = ladder.steps[climb.step].response
        else { return nil }
        let communities = policy.blackholes.communities + own.filter { !policy.blackholes.communities.contains($0) }
        // A route without a word of what is meant would be taken for one to follow.
        return communities.isEmpty ? [.blackhole] : communities
    }

    /// Has the attack's rules do what its step says, and its blackhole route come or go. Nothing of what others asked for
    /// is changed.
    mutating func applyStep(against attack: Attack, at time: Timestamp) -> [LedgerEffect] {
        guard attacks[attack.id]?.climb != nil else { return [] }
        let wanted = actions(against: attack.id)
        let communities = blackhole(against: attack.id)
        let requester = LedgerEntry.Requester.attack(attack.id)
        var effects: [LedgerEffect] = []
        for id in index.entries(of: attack.id) {
            guard let entry = entries[id] else { continue }
            if entry.isRule {
                effects += act(on: entry, wanted ?? policy.templates[entry.template], for: requester, at: time)
            }
        }
        if communities == nil, !isStepPending(against: attack.id) {
            // Only when the rules do what they are to: there is no moment without either.
            for id in index.entries(of: attack.id) {
                guard let entry = entries[id], isOfLadder(entry) else { continue }
                effects += giveUp(entry, requester, at: time)
            }
        }
        guard let communities, policy.actsOn(attack.kind) else { return effects }
        for target in targets(of: attack) {
            let order = Order(
                target: target,
                direction: attack.direction,
                template: Self.ladderRoute,
                requester: requester,
                reason: attack.summary,
                duration: attacks[attack.id]?.banTime ?? policy.banTime
            )
            let nextHop = target.family == .ipv4 ? policy.blackholes.nextHop : policy.blackholes.nextHopIPv6
            let route = Announcement(route: .unicast(target), communities: communities, nextHop: nextHop)
            effects += enter(route, order, at: time)
        }
        return effects
    }

    /// What made a blackhole route that stands for a step of the ladder.
    static let ladderRoute = "ladder"

    private mutating func act(
        on entry: LedgerEntry,
        _ template: RuleTemplate?,
        for requester: LedgerEntry.Requester,
        at time: Timestamp
    ) -> [LedgerEffect] {
        guard let template else { return [] }
        var wanted = policy.announcement(entry.announcement, doing: template)
        wanted.neighbors = entry.announcement.neighbors
        guard wanted != entry.announcement else { return [] }
        let others = entry.requesters.filter { $0 != requester }
        guard others.allSatisfy(\.isAttack) else {
            guard !entry.announcement.restrains(asMuchAs: wanted) else { return [] }
            let reason = Refusal.Reason.conflict(entry.id)
            return [.refuse(Refusal(reason: reason, target: entry.target, requester: requester, time: time))]
        }
        // Another attack that goes on may need what is harder.
        let isShared = others.contains { if case .attack(let id) = $0 { attacks[id] != nil } else { false } }
        if isShared, !wanted.restrains(asMuchAs: entry.announcement) { return [] }
        // What cannot be done now is tried with the next update.
        guard entry.state != .announced || budget.allowsAnnouncement(at: time) else { return [] }
        return replace(entry.id, with: wanted, at: time)
    }

    private mutating func giveUp(
        _ entry: LedgerEntry,
        _ requester: LedgerEntry.Requester,
        at time: Timestamp
    ) -> [LedgerEffect] {
        let others = entry.requesters.contains { other in
            if case .attack(let id) = other { return other != requester && attacks[id] != nil }
            return true
        }
        let left = entry.requesters.filter { $0 != requester }
        // Who goes takes the time with him that he alone had asked for.
        let needed = need(of: left, in: entry, at: time)
        guard others, needed > time else { return close(entry.id, because: "the ladder went down again", at: time) }
        return update(entry.id) {
            $0.requesters = left
            $0.expires = min($0.expires, needed)
        }
    }

    /// Whether an attack asks for a blackhole route because of a step: it made it, or joined one that stood. Where hosts
    /// under attack are blackholed anyway, only what it made.
    private func isOfLadder(_ entry: LedgerEntry) -> Bool {
        guard !entry.isRule, entry.target.isHost else { return false }
        return entry.template == Self.ladderRoute || !policy.blackholes.hosts.contains(entry.target.family)
    }
}

extension MitigationPolicy {
    /// An announcement whose traffic is done something else with.
    func announcement(_ announcement: Announcement, doing template: RuleTemplate) -> Announcement {
        var changed = announcement
        changed.actions = template.actions
        changed.communities = communities + template.communities.filter { !communities.contains($0) }
        changed.extendedCommunities = template.extendedCommunities
        changed.largeCommunities = template.largeCommunities
        return changed
    }
}

extension LedgerEntry {
    /// Whether it is a FlowSpec rule, and no route.
    var isRule: Bool { if case .flowSpec = announcement.route { true } else { false } }
}
