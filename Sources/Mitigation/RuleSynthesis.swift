internal import FlowSpec
internal import NetworkTypes

/// The search for the narrowest rules that do the job: those that match `coverage` of an attack, and least of what the
/// same target got before it.
///
/// A rule is grown from its protocol, one condition at a time, so that its score is the best that is found:
///
///     score = share of the attack - doubt - price × share of the normal traffic
///
/// What a rule has matched is taken out, and the next is grown for the rest, until `coverage` is reached. The price is
/// tried from high to low, as the first at which the rules reach `coverage` spare most; a rule more must be worth it.
///
/// Against overfitting: a condition that held for n samples may hold for these only, and costs up to half a sample, the
/// more the less traffic in general fulfils it. Where no normal sample speaks for or against a rule, it is taken as
/// likely to match what each of its conditions matches by itself. A field that has one value in the whole attack is
/// added where samples are many, whether or not normal samples ask for it: normal traffic has more than was sampled.
/// In the end each rule is narrowed by what all of its own samples have in common.
///
/// All is a function of its arguments. The work is bounded: at most 128 samples of each sort, `maximumRules` rules of at
/// most `mostConditions` conditions, four growing side by side, at five prices, each condition one of some sixty.
struct RuleSynthesis {
    struct Settings: Sendable, Hashable {
        /// The share of the attack that the rules together are to match, 0...1.
        var coverage = 0.95
        var maximumRules = 4
        /// What no rule may look at.
        var lacks: Set<MatchFeature> = []
    }

    /// A rule without the target's prefix, which the template adds.
    struct Rule {
        var conditions: [RuleCondition] = []
        /// The samples that it matches, whatever other rules match.
        var members: SampleEvidence.Members
        fileprivate var score = -Double.infinity
        /// Coverage times precision: what may be worth growing though it costs too much as it is.
        fileprivate var promise = 0.0
        /// Of normal traffic, if its conditions had nothing to do with each other.
        var likelyShare = 1.0
        /// Of traffic in general, by no samples.
        var generalShare = 1.0
        /// In samples.
        fileprivate var doubt = 0.0
        fileprivate var constants = 0

        init(conditions: [RuleCondition] = [], members: SampleEvidence.Members) {
            self.conditions = conditions
            self.members = members
        }
    }

    /// Samples below which nothing is concluded. What holds for all of eight holds for nine tenths of the attack, more
    /// likely than not; the next samples come within a second.
    static let fewestSamples = 8.0
    private static let maximumConditions = 5
    /// With those by which a rule is narrowed at last.
    static let mostConditions = 6
    /// Of how much of traffic in general what a rule is narrowed by may hold.
    static let narrowing = 0.5
    /// What a rule that is narrowed may lose: what is taken for the attack's, and is none of it.
    static let mostLost = 0.005
    /// Highest first.
    private static let prices = [300.0, 100, 30, 10, 3, 1, 0.3]
    /// What of normal traffic a rule more must spare.
    private static let rulePrice = 0.001
    /// Below it no other rules are worth looking for.
    private static let leastCost = 0.005
    /// What of normal traffic may be dropped for what is missing of the attack's packets, or of its octets.
    private static let missingPrice = 0.2
    /// What a field that is constant is worth: what all of twenty samples have, nineteen of twenty others likely have.
    private static let constantBonus = 0.025
    private static let leastGain = 0.0005
    /// How many samples what a rule is likely to match counts as.
    private static let likelySamples = 8.0
    /// Of normal traffic: what no more conditions are worth.
    private static let nextToNothing = 0.0001
    /// The same of what is known of traffic in general.
    private static let generalSamples = 2.0

    let evidence: SampleEvidence
    let settings: Settings
    let known: RuleSearchMemory
    /// The evidence by packets alone and by octets alone.
    private let bySingleUnits: [SampleEvidence]

    init(evidence: SampleEvidence, settings: Settings) {
        self.evidence = evidence
        self.settings = settings
        known = RuleSearchMemory(evidence)
        bySingleUnits = evidence.bySingleUnits
    }

    /// The rules, the first of which matches most; empty where none are worth their price.
    func rules() -> (rules: [Rule], isEnough: Bool) {
        guard evidence.attackCount >= Self.fewestSamples else { return ([], false) }
        var most: [Rule] = []
        var cheapest: (rules: [Rule], cost: Double)?
        func consider(_ found: [Rule]) -> Bool {
            guard isEnough(found) else {
                if evidence.attackShare(of: union(found)) > evidence.attackShare(of: union(most)) { most = found }
                return false
            }
            let cost =
                normalShare(of: found) + Self.rulePrice * Double(found.count) + Self.missingPrice * missing(found)
            if cost < cheapest?.cost ?? .infinity { cheapest = (found, cost) }
            return true
        }
        // At a lower price they spare less, but may be fewer.
        for price in Self.prices
        where consider(tightened(divided(narrowed(pruned(refitted(rules(at: price), at: price)))))) {
            if let cheapest, cheapest.rules.count == 1, cheapest.cost < Self.leastCost { break }
        }
        for prefixes in fewRemotes { _ = consider(tightened(narrowed(prefixes))) }
        return cheapest.map { ($0.rules, true) } ?? (most, false)
    }

