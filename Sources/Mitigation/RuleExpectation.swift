/// What a rule is expected to match, by the samples at hand when it was made.
public struct RuleExpectation: Sendable, Hashable {
    /// The share of the attack, 0...1, by packets and octets alike, or by flows where their threshold was crossed;
    /// and how many samples say so.
    public var attackShare: Double
    public var attackSamples: Int
    /// The same of the target's traffic from before the attack; nil where none of it is known.
    public var normalShare: Double?
    public var normalSamples: Int
    /// What the rule matches together with those made beside it; nil where it is alone.
    public var together: Together?

    public struct Together: Sendable, Hashable {
        /// How many rules, this one included.
        public var rules: Int
        public var attackShare: Double
        public var normalShare: Double?

        public init(rules: Int, attackShare: Double, normalShare: Double?) {
            self.rules = rules
            self.attackShare = attackShare
            self.normalShare = normalShare
        }
    }

    public init(
        attackShare: Double,
        attackSamples: Int,
        normalShare: Double?,
        normalSamples: Int,
        together: Together? = nil
    ) {
        self.attackShare = attackShare
        self.attackSamples = attackSamples
        self.normalShare = normalShare
        self.normalSamples = normalSamples
        self.together = together
    }
}

extension RuleExpectation: CustomStringConvertible {
    /// `expected to match 97 % of the attack (of 118 samples) and 0.4 % of the traffic before it (of 64)`.
    public var description: String {
        var text = "expected to match \(Self.percent(attackShare)) of the attack (of \(attackSamples) samples)"
        if let normalShare {
            text += " and \(Self.percent(normalShare)) of the traffic before it (of \(normalSamples))"
        } else {
            text += "; nothing is known of the traffic before it"
        }
        if let together {
            text += ", the \(together.rules) rules together \(Self.percent(together.attackShare))"
            if let share = together.normalShare { text += " and \(Self.percent(share))" }
        }
        if isAsGoodAsBlackhole {
            text +=
                "; this is nearly all of its usual traffic: what is done with it cuts the target off, as a blackhole would"
        }
        return text
    }

    /// Whether the target keeps next to nothing of its usual traffic, so far as is known: few samples may all be matched by
    /// chance.
    private var isAsGoodAsBlackhole: Bool {
        guard normalSamples >= 8, let normalShare else { return false }
        return max(normalShare, together?.normalShare ?? 0) >= Self.nearlyAll
    }

    private static let nearlyAll = 0.9

    /// Two digits are enough of what samples say; a share that is not all is never called 100 %.
    static func percent(_ share: Double) -> String {
        let share = share.isFinite ? min(max(share, 0), 1) : 0
        let tenths = Int((share * 1000).rounded())
        if share < 1, tenths >= 995 || share >= 0.1 { return "\(min(99, Int((share * 100).rounded()))) %" }
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
