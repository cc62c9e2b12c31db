public import FlowSpec
public import NetworkTypes

/// What attacks are answered with as they grow: steps from mild to hard, each with its condition.
public struct EscalationLadder: Sendable, Hashable {
    /// A rate of the whole attack, beside the target's usual traffic.
    public struct Power: Sendable, Hashable {
        public var unit: TrafficUnit
        /// In the unit; a step is due above it.
        public var perSecond: Double

        public init(_ unit: TrafficUnit, _ perSecond: Double) {
            self.unit = unit
            self.perSecond = perSecond
        }
    }

    /// When a step is due: all that is set must hold. With nothing set, always.
    public struct Condition: Sendable, Hashable {
        /// Any one of these is exceeded; empty: the power does not count.
        public var over: [Power]
        /// The attack has more than this share, over 0, of the capacity of where it goes.
        public var linkShare: Double?
        /// For so long the step before has been without effect.
        public var after: Duration?

        public init(over: [Power] = [], linkShare: Double? = nil, after: Duration? = nil) {
            self.over = over
            self.linkShare = linkShare
            self.after = after
        }
    }

    public enum Response: Sendable, Hashable {
        /// The rules' actions and communities, in place of their templates'.
        case actions(RuleTemplate)
        /// A route that has routers drop all that goes to the target. The rules stay beside it as they are. With these
        /// communities, or those of blackhole routes where there are none.
        case blackhole([Community])
    }

    public struct Step: Sendable, Hashable {
        public var condition: Condition
        public var response: Response

        public init(_ condition: Condition, _ response: Response) {
            self.condition = condition
            self.response = response
        }
    }

    /// From mild to hard, at most `maximumSteps`.
    public var steps: [Step]
    /// How long an attack stays on a step at least before it goes down.
    public var stay: Duration
    /// The share of a step's condition, over 0 and at most 1, below which the attack must have stayed to go down.
    public var lowersBelow: Double

    public static let maximumSteps = 16

    public init(steps: [Step], stay: Duration = .seconds(60), lowersBelow: Double = 0.8) {
        self.steps = steps
        self.stay = stay
        self.lowersBelow = lowersBelow
    }

    var hasBlackhole: Bool { steps.contains { if case .blackhole = $0.response { true } else { false } } }
}

extension EscalationLadder.Condition {
    /// Whether the power is as it must be; how long the step before has been without effect is not looked at.
    ///
    /// - Parameters:
    ///   - capacity: bits per second of where the traffic goes, if known: without it no share can be exceeded.
    ///   - share: of each limit, for the way down.
    ///   - isAbove: whether the attack is above so much per second in the unit.
    func holds(capacity: Double?, share: Double = 1, _ isAbove: (Double, TrafficUnit) -> Bool) -> Bool {
        if !over.isEmpty, !over.contains(where: { isAbove($0.perSecond * share, $0.unit) }) { return false }
        if let linkShare {
            guard let capacity else { return false }
            return isAbove(capacity * linkShare * share, .bits)
        }
        return true
    }

    /// Whether the power is as it must be for this wherever it is for another.
    fileprivate func isImplied(by other: Self) -> Bool {
        let powerIs =
            over.isEmpty
            || !other.over.isEmpty
                && other.over.allSatisfy { limit in
                    over.contains { $0.unit == limit.unit && $0.perSecond <= limit.perSecond }
                }
        let shareIs = linkShare.map { share in other.linkShare.map { $0 >= share } ?? false } ?? true
        return powerIs && shareIs
    }
}

extension EscalationLadder {
    /// The steps, from 0, that no attack can ever reach, with the reason in words.
    ///
    /// - Parameter hasCapacity: whether the capacity of where the traffic goes is known.
    public func unreachableSteps(hasCapacity: Bool) -> [(step: Int, reason: String)] {
        var unreachable: [(step: Int, reason: String)] = []
        for (index, step) in steps.enumerated() {
            if step.condition.linkShare != nil, !hasCapacity {
                unreachable.append((index, "its link_share is of a capacity that is not set"))
                continue
            }
            let harder = steps.indices.dropFirst(index + 1).first { later in
                steps[later].condition.after == nil && steps[later].condition.isImplied(by: step.condition)
            }
            if let harder {
                unreachable.append((index, "whenever it is due, step \(harder + 1) is due too and goes further"))
            } else if step.condition.after != nil, index > 0, unreachable.contains(where: { $0.step == index - 1 }) {
                unreachable.append((index, "its after counts from the step before, which is never reached"))
            }
        }
        return unreachable
    }
}

extension EscalationLadder.Condition: CustomStringConvertible {
    /// `over 10 Gbit/s or 5M packets/s`, `without effect for 30 s`.
    public var description: String {
        var parts: [String] = []
        if !over.isEmpty {
            let limits = over.map { RateText.describe($0.perSecond, $0.unit) }
            parts.append("over \(limits.joined(separator: " or "))")
        }
        if let linkShare { parts.append("over \(Int((linkShare * 100).rounded())) % of the link") }
        if let after { parts.append("no effect for \(Int(after.inSeconds)) s") }
        return parts.isEmpty ? "always" : parts.joined(separator: ", ")
    }
}
