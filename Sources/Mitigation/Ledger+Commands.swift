internal import Detection
public import FlowSpec
public import NetworkTypes

/// What came of a command.
public struct CommandAnswer: Sendable, Hashable {
    /// To be carried out whatever the text says.
    public var effects: [LedgerEffect]
    /// What was done, or why nothing was.
    public var text: String
    public var isRefused: Bool

    static func done(_ text: String, _ effects: [LedgerEffect]) -> CommandAnswer {
        CommandAnswer(effects: effects, text: text, isRefused: false)
    }

    static func refused(_ reason: String) -> CommandAnswer {
        CommandAnswer(effects: [], text: reason, isRefused: true)
    }
}

/// Rules that somebody wrote out: a client of the ExaBGP API, or an operator.
extension Ledger {
    /// The entry in force of a rule or route; nil where there is none.
    public func entry(of announcement: Announcement) -> LedgerEntry? {
        byRoute[.init(announcement)].flatMap { entries[$0] }
    }

    // MARK: Announcing

    /// Announces a rule or route as it was written.
    ///
    /// The same route announced again lasts from now on; with other actions it takes the place of the former, unless
    /// somebody else has asked for that one.
    public mutating func announce(
        _ announcement: Announcement,
        for duration: Duration,
        by requester: LedgerEntry.Requester,
        reason: String,
        at time: Timestamp
    ) -> CommandAnswer {
        guard let (target, direction) = policy.guardRails.subject(of: announcement.route) else {
            return .refused("the rule would match everybody's traffic: it names neither destination nor source")
        }
        guard duration >= .seconds(1), duration <= Self.longestBan else {
            return refused(Refusal(reason: .invalidDuration, target: target, requester: requester, time: time))
        }
        let order = Order(
            target: target,
            direction: direction,
            template: "command",
            requester: requester,
            reason: reason,
            duration: duration
        )
        var effects: [LedgerEffect] = []
        if let id = byRoute[.init(announcement)], let standing = entries[id],
            policy.objection(to: announcement.route, target: target, direction: direction) == nil
        {
            switch merged(announcement, into: standing, by: requester) {
            case .success(let merged) where merged != standing.announcement:
                guard
                    policy.mode(for: target, announcement.route) == .observe || standing.state == .waiting
                        || budget.allowsAnnouncement(at: time, for: requester.asker)
                else {
                    let reason = Refusal.Reason.tooManyChanges(allowed: policy.maximumChangesPerMinute)
                    return refused(Refusal(reason: reason, target: target, requester: requester, time: time))
                }
                effects += replace(id, with: merged, at: time)
            case .success: break
            case .failure(let conflict):
                return refused(Refusal(reason: conflict.reason, target: target, requester: requester, time: time))
            }
        }
        let entered = enter(announcement, order, at: time)
        for case .refuse(let refusal) in entered { return refused(refusal) }
        effects += entered
        guard let id = byRoute[.init(announcement)], let entry = entries[id] else {
            return .refused("no rule was made")
        }
        return .done("\(id) \(entry.state.rawValue): \(entry.announcement), until \(entry.expires)", effects)
    }

    /// The answer says why; the effect would be told to nobody else.
    private func refused(_ refusal: Refusal) -> CommandAnswer { .refused(refusal.description) }

    private struct Conflict: Error { var reason: Refusal.Reason }

    /// What is to stand in the place of a rule when the same route is announced again.
    private func merged(
        _ announcement: Announcement,
        into standing: LedgerEntry,
        by requester: LedgerEntry.Requester
    ) -> Result<Announcement, Conflict> {
        var merged = announcement
        let former = standing.announcement
        let isWider = announcement.neighbors == nil || announcement.neighbors == former.neighbors
        if let mine = announcement.neighbors, let theirs = former.neighbors {
            merged.neighbors = Set(mine).union(theirs).sorted()
        } else {
            merged.neighbors = nil
        }
        var comparable = former
        comparable.neighbors = merged.neighbors
        if comparable == merged { return .success(merged) }
        // Other actions: nobody's rule is changed behind his back, nor for neighbors that were not named.
        guard standing.requesters.allSatisfy({ $0 == requester }), isWider else {
            return .failure(Conflict(reason: .conflict(standing.id)))
        }
        return .success(merged)
    }

