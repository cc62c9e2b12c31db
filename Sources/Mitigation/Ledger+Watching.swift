internal import Detection
internal import FlowSpec
internal import NetworkTypes

/// Whether what is announced does what it is there for.
extension Ledger {
    /// What telemetry says of rules, for those of which it says something.
    public var effects: [LedgerEntry.ID: RuleEffect] { watches.mapValues(\.effect) }

    /// What telemetry says of a rule; nil where there is nothing to be said: it is not announced, or nobody is attacked.
    public func effect(of id: LedgerEntry.ID) -> RuleEffect? { watches[id]?.effect }

    /// Rules of which it matters whether a router has them.
    public var watched: [LedgerEntry.ID] { Array(watches.keys) }

    /// Takes note of whether any router has an announced rule, which there is no session for, say. Of rules that nobody
    /// tells of it is taken for granted.
    public mutating func tell(_ id: LedgerEntry.ID, isHeld: Bool) {
        if isHeld { unheld.remove(id) } else if watches[id] != nil { unheld.insert(id) }
    }

    /// An exporter that tells of something does so each second: what is seen after a longer silence is what was
    /// there before it, or the silence.
    private static let attention = Duration.milliseconds(1500)

    /// Looks at what still arrives of an attack.
    mutating func watch(_ attack: Attack, at time: Timestamp) -> [LedgerEffect] {
        let isResumed = attacks[attack.id]?.isResumed ?? false
        attacks[attack.id]?.most.note(attack, isResumed: isResumed)
        let most = attacks[attack.id]?.most ?? StrongestTraffic()
        let isDeaf = isDeaf(since: time - Self.silence)
        let isUnheard = !isDeaf && self.isDeaf(since: time - Self.attention)
        let announced = index.entries(of: attack.id).compactMap { entries[$0] }.filter { $0.state == .announced }
        let routes = announced.map(\.announcement.route)
        var effects: [LedgerEffect] = []
        for entry in announced {
            guard watches[entry.id] != nil else {
                watches[entry.id] = RuleWatch(entry, against: attack, most: most, at: time)
                continue
            }
            let isNews: Bool?
            if unheld.contains(entry.id) {
                isNews = watches[entry.id]?.withhold(
                    entry.announcement,
                    against: attack,
                    most: most,
                    at: time
                )
            } else if isUnheard {
                continue
            } else {
                isNews = watches[entry.id]?.judge(
                    entry.announcement,
                    against: attack,
                    most: most,
                    among: routes,
                    samplesBeforeFilter: policy.samplesBeforeFilter,
                    isDeaf: isDeaf,
                    at: time
                )
            }
            if isNews == true, let effect = watches[entry.id]?.effect { effects.append(.note(entry, "\(effect)")) }
        }
        return effects
    }

    mutating func unwatch(_ id: LedgerEntry.ID) {
        watches[id] = nil
        unheld.remove(id)
    }
}
