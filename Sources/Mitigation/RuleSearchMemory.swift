internal import FlowSpec

/// What a search has found out already: it comes by the same conditions and the same parts of the samples again and again,
/// at each price and for each rule.
final class RuleSearchMemory {
    private struct Place: Hashable {
        var left: SampleEvidence.Members
        /// A bit for each type of component that a rule has.
        var taken: UInt32
        var ipProtocol: UInt8?
    }

    private let evidence: SampleEvidence
    private var members: [RuleCondition: SampleEvidence.Members] = [:]
    private var conditions: [Place: [RuleCondition]] = [:]

    init(_ evidence: SampleEvidence) { self.evidence = evidence }

    /// All samples for which a condition holds.
    func members(of condition: RuleCondition) -> SampleEvidence.Members {
        if let known = members[condition] { return known }
        let found = evidence.members(of: condition, within: evidence.all)
        members[condition] = found
        return found
    }

    /// The conditions that may be worth adding to a rule. Those on lengths depend on the price, and are found anew.
    func conditions(of candidates: RuleCandidates, within rule: RuleSynthesis.Rule) -> [RuleCondition] {
        var place = Place(left: rule.members.subtracting(candidates.matched), taken: 0)
        for condition in rule.conditions {
            place.taken |= 1 << UInt32(condition.type.rawValue & 31)
            if case .ipProtocol(let value) = condition { place.ipProtocol = value }
        }
        let lengths = candidates.lengthConditions(within: rule, left: place.left)
        if let known = conditions[place] { return lengths + known }
        let found = candidates.conditions(within: rule, left: place.left)
        conditions[place] = found
        return lengths + found
    }
}
