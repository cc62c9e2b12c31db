internal import FlowSpec
internal import NetworkTypes

/// The last of what makes a rule narrow: the lengths between which all that it matches of the attack lies.
extension RuleSynthesis {
    /// Samples of the attack that are all of such lengths for the others to be taken to be as well: of what is to come one
    /// in as many is longer than the longest of them, and one shorter than the shortest.
    private static let fewestToTighten = 20.0
    /// What it must spare of the normal traffic, as that is likely.
    private static let leastTightened = 0.0005

    func tightened(_ rules: [Rule]) -> [Rule] {
        guard !settings.lacks.contains(.packetLength) else { return rules }
        var rules = rules
        for index in rules.indices {
            if let tighter = tightened(rules[index], among: rules, at: index) { rules[index] = tighter }
        }
        return rules
    }

    /// Nil where the lengths are not known, or all that there are, or where it may lose anything of the attack.
    private func tightened(_ rule: Rule, among rules: [Rule], at index: Int) -> Rule? {
        guard rule.conditions.contains(where: { $0.type == .ipProtocol }),
            isWorthTightening(rule), let range = lengths(of: rule)
        else { return nil }
        var tighter = rule
        var (former, formerLikely) = (1.0, 1.0)
        let base = rule.conditions.first.map { known.members(of: $0).normal }
        if let place = rule.conditions.firstIndex(where: { $0.type == .packetLength }) {
            let condition = rule.conditions[place]
            // Single lengths are as narrow as can be.
            guard case .length(let ranges) = condition, !ranges.areSingle else { return nil }
            former = condition.generalShare
            formerLikely = evidence.likelyShare(of: condition, known.members(of: condition), within: base)
            tighter.conditions.remove(at: place)
        }
        let condition = RuleCondition.length(ValueRanges(range))
        let narrowing = isDear(rule) ? Self.narrowingOfDear : Self.narrowing
        guard tighter.conditions.count < Self.mostConditions, condition.generalShare <= narrowing * former else {
            return nil
        }
        let all = known.members(of: condition)
        tighter.conditions.append(condition)
        tighter.members = rule.members.intersection(all)
        guard evidence.attackShare(of: tighter.members) >= evidence.attackShare(of: rule.members) * (1 - Self.mostLost)
        else { return nil }
        var others = rules
        others[index] = tighter
        guard isEnough(others) == isEnough(rules), missing(others) <= missing(rules) else { return nil }
        tighter.generalShare *= condition.generalShare / former
        tighter.likelyShare *= min(1, evidence.likelyShare(of: condition, all, within: base) / formerLikely)
        return tighter
    }

    /// Fragments come seldom and in bursts: that none was sampled before says little.
    private func isWorthTightening(_ rule: Rule) -> Bool {
        rule.conditions.contains { $0.type == .fragment }
            || max(rule.likelyShare, expectedShare(0, likely: 0, general: rule.generalShare)) >= Self.leastTightened
    }

    /// Whether samples say that a rule drops as much of the normal traffic as it should not.
    private func isDear(_ rule: Rule) -> Bool { evidence.normalCost(of: rule.members) >= Self.dear }
    private static let dear = 0.01
    /// In place of `narrowing`.
    private static let narrowingOfDear = 0.9

    /// From the shortest to the longest of what a rule matches of the attack, with some room for what was not sampled: two
    /// of the parts into which the samples divide the lengths on either side, and where that is dear a half. Nil where too
    /// little is known.
    private func lengths(of rule: Rule) -> ClosedRange<UInt16>? {
        let count = evidence.attackCount(of: rule.members)
        guard count >= Self.fewestToTighten else { return nil }
        let samples = SampleEvidence.samples(rule.members.attack, evidence.attack)
        guard samples.allSatisfy(\.isLengthKnown), let least = samples.map(\.packet.length).min(),
            let most = samples.map(\.packet.length).max(), least < most
        else { return nil }
        let part = Double(most - least) / count
        let room = Int(isDear(rule) ? (part / 2).rounded() : (2 * part).rounded(.up))
        return UInt16(max(0, Int(least) - room))...UInt16(min(Int(UInt16.max), Int(most) + room))
    }
}
