internal import FlowSpec
internal import NetworkTypes

/// Rules that are made by a template: for attacks, and for operators who ban a prefix.
extension Ledger {
    /// What somebody wants.
    struct Order {
        var target: IPPrefix
        var direction: TrafficDirection
        var template: String
        var requester: LedgerEntry.Requester
        var reason: String
        var duration: Duration
        /// What a rule that was found is expected to match.
        var expectation: RuleExpectation?
    }

    mutating func request(_ order: Order, at time: Timestamp) -> [LedgerEffect] {
        func refused(_ reason: Refusal.Reason) -> [LedgerEffect] {
            [.refuse(Refusal(reason: reason, target: order.target, requester: order.requester, time: time))]
        }
        guard let template = policy.template(named: order.template) ?? policy.templates[order.template] else {
            return refused(.noTemplate(order.template))
        }
        do {
            let announcement = try template.announcement(
                for: order.target,
                direction: order.direction,
                communities: policy.communities
            )
            return request(announcement, order, at: time)
        } catch {
            return refused(.invalidRule(error))
        }
    }

    /// The same of a rule that is filled in already.
    mutating func request(_ announcement: Announcement, _ order: Order, at time: Timestamp) -> [LedgerEffect] {
        guard let id = byRoute[.init(announcement)], let standing = entries[id],
            !standing.requesters.contains(order.requester)
        else { return enter(announcement, order, at: time) }
        // Who joins a rule gets what it says: it must do as much as was asked for, and at all neighbors.
        var wanted = standing.announcement
        wanted.neighbors = nil
        if !wanted.restrains(asMuchAs: announcement) {
            // Of what attacks alone have asked for the stricter is announced, when there is room for the change.
            if order.requester.isAttack, standing.requesters.allSatisfy(\.isAttack) {
                let entered = enter(announcement, order, at: time)
                let hasRoom = standing.state != .announced || budget.allowsAnnouncement(at: time)
                guard hasRoom, !entered.contains(where: \.isRefusal) else { return entered }
                return entered + replace(id, with: announcement, at: time)
            }
            // An operator's word stands above others'; nobody else changes a rule behind the back of who asked for it.
            guard order.requester == .operator else {
                let reason = Refusal.Reason.conflict(id)
                return [.refuse(Refusal(reason: reason, target: order.target, requester: order.requester, time: time))]
            }
            wanted = announcement
        }
        let entered = enter(announcement, order, at: time)
        if entered.contains(where: \.isRefusal) || wanted == standing.announcement { return entered }
        return entered + replace(id, with: wanted, at: time)
    }
}
