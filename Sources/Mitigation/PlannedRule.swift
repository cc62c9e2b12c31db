internal import Detection
internal import FlowSpec
internal import NetworkTypes
internal import Traffic

/// A rule that an attack is to be answered with.
struct PlannedRule: Sendable, Hashable {
    var target: IPPrefix
    var announcement: Announcement
    /// The template that says what is done with the traffic.
    var template: String
    /// What the rule is expected to match; nil where there are no samples to say so.
    var expectation: RuleExpectation?
    /// Whether its match was found in the samples; else it is the template's.
    var isSynthesized = false
    /// Why the rule is as it is, where that is not plain from the rest.
    var note: String?
}

extension MitigationPolicy {
    /// The rules against an attack for one of the prefixes that it is aimed at.
    ///
    /// Of kinds whose template the operator has given a match, the template's. Else what the samples say, with the actions
    /// of the template for the kind of traffic that each rule matches; and the template's where they say too little.
    func plan(against attack: Attack, for target: IPPrefix) -> Result<[PlannedRule], Refusal.Reason> {
        switch templateRule(for: attack.kind, attack, target) {
        case .failure(let reason): return .failure(reason)
        case .success(let fallback):
            guard isSynthesized(attack.kind), !attack.samples.isEmpty else { return .success([fallback]) }
            return .success(synthesized(against: attack, for: target, else: fallback))
        }
    }

    /// The rule that the template for a kind of attack gives.
    func templateRule(
        for kind: AttackKind,
        _ attack: Attack,
        _ target: IPPrefix,
        components: [MatchComponent]? = nil
    ) -> Result<PlannedRule, Refusal.Reason> {
        // Of what was found the template says the actions alone.
        let name = components == nil ? sayableTemplateName(for: kind) : templateName(for: kind)
        guard var template = components == nil ? template(named: name) : templates[name] else {
            return .failure(.noTemplate(name))
        }
        if let components { template.components = components }
        do {
            let announcement = try template.announcement(
                for: target,
                direction: attack.direction,
                communities: communities
            )
            return .success(
                PlannedRule(
                    target: target,
                    announcement: announcement,
                    template: name,
                    isSynthesized: components != nil
                )
            )
        } catch {
            return .failure(.invalidRule(error))
        }
    }

    /// Whether the match against a kind of attack is looked for, not the operator's own.
    func isSynthesized(_ kind: AttackKind) -> Bool { synthesizes && !fixedTemplates.contains(kind.rawValue) }

    // MARK: From samples

    /// The samples of the attack that were to the target, or from it; all of them where these are few: the attack on
    /// the other prefixes is of the same make.
    func evidence(of attack: Attack, for target: IPPrefix) -> SampleEvidence {
        func own(_ samples: [TrafficSample]) -> [TrafficSample] {
            if case .host = attack.target { return samples }
            let own = samples.filter { sample in
                target.contains(attack.direction == .incoming ? sample.destination : sample.source)
            }
            return Double(own.count) >= RuleSynthesis.fewestSamples ? own : samples
        }
        // Where next to nothing is known of the traffic before, what is of no kind of attack is taken for it.
        let named = attack.vectors.filter { $0.share >= 0.1 }.reduce(0) { $0 + $1.share }
        let continued = continued(in: attack)
        return SampleEvidence(
            attack: own(attack.samples.filter { !continued.contains($0) }),
            normal: own(attack.normal),
            besides: continued,
            unit: attack.crossing.unit,
            direction: attack.direction,
            samplingRate: attack.peakSamplingRate,
            seconds: attack.samplesDuration.inSeconds,
            backgroundWithoutNormal: min(0.4, max(0, 1 - named)),
            usualShare: usualShare(of: attack, besides: continued),
            excess: excess(of: attack, besides: continued)
        )
    }

