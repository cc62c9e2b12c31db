internal import Detection
internal import NetworkTypes

/// Who makes room when as many rules as allowed are in force: the worst attacks win.
extension Ledger {
    /// How severe what an entry is for was when it was looked at.
    struct Severity: Comparable, Sendable {
        var value: Double
        var id: LedgerEntry.ID

        /// Of equals the oldest comes first.
        static func < (left: Severity, right: Severity) -> Bool { (left.value, left.id) < (right.value, right.id) }
    }

    /// How bad what the requester fights is, in bits per second beside the target's usual traffic; operators always win.
    func severity(of requester: LedgerEntry.Requester) -> Double {
        switch requester {
        case .operator, .client, .configuration: .infinity
        case .attack(let id): attacks[id]?.severity ?? 0
        }
    }

    func severity(of entry: LedgerEntry) -> Double { entry.requesters.lazy.map(severity).max() ?? 0 }

    /// Those of entries that are gone must not pile up.
    mutating func trimSeverities() {
        guard severities.count > 4 * entries.count + 1024 else { return }
        severities = MinimumHeap(entries.values.map { Severity(value: self.severity(of: $0), id: $0.id) })
    }

    /// The entry that is for the least, if that is less than a severity.
    ///
    /// Attacks only grow worse until they end, so what was noted of an entry is never more than what it is now.
    mutating func mildestEntry(below severity: Double) -> LedgerEntry.ID? {
        trimSeverities()
        while let least = severities.least, least.value < severity {
            guard let entry = entries[least.id] else {
                _ = severities.removeLeast()
                continue
            }
            let now = self.severity(of: entry)
            guard now > least.value else { return entry.id }
            _ = severities.removeLeast()
            severities.insert(Severity(value: now, id: entry.id))
        }
        return nil
    }
}
