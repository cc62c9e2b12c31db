internal import Detection
internal import FlowSpec
internal import NetworkTypes

/// When rules are eased for a moment, and which are now.
struct Probes: Sendable {
    private struct Due: Comparable, Sendable {
        var time: Timestamp
        var id: LedgerEntry.ID

        static func < (left: Due, right: Due) -> Bool { (left.time, left.id) < (right.time, right.id) }
    }

    struct Probe: Sendable {
        /// When it begins, or ends.
        fileprivate(set) var due: Timestamp
        /// Nil while the rule stands as it is.
        fileprivate(set) var began: Timestamp?
    }

    private var byEntry: [LedgerEntry.ID: Probe] = [:]
    private var queue = MinimumHeap<Due>()
    /// Those that are eased now.
    private(set) var eased: Set<LedgerEntry.ID> = []
    static let mostFailures: UInt8 = 3

    var nextDue: Timestamp? { byEntry.isEmpty ? nil : queue.least?.time }

    /// A rule whose attack is over is eased when its time comes, later each time that this was wrong.
    mutating func schedule(_ entry: LedgerEntry, _ policy: MitigationPolicy.Probe?, at time: Timestamp) {
        guard let policy, case .flowSpec = entry.announcement.route, entry.state == .announced else { return }
        let failures = min(entry.failedProbes, Self.mostFailures)
        set(entry.id, Probe(due: time + policy.every * (1 << Int(failures))))
    }

    func isScheduled(_ id: LedgerEntry.ID) -> Bool { byEntry[id].map { $0.due < .distantFuture } ?? false }

    mutating func begin(_ id: LedgerEntry.ID, until end: Timestamp, at time: Timestamp) {
        guard byEntry[id] != nil else { return }
        eased.insert(id)
        set(id, Probe(due: end, began: time))
    }

    /// Not now, but soon.
    mutating func putOff(_ id: LedgerEntry.ID, until time: Timestamp) {
        guard var probe = byEntry[id] else { return }
        probe.due = time
        probe.began = nil
        eased.remove(id)
        set(id, probe)
    }

    /// The attack is back, or somebody has something else done with the traffic: nothing more until it is scheduled again.
    ///
    /// - Returns: whether the rule was eased.
    mutating func stop(_ id: LedgerEntry.ID) -> Bool {
        guard var probe = byEntry[id] else { return false }
        let wasEased = eased.remove(id) != nil
        probe.began = nil
        probe.due = .distantFuture
        byEntry[id] = probe
        return wasEased
    }

    /// - Returns: whether the rule was eased.
    mutating func forget(_ id: LedgerEntry.ID) -> Bool {
        byEntry[id] = nil
        return eased.remove(id) != nil
    }

    /// Takes the first whose time has come.
    mutating func next(at time: Timestamp) -> (id: LedgerEntry.ID, probe: Probe)? {
        while let least = queue.least, least.time <= time {
            _ = queue.removeLeast()
            if let probe = byEntry[least.id], probe.due == least.time { return (least.id, probe) }
        }
        return nil
    }

    private mutating func set(_ id: LedgerEntry.ID, _ probe: Probe) {
        byEntry[id] = probe
        queue.insert(Due(time: probe.due, id: id))
    }
}

/// Rules whose attack is over are eased for some seconds: where nothing comes back they go before their ban time.
///
/// On disk and in the ledger the rule stands as it is, so that a crash in the midst of it brings back all of it.
extension Ledger {
    mutating func probe(at time: Timestamp) -> [LedgerEffect] {
        var effects: [LedgerEffect] = []
        while let (id, probe) = probes.next(at: time) {
            guard let entry = entries[id] else {
                forgetProbe(of: id)
                continue
            }
            if let began = probe.began {
                effects += endProbe(of: entry, since: began, at: time)
            } else if let policy = policy.probe, isProbed(entry) {
                // There and back must be within the budget; the way back never waits.
                if !budget.allowsAnnouncement(at: time, count: 2) {
                    let later = budget.nextAllowed(at: time, count: 2) ?? time
                    probes.putOff(id, until: max(later, time + .seconds(1)))
                } else if isUnderAttack(entry.target) || isBlackholed(entry.target) {
                    // The rule is needed, or nothing could be seen through it.
                    probes.putOff(id, until: time + policy.every)
                } else {
                    effects += ease(entry, policy, at: time)
                }
            } else {
                forgetProbe(of: id)
            }
        }
        return effects
    }

    /// A rule that has been announced for attacks which are over all, and for nobody else.
    mutating func scheduleProbe(of id: LedgerEntry.ID, at time: Timestamp) {
        guard policy.probe != nil, let entry = entries[id], !probes.isScheduled(id), isProbed(entry) else { return }
        probes.schedule(entry, policy.probe, at: time)
    }

