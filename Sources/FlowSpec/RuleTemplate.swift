public import NetworkTypes

/// A rule and its actions with a blank for what an attack will say: the target.
public struct RuleTemplate: Sendable, Hashable {
    /// The components besides the target's prefix.
    public var components: [MatchComponent]
    public var actions: [TrafficAction]
    /// Added to the communities that the configuration gives all rules.
    public var communities: [Community]
    public var largeCommunities: [LargeCommunity]
    public var extendedCommunities: [ExtendedCommunity]

    public init(
        components: [MatchComponent],
        actions: [TrafficAction],
        communities: [Community] = [],
        largeCommunities: [LargeCommunity] = [],
        extendedCommunities: [ExtendedCommunity] = []
    ) {
        self.components = components
        self.actions = actions
        self.communities = communities
        self.largeCommunities = largeCommunities
        self.extendedCommunities = extendedCommunities
    }

    /// The template filled in for a target.
    ///
    /// The target is matched as destination of incoming and as source of outgoing traffic. ICMP becomes ICMPv6 for an
    /// IPv6 target, so one template serves both families.
    public func announcement(
        for target: IPPrefix,
        direction: TrafficDirection,
        communities common: [Community] = []
    ) throws(FlowSpecError) -> Announcement {
        let pattern = PrefixPattern(target)
        let fitted = components.map { $0.fitted(to: target.family) }
        let rule = try FlowSpecRule(
            family: target.family,
            components: [direction == .incoming ? .destination(pattern) : .source(pattern)] + fitted
        )
        return Announcement(
            route: .flowSpec(rule),
            actions: actions,
            communities: common + communities.filter { !common.contains($0) },
            extendedCommunities: extendedCommunities,
            largeCommunities: largeCommunities
        )
    }
}

extension MatchComponent {
    fileprivate func fitted(to family: AddressFamily) -> MatchComponent {
        guard case .ipProtocol(let terms) = self else { return self }
        let from: UInt64 = family == .ipv6 ? 1 : 58
        let to: UInt64 = family == .ipv6 ? 58 : 1
        return .ipProtocol(terms.map { $0.value == from ? NumericTerm($0.comparison, to, and: $0.and) : $0 })
    }
}
