internal import NetworkTypes

/// How many announcements and withdrawals the last minute saw: routers do not take rules without end.
struct ChangeBudget: Sendable {
    private var changes: [Timestamp] = []
    private var allowed: Int
    private static let span = Duration.seconds(60)

    init(allowed: Int) { self.allowed = max(1, allowed) }

    mutating func allow(_ changes: Int) { allowed = max(1, changes) }

    /// Whether one more announcement is within the budget. Withdrawals are counted but never held back.
    ///
    /// - Parameter count: how many, where one brings others with it.
    mutating func allowsAnnouncement(at time: Timestamp, count: Int = 1) -> Bool {
        forget(before: time - Self.span)
        return changes.count + count <= allowed
    }

    mutating func record(at time: Timestamp) {
        forget(before: time - Self.span)
        // More than the budget only withdrawals can bring; they need not be remembered singly.
        if changes.count < 2 * allowed { changes.append(time) }
    }

    /// When the next announcement will be allowed, if it is not now.
    func nextAllowed(at time: Timestamp) -> Timestamp? {
        changes.count < allowed ? nil : changes[changes.count - allowed] + Self.span
    }

    private mutating func forget(before time: Timestamp) {
        guard let kept = changes.firstIndex(where: { $0 > time }) else {
            changes.removeAll(keepingCapacity: true)
            return
        }
        changes.removeFirst(kept)
    }
}
