internal import FlowSpec
internal import NetworkTypes

extension MitigationPolicy {
    /// What speaks against a rule whatever the circumstances; nil when nothing does.
    func objection(to route: AnnouncedRoute, target: IPPrefix, direction: TrafficDirection) -> Refusal.Reason? {
        guard networks.contains(where: { $0.contains(target) }) else { return .outsideNetworks }
        let shortest = target.family == .ipv4 ? shortestIPv4Length : shortestIPv6Length
        // A default route stays forbidden however short the policy allows prefixes to be.
        if target.length < max(shortest, 1) { return .tooShort(allowed: max(shortest, 1)) }
        if let protected = whitelist.first(where: { $0.overlaps(target) }) { return .whitelisted(protected) }
        return Self.holdsToTarget(route, target: target, direction: direction) ? nil : .matchesAll
    }

    /// Whether the rule matches nothing but the target's traffic, whatever the template left out.
    private static func holdsToTarget(
        _ route: AnnouncedRoute,
        target: IPPrefix,
        direction: TrafficDirection
    ) -> Bool {
        switch route {
        case .unicast(let prefix):
            return target.contains(prefix)
        case .flowSpec(let rule):
            return rule.components.contains { component in
                switch (component, direction) {
                case (.destination(let pattern), .incoming), (.source(let pattern), .outgoing):
                    pattern.offset == 0 && target.contains(pattern.prefix)
                default:
                    false
                }
            }
        }
    }
}
