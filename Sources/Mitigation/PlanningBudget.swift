internal import NetworkTypes

/// How many plans are made or reviewed: with thousands of attacks at once the others begin with their templates, and are
/// planned in the seconds that follow.
///
/// A second's plans come one tick after the other, as a tick that took all of them would be late. At one moment there may
/// be as many as there are attacks that are told of all in the same tick (the detector spreads those beyond).
struct PlanningBudget: Sendable {
    static let plansPerSecond = 250
    static let plansAtOnce = 100

    private var left = Double(plansAtOnce)
    private var last: Timestamp?

    mutating func allowsPlan(at time: Timestamp) -> Bool {
        // A clock that was set back gives nothing.
        let elapsed = last.map { min(max(0, (time - $0).inSeconds), 1) } ?? 0
        last = time
        left = min(left + elapsed * Double(Self.plansPerSecond), Double(Self.plansAtOnce))
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}
