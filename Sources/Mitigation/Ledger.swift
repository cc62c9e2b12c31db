public import Detection
internal import FlowSpec
public import NetworkTypes

/// The one owner of all announcements.
///
/// A value: attacks, orders and the time go in, effects come out. An entry is in force from its creation until it is
/// withdrawn; a rule that two ask for is announced once and withdrawn when the last of them is gone.
public struct Ledger: Sendable {
    /// Entries in force, by number.
    public private(set) var entries: [LedgerEntry.ID: LedgerEntry] = [:]

    public private(set) var policy: MitigationPolicy
    var byRoute: [Announcement.Key: LedgerEntry.ID] = [:]
    var attacks: [Attack.ID: FollowedAttack] = [:]
    var budget: ChangeBudget
    var index = LedgerIndex()
    /// What telemetry says of rules against attacks under way.
    var watches: [LedgerEntry.ID: RuleWatch] = [:]
    var probes = Probes()
    /// Leases of an hour need not be looked at ten times a second.
    var nextConfiguredRenewal = Timestamp(nanoseconds: .min)
    private var banHistory = BanHistory()
    /// When any exporter was last heard; nil where nobody tells.
    private var lastHeard: Timestamp?
    /// The severity below which nothing makes room for itself; nil when it has to be found out.
    private var mildestSeverity: Double?
    private var nextID: UInt64 = 1

    /// The longest time an operator can ask for.
    public static let longestBan = Duration.seconds(30 * 86_400)
    /// While an attack goes on, its rules are leased for this long beyond their ban time and renewed at half of it: a
    /// ledger that no longer hears of the attack lets them go.
    static let lease = Duration.seconds(60)