    /// What may be left of the class whose threshold was crossed, beside what goes on as it was. Nil for flows, of which
    /// samples tell nothing, and where it is not above the threshold.
    private func excess(of attack: Attack, besides continued: ContinuedConversations) -> ThresholdExcess? {
        let crossing = attack.crossing
        let seconds = attack.samplesDuration.inSeconds
        guard crossing.unit != .flows, seconds > 0 else { return nil }
        func perSecond(_ samples: [TrafficSample]) -> Double {
            let sum = Self.sum(samples.filter { $0.isOf(crossing.trafficClass) })
            return (crossing.unit == .bits ? sum.bytes * 8 : sum.packets) / seconds
        }
        let isOfFlows = attack.samples.contains { $0.flowSeconds > 0 }
        let all = isOfFlows ? perSecond(attack.samples) : attack.rates[crossing.trafficClass, crossing.unit]
        let others = perSecond(attack.samples.filter { continued.contains($0) })
        guard all > crossing.threshold, others < all else { return nil }
        return ThresholdExcess(
            trafficClass: crossing.trafficClass,
            unit: crossing.unit,
            mostLeft: max(0, crossing.threshold - others) / (all - others)
        )
    }

    /// None where next to nothing would be left to tell by.
    private func continued(in attack: Attack) -> ContinuedConversations {
        let continued = ContinuedConversations(
            attack: attack.samples,
            attack.samplesDuration.inSeconds,
            normal: attack.normal,
            attack.normalDuration.inSeconds,
            rate: attack.rates[.total, .packets]
        )
        func isEnough(_ samples: [TrafficSample]) -> Bool {
            Double(samples.count { !continued.contains($0) }) >= RuleSynthesis.fewestSamples
        }
        return isEnough(attack.samples) && isEnough(attack.normal) ? continued : ContinuedConversations()
    }

    /// What came before the attack, as a share of what comes now, by packets and octets alike; nil where that is unknown.
    private func usualShare(of attack: Attack, besides continued: ContinuedConversations) -> Double? {
        let seconds = attack.normalDuration.inSeconds
        var (packets, bits) = (attack.rates[.total, .packets], attack.rates[.total, .bits])
        // Rates are of the fullest second that flows have told of; samples of an attack that is told of in part are of less.
        let present = attack.samplesDuration.inSeconds
        if present > 0, attack.samples.contains(where: { $0.flowSeconds > 0 }) {
            let now = Self.sum(attack.samples.filter { !continued.contains($0) })
            (packets, bits) = (now.packets / present, now.bytes * 8 / present)
        } else if present > 0 {
            let now = Self.sum(attack.samples.filter { continued.contains($0) })
            (packets, bits) = (packets - now.packets / present, bits - now.bytes * 8 / present)
        }
        guard seconds >= 10, packets > 0, bits > 0 else { return nil }
        let before = Self.sum(attack.normal.filter { !continued.contains($0) })
        return (before.packets / seconds / packets + before.bytes * 8 / seconds / bits) / 2
    }

    private static func sum(_ samples: [TrafficSample]) -> (packets: Double, bytes: Double) {
        samples.reduce((0, 0)) { ($0.packets + Double($1.packets), $0.bytes + Double($1.bytes)) }
    }

