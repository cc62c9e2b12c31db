public import Detection
internal import FlowSpec
public import NetworkTypes

/// The one owner of all announcements.
///
/// A value: attacks, orders and the time go in, effects come out. An entry is in force from its creation until it is
/// withdrawn; a rule that two ask for is announced once and withdrawn when the last of them is gone.
public struct Ledger: Sendable {
    /// Entries in force, by number.
    public internal(set) var entries: [LedgerEntry.ID: LedgerEntry] = [:]

    public internal(set) var policy: MitigationPolicy
    var byRoute: [Announcement.Key: LedgerEntry.ID] = [:]
    var attacks: [Attack.ID: FollowedAttack] = [:]
    var budget: ChangeBudget
    var planning = PlanningBudget()
    var index = LedgerIndex()
    /// What telemetry says of rules against attacks under way.
    var watches: [LedgerEntry.ID: RuleWatch] = [:]
    /// Those of them that no router has.
    var unheld: Set<LedgerEntry.ID> = []
    var probes = Probes()
    /// Leases of an hour need not be looked at ten times a second.
    var nextConfiguredRenewal = Timestamp(nanoseconds: .min)
    /// Rules of the configuration that stand otherwise, until there may be changes again.
    var changedConfiguration: [Announcement] = []
    var banHistory = BanHistory()
    /// When any exporter was last heard; nil where nobody tells.
    private var lastHeard: Timestamp?
    /// How severe what the entries are for was once: seldom less than now.
    var severities = MinimumHeap<Severity>()
    var nextID: UInt64 = 1

    /// The longest time an operator can ask for.
    public static let longestBan = Duration.seconds(30 * 86_400)
    /// While an attack goes on, its rules are leased for this long beyond their ban time and renewed at half of it: a
    /// ledger that no longer hears of the attack lets them go.
    static let lease = Duration.seconds(60)

    public init(policy: MitigationPolicy) {
        self.policy = policy
        budget = ChangeBudget(allowed: policy.maximumChangesPerMinute)
    }

    /// Entries in force in the order of their numbers.
    public var inForce: [LedgerEntry] { entries { _ in true } }

    /// Those of the entries in force that are of interest, by looking at all of them.
    private func entries(where isOfInterest: (LedgerEntry) -> Bool) -> [LedgerEntry] {
        entries.values.filter(isOfInterest).sorted { $0.id < $1.id }
    }

    // MARK: Attacks

    /// Takes note of an attack and makes, renews or releases its rules.
    public mutating func handle(_ event: AttackEvent, at time: Timestamp) -> [LedgerEffect] {
        switch event {
        case .began(let attack), .updated(let attack):
            var effects: [LedgerEffect] = []
            if attacks[attack.id] == nil {
                effects += endProbes(against: attack, at: time)
                var followed = FollowedAttack(attack: attack)
                followed.banTime = banTime(against: attack, at: time)
                followed.failedProbes = failedProbes(against: attack, at: time)
                attacks[attack.id] = followed
            } else {
                attacks[attack.id]?.take(attack)
            }
            effects += renewLeases(of: attack.id, at: time)
            effects += climb(attack, at: time)
            effects += requestRules(against: attack, at: time)
            return effects + watch(attack, at: time)
        case .ended(let attack):
            attacks[attack.id] = nil
            // Its rules are the mildest now.
            for id in index.entries(of: attack.id) { severities.insert(Severity(value: 0, id: id)) }
            return release(.attack(attack.id), at: time)
        }
    }

    /// Telemetry came in, whatever of. A ledger that is never told takes it for granted.
    public mutating func hear(at time: Timestamp) { lastHeard = time }

    /// Whether nothing at all has been heard since a time: what is not seen then may be there all the same.
    func isDeaf(since time: Timestamp) -> Bool { lastHeard.map { $0 < time } ?? false }

    /// So long without any telemetry is no quiet, but silence.
    static let silence = Duration.seconds(5)

    private func banTime(against attack: Attack, at time: Timestamp) -> Duration? {
        guard policy.banBackoff != nil else { return nil }
        // Of a large network the parts that are hit may have had the rules.
        let prefixes = Set(attack.target.prefixes + targets(of: attack))
        let longest = prefixes.map { banHistory.banTime(for: $0, policy, at: time) }.max()
        return longest.flatMap { $0 > policy.banTime ? $0 : nil }
    }