    func union(_ rules: [Rule]) -> SampleEvidence.Members {
        rules.reduce(SampleEvidence.Members()) { $0.union($1.members) }
    }

    /// What the rules match of the normal traffic by its samples, and likely match of what was not sampled.
    private func normalShare(of rules: [Rule]) -> Double {
        expectedShare(
            evidence.normalCost(of: union(rules)),
            likely: rules.reduce(0) { $0 + $1.likelyShare },
            general: rules.reduce(0) { $0 + $1.generalShare }
        )
    }

    /// What is matched of the normal traffic, not only of its samples: of n of which none is matched, a wide rule likely
    /// matches the next.
    func expectedShare(_ cost: Double, likely: Double, general: Double) -> Double {
        func mean(_ share: Double, of samples: Double) -> Double {
            (cost * evidence.normalCount + min(1, share) * samples) / (evidence.normalCount + samples)
        }
        return max(mean(likely, of: Self.likelySamples), mean(general, of: Self.generalSamples), Self.nextToNothing)
            - Self.nextToNothing
    }

    /// Whether the rules likely match enough of the attack as it is, not only of its samples.
    func isEnough(_ rules: [Rule]) -> Bool {
        !rules.isEmpty && evidence.isCovered(union(rules), settings.coverage)
    }

    /// What the rules miss of the attack's packets, or of its octets, where that is more than need be.
    func missing(_ rules: [Rule]) -> Double {
        let members = union(rules)
        return bySingleUnits.reduce(0) { most, evidence in
            evidence.isCovered(members, settings.coverage) ? most : max(most, 1 - evidence.attackShare(of: members))
        }
    }

    private func isCoveredByEachUnit(_ members: SampleEvidence.Members) -> Bool {
        evidence.isCovered(members, settings.coverage)
            && bySingleUnits.allSatisfy { $0.isCovered(members, settings.coverage) }
    }

    // MARK: Rules

    private func rules(at price: Double) -> [Rule] {
        var rules: [Rule] = []
        var matched = SampleEvidence.Members()
        while rules.count < settings.maximumRules, !isCoveredByEachUnit(matched) {
            guard let rule = grown(besides: matched, at: price) else { break }
            rules.append(rule)
            matched = matched.union(rule.members)
        }
        return rules
    }

    /// Each grown again for what the others leave: the first was grown for all of it.
    private func refitted(_ rules: [Rule], at price: Double) -> [Rule] {
        guard rules.count > 1 else { return rules }
        var rules = rules
        for index in rules.indices {
            var others = rules
            others.remove(at: index)
            if let rule = grown(besides: union(others), at: price) { rules[index] = rule }
        }
        return rules
    }

    /// A rule for each of those at the other end, or of their networks, where few take part.
    private var fewRemotes: [[Rule]] {
        guard !settings.lacks.contains(.remotePrefix) else { return [] }
        let candidates = RuleCandidates(evidence: evidence, lacks: [], matched: .init(), price: 0)
        return candidates.fewRemotes(upTo: settings.maximumRules).map { prefixes in
            prefixes.map { prefix in
                let condition = RuleCondition.remote(prefix)
                var rule = Rule(conditions: [condition], members: known.members(of: condition))
                rule.likelyShare = evidence.likelyShare(of: condition, rule.members, within: nil)
                rule.generalShare = condition.generalShare
                if let condition = candidates.protocols(within: rule).first {
                    let members = evidence.members(of: condition, within: rule.members)
                    if evidence.attackShare(of: members) >= 0.98 * evidence.attackShare(of: rule.members) {
                        rule.conditions.append(condition)
                        rule.likelyShare *= evidence.likelyShare(
                            of: condition,
                            known.members(of: condition),
                            within: rule.members.normal
                        )
                        rule.generalShare *= condition.generalShare
                        rule.members = members
                    }
                }
                return rule
            }
        }
    }

    /// Without those that others make needless.
    private func pruned(_ rules: [Rule]) -> [Rule] {
        var kept = rules
        for index in rules.indices.reversed() where kept.count > 1 {
            var others = kept
            others.remove(at: index)
            if isEnough(others), missing(others) <= missing(kept) { kept = others }
        }
        return kept
    }

