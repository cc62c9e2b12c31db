public import NetworkTypes

/// Where an attack stands on a ladder. Up at once, down late: a step that had to be taken again is kept twice as long.
public struct Climb: Sendable, Hashable {
    /// From 0; -1 below the first, where the templates say what is done.
    public private(set) var step: Int
    public private(set) var since: Timestamp
    /// Steps that were taken, as bits.
    public private(set) var taken: UInt32 = 0
    /// Since when the power has been below what keeps the attack on its step.
    private var calmSince: Timestamp?
    /// How often the attack went back up to a step that it had left.
    public private(set) var relapses = 0
    /// The step that it left last on the way down; nil where it has left none.
    public private(set) var lastLeft: Int?

    private static let longestStay = Duration.seconds(3600)
    private static let mostRelapses = 16

    /// - Parameter step: where it starts: that of rules that stand already.
    init(at step: Int = -1, since: Timestamp) {
        self.step = step
        self.since = since
        if step >= 0 { taken = 1 << UInt32(step) }
    }

    /// One that was written down; whatever is in it, it is none that could not have been.
    public init(step: Int, since: Timestamp, taken: UInt32, relapses: Int, lastLeft: Int?) {
        let steps = -1..<EscalationLadder.maximumSteps
        self.step = steps.clamp(step)
        self.since = since
        self.taken = taken
        self.relapses = min(max(relapses, 0), Self.mostRelapses)
        self.lastLeft = lastLeft.map { steps.clamp($0) }
        if self.step >= 0 { self.taken |= 1 << UInt32(self.step) }
    }

    /// The clock may have been wrong when it was written down.
    mutating func correctTimes(notAfter time: Timestamp) { since = min(since, time) }

    /// Takes the steps that are due.
    ///
    /// - Parameters:
    ///   - power: how much the attack is. Up it goes where samples say so surely; calm it is where they say surely that it
    ///     is less, or do not tell and the mean of them is less.
    ///   - takesBlackholes: whether a blackhole route is an answer; else those steps are left out.
    ///   - failingSince: since when the rules have been without effect; nil where they have one or nobody knows.
    /// - Returns: whether the step changed.
    mutating func judge(
        _ ladder: EscalationLadder,
        power: AttackPower,
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
            guard !isPassedOver(index), condition.holds(capacity: capacity, power.isAbove) else { return false }
            guard let after = condition.after else { return true }
            // One after the other: what has not been tried cannot have failed.
            guard index == next, let failingSince else { return false }
            return time - max(failingSince, since) >= after
        }
        if let due {
            if let lastLeft, due >= lastLeft { relapses = min(relapses + 1, Self.mostRelapses) }
            move(to: due, at: time)
            return true
        }
        guard step >= 0,
            !steps[step].condition.holds(capacity: capacity, share: ladder.lowersBelow, power.mayBeAbove)
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

extension Range<Int> {
    fileprivate func clamp(_ number: Int) -> Int { Swift.min(Swift.max(number, lowerBound), upperBound - 1) }
}
