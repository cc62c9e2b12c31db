public import NetworkTypes
public import Traffic

/// One of the kinds of traffic that an attack is made of.
public struct AttackVector: Sendable, Hashable {
    public var kind: AttackKind
    /// The share of the target's traffic that is of this kind, 0...1, in the unit whose threshold was crossed.
    public var share: Double
    /// The samples of the attack that are of this kind.
    public var samples: [TrafficSample]

    public init(kind: AttackKind, share: Double, samples: [TrafficSample]) {
        self.kind = kind
        self.share = share
        self.samples = samples
    }
}