    private func isProbed(_ entry: LedgerEntry) -> Bool {
        entry.state == .announced && entry.isRule && entry.requesters.allSatisfy { $0.isAttack && isOver($0) }
    }

    private func isUnderAttack(_ prefix: IPPrefix) -> Bool {
        attacks.values.contains { $0.attack.target.prefixes.contains { $0.overlaps(prefix) } }
    }

    /// Whether all that goes to the prefix is dropped by a route of ours.
    private func isBlackholed(_ prefix: IPPrefix) -> Bool {
        (0...prefix.length).contains { length in
            guard let whole = IPPrefix(prefix.address, length: length),
                let id = byRoute[.init(AnnouncedRoute.unicast(whole))]
            else { return false }
            return entries[id]?.state == .announced
        }
    }

    private mutating func ease(
        _ entry: LedgerEntry,
        _ policy: MitigationPolicy.Probe,
        at time: Timestamp
    ) -> [LedgerEffect] {
        var eased = entry.announcement
        eased.actions = [.rateLimitBytes(asn: 0, bytesPerSecond: Float(policy.bitsPerSecond / 8))]
        // A limit that is milder already lets see as much, and nothing is made stricter.
        guard !eased.restrains(asMuchAs: entry.announcement) else {
            forgetProbe(of: entry.id)
            return []
        }
        probes.begin(entry.id, until: time + policy.lasting, at: time)
        budget.record(at: time)
        budget.reserve()
        var told = entry
        told.replace(eased)
        let limit = RateText.describe(policy.bitsPerSecond, .bits)
        return [.note(entry, "eased to \(limit) to see whether the attack is over"), .announce(told)]
    }

    /// Its time is over, and no attack has been seen.
    private mutating func endProbe(of entry: LedgerEntry, since began: Timestamp, at time: Timestamp) -> [LedgerEffect]
    {
        guard let policy = policy.probe, isProbed(entry) else {
            _ = probes.forget(entry.id)
            return restore(entry, because: "there are no probes any more", at: time)
        }
        // Who fell silent in the midst of it may have had something to tell.
        guard !isDeaf(since: max(began, time - Self.silence)) else {
            probes.putOff(entry.id, until: time + policy.every)
            return restore(entry, because: "no exporter is heard: the probe says nothing", at: time)
        }
        let seconds = Int((time - began).inSeconds.rounded())
        return close(entry.id, because: "\(Self.ofProbe)\(seconds) s showed no attack", at: time)
    }
    private static let ofProbe = "a probe of "

    /// Whether a rule was withdrawn because a probe had shown no attack, by the reason that was told.
    static func isOfProbe(_ reason: String?) -> Bool { reason?.hasPrefix(ofProbe) ?? false }

    /// How often it was wrong to ease the rules against those who attacked the same before.
    func failedProbes(against attack: Attack, at time: Timestamp) -> UInt8 {
        guard policy.probe != nil else { return 0 }
        let prefixes = Set(attack.target.prefixes + targets(of: attack))
        return prefixes.map { banHistory.failedProbes(for: $0, policy, at: time) }.max() ?? 0
    }

    func failedProbes(of requester: LedgerEntry.Requester) -> UInt8 {
        if case .attack(let id) = requester { attacks[id]?.failedProbes ?? 0 } else { 0 }
    }

    /// An attack begins: what is eased of that which it touches is as it was, whichever rule is to hold it.
    mutating func endProbes(against attack: Attack, at time: Timestamp) -> [LedgerEffect] {
        guard !probes.eased.isEmpty else { return [] }
        let touched = probes.eased.filter { id in
            entries[id].map { entry in attack.target.prefixes.contains { $0.overlaps(entry.target) } } ?? false
        }
        return touched.sorted().flatMap { endProbe(of: $0, at: time) }
    }

    /// Somebody needs the rule again: it is as it was.
    mutating func endProbe(of id: LedgerEntry.ID, at time: Timestamp) -> [LedgerEffect] {
        guard probes.stop(id) else { return [] }
        // On disk as well: after a restart it is not eased any sooner.
        var effects = update(id) { $0.failedProbes = min($0.failedProbes + 1, Probes.mostFailures) }
        guard let entry = entries[id] else { return [] }
        effects += restore(entry, because: "it is needed again", at: time)
        scheduleProbe(of: id, at: time)
        return effects
    }

    /// What stands is something else from now on, or nothing.
    mutating func forgetProbe(of id: LedgerEntry.ID) {
        if probes.forget(id) { budget.release() }
    }

    private mutating func restore(_ entry: LedgerEntry, because reason: String, at time: Timestamp) -> [LedgerEffect] {
        budget.release()
        budget.record(at: time)
        return [.note(entry, "eased no more: \(reason)"), .announce(entry)]
    }
}
