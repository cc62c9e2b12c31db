/// A rule and its actions with blanks for what an attack will say: the target.
public struct RuleTemplate: Sendable, Hashable {
    /// The components besides the target's destination (or source, for outgoing attacks) prefix.
    public var components: [MatchComponent]
    /// Whether the target's prefix is matched as destination (`$TARGET_PREFIX`, `$TARGET_IP`).
    public var matchesTarget: Bool
    public var actions: [TrafficAction]
    /// Added to the communities that the configuration gives all rules.
    public var communities: [Community]

    public init(
        components: [MatchComponent],
        matchesTarget: Bool = true,
        actions: [TrafficAction],
        communities: [Community] = []
    ) {
        self.components = components
        self.matchesTarget = matchesTarget
        self.actions = actions
        self.communities = communities
    }
}
