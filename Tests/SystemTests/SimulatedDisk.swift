import Detection
import Mitigation
import NetworkTypes
import Store

/// What is on disk, and what can befall a write.
struct SimulatedDisk {
    private(set) var entries: [LedgerEntry.ID: LedgerEntry] = [:]
    private(set) var attacks: [Attack.ID: Attack] = [:]
    private(set) var overruled: Set<Attack.ID> = []
    private(set) var climbs: [Attack.ID: Climb] = [:]
    private(set) var highestEntry = LedgerEntry.ID(rawValue: 0)
    private(set) var highestAttack = Attack.ID(rawValue: 0)
    var isFull = false

    struct Full: Error {}

    /// All changes or none, as in a transaction.
    mutating func write(_ changes: [Store.Change]) throws {
        if isFull { throw Full() }
        for change in changes {
            switch change {
            case .entry(let entry):
                entries[entry.id] = entry
                highestEntry = max(highestEntry, entry.id)
            case .attack(let attack):
                attacks[attack.id] = attack
                highestAttack = max(highestAttack, attack.id)
                if attack.ended != nil {
                    overruled.remove(attack.id)
                    climbs[attack.id] = nil
                }
            case .overruled(let attack): overruled.insert(attack)
            case .climb(let attack, let climb): climbs[attack] = climb
            case .event: break
            }
        }
    }

    var inForce: [LedgerEntry] {
        entries.values.filter { $0.state != .withdrawn }.sorted { $0.id < $1.id }
    }

    var openAttacks: [Attack] { attacks.values.filter { $0.ended == nil }.sorted { $0.id < $1.id } }
}