    private mutating func requestRules(against attack: Attack, at time: Timestamp) -> [LedgerEffect] {
        guard let followed = attacks[attack.id], !followed.isOverruled else { return [] }
        var effects: [LedgerEffect] = []
        for target in targets(of: attack) { effects += answer(attack, on: target, at: time) }
        effects += applyStep(against: attack, at: time)
        return effects.filter { effect in
            guard case .refuse(let refusal) = effect else { return true }
            return attacks[attack.id]?.reported.insert(refusal.reason).inserted ?? true
        }
    }

    /// The prefixes that an attack is to be answered for.
    func targets(of attack: Attack) -> [IPPrefix] {
        if case .host = attack.target { return attack.target.prefixes }
        let own = index.entries(of: attack.id).compactMap { entries[$0] }
        return policy.targets(of: attack, holding: Set(own.map(\.target)))
    }

    private mutating func renewLeases(of attack: Attack.ID, at time: Timestamp) -> [LedgerEffect] {
        guard policy.unbanOnlyIfAttackFinished else { return [] }
        var effects: [LedgerEffect] = []
        for id in index.entries(of: attack) {
            guard let entry = entries[id], entry.expires < time + Self.lease / 2 else { continue }
            effects += update(id) { $0.expires = time + Self.lease }
        }
        return effects
    }

    /// The requester is done with its rules: each stays for what is left of its ban time, if nobody else needs it longer.
    ///
    /// Where no exporter was heard any more when the attack ended, nobody knows that it did: its rules stay for another
    /// ban time.
    private mutating func release(_ attack: LedgerEntry.Requester, at time: Timestamp) -> [LedgerEffect] {
        guard case .attack(let number) = attack else { return [] }
        var effects: [LedgerEffect] = []
        for id in index.entries(of: number) {
            unwatch(id)
            guard let entry = entries[id] else { continue }
            guard entry.requesters.allSatisfy({ isOver($0) }) else {
                effects += leave(entry, attack, at: time)
                continue
            }
            if entry.state == .waiting {
                effects += close(id, because: "\(attack) was over before it could be announced", at: time)
                continue
            }
            let ban = entry.banTime ?? policy.banTime
            var banned = (entry.announced ?? entry.created) + ban
            if isDeaf(since: time - Self.silence), policy.unbanOnlyIfAttackFinished {
                banned = time + ban
                effects.append(
                    .note(entry, "no exporter is heard, so \(attack) may go on: it stays for a ban time more")
                )
            }
            if banned <= time {
                effects += close(id, because: "\(attack) is over", at: time)
            } else {
                // The requester stays on record as the one for whom the ban time runs out.
                if entry.expires != banned { effects += update(id) { $0.expires = banned } }
                probes.schedule(entry, policy.probe, at: time)
            }
        }
        return effects
    }

    // MARK: Operators

    /// A rule by hand. `duration` nil is the ban time.
    public mutating func ban(
        _ target: IPPrefix,
        for duration: Duration? = nil,
        template: String = "default",
        reason: String,
        at time: Timestamp
    ) -> [LedgerEffect] {
        let order = Order(
            target: target,
            direction: .incoming,
            template: template,
            requester: .operator,
            reason: reason,
            duration: duration ?? policy.banTime
        )
        // A template that is named is wanted, whatever attacks are answered with.
        return template == "default" ? act(on: order, at: time) : request(order, at: time)
    }

    /// Withdraws every rule for the target, whoever asked for it. Attacks under way make no new ones.
    public mutating func unban(_ target: IPPrefix, at time: Timestamp) -> [LedgerEffect] {
        var effects: [LedgerEffect] = []
        for (id, followed) in attacks.sorted(by: { $0.key < $1.key })
        where !followed.isOverruled && isAnswered(followed.attack, by: target) {
            attacks[id]?.isOverruled = true
            effects.append(.overrule(id))
            effects += dropNetworks(of: id, besides: target, at: time)
            // Of a large network its parts have the rules.
            if followed.attack.target.prefixes.contains(target) { effects += dropRules(of: id, at: time) }
        }
        return effects
            + entries { $0.target == target }.flatMap { close($0.id, because: "an operator said so", at: time) }
    }