    /// What the ledger remembers of an attack under way.
    struct FollowedAttack {
        var attack: Attack
        /// An operator withdrew its rules: no more are made until it is over.
        var isOverruled = false
        /// Refusals already reported, so that an attack of an hour is not refused 3600 times.
        var reported: Set<Refusal.Reason> = []
        /// Where it stands on the ladder; nil where there is none, or it was not looked at yet.
        var climb: Climb?
        /// How long its rules stay at least.
        var banTime: Duration?
    }

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
            if attacks[attack.id] == nil {
                attacks[attack.id] = FollowedAttack(attack: attack, banTime: banTime(against: attack, at: time))
            } else {
                attacks[attack.id]?.attack = attack
            }
            return renewLeases(of: attack.id, at: time) + climb(attack, at: time)
                + requestRules(against: attack, at: time) + watch(attack, at: time)
        case .ended(let attack):
            attacks[attack.id] = nil
            // Its rules are the mildest now.
            mildestSeverity = nil
            return release(.attack(attack.id), at: time)
        }
    }

    /// Telemetry came in, whatever of. A ledger that is never told takes it for granted.
    public mutating func hear(at time: Timestamp) { lastHeard = time }

    /// Whether nothing at all has been heard since a time: what is not seen then may be there all the same.
    func isDeaf(since time: Timestamp) -> Bool { lastHeard.map { $0 < time } ?? false }

    private func banTime(against attack: Attack, at time: Timestamp) -> Duration? {
        guard policy.banBackoff != nil else { return nil }
        let longest = attack.target.prefixes.map { banHistory.banTime(for: $0, policy, at: time) }.max()
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
    private func targets(of attack: Attack) -> [IPPrefix] {
        if case .host = attack.target { return attack.target.prefixes }
        let own = entries.values.filter { $0.requesters.contains(.attack(attack.id)) }
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
            watches[id] = nil
            guard let entry = entries[id] else { continue }
            let others = entry.requesters.contains { other in
                if case .attack(let id) = other { return attacks[id] != nil }
                return false
            }
            guard !others, entry.requesters.allSatisfy(\.isAttack) else {
                effects += update(id) { $0.requesters.removeAll { $0 == attack } }
                if let entry = entries[id] { effects.append(.note(entry, "\(attack) is over and needs it no more")) }
                continue
            }
            if entry.state == .waiting {
                effects += close(id, because: "\(attack) was over before it could be announced", at: time)
                continue
            }
            let ban = entry.banTime ?? policy.banTime
            var banned = (entry.announced ?? entry.created) + ban
            if isDeaf(since: time - .seconds(5)), policy.unbanOnlyIfAttackFinished {
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
        }
        return effects
            + entries { $0.target == target }.flatMap { close($0.id, because: "an operator said so", at: time) }
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
        while index.waiting > 0, budget.allowsAnnouncement(at: time), let id = index.nextWaiting(entries) {
            effects += announce(id, at: time)
        }
        return effects + probe(at: time)
    }

    /// When `advance` will next have something to do, or have to see that it has not.
    public func nextDeadline(at time: Timestamp) -> Timestamp? {
        guard !entries.isEmpty else { return nil }
        let due = [index.nextDeadline, probes.nextDue].compactMap { $0 }.min()
        guard index.waiting > 0 else { return due }
        return min(due ?? .distantFuture, budget.nextAllowed(at: time) ?? time)
    }

    // MARK: Restart

    /// Takes up where a former daemon stopped: what is still valid is announced again, what expired meanwhile is closed.
    ///
    /// - Parameters:
    ///   - stored: the entries in force when the former daemon stopped.
    ///   - open: the attacks under way then; their rules are held until the detector says that they are over.
    ///   - overruled: those of them against which an operator wants no more rules.
    ///   - highestID: the highest number an entry ever had.
    public mutating func restore(
        _ stored: [LedgerEntry],
        attacks open: [Attack],
        overruled: Set<Attack.ID>,
        highestID: LedgerEntry.ID,
        at time: Timestamp
    ) -> [LedgerEffect] {
        nextID = max(nextID, (stored.map(\.id.rawValue).max() ?? 0) &+ 1, highestID.rawValue &+ 1)
        for attack in open {
            attacks[attack.id] = FollowedAttack(attack: attack, isOverruled: overruled.contains(attack.id))
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
            banHistory.note(entry.target, ban: entry.banTime ?? policy.banTime, policy, at: time)
        }
    }

    /// What was on the wire before comes back whatever the change budget says; the rest as the mode now has it.
    private mutating func comeBack(_ id: LedgerEntry.ID, at time: Timestamp, _ effects: inout [LedgerEffect]) {
        guard let entry = entries[id] else { return }
        switch (policy.mode(for: entry.target), entry.state) {
        case (.enforce, .announced): effects.append(.announce(entry))
        // Observed before and now: nothing has changed, least of all its expiry.
        case (.observe, .observed): effects.append(.observe(entry))
        case (.enforce, _) where !budget.allowsAnnouncement(at: time): effects += update(id) { $0.state = .waiting }
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
                return follow(policy.mode(for: entry.target), entry, at: time)
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
            probes.forget(entry.id)
            watches[entry.id] = nil
            var gone = entry
            gone.withdraw(at: time, because: "it is only observed from now on")
            budget.record(at: time)
            let persisted = update(entry.id) { $0.state = .observed }
            return [.withdraw(gone)] + persisted
        case (.observe, .waiting): return announce(entry.id, at: time)
        case (.enforce, .observed):
            guard budget.allowsAnnouncement(at: time) else { return update(entry.id) { $0.state = .waiting } }
            return announce(entry.id, at: time)
        case (.enforce, _), (.observe, _): return []
        }
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
            effects += close(mildest, because: "room was needed for a rule against a worse attack", at: time)
        }
        let entry = LedgerEntry(
            id: LedgerEntry.ID(rawValue: nextID),
            announcement: announcement,
            target: order.target,
            direction: order.direction,
            template: order.template,
            reason: order.reason,
            created: time,
            requesters: [order.requester],
            announced: nil,
            expires: time + order.duration,
            state: .waiting,
            banTime: order.requester.isAttack && order.duration != policy.banTime ? order.duration : nil
        )
        nextID &+= 1
        put(entry)
        byRoute[.init(announcement)] = entry.id
        if policy.mode(for: entry.target) == .enforce, !budget.allowsAnnouncement(at: time) {
            return effects + [.persist(entry)]
        }
        return effects + announce(entry.id, at: time)
    }

    /// One more asks for a rule in force: it is not announced again, and lasts for the one who needs it longest.
    private mutating func join(_ id: LedgerEntry.ID, _ order: Order, at time: Timestamp) -> [LedgerEffect] {
        guard let entry = entries[id] else { return [] }
        let isNew = !entry.requesters.contains(order.requester)
        // An attack that already holds the rule renews it by its lease, not by another ban time.
        guard isNew || !order.requester.isAttack else { return [] }
        // What an operator alone has asked for lasts as he says last.
        let isHis = order.requester == .operator && entry.requesters == [.operator]
        let eased = endProbe(of: id)
        let usual = policy.banTime
        return update(id) {
            if isNew { $0.requesters.append(order.requester) }
            $0.expires = isHis ? time + order.duration : max($0.expires, time + order.duration)
            if order.requester.isAttack, order.duration > $0.banTime ?? usual { $0.ban(for: order.duration) }
        } + eased
    }

    private mutating func announce(_ id: LedgerEntry.ID, at time: Timestamp) -> [LedgerEffect] {
        guard let target = entries[id]?.target else { return [] }
        let state: LedgerEntry.State = policy.mode(for: target) == .enforce ? .announced : .observed
        let persisted = update(id) { entry in
            // The ban time counts from the announcement, not from when it had to wait.
            let lasting = min(entry.expires - (entry.announced ?? entry.created), Self.longestBan)
            entry.expires = max(entry.expires, time + lasting)
            entry.announced = time
            entry.state = state
        }
        guard let entry = entries[id] else { return [] }
        if state == .observed { return persisted + [.observe(entry)] }
        budget.record(at: time)
        return persisted + [.announce(entry)]
    }

    mutating func close(_ id: LedgerEntry.ID, because reason: String, at time: Timestamp) -> [LedgerEffect] {
        guard var entry = entries.removeValue(forKey: id) else { return [] }
        index.remove(entry)
        mildestSeverity = nil
        watches[id] = nil
        probes.forget(id)
        byRoute[.init(entry.announcement)] = nil
        if entry.announced != nil, entry.requesters.contains(where: \.isAttack) {
            banHistory.note(entry.target, ban: entry.banTime ?? policy.banTime, policy, at: time)
        }
        let wasAnnounced = entry.state == .announced
        entry.withdraw(at: time, because: reason)
        guard wasAnnounced else { return [.persist(entry)] }
        budget.record(at: time)
        // Withdrawn before it is forgotten: a crash between the two announces the rule once more rather than leaking it.
        return [.withdraw(entry), .persist(entry)]
    }

    mutating func update(_ id: LedgerEntry.ID, _ change: (inout LedgerEntry) -> Void) -> [LedgerEffect] {
        guard var entry = entries[id] else { return [] }
        change(&entry)
        put(entry)
        return [.persist(entry)]
    }

    private mutating func put(_ entry: LedgerEntry) {
        let former = entries.updateValue(entry, forKey: entry.id)
        if former?.requesters != entry.requesters { mildestSeverity = nil }
        index.change(from: former, to: entry)
    }

    // MARK: Room

    /// How bad what the requester fights is, in bits per second; operators always win.
    private func severity(of requester: LedgerEntry.Requester) -> Double {
        switch requester {
        case .operator, .client, .configuration: .infinity
        case .attack(let id): attacks[id]?.attack.peak[.total, .bits] ?? 0
        }
    }

    private mutating func mildestEntry(below severity: Double) -> LedgerEntry.ID? {
        // Attacks only grow worse: what was the least is so still, or less than the least.
        if let mildestSeverity, severity <= mildestSeverity { return nil }
        var mildest: (severity: Double, id: LedgerEntry.ID)?
        for entry in entries.values {
            let severity = entry.requesters.map(self.severity).max() ?? 0
            // Of equals the oldest.
            if let least = mildest, least < (severity, entry.id) { continue }
            mildest = (severity, entry.id)
        }
        mildestSeverity = mildest?.severity
        guard let mildest, mildest.severity < severity else { return nil }
        return mildest.id
    }
}