    /// Each with what all of its samples of the attack have in common, where these are many: what no normal sample has yet
    /// may come with the next, and the narrower of two rules that do as much spares it.
    func narrowed(_ rules: [Rule]) -> [Rule] {
        var rules = rules
        for index in rules.indices {
            let candidates = RuleCandidates(evidence: evidence, lacks: settings.lacks, matched: .init(), price: 0)
            while rules[index].conditions.count < Self.mostConditions {
                let rule = rules[index]
                let narrower = known.conditions(of: candidates, within: rule)
                    .filter { $0.isNarrow && $0.generalShare <= Self.narrowing }
                    .compactMap { narrowed(rule, by: $0, among: rules, at: index) }
                    .min { $0.likelyShare < $1.likelyShare }
                guard let narrower else { break }
                rules[index] = narrower
            }
        }
        return rules
    }

    /// A rule with one condition more; nil where that may lose anything of the attack.
    private func narrowed(_ rule: Rule, by condition: RuleCondition, among rules: [Rule], at index: Int) -> Rule? {
        let all = known.members(of: condition)
        var longer = rule
        longer.conditions.append(condition)
        longer.members = rule.members.intersection(all)
        let share = evidence.attackShare(of: rule.members)
        guard evidence.attackCount(of: longer.members) >= condition.samplesToBelieve,
            evidence.attackShare(of: longer.members) >= share * (1 - Self.mostLost)
        else { return nil }
        var others = rules
        others[index] = longer
        guard isEnough(others) == isEnough(rules), missing(others) <= missing(rules) else { return nil }
        let base = rule.conditions.first.map { known.members(of: $0).normal }
        longer.likelyShare *= evidence.likelyShare(of: condition, all, within: base)
        longer.generalShare *= condition.generalShare
        return longer
    }

    /// The best rule for what is not matched yet; nil where none is worth its price.
    private func grown(besides matched: SampleEvidence.Members, at price: Double) -> Rule? {
        let candidates = RuleCandidates(evidence: evidence, lacks: settings.lacks, matched: matched, price: price)
        var best: Rule?
        var growing = [Rule(members: evidence.all)]
        for _ in 0..<Self.maximumConditions where !growing.isEmpty {
            var next: [Rule] = []
            for rule in growing {
                let base = rule.conditions.first.map { known.members(of: $0).normal }
                for condition in known.conditions(of: candidates, within: rule) {
                    let all = known.members(of: condition)
                    let members = rule.members.intersection(all)
                    guard evidence.isNotable(members.subtracting(matched), chosenFrom: wide(rule, condition)) else {
                        continue
                    }
                    let likely = evidence.likelyShare(of: condition, all, within: base)
                    let longer = self.rule(rule, with: condition, members, likely, besides: matched, at: price)
                    guard longer.score >= rule.score + Self.leastGain || longer.promise > rule.promise else { continue }
                    next.append(longer)
                    if longer.score > (best?.score ?? 0) + Self.leastGain { best = longer }
                }
            }
            growing = Self.foremost(next)
        }
        return best
    }

    /// Where lengths alone tell what a rule matches from others of its protocol, all of these: bounds can be drawn about any
    /// handful.
    private func wide(_ rule: Rule, _ condition: RuleCondition) -> SampleEvidence.Members? {
        guard case .length(let ranges) = condition, !ranges.areSingle, rule.conditions.count == 1 else { return nil }
        return rule.members
    }

    /// The two with the best scores, and of the others the two that promise most, no two for the same samples.
    private static func foremost(_ rules: [Rule]) -> [Rule] {
        var kept: [Rule] = []
        func take(by rank: (Rule) -> Double) {
            var best: Rule?
            for rule in rules where best.map({ rank(rule) > rank($0) }) ?? true {
                if !kept.contains(where: { $0.members == rule.members }) { best = rule }
            }
            if let best { kept.append(best) }
        }
        for _ in 0..<2 { take { $0.score } }
        for _ in 0..<2 { take { $0.promise } }
        return kept
    }

    private func rule(
        _ rule: Rule,
        with condition: RuleCondition,
        _ members: SampleEvidence.Members,
        _ likelyShare: Double,
        besides matched: SampleEvidence.Members,
        at price: Double
    ) -> Rule {
        var longer = rule
        longer.conditions.append(condition)
        longer.members = members
        longer.likelyShare *= likelyShare
        longer.generalShare *= condition.generalShare
        longer.doubt += 0.5 * (1 - condition.generalShare)
        if condition.isConstant { longer.constants += 1 }
        let added = longer.members.subtracting(matched)
        let attack = evidence.attackShare(of: added)
        let normal = expectedShare(
            evidence.normalCost(of: added),
            likely: longer.likelyShare,
            general: longer.generalShare
        )
        let bonus = Self.constantBonus * Double(longer.constants)
        // Of what a rule matches all may weigh as much, however unlike the samples are.
        let count = max(evidence.attackCount(of: added), attack * evidence.attackCount)
        longer.score = attack * (1 + bonus - longer.doubt / max(count, 1)) - price * normal
        longer.promise = attack > 0 ? attack * attack / (attack + price * normal) : 0
        return longer
    }
}