    /// Lets go of all rules of an attack but for what others need.
    private mutating func dropRules(of attack: Attack.ID, at time: Timestamp) -> [LedgerEffect] {
        let requester = LedgerEntry.Requester.attack(attack)
        return index.entries(of: attack).flatMap { id -> [LedgerEffect] in
            guard let entry = entries[id] else { return [] }
            guard entry.requesters == [requester] else { return leave(entry, requester, at: time) }
            return close(id, because: "an operator said so", at: time)
        }
    }

    /// Whether a prefix is one that an attack is answered for: its target's, or a part of that.
    private func isAnswered(_ attack: Attack, by target: IPPrefix) -> Bool {
        if attack.target.prefixes.contains(target) { return true }
        if case .host = attack.target { return false }
        return entries.values.contains { $0.target == target && $0.requesters.contains(.attack(attack.id)) }
    }

    // MARK: Time

    /// Lets go what has expired and announces what had to wait.
    public mutating func advance(to time: Timestamp) -> [LedgerEffect] {
        var effects = renewConfigured(at: time)
        for id in index.expired(by: time, entries) { effects += close(id, because: "its time was up", at: time) }
        effects += announceWaiting(at: time)
        return effects + probe(at: time)
    }

    /// When `advance` will next have something to do, or have to see that it has not.
    public func nextDeadline(at time: Timestamp) -> Timestamp? {
        guard !entries.isEmpty else { return nil }
        let due = [index.nextDeadline, probes.nextDue].compactMap { $0 }.min()
        guard index.waiting > 0 else { return due }
        let asker: ChangeBudget.Asker = index.areOthersWaiting ? .other : .client
        return min(due ?? .distantFuture, budget.nextAllowed(at: time, for: asker) ?? time)
    }

    /// Announces what had to wait, as far as there may be changes: what operators ask for and the worst attacks first, then
    /// what clients wrote, in turn.
    private mutating func announceWaiting(at time: Timestamp) -> [LedgerEffect] {
        var effects: [LedgerEffect] = []
        if index.areOthersWaiting, budget.allowsAnnouncement(at: time) {
            let waiting = index.takeOthersWaiting().compactMap { entries[$0] }.map { (severity(of: $0), $0.id) }
                .sorted { ($1.0, $0.1) < ($0.0, $1.1) }
            for (_, id) in waiting {
                if budget.allowsAnnouncement(at: time) {
                    effects += announce(id, at: time)
                } else {
                    index.wait(id)
                }
            }
        }
        while index.waiting > 0, budget.allowsAnnouncement(at: time, for: .client),
            let id = index.nextClientWaiting(entries)
        {
            effects += announce(id, at: time)
        }
        return effects
    }

    // MARK: Rules

    /// Puts a rule on the ledger, or its requester to those who have it there, if nothing speaks against it.
    mutating func enter(_ announcement: Announcement, _ order: Order, at time: Timestamp) -> [LedgerEffect] {
        func refused(_ reason: Refusal.Reason) -> [LedgerEffect] {
            [.refuse(Refusal(reason: reason, target: order.target, requester: order.requester, time: time))]
        }
        guard order.duration >= .seconds(1), order.duration <= Self.longestBan else { return refused(.invalidDuration) }
        if let objection = policy.objection(
            to: announcement.route,
            target: order.target,
            direction: order.direction
        ) {
            return refused(objection)
        }
        if let id = byRoute[.init(announcement)] { return join(id, order, at: time) }

        var effects: [LedgerEffect] = []
        if entries.count >= policy.maximumRules {
            // A client that never withdraws must not push out what is needed, and neither must a long list.
            guard !order.requester.isClient, order.requester != .configuration,
                let mildest = mildestEntry(below: severity(of: order.requester))
            else {
                return refused(.tooManyRules(allowed: policy.maximumRules))
            }
            // Nothing is given up for what has to wait: an attack asks again.
            let changes = min(2, policy.maximumChangesPerMinute)
            let mustWait =
                policy.mode(for: order.target, announcement.route) == .enforce
                && !budget.allowsAnnouncement(at: time, count: changes)
            if order.requester.isAttack, mustWait {
                return refused(.tooManyChanges(allowed: policy.maximumChangesPerMinute))
            }
            effects += close(mildest, because: "room was needed for a rule against a worse attack", at: time)
        }
        let entry = LedgerEntry(
            id: LedgerEntry.ID(rawValue: nextID),
            announcement: announcement,
            target: order.target,
            direction: order.direction,
            template: order.template,
            reason: order.reason,
            expectation: order.expectation,
            created: time,
            requesters: [order.requester],
            announced: nil,
            expires: time + (order.requester.isAttack ? firstLease(order.duration) : order.duration),
            state: .waiting,
            banTime: order.requester.isAttack && order.duration != policy.banTime ? order.duration : nil,
            failedProbes: failedProbes(of: order.requester)
        )
        nextID &+= 1
        put(entry)
        byRoute[.init(announcement)] = entry.id
        if policy.mode(for: entry.target, announcement.route) == .enforce,
            !budget.allowsAnnouncement(at: time, for: entry.asker)
        {
            return effects + [.persist(entry)]
        }
        return effects + announce(entry.id, at: time)
    }

