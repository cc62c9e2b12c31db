internal import NetworkTypes

/// How many announcements and withdrawals the last minute saw: routers do not take rules without end.
///
/// A quarter is kept free of what clients write: one that announces and withdraws in a loop must not keep rules against
/// attacks waiting, nor operators.
struct ChangeBudget: Sendable {
    /// Who asks for a change.
    enum Asker { case client, other }

    private var changes: [Timestamp] = []
    /// Those of clients among them, withdrawals too.
    private var ofClients: [Timestamp] = []
    private var allowed: Int
    /// Changes that will come for sure, and must not have to wait then.
    private var reserved = 0
    private static let span = Duration.seconds(60)

    init(allowed: Int) { self.allowed = max(1, allowed) }

    mutating func allow(_ changes: Int) { allowed = max(1, changes) }

    /// Whether one more announcement is within the budget. Withdrawals are counted but never held back.
    ///
    /// - Parameter count: how many, where one brings others with it.
    mutating func allowsAnnouncement(at time: Timestamp, count: Int = 1, for asker: Asker = .other) -> Bool {
        forget(before: time - Self.span)
        return excess(count, asker) <= 0
    }

    /// By how much so many more would be too many.
    private func excess(_ count: Int, _ asker: Asker) -> Int {
        let own = changes.count + reserved + count
        switch asker {
        case .client: return max(own + ofClients.count - allowed, ofClients.count + count - mostOfClients)
        // What clients withdrew beyond their part counts against them alone.
        case .other: return own + min(ofClients.count, mostOfClients) - allowed
        }
    }

    private var mostOfClients: Int { max(1, allowed - allowed / 4) }

    mutating func record(at time: Timestamp, for asker: Asker = .other) {
        forget(before: time - Self.span)
        // More than the budget only withdrawals can bring; of those the latest are what is to be waited for.
        switch asker {
        case .client:
            ofClients.append(time)
            if ofClients.count > 2 * allowed { ofClients.removeFirst(ofClients.count - allowed) }
        case .other:
            changes.append(time)
            if changes.count > 2 * allowed { changes.removeFirst(changes.count - allowed) }
        }
    }

    /// Keeps room for a change that will follow one that is made now. To be released when it is made, or not needed.
    mutating func reserve() { reserved += 1 }

    mutating func release() { reserved = max(0, reserved - 1) }

    /// When the next announcement will be allowed, if it is not now.
    ///
    /// - Parameter count: how many, where one brings others with it.
    func nextAllowed(at time: Timestamp, count: Int = 1, for asker: Asker = .other) -> Timestamp? {
        let excess = excess(count, asker)
        guard excess > 0 else { return nil }
        // The latest of the first so many of either sort: no sooner is there room.
        func freed(_ changes: [Timestamp]) -> Timestamp? {
            excess <= changes.count ? changes[excess - 1] + Self.span : nil
        }
        return [freed(changes), freed(ofClients)].compactMap { $0 }.min() ?? time + .seconds(1)
    }

    private mutating func forget(before time: Timestamp) {
        Self.forget(&changes, before: time)
        Self.forget(&ofClients, before: time)
    }

    private static func forget(_ changes: inout [Timestamp], before time: Timestamp) {
        guard let kept = changes.firstIndex(where: { $0 > time }) else {
            changes.removeAll(keepingCapacity: true)
            return
        }
        changes.removeFirst(kept)
    }
}
