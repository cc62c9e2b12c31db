internal import NetworkTypes

/// How many announcements and withdrawals the last minute saw: routers do not take rules without end.
struct ChangeBudget: Sendable {
    private var changes: [Timestamp] = []
    private var allowed: Int
    /// Changes that will come for sure, and must not have to wait then.
    private var reserved = 0
    private static let span = Duration.seconds(60)

    init(allowed: Int) { self.allowed = max(1, allowed) }

    mutating func allow(_ changes: Int) { allowed = max(1, changes) }

    /// Whether one more announcement is within the budget. Withdrawals are counted but never held back.
    ///
    /// - Parameter count: how many, where one brings others with it.
    mutating func allowsAnnouncement(at time: Timestamp, count: Int = 1) -> Bool {
        forget(before: time - Self.span)
        return changes.count + reserved + count <= allowed
    }

    mutating func record(at time: Timestamp) {
        forget(before: time - Self.span)
        changes.append(time)
        // More than the budget only withdrawals can bring; of those the latest are what is to be waited for.
        if changes.count > 2 * allowed { changes.removeFirst(changes.count - allowed) }
    }

    /// Keeps room for a change that will follow one that is made now. To be released when it is made, or not needed.
    mutating func reserve() { reserved += 1 }

    mutating func release() { reserved = max(0, reserved - 1) }

    /// When the next announcement will be allowed, if it is not now.
    ///
    /// - Parameter count: how many, where one brings others with it.
    func nextAllowed(at time: Timestamp, count: Int = 1) -> Timestamp? {
        let excess = changes.count + reserved + count - allowed
        guard excess > 0 else { return nil }
        return excess <= changes.count ? changes[excess - 1] + Self.span : time + .seconds(1)
    }

    private mutating func forget(before time: Timestamp) {
        guard let kept = changes.firstIndex(where: { $0 > time }) else {
            changes.removeAll(keepingCapacity: true)
            return
        }
        changes.removeFirst(kept)
    }
}
