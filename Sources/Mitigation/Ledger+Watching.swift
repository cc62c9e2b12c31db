internal import Detection
internal import FlowSpec
internal import NetworkTypes

/// Whether what is announced does what it is there for.
extension Ledger {
    /// What telemetry says of rules, for those of which it says something.
    public var effects: [LedgerEntry.ID: RuleEffect] { watches.mapValues(\.effect) }

    /// What telemetry says of a rule; nil where there is nothing to be said: it is not announced, or nobody is attacked.
    public func effect(of id: LedgerEntry.ID) -> RuleEffect? { watches[id]?.effect }

    /// Looks at what still arrives of an attack.
    mutating func watch(_ attack: Attack, at time: Timestamp) -> [LedgerEffect] {
        let announced = index.entries(of: attack.id).compactMap { entries[$0] }.filter { $0.state == .announced }
        let routes = announced.map(\.announcement.route)
        var effects: [LedgerEffect] = []
        for entry in announced {
            guard watches[entry.id] != nil else {
                watches[entry.id] = RuleWatch(entry, against: attack, at: time)
                continue
            }
            let isNews = watches[entry.id]?.judge(
                entry.announcement,
                against: attack,
                among: routes,
                samplesBeforeFilter: policy.samplesBeforeFilter,
                at: time
            )
            if isNews == true, let effect = watches[entry.id]?.effect { effects.append(.note(entry, "\(effect)")) }
        }
        return effects
    }
}