    mutating func replace(_ id: LedgerEntry.ID, with announcement: Announcement, at time: Timestamp)
        -> [LedgerEffect]
    {
        let persisted = update(id) { $0.replace(announcement) }
        watches[id]?.restart(at: time)
        if probes.stop(id) { budget.release() }
        guard let entry = entries[id] else { return [] }
        switch entry.state {
        case .announced:
            budget.record(at: time, for: entry.asker)
            return persisted + [.announce(entry)]
        case .observed: return persisted + [.observe(entry)]
        case .waiting, .withdrawn: return persisted
        }
    }

    // MARK: Withdrawing

    /// Withdraws a rule or route: what this requester asked for, and of an operator's word whatever stands.
    ///
    /// Where no rule is written like that, the only one against the same target that it can mean goes.
    ///
    /// - Parameters:
    ///   - neighbors: from these only; nil for all.
    ///   - known: all neighbors there are.
    public mutating func withdraw(
        _ route: AnnouncedRoute,
        from neighbors: [IPAddress]? = nil,
        of known: [IPAddress] = [],
        by requester: LedgerEntry.Requester,
        at time: Timestamp
    ) -> CommandAnswer {
        if let id = byRoute[.init(route)] { return withdraw(id, from: neighbors, of: known, by: requester, at: time) }
        let meant = rulesMeant(by: route, of: requester)
        guard meant.count == 1, let only = meant.first else {
            guard !meant.isEmpty else { return .refused("no rule in force is \(route)") }
            let names = meant.map { "\($0.id) (\($0.announcement.route))" }.joined(separator: ", ")
            return .refused("no rule in force is \(route), and it could mean any of \(names)")
        }
        let because = "\(requester) withdrew \(route), which could mean no other rule"
        var answer = withdraw(only.id, from: neighbors, of: known, by: requester, because: because, at: time)
        if !answer.isRefused {
            answer.text += "; it was announced as \(only.announcement.route), the only rule that \(route) could mean"
        }
        return answer
    }

    /// Withdraws a rule by its number. The reason is what those who ask later are told.
    public mutating func withdraw(
        _ id: LedgerEntry.ID,
        from neighbors: [IPAddress]? = nil,
        of known: [IPAddress] = [],
        by requester: LedgerEntry.Requester,
        because reason: String? = nil,
        at time: Timestamp
    ) -> CommandAnswer {
        guard let entry = entries[id] else { return .refused("no rule \(id) is in force") }
        if requester == .operator, neighbors == nil { return overrule(entry, at: time) }
        let gone = entry.requesters.contains(requester) ? [requester] : entry.requesters.filter(\.isClient)
        guard !gone.isEmpty || requester == .operator else {
            return .refused("\(id) was not asked for by a command, but by \(Self.names(entry.requesters))")
        }
        if let neighbors {
            let scope = entry.announcement.neighbors ?? known
            let rest = scope.filter { !neighbors.contains($0) }.sorted()
            guard rest.count < scope.count else { return .refused("\(id) is not announced to these neighbors") }
            if !rest.isEmpty {
                guard gone.count == entry.requesters.count || requester == .operator else {
                    return .refused("\(id) was asked for by \(Self.names(entry.requesters)) too")
                }
                var narrowed = entry.announcement
                narrowed.neighbors = rest
                let effects = replace(id, with: narrowed, at: time)
                return .done("\(id) stays with \(rest.map(\.description).joined(separator: ", "))", effects)
            }
            if requester == .operator { return overrule(entry, at: time) }
        }
        let left = entry.requesters.filter { !gone.contains($0) }
        guard left.isEmpty else { return leave(entry, to: left, at: time) }
        return .done("withdrawn: \(id)", close(id, because: reason ?? "\(requester) withdrew it", at: time))
    }