    private func synthesized(
        against attack: Attack,
        for target: IPPrefix,
        else fallback: PlannedRule
    ) -> [PlannedRule] {
        let evidence = evidence(of: attack, for: target)
        var fallback = fallback
        let template = evidence.members(of: fallback.announcement, direction: attack.direction)
        fallback.expectation = evidence.expectation(of: template)
        func byTemplate(_ note: String) -> [PlannedRule] {
            fallback.note = "by the template: \(note)"
            return [fallback]
        }
        guard evidence.background < SampleEvidence.mostBackground, !evidence.isAllAsBefore else {
            return byTemplate("the attack differs in nothing from the traffic before it")
        }
        guard evidence.attackCount >= RuleSynthesis.fewestSamples else {
            return byTemplate("\(attack.samples.count) samples are too few to find a narrower rule")
        }
        let search = RuleSynthesis(
            evidence: evidence,
            settings: .init(coverage: coverage, maximumRules: maximumRulesPerAttack, lacks: lacks)
        )
        var (found, isEnough) = search.rules()
        if evidence.normalCount < RuleSynthesis.fewestSamples {
            found.removeAll { rule in
                let kind = kind(of: rule.conditions.map { $0.component(attack.direction) }, attack)
                return !isSurelyOfTheAttack(kind, rule.members, attack, template)
            }
            isEnough = isEnough && evidence.isCovered(search.union(found), coverage)
        }
        let union = search.union(found)
        let spared = evidence.normalShare(of: template) - evidence.normalShare(of: union)
        let gained = evidence.attackShare(of: union) - evidence.attackShare(of: template)
        // Where either does not reach what is asked for, what the found ones spare may be worth what they let through, and
        // what they hold may be worth its price.
        let isBetter =
            isEnough && evidence.isCovered(template, coverage)
            ? spared >= 0 : spared >= 0 ? 0.3 * spared + gained >= 0 : isEnough && -spared <= 0.2 * gained
        guard !found.isEmpty, isBetter else {
            return byTemplate("no narrower rule matches enough of the attack")
        }
        let known = evidence.inLight(of: union, coverage)
        var rules: [PlannedRule] = []
        for rule in found {
            let components = rule.conditions.map { $0.component(attack.direction) }
            let kind = kind(of: components, attack)
            // What the operator has written against the kind stands.
            let match = isSynthesized(kind) ? components : nil
            guard case .success(var planned) = templateRule(for: kind, attack, target, components: match) else {
                return byTemplate("what was found is no rule")
            }
            let route = planned.announcement.route
            // It may name somebody as the other end whom no rule may touch, or whose group is only observed.
            let other = fallback.announcement.route
            guard
                objection(to: route, target: target, direction: attack.direction)
                    == objection(to: other, target: target, direction: attack.direction),
                mode(for: target, route) == mode(for: target, other)
            else {
                return byTemplate("what was found names those that no rule may touch")
            }
            guard !rules.contains(where: { $0.announcement.route == route }) else { continue }
            planned.expectation = known.expectation(
                of: known.members(of: planned.announcement, direction: attack.direction)
            )
            rules.append(planned)
        }
        guard rules.count > 1 else { return rules }
        let together = RuleExpectation.Together(
            rules: rules.count,
            attackShare: known.attackShare(of: union),
            normalShare: known.normal.isEmpty ? nil : known.normalShare(of: union)
        )
        for index in rules.indices { rules[index].expectation?.together = together }
        return rules
    }

    /// Where nothing is known of the traffic before, a rule must be no wider than the template, and what is of another
    /// kind than the attack may be the target's daily bread, unless the kind is nobody's.
    private func isSurelyOfTheAttack(
        _ kind: AttackKind,
        _ members: SampleEvidence.Members,
        _ attack: Attack,
        _ template: SampleEvidence.Members
    ) -> Bool {
        guard kind == attack.kind else { return ![.udpFlood, .ackFlood, .greFlood, .flood].contains(kind) }
        return members.attack.subtracting(template.attack).isEmpty
    }

    /// The kind of traffic that a rule matches most of, by the samples of its vectors; where that is none, the attack's.
    private func kind(of components: [MatchComponent], _ attack: Attack) -> AttackKind {
        guard attack.vectors.count > 1, let family = attack.samples.first?.destination.family,
            let rule = try? FlowSpecRule(family: family, components: components)
        else { return attack.kind }
        let matched = attack.vectors.filter { vector in
            vector.samples.count { rule.matches($0.matchedPacket) } * 2 > vector.samples.count
        }
        // Of equals the first, which is the attack's own.
        return matched.reduce(nil as AttackVector?) { $1.share > $0?.share ?? -1 ? $1 : $0 }?.kind ?? attack.kind
    }
}

extension SampleEvidence {
    /// Those that a rule matches of traffic to the target, or from it.
    func members(of announcement: Announcement, direction: TrafficDirection) -> Members {
        guard case .flowSpec(let rule) = announcement.route else { return all }
        let own: MatchComponentType = direction == .incoming ? .destinationPrefix : .sourcePrefix
        let components = rule.components.filter { $0.type != own }
        // Nothing but the target: all of it.
        guard let rest = try? FlowSpecRule(family: rule.family, components: components) else { return all }
        return members(of: rest)
    }

    func expectation(of members: Members) -> RuleExpectation {
        RuleExpectation(
            attackShare: attackShare(of: members),
            attackSamples: attack.count,
            normalShare: normal.isEmpty ? nil : normalShare(of: members),
            normalSamples: normal.count
        )
    }
}
