import Detection
import Mitigation
import NetworkTypes
import Store

/// What is to be written, and what is to be done once it is: nothing is announced that is not on disk.
///
/// A value without a disk of its own: `add`, write `changes`, then say whether they were `written` or `failed`. What
/// waits for a disk that is full is bounded: the newest row of each rule and attack, and the latest events.
struct Outbox: Sendable {
    /// To be written in one go, in this order.
    private(set) var changes: [Store.Change] = []
    /// Events that had to be given up since the last successful write.
    private(set) var lostEvents = 0
    /// Set between a write that failed and the next that did not.
    private(set) var isHeldUp = false

    /// What to do once all is written.
    private var effects: [LedgerEffect] = []
    /// The rules in force by the rows on disk: what of them is announced comes back after a crash, and can be withdrawn.
    private var onDisk: [LedgerEntry.ID: LedgerEntry]

    static let maximumEvents = 1000
    /// Attacks that ended while the disk was full are history, of which there may be this much.
    static let maximumAttacks = 10_000

    /// - Parameter entries: the rules in force that were read from the disk.
    init(onDisk entries: [LedgerEntry] = []) {
        onDisk = Dictionary(entries.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether a rule's row is on disk, so that a restart would bring it back.
    func holds(_ id: LedgerEntry.ID) -> Bool { onDisk[id] != nil }

    /// - Parameter changes: rows besides those that the effects ask for.
    mutating func add(_ effects: [LedgerEffect], changes: [Store.Change]) {
        self.changes += changes
        for effect in effects {
            switch effect {
            case .persist(let entry): self.changes.append(.entry(entry))
            case .overrule(let attack): self.changes.append(.overruled(attack))
            case .climbed(let attack, let climb): self.changes.append(.climb(attack, climb))
            case .announce, .observe, .withdraw, .refuse, .note: self.effects.append(effect)
            }
        }
    }

    /// All changes are on disk.
    ///
    /// - Returns: what is to be done, in this order.
    mutating func written() -> [LedgerEffect] {
        for case .entry(let entry) in changes {
            onDisk[entry.id] = entry.state == .withdrawn ? nil : entry
        }
        changes.removeAll(keepingCapacity: true)
        defer {
            effects.removeAll(keepingCapacity: true)
            lostEvents = 0
            isHeldUp = false
        }
        return effects
    }

    /// None of the changes is on disk.
    ///
    /// - Returns: what can be done all the same: withdrawals, as what they say is less, and announcements of what was on
    ///   disk before.
    mutating func failed() -> [LedgerEffect] {
        isHeldUp = true
        var done: [LedgerEffect] = []
        var held: [LedgerEffect] = []
        for effect in effects {
            switch effect {
            case .withdraw(let entry):
                held.removeAll { $0.entry?.id == entry.id }
                done.append(effect)
            case .announce(let entry), .observe(let entry):
                held.removeAll { $0.entry?.id == entry.id }
                if onDisk[entry.id]?.announcement == entry.announcement {
                    done.append(effect)
                } else {
                    held.append(effect)
                }
            case .refuse, .note: done.append(effect)
            case .persist, .overrule, .climbed: break
            }
        }
        effects = held
        compact()
        return done
    }

    /// Keeps the newest row of each rule and attack, each in the place of its first, and the latest events.
    private mutating func compact() {
        var kept: [Store.Change] = []
        var entries: [LedgerEntry.ID: Int] = [:]
        var attacks: [Attack.ID: Int] = [:]
        var overruled: Set<Attack.ID> = []
        var climbs: [Attack.ID: Int] = [:]
        var events: [Store.Event] = []
        for change in changes {
            switch change {
            case .entry(let entry):
                if let place = entries[entry.id] {
                    kept[place] = change
                } else {
                    entries[entry.id] = kept.count
                    kept.append(change)
                }
            case .attack(let attack):
                if let place = attacks[attack.id] {
                    kept[place] = change
                } else if attacks.count < Self.maximumAttacks {
                    attacks[attack.id] = kept.count
                    kept.append(change)
                } else {
                    lostEvents += 1
                }
            case .overruled(let attack): if overruled.insert(attack).inserted { kept.append(change) }
            case .climb(let attack, _):
                if let place = climbs[attack] {
                    kept[place] = change
                } else {
                    climbs[attack] = kept.count
                    kept.append(change)
                }
            case .event(let event): events.append(event)
            }
        }
        // A rule that came and went without the disk ever hearing of it is not worth a row.
        kept.removeAll { change in
            guard case .entry(let entry) = change else { return false }
            return entry.state == .withdrawn && onDisk[entry.id] == nil
        }
        let surplus = max(0, events.count - Self.maximumEvents)
        lostEvents += surplus
        changes = kept + events.dropFirst(surplus).map { .event($0) }
    }
}

extension LedgerEffect {
    /// The rule that it is about.
    var entry: LedgerEntry? {
        switch self {
        case .persist(let entry), .announce(let entry), .withdraw(let entry), .observe(let entry), .note(let entry, _):
            entry
        case .refuse, .overrule, .climbed: nil
        }
    }
}
