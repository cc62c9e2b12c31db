internal import NetworkTypes

/// How long a rule lasts that several asked for: as long as the one who needs it longest, and no longer when he is gone.
extension Ledger {
    /// One more asks for a rule in force, or one of those who did asks again: it is not announced again.
    mutating func join(_ id: LedgerEntry.ID, _ order: Order, at time: Timestamp) -> [LedgerEffect] {
        guard var entry = entries[id] else { return [] }
        let isNew = !entry.requesters.contains(order.requester)
        // An attack that already holds the rule renews it by its lease, not by another ban time.
        guard isNew || !order.requester.isAttack else { return [] }
        // An operator has what he says last; what others ask for again lasts at least as long as they said before.
        let isHis = order.requester == .operator
        let until = time + (order.requester.isAttack ? firstLease(order.duration) : order.duration)
        if entry.requesters == [order.requester] {
            entry.expires = isHis ? until : max(entry.expires, until)
            // What he had said before somebody else asked as well, who is gone, counts no more.
            if !entry.terms.isEmpty { entry.terms = [:] }
        } else if order.requester.isAttack, entry.requesters.allSatisfy(\.isAttack) {
            entry.expires = max(entry.expires, until)
        } else {
            entry.noteTerms()
            entry.terms[order.requester] = isHis ? until : max(entry.terms[order.requester] ?? until, until)
            entry.expires = max(until, need(of: entry.requesters, in: entry, at: time))
        }
        if isNew {
            // Of an attack that comes back again and again the first times are forgotten.
            if entry.requesters.count >= Self.maximumRequesters,
                let oldest = entry.requesters.first(where: { $0.isAttack && isOver($0) })
            {
                entry.requesters.removeAll { $0 == oldest }
                if entry.terms[oldest] != nil { entry.terms[oldest] = nil }
            }
            entry.requesters.append(order.requester)
        }
        if order.requester.isAttack, order.duration > entry.banTime ?? policy.banTime { entry.ban(for: order.duration) }
        return update(id) { $0 = entry } + endProbe(of: id, at: time)
    }

    /// Attacks that are over are not kept as those who asked for a rule beyond so many.
    private static let maximumRequesters = 16

    /// Until when a rule is needed by some of those who asked for it, as far as they have said.
    func need(of requesters: [LedgerEntry.Requester], in entry: LedgerEntry, at time: Timestamp) -> Timestamp {
        let terms = entry.terms
        let needs = requesters.map { requester -> Timestamp in
            let term = terms[requester] ?? entry.expires
            switch requester {
            case .attack(let id) where attacks[id] != nil && policy.unbanOnlyIfAttackFinished:
                return max(term, time + Self.lease / 2)
            case .configuration: return max(term, time + Self.configuredLease)
            case .attack, .operator, .client: return term
            }
        }
        return needs.max() ?? time
    }

    /// How long what an attack has asked for lasts at first: no ban time is so short that it ends before the next update.
    func firstLease(_ duration: Duration) -> Duration { max(duration, shortestLease) }

    var shortestLease: Duration { policy.unbanOnlyIfAttackFinished ? .seconds(5) : .zero }

    /// An attack is over, and others still need its rule: it lasts for them, and for its ban time.
    mutating func leave(
        _ entry: LedgerEntry,
        _ attack: LedgerEntry.Requester,
        at time: Timestamp
    ) -> [LedgerEffect] {
        let left = entry.requesters.filter { $0 != attack }
        let ban = entry.banTime ?? policy.banTime
        // Where nothing is heard, nobody knows that it is over.
        let isDeaf = isDeaf(since: time - Self.silence) && policy.unbanOnlyIfAttackFinished
        let banned = isDeaf ? time + ban : entry.announced.map { $0 + ban } ?? time
        let needed = max(banned, need(of: left, in: entry, at: time))
        guard needed > time else { return close(entry.id, because: "\(attack) is over, and nobody needs it", at: time) }
        var effects = update(entry.id) {
            $0.requesters = left
            $0.expires = isDeaf ? max($0.expires, needed) : min($0.expires, needed)
        }
        let text =
            isDeaf
            ? "no exporter is heard, so \(attack) may go on: it stays for a ban time more"
            : "\(attack) is over and needs it no more"
        if let entry = entries[entry.id] { effects.append(.note(entry, text)) }
        return effects
    }
}
