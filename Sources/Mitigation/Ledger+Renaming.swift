internal import Detection
internal import FlowSpec
internal import NetworkTypes

/// An attack is called something else than before: the template for its new kind adds its rule where it matches more of
/// the attack than those that stand, and takes the place of those that lie in it. So there is one for each vector, however
/// often the name changes.
extension Ledger {
    func rename(
        _ plan: inout FollowedPlan,
        to template: PlannedRule,
        _ attack: Attack,
        for target: IPPrefix,
        at time: Timestamp
    ) {
        var rule = template
        let evidence = policy.evidence(of: attack, for: target)
        func members(_ announcement: Announcement) -> SampleEvidence.Members {
            evidence.members(of: announcement, direction: attack.direction)
        }
        let isTelling = evidence.attackCount >= RuleSynthesis.fewestSamples
        if evidence.attackCount > 0 { rule.expectation = evidence.expectation(of: members(rule.announcement)) }
        // What stands is no worse.
        guard !missesAttack([rule]) else { return }
        // The latest first.
        let standing = plan.rules.map(\.announcement) + plan.templates
        let others = standing.filter { $0.route != rule.announcement.route }
        if others.count == standing.count {
            guard !others.contains(where: { $0.holds(rule.announcement) }) else { return }
            let before = others.reduce(SampleEvidence.Members()) { $0.union(members($1)) }
            let gained =
                evidence.attackShare(of: before.union(members(rule.announcement))) - evidence.attackShare(of: before)
            guard !isTelling || gained >= Self.coverageMargin else { return }
        }
        // What seems to match nothing any more may be what holds it back.
        let useful = others.filter { other in
            guard !rule.announcement.holds(other) else { return false }
            return !plan.seesDropped || !isTelling || evidence.attackShare(of: members(other)) >= Self.leastUseful
        }
        guard
            let kept = room(
                for: rule.announcement,
                besides: useful,
                isNew: others.count == standing.count,
                evidence,
                members
            )
        else { return }
        plan.templates = kept
        plan.rules = [rule]
        plan.renamed = time
        plan.retiring += others.filter { !plan.templates.contains($0) }
        let inForce = plan.templates.map(\.route) + [rule.announcement.route]
        plan.retiring.removeAll { inForce.contains($0.route) }
    }

    /// Which of those that stand stay beside a rule, where there may be so many and no more: the one goes that matches least
    /// of the attack that no other does. Nil where the new one would not match clearly more than twice what that one does: an
    /// attack of more vectors than there may be rules must not have them take turns, as samples of each are now more, now
    /// fewer.
    private func room(
        for rule: Announcement,
        besides standing: [Announcement],
        isNew: Bool,
        _ evidence: SampleEvidence,
        _ members: (Announcement) -> SampleEvidence.Members
    ) -> [Announcement]? {
        var kept = standing
        func share(of rule: Announcement, besides others: [Announcement]) -> Double {
            let before = others.reduce(SampleEvidence.Members()) { $0.union(members($1)) }
            return evidence.attackShare(of: before.union(members(rule))) - evidence.attackShare(of: before)
        }
        while kept.count > max(0, policy.maximumRulesPerAttack - 1) {
            let shares = kept.map { other in share(of: other, besides: kept.filter { $0.route != other.route } + [rule])
            }
            // Of equals the oldest, which is the last.
            guard let least = shares.min(), let place = shares.lastIndex(of: least) else { return kept }
            if isNew, share(of: rule, besides: kept) < 2 * least + Self.coverageMargin { return nil }
            kept.remove(at: place)
        }
        return kept
    }
}

extension Announcement {
    /// Whether all that another matches is matched here as well, and held back as much.
    fileprivate func holds(_ other: Announcement) -> Bool {
        guard case .flowSpec(let wide) = route, case .flowSpec(let narrow) = other.route,
            wide.family == narrow.family
        else { return false }
        return wide.components.allSatisfy(narrow.components.contains) && restrains(asMuchAs: other)
    }
}
