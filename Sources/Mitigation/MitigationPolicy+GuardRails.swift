internal import FlowSpec
internal import NetworkTypes

extension MitigationPolicy {
    /// What no rule gets past, whoever asks for it.
    var guardRails: GuardRails {
        GuardRails(
            networks: networks,
            whitelist: whitelist,
            shortestIPv4Length: shortestIPv4Length,
            shortestIPv6Length: shortestIPv6Length
        )
    }

    /// What speaks against a rule whatever the circumstances; nil when nothing does.
    func objection(to route: AnnouncedRoute, target: IPPrefix, direction: TrafficDirection) -> Refusal.Reason? {
        switch guardRails.objection(to: route, target: target, direction: direction) {
        case .outsideNetworks: .outsideNetworks
        case .tooShort(let allowed): .tooShort(allowed: allowed)
        case .whitelisted(let protected): .whitelisted(protected)
        case .matchesAll: .matchesAll
        case nil: nil
        }
    }
}
