internal import Detection
internal import FlowSpec

/// New rules held against those in force.
extension SampleEvidence {
    /// Those that any of the rules matches.
    func members(of rules: [PlannedRule], _ attack: Attack) -> Members {
        rules.reduce(Members()) { $0.union(members(of: $1.announcement, direction: attack.direction)) }
    }

    /// Of new rules each that a former one with as much to match by can stand for stays that one: a handful of samples of
    /// something else is no reason to make it wider.
    func kept(
        _ former: [PlannedRule],
        insteadOf found: [PlannedRule],
        _ attack: Attack
    ) -> [PlannedRule] {
        func types(_ rule: PlannedRule) -> Set<MatchComponentType> {
            guard case .flowSpec(let match) = rule.announcement.route else { return [] }
            return Set(match.components.map(\.type))
        }
        var rules = found
        for index in rules.indices {
            let wide = members(of: [rules[index]], attack)
            let share = attackShare(of: members(of: rules, attack))
            let narrower = former.first { rule in
                guard types(rule).isSuperset(of: types(rules[index])), !rules.contains(rule) else { return false }
                let own = members(of: [rule], attack)
                var others = rules
                others[index] = rule
                return own.subtracting(wide).attack.isEmpty && own.subtracting(wide).normal.isEmpty
                    && attackShare(of: members(of: others, attack)) >= share - Ledger.leastUseful
            }
            if let narrower { rules[index] = narrower }
        }
        return rules
    }

    /// Without those that are not needed, as what only they match may be a burst of what is usual.
    func withoutUsual(_ rules: [PlannedRule], _ attack: Attack, _ coverage: Double) -> [PlannedRule] {
        var kept = rules
        for index in rules.indices.reversed() where kept.count > 1 {
            var others = kept
            others.remove(at: index)
            if isRestUsual(members(of: others, attack), coverage) { kept = others }
        }
        return kept
    }
}

extension PlannedRule {
    /// Whether each of some rules is one of others with more to match by.
    static func areNarrower(_ rules: [PlannedRule], than former: [PlannedRule]) -> Bool {
        func components(_ rule: PlannedRule) -> [MatchComponent] {
            guard case .flowSpec(let match) = rule.announcement.route else { return [] }
            return match.components
        }
        return rules.contains { rule in !former.contains { $0.announcement.route == rule.announcement.route } }
            && rules.allSatisfy { rule in
                let own = components(rule)
                return former.contains { former in
                    components(former).allSatisfy { wide in own.contains { $0 == wide || $0.isWithin(wide) } }
                }
            }
    }
}