    /// Withdraws all that a client has asked for.
    public mutating func clear(by requester: LedgerEntry.Requester, at time: Timestamp) -> CommandAnswer {
        let mine = inForce.filter { $0.requesters.contains(requester) }
        let effects = mine.flatMap { withdraw($0.id, by: requester, at: time).effects }
        return .done("\(mine.count) rules given up", effects)
    }

    /// An operator's word: the rule goes whoever asked for it, and attacks make no new one.
    private mutating func overrule(_ entry: LedgerEntry, at time: Timestamp) -> CommandAnswer {
        var effects: [LedgerEffect] = []
        for case .attack(let attack) in entry.requesters where overrule(attack) { effects.append(.overrule(attack)) }
        effects += close(entry.id, because: "an operator said so", at: time)
        return .done("withdrawn: \(entry.id)", effects)
    }

    /// The rule stays for those who still need it.
    private mutating func leave(
        _ entry: LedgerEntry,
        to left: [LedgerEntry.Requester],
        at time: Timestamp
    ) -> CommandAnswer {
        // Who goes takes the time with him that he alone had asked for.
        var needed = need(of: left, in: entry, at: time)
        if left.allSatisfy({ isOver($0) }) {
            // Of attacks that are over what is left of their ban time.
            let banned = (entry.announced ?? entry.created) + (entry.banTime ?? policy.banTime)
            needed = left.contains { entry.terms[$0] != nil } ? max(needed, banned) : banned
        }
        guard needed > time else {
            return .done("withdrawn: \(entry.id)", close(entry.id, because: "nobody needs it", at: time))
        }
        var effects = update(entry.id) {
            $0.requesters = left
            $0.expires = min($0.expires, needed)
        }
        if let rest = entries[entry.id] {
            let gone = entry.requesters.filter { !left.contains($0) }
            effects.append(.note(rest, "\(Self.names(gone)) needs it no more; \(Self.names(left)) still does"))
        }
        scheduleProbe(of: entry.id, at: time)
        return .done("\(entry.id) stays: \(Self.names(left)) needs it", effects)
    }

    /// Has no more rules made against an attack; false where it is over or that was so before.
    private mutating func overrule(_ attack: Attack.ID) -> Bool {
        guard attacks[attack]?.isOverruled == false else { return false }
        attacks[attack]?.isOverruled = true
        return true
    }

    /// Whether the requester is an attack that is not under way any more.
    func isOver(_ requester: LedgerEntry.Requester) -> Bool {
        if case .attack(let id) = requester { attacks[id] == nil } else { false }
    }

    private static func names(_ requesters: [LedgerEntry.Requester]) -> String {
        requesters.map(\.description).joined(separator: ", ")
    }

    /// Rules of clients against the same target that a withdrawal can mean: nothing that both name differs.
    private func rulesMeant(by route: AnnouncedRoute, of requester: LedgerEntry.Requester) -> [LedgerEntry] {
        guard case .flowSpec(let wanted) = route, let (target, direction) = policy.guardRails.subject(of: route) else {
            return []
        }
        return inForce.filter { entry in
            guard entry.target == target, entry.direction == direction,
                case .flowSpec(let rule) = entry.announcement.route,
                rule.routeDistinguisher == wanted.routeDistinguisher,
                requester == .operator || entry.requesters.contains(where: \.isClient)
            else { return false }
            return rule.components.allSatisfy { component in
                wanted.components.allSatisfy { $0.type != component.type || $0 == component }
            }
        }
    }
}

extension LedgerEntry.Requester {
    var isAttack: Bool { if case .attack = self { true } else { false } }
    var isClient: Bool { if case .client = self { true } else { false } }
    /// Whose part of the budget of changes is used.
    var asker: ChangeBudget.Asker { isClient ? .client : .other }
}

extension LedgerEntry {
    /// A client's where nobody else asks for it.
    var asker: ChangeBudget.Asker { requesters.allSatisfy(\.isClient) ? .client : .other }
}