    mutating func announce(_ id: LedgerEntry.ID, at time: Timestamp) -> [LedgerEffect] {
        guard let entry = entries[id] else { return [] }
        let isEnforced = policy.mode(for: entry.target, entry.announcement.route) == .enforce
        let state: LedgerEntry.State = isEnforced ? .announced : .observed
        // A closure that held on to the ledger would have all its entries copied.
        let (usual, shortest) = (policy.banTime, shortestLease)
        let persisted = update(id) { entry in
            // The ban time counts from the announcement, not from when it had to wait.
            var lasting = min(entry.expires - (entry.announced ?? entry.created), Self.longestBan)
            if entry.announced == nil {
                // Nor do those that it had while it waited.
                if entry.requesters.allSatisfy(\.isAttack) {
                    lasting = min(lasting, max(entry.banTime ?? usual, shortest))
                }
                entry.putOffTerms(by: time - entry.created)
            } else {
                // Once more, as its mode changed: leases of an attack that went on for hours do not add up.
                let ban = entry.requesters.contains(where: \.isAttack) ? entry.banTime ?? usual : .zero
                lasting = min(lasting, max(entry.expires - time, ban))
            }
            entry.expires = max(entry.expires, time + lasting)
            entry.announced = time
            entry.state = state
        }
        guard let entry = entries[id] else { return [] }
        if state == .observed { return persisted + [.observe(entry)] }
        budget.record(at: time, for: entry.asker)
        scheduleProbe(of: id, at: time)
        return persisted + [.announce(entry)]
    }

    mutating func close(_ id: LedgerEntry.ID, because reason: String, at time: Timestamp) -> [LedgerEffect] {
        guard var entry = entries.removeValue(forKey: id) else { return [] }
        index.remove(entry)
        unwatch(id)
        forgetProbe(of: id)
        byRoute[.init(entry.announcement)] = nil
        // What is given up in the midst of an attack, as others do better, was not let go.
        let isLetGo =
            entry.requesters.contains(where: \.isAttack) && !entry.requesters.contains { $0.isAttack && !isOver($0) }
        if entry.announced != nil, isLetGo {
            banHistory.note(entry, isProbed: Self.isOfProbe(reason), policy, at: time)
        }
        let wasAnnounced = entry.state == .announced
        entry.withdraw(at: time, because: reason)
        guard wasAnnounced else { return [.persist(entry)] }
        budget.record(at: time, for: entry.asker)
        // Withdrawn before it is forgotten: a crash between the two announces the rule once more rather than leaking it.
        return [.withdraw(entry), .persist(entry)]
    }

    mutating func update(_ id: LedgerEntry.ID, _ change: (inout LedgerEntry) -> Void) -> [LedgerEffect] {
        guard var entry = entries[id] else { return [] }
        change(&entry)
        put(entry)
        return [.persist(entry)]
    }

    mutating func put(_ entry: LedgerEntry) {
        let former = entries.updateValue(entry, forKey: entry.id)
        if former?.requesters != entry.requesters {
            severities.insert(Severity(value: severity(of: entry), id: entry.id))
            trimSeverities()
        }
        index.change(from: former, to: entry)
    }
}
