internal import Detection
internal import FlowSpec
internal import NetworkTypes

/// A rule that an attack is to be answered with.
struct PlannedRule: Sendable, Hashable {
    var target: IPPrefix
    var announcement: Announcement
    /// The template that says what is done with the traffic.
    var template: String
    /// What the rule is expected to match; nil where it was not found from samples.
    var expectation: RuleExpectation?
}

/// What a rule is expected to match, by the samples at hand when it was made.
public struct RuleExpectation: Sendable, Hashable {
    /// The share of the attack, 0...1, by the unit whose threshold was crossed, and how many samples say so.
    public var attackShare: Double
    public var attackSamples: Int
    /// The same of the target's traffic from before the attack; nil where none of it is known.
    public var normalShare: Double?
    public var normalSamples: Int

    public init(attackShare: Double, attackSamples: Int, normalShare: Double?, normalSamples: Int) {
        self.attackShare = attackShare
        self.attackSamples = attackSamples
        self.normalShare = normalShare
        self.normalSamples = normalSamples
    }
}

extension MitigationPolicy {
    /// The rules against an attack for one of the prefixes that it is aimed at.
    func plan(against attack: Attack, for target: IPPrefix) -> Result<[PlannedRule], Refusal.Reason> {
        let name = templateName(for: attack.kind)
        guard let template = templates[name] else { return .failure(.noTemplate(name)) }
        do {
            let announcement = try template.announcement(
                for: target,
                direction: attack.direction,
                communities: communities
            )
            return .success([PlannedRule(target: target, announcement: announcement, template: name)])
        } catch {
            return .failure(.invalidRule(error))
        }
    }
}
