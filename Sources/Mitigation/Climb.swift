internal import NetworkTypes

/// Where an attack stands on a ladder. Up at once, down late: a step that had to be taken again is kept twice as long.
struct Climb: Sendable, Hashable {
    /// From 0; -1 below the first, where the templates say what is done.
    private(set) var step: Int
    private(set) var since: Timestamp
    /// Steps that were taken, as bits.
    private var taken: UInt32 = 0
    /// Since when the power has been below what keeps the attack on its step.
    private var calmSince: Timestamp?
    /// How often the attack went back up to a step that it had left.
    private var relapses = 0
    private var lastLeft: Int?

    private static let longestStay = Duration.seconds(3600)

    /// - Parameter step: where it starts: that of rules that stand already.
    init(at step: Int = -1, since: Timestamp) {
        self.step = step
        self.since = since
        if step >= 0 { taken = 1 << UInt32(step) }
    }

    /// Takes the steps that are due.
    ///
    /// - Parameters:
    ///   - takesBlackholes: whether a blackhole route is an answer; else those steps are left out.
    ///   - failingSince: since when the rules have been without effect; nil where they have one or nobody knows.
    /// - Returns: whether the step changed.
    mutating func judge(
        _ ladder: EscalationLadder,
        rates: TrafficRates,
        capacity: Double?,
        takesBlackholes: Bool,
        failingSince: Timestamp?,
        at time: Timestamp
    ) -> Bool {
        let steps = ladder.steps.prefix(EscalationLadder.maximumSteps)
        // The ladder may have become shorter.
        if step >= steps.count { move(to: steps.count - 1, at: time) }
        func isPassedOver(_ index: Int) -> Bool {
            if case .blackhole = steps[index].response { !takesBlackholes } else { false }
        }
        let next = steps.indices.dropFirst(step + 1).first { !isPassedOver($0) }
        let due = steps.indices.dropFirst(step + 1).last { index in
            let condition = steps[index].condition
            guard !isPassedOver(index), condition.holds(rates, capacity: capacity) else { return false }
            guard let after = condition.after else { return true }
            // One after the other: what has not been tried cannot have failed.
            guard index == next, let failingSince else { return false }
            return time - max(failingSince, since) >= after
        }
        if let due {
            if let lastLeft, due >= lastLeft { relapses = min(relapses + 1, 16) }
            move(to: due, at: time)
            return true
        }
        guard step >= 0,
            !steps[step].condition.holds(rates, capacity: capacity, share: ladder.lowersBelow)
        else {
            calmSince = nil
            return false
        }
        let stay = min(ladder.stay * (1 << relapses), max(ladder.stay, Self.longestStay))
        let calm = calmSince ?? time
        calmSince = calm
        guard time - calm >= stay, time - since >= stay else { return false }
        let lower = steps.indices.prefix(step).last { index in
            !isPassedOver(index) && (steps[index].condition.after == nil || taken & (1 << UInt32(index)) != 0)
        }
        lastLeft = step
        move(to: lower ?? -1, at: time)
        return true
    }

    private mutating func move(to step: Int, at time: Timestamp) {
        self.step = step
        since = time
        calmSince = nil
        if step >= 0 { taken |= 1 << UInt32(step) }
    }
}
