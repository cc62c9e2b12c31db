internal import Detection
internal import NetworkTypes

/// Where the entries stand that a tick or an event asks for: with a hundred thousand in force nothing is searched for.
///
/// Kept by the ledger, which tells it of every change of an entry.
struct LedgerIndex: Sendable {
    private struct Deadline: Comparable, Sendable {
        var time: Timestamp
        var id: LedgerEntry.ID

        static func < (left: Deadline, right: Deadline) -> Bool { (left.time, left.id) < (right.time, right.id) }
    }

    private var byAttack: [Attack.ID: [LedgerEntry.ID]] = [:]
    /// Those that the configuration asks for.
    private(set) var configured: Set<LedgerEntry.ID> = []
    /// One for each entry's expiry, and some that have been put off since.
    private var deadlines = MinimumHeap<Deadline>()
    /// All that wait and that clients alone ask for, and some that do no more.
    private var queue = MinimumHeap<LedgerEntry.ID>()
    /// The others that wait.
    private var others: Set<LedgerEntry.ID> = []
    private(set) var waiting = 0

    // MARK: Changes

    mutating func change(from former: LedgerEntry?, to entry: LedgerEntry) {
        if former?.expires != entry.expires { deadlines.insert(Deadline(time: entry.expires, id: entry.id)) }
        if former?.requesters != entry.requesters {
            if let former { removeRequesters(of: former) }
            addRequesters(of: entry)
        }
        let waited = former?.state == .waiting
        let waits = entry.state == .waiting
        if waited != waits { waiting += waited ? -1 : 1 }
        let isClients = entry.requesters.allSatisfy(\.isClient)
        if !waits || isClients { others.remove(entry.id) } else { others.insert(entry.id) }
        let wasQueued = waited && former?.requesters.allSatisfy(\.isClient) == true
        if waits, isClients, !wasQueued { queue.insert(entry.id) }
        forgetQueue()
    }

    mutating func remove(_ entry: LedgerEntry) {
        removeRequesters(of: entry)
        if entry.state == .waiting { waiting -= 1 }
        others.remove(entry.id)
        forgetQueue()
    }

    /// What waits no more must not pile up.
    private mutating func forgetQueue() {
        if waiting == 0, queue.count > 0 { queue = MinimumHeap() }
    }

    private mutating func addRequesters(of entry: LedgerEntry) {
        for requester in entry.requesters {
            switch requester {
            case .attack(let attack): byAttack[attack, default: []].append(entry.id)
            case .configuration: configured.insert(entry.id)
            case .operator, .client: break
            }
        }
    }

    private mutating func removeRequesters(of entry: LedgerEntry) {
        for requester in entry.requesters {
            switch requester {
            case .attack(let attack):
                byAttack[attack]?.removeAll { $0 == entry.id }
                if byAttack[attack]?.isEmpty == true { byAttack[attack] = nil }
            case .configuration: configured.remove(entry.id)
            case .operator, .client: break
            }
        }
    }

    // MARK: Questions

    /// The entries that an attack asks for, in the order of their numbers.
    func entries(of attack: Attack.ID) -> [LedgerEntry.ID] {
        guard let ids = byAttack[attack] else { return [] }
        return ids.count > 1 ? ids.sorted() : ids
    }

    /// The earliest time at which an entry may expire; some that were put off are still among those that count.
    var nextDeadline: Timestamp? { deadlines.least?.time }

    /// Entries whose time is up, in the order of their numbers.
    mutating func expired(by time: Timestamp, _ entries: [LedgerEntry.ID: LedgerEntry]) -> [LedgerEntry.ID] {
        var expired: [LedgerEntry.ID] = []
        while let least = deadlines.least, least.time <= time {
            _ = deadlines.removeLeast()
            if entries[least.id]?.expires == least.time { expired.append(least.id) }
        }
        // What was put off over and over must not pile up.
        if deadlines.count > 4 * entries.count + 1024 {
            deadlines = MinimumHeap(entries.values.map { Deadline(time: $0.expires, id: $0.id) })
        }
        guard expired.count > 1 else { return expired }
        // An expiry that was put off and back again stands there twice.
        return Set(expired).sorted()
    }

    /// Whether one waits that not clients alone ask for.
    var areOthersWaiting: Bool { !others.isEmpty }

    /// Takes all of these, in no order.
    mutating func takeOthersWaiting() -> Set<LedgerEntry.ID> {
        defer { others = [] }
        return others
    }

    /// Puts one back.
    mutating func wait(_ id: LedgerEntry.ID) { others.insert(id) }

    /// Takes the first of those that wait for clients.
    mutating func nextClientWaiting(_ entries: [LedgerEntry.ID: LedgerEntry]) -> LedgerEntry.ID? {
        guard waiting > 0 else { return nil }
        while let id = queue.removeLeast() {
            if let entry = entries[id], entry.state == .waiting, entry.requesters.allSatisfy(\.isClient) { return id }
        }
        return nil
    }
}
