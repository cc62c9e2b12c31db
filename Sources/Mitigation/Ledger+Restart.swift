public import Detection
internal import FlowSpec
public import NetworkTypes

/// Another life of the daemon, or another configuration of the same.
extension Ledger {
    /// Takes up where a former daemon stopped: what is still valid is announced again, what expired meanwhile is closed.
    ///
    /// - Parameters:
    ///   - stored: the entries in force when the former daemon stopped.
    ///   - open: the attacks under way then; their rules are held until the detector says that they are over.
    ///   - overruled: those of them against which an operator wants no more rules.
    ///   - climbs: where they stood on the ladder, as far as that was written down.
    ///   - highestID: the highest number an entry ever had.
    public mutating func restore(
        _ stored: [LedgerEntry],
        attacks open: [Attack],
        overruled: Set<Attack.ID>,
        climbs: [Attack.ID: Climb] = [:],
        highestID: LedgerEntry.ID,
        at time: Timestamp
    ) -> [LedgerEffect] {
        nextID = max(nextID, (stored.map(\.id.rawValue).max() ?? 0) &+ 1, highestID.rawValue &+ 1)
        for attack in open {
            var climb = climbs[attack.id]
            climb?.correctTimes(notAfter: time)
            var followed = FollowedAttack(attack: attack)
            followed.isOverruled = overruled.contains(attack.id)
            followed.isResumed = true
            followed.climb = climb
            attacks[attack.id] = followed
        }
        for entry in stored {
            for case .attack(let id) in entry.requesters {
                let failed = max(attacks[id]?.failedProbes ?? 0, min(entry.failedProbes, Probes.mostFailures))
                attacks[id]?.failedProbes = failed
            }
            // What else is needed against an attack is banned for as long as what stands.
            guard let ban = entry.banTime else { continue }
            for case .attack(let id) in entry.requesters {
                let longest = max(attacks[id]?.banTime ?? ban, ban)
                attacks[id]?.banTime = longest
            }
        }
        var effects: [LedgerEffect] = []
        entries.reserveCapacity(entries.count + stored.count)
        byRoute.reserveCapacity(byRoute.count + stored.count)
        effects.reserveCapacity(stored.count)
        // As a rule they come in order, and there may be many.
        let isInOrder = zip(stored, stored.dropFirst()).allSatisfy { $0.id < $1.id }
        for var entry in isInOrder ? stored : stored.sorted(by: { $0.id < $1.id }) where entry.state != .withdrawn {
            // The clock may have been wrong in either life: nothing lasts longer than it was asked for.
            let asked = entry.expires - (entry.announced ?? entry.created)
            let expires = min(entry.expires, time + min(max(asked, .zero), Self.longestBan))
            if expires < entry.expires {
                entry.expires = expires
                entry.correctTimes(notAfter: time)
                entry.terms = entry.terms.mapValues { min($0, expires) }
                // Else the next restart would not know any more how long it was asked for.
                effects.append(.persist(entry))
            }
            put(entry)
            byRoute[.init(entry.announcement)] = entry.id
            if let objection = policy.objection(
                to: entry.announcement.route,
                target: entry.target,
                direction: entry.direction
            ) {
                // The configuration changed: what it no longer allows must not come back.
                let refusal = Refusal(
                    reason: objection,
                    target: entry.target,
                    requester: entry.requesters.first ?? .operator,
                    time: time
                )
                effects.append(.refuse(refusal))
                effects += close(entry.id, because: "the configuration no longer allows it: \(objection)", at: time)
                continue
            }
            let isUnderAttack = entry.requesters.contains { requester in
                if case .attack(let id) = requester { return attacks[id] != nil }
                return false
            }
            if isUnderAttack, policy.unbanOnlyIfAttackFinished, entry.expires < time + Self.lease {
                effects += update(entry.id) { $0.expires = time + Self.lease }
            } else if entry.expires <= time {
                effects += close(entry.id, because: "its time was up while the daemon was down", at: time)
                continue
            }
            comeBack(entry.id, at: time, &effects)
        }
        return effects
    }

    /// Takes note of rules that a former daemon let go, so that who comes back after a restart is known too.
    public mutating func recall(_ past: [LedgerEntry]) {
        let gone = past.compactMap { entry in entry.withdrawn.map { (entry: entry, time: $0) } }
        for (entry, time) in gone.sorted(by: { $0.time < $1.time })
        where entry.announced != nil && entry.requesters.contains(where: \.isAttack) {
            banHistory.note(entry, isProbed: Self.isOfProbe(entry.withdrawnBecause), policy, at: time)
        }
    }

    /// What was on the wire before comes back whatever the change budget says; the rest as the mode now has it.
    private mutating func comeBack(_ id: LedgerEntry.ID, at time: Timestamp, _ effects: inout [LedgerEffect]) {
        guard let entry = entries[id] else { return }
        switch (policy.mode(for: entry.target, entry.announcement.route), entry.state) {
        case (.enforce, .announced):
            effects.append(.announce(entry))
            scheduleProbe(of: id, at: time)
        // Observed before and now: nothing has changed, least of all its expiry.
        case (.observe, .observed): effects.append(.observe(entry))
        case (.enforce, _) where !budget.allowsAnnouncement(at: time, for: entry.asker):
            effects += update(id) { $0.state = .waiting }
        default: effects += announce(id, at: time)
        }
    }

    /// Takes another policy, for rules made from now on. Rules in force that it no longer allows go, and those of groups
    /// whose mode has changed are announced or taken back.
    public mutating func adopt(_ policy: MitigationPolicy, at time: Timestamp) -> [LedgerEffect] {
        budget.allow(policy.maximumChangesPerMinute)
        self.policy = policy
        return inForce.flatMap { entry -> [LedgerEffect] in
            let route = entry.announcement.route
            guard let objection = policy.objection(to: route, target: entry.target, direction: entry.direction) else {
                let effects = follow(policy.mode(for: entry.target, entry.announcement.route), entry, at: time)
                scheduleProbe(of: entry.id, at: time)
                return effects
            }
            return close(entry.id, because: "the configuration no longer allows it: \(objection)", at: time)
        }
    }

    /// What stands is announced, or only observed, as the mode has it now.
    private mutating func follow(
        _ mode: MitigationPolicy.Mode,
        _ entry: LedgerEntry,
        at time: Timestamp
    ) -> [LedgerEffect] {
        switch (mode, entry.state) {
        case (.observe, .announced):
            forgetProbe(of: entry.id)
            unwatch(entry.id)
            var gone = entry
            gone.withdraw(at: time, because: "it is only observed from now on")
            budget.record(at: time, for: entry.asker)
            let persisted = update(entry.id) { $0.state = .observed }
            return [.withdraw(gone)] + persisted
        case (.observe, .waiting): return announce(entry.id, at: time)
        case (.enforce, .observed):
            guard budget.allowsAnnouncement(at: time, for: entry.asker) else {
                return update(entry.id) { $0.state = .waiting }
            }
            return announce(entry.id, at: time)
        case (.enforce, _), (.observe, _): return []
        }
    }
}
