internal import Detection
internal import FlowSpec
internal import NetworkTypes

/// What a target's traffic is answered with: a rule, a blackhole route, or both.
extension Ledger {
    /// Acts on an attack if it is of a kind that is acted on.
    mutating func answer(_ attack: Attack, on target: IPPrefix, at time: Timestamp) -> [LedgerEffect] {
        let order = Order(
            target: target,
            direction: attack.direction,
            template: policy.templateName(for: attack.kind),
            requester: .attack(attack.id),
            reason: attack.summary,
            duration: attacks[attack.id]?.banTime ?? policy.banTime
        )
        func refused(_ reason: Refusal.Reason) -> [LedgerEffect] {
            [.refuse(Refusal(reason: reason, target: target, requester: order.requester, time: time))]
        }
        guard policy.actsOn(attack.kind) else { return refused(.kindNotActedOn(attack.kind)) }
        var effects: [LedgerEffect] = []
        if policy.announcesRules {
            switch plannedRules(against: attack, for: target, at: time) {
            case .success(let rules):
                let actions = actions(against: attack.id)
                for rule in rules {
                    var order = order
                    order.template = rule.template
                    order.expectation = rule.expectation
                    if let note = rule.note { order.reason += "; \(note)" }
                    let announcement = actions.map { policy.announcement(rule.announcement, doing: $0) }
                    effects += request(announcement ?? rule.announcement, order, at: time)
                }
                effects += retireRules(of: attack.id, for: target, at: time)
            case .failure(let reason): effects += refused(reason)
            }
        }
        return effects + blackholes(order, at: time)
    }

    /// All that the policy answers an operator's word with. A refusal of one does not keep the others.
    mutating func act(on order: Order, at time: Timestamp) -> [LedgerEffect] {
        (policy.announcesRules ? request(order, at: time) : []) + blackholes(order, at: time)
    }

    private mutating func blackholes(_ order: Order, at time: Timestamp) -> [LedgerEffect] {
        var effects: [LedgerEffect] = []
        let blackholes = policy.blackholes
        if blackholes.hosts.contains(order.target.family) {
            effects += blackhole(order, communities: blackholes.communities, at: time)
        }
        if blackholes.networks.contains(order.target.family), let network = policy.network(of: order.target) {
            var whole = order
            // Each attack within it asks for the same route: it stays until the last of them needs it no more.
            whole.target = network
            effects += blackhole(whole, communities: blackholes.networkCommunities, at: time)
        }
        return effects
    }

    private mutating func blackhole(
        _ order: Order,
        communities: [Community],
        at time: Timestamp
    ) -> [LedgerEffect] {
        var order = order
        order.template = "blackhole"
        let announcement = Announcement(
            route: .unicast(order.target),
            communities: communities,
            nextHop: order.target.family == .ipv4 ? policy.blackholes.nextHop : policy.blackholes.nextHopIPv6
        )
        return enter(announcement, order, at: time)
    }

    /// An attack against which an operator wants nothing more lets go of the network that its target lies in.
    mutating func dropNetworks(of attack: Attack.ID, besides target: IPPrefix, at time: Timestamp) -> [LedgerEffect] {
        let requester = LedgerEntry.Requester.attack(attack)
        return inForce.flatMap { entry -> [LedgerEffect] in
            guard entry.target != target, entry.target.contains(target), entry.requesters.contains(requester) else {
                return []
            }
            guard entry.requesters.count > 1 else { return close(entry.id, because: "an operator said so", at: time) }
            return update(entry.id) { $0.requesters.removeAll { $0 == requester } }
        }
    }
}

extension MitigationPolicy {
    /// The operator's own network that holds a prefix; of several the narrowest.
    func network(of target: IPPrefix) -> IPPrefix? {
        networks.filter { $0.contains(target) }.max { $0.length < $1.length }
    }
}
