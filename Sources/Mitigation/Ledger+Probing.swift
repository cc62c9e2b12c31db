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
        /// How often it showed that the attack was still there.
        fileprivate var failures: Int
    }

    private var byEntry: [LedgerEntry.ID: Probe] = [:]
    private var queue = MinimumHeap<Due>()
    private static let mostFailures = 3

    var nextDue: Timestamp? { byEntry.isEmpty ? nil : queue.least?.time }

    /// A rule whose attack is over is eased when its time comes, later each time that this was wrong.
    mutating func schedule(_ entry: LedgerEntry, _ policy: MitigationPolicy.Probe?, at time: Timestamp) {
        guard let policy, case .flowSpec = entry.announcement.route, entry.state == .announced else { return }
        let failures = byEntry[entry.id]?.failures ?? 0
        set(entry.id, Probe(due: time + policy.every * (1 << failures), failures: failures))
    }

    mutating func begin(_ id: LedgerEntry.ID, until end: Timestamp, at time: Timestamp) {
        guard let probe = byEntry[id] else { return }
        set(id, Probe(due: end, began: time, failures: probe.failures))
    }

    /// Not now, but soon.
    mutating func putOff(_ id: LedgerEntry.ID, until time: Timestamp) {
        guard var probe = byEntry[id] else { return }
        probe.due = time
        probe.began = nil
        set(id, probe)
    }

    /// The attack is back. Whether the rule was eased.
    mutating func fail(_ id: LedgerEntry.ID) -> Bool {
        guard var probe = byEntry[id] else { return false }
        let wasEased = probe.began != nil
        if wasEased { probe.failures = min(probe.failures + 1, Self.mostFailures) }
        probe.began = nil
        probe.due = .distantFuture
        byEntry[id] = probe
        return wasEased
    }

    mutating func forget(_ id: LedgerEntry.ID) { byEntry[id] = nil }

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
            guard let policy = policy.probe, let entry = entries[id], entry.state == .announced,
                entry.requesters.allSatisfy(\.isAttack)
            else {
                probes.forget(id)
                continue
            }
            guard let began = probe.began else {
                // There and back must be within the budget; the way back is counted now, and never waits.
                guard budget.allowsAnnouncement(at: time, count: 2) else {
                    probes.putOff(id, until: time + .seconds(1))
                    continue
                }
                effects += ease(entry, policy, at: time)
                continue
            }
            guard !isDeaf(since: began) else {
                effects += restore(entry, because: "no exporter is heard: the probe says nothing")
                probes.putOff(id, until: time + policy.every)
                continue
            }
            effects += close(id, because: "a probe of \(Int(policy.lasting.inSeconds)) s showed no attack", at: time)
        }
        return effects
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
            probes.forget(entry.id)
            return []
        }
        probes.begin(entry.id, until: time + policy.lasting, at: time)
        budget.record(at: time)
        budget.record(at: time)
        var told = entry
        told.replace(eased)
        let limit = RateText.describe(policy.bitsPerSecond, .bits)
        return [.note(entry, "eased to \(limit) to see whether the attack is over"), .announce(told)]
    }

    /// Somebody needs the rule again: it is as it was.
    mutating func endProbe(of id: LedgerEntry.ID) -> [LedgerEffect] {
        guard probes.fail(id), let entry = entries[id] else { return [] }
        return restore(entry, because: "it is needed again")
    }

    private func restore(_ entry: LedgerEntry, because reason: String) -> [LedgerEffect] {
        [.note(entry, "eased no more: \(reason)"), .announce(entry)]
    }
}
