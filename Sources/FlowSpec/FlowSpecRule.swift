public import NetworkTypes

/// The match half of a FlowSpec rule: the traffic for which all components hold.
///
/// Components are kept in ascending order of type with at most one of each (RFC 8955 section 4.2), values in as few
/// octets as they need, so equal rules are equal wire forms; that is what equality and hashing look at.
public struct FlowSpecRule: Sendable {
    /// Of a rule for a VPN (SAFI 134, RFC 8955 section 8); nil for one of the default instance.
    public let routeDistinguisher: RouteDistinguisher?
    public let family: AddressFamily
    public let components: [MatchComponent]
    /// The NLRI with its length field (RFC 8955 section 4.1): one octet below 240, two from there to 4095.
    public let encodedNLRI: [UInt8]
    /// Of the NLRI, taken once: rules are looked up in several tables on their way to a neighbor.
    private let fingerprint: Int

    /// Orders the components. Throws for no component at all, one twice, one without a value or with a value that its
    /// field cannot have, a prefix of the other family, a component that the family does not have, and for a rule that
    /// is too long for the wire.
    public init(
        family: AddressFamily,
        routeDistinguisher: RouteDistinguisher? = nil,
        components: [MatchComponent]
    ) throws(FlowSpecError) {
        guard !components.isEmpty else { throw .matchesEverything }
        var ordered: [MatchComponent] = []
        ordered.reserveCapacity(components.count)
        for component in components { ordered.append(try component.validated(for: family)) }
        ordered.sort { $0.type < $1.type }
        for (one, next) in zip(ordered, ordered.dropFirst()) where one.type == next.type {
            throw .duplicateComponent(one.type)
        }
        self.family = family
        self.routeDistinguisher = routeDistinguisher
        self.components = ordered
        encodedNLRI = try Self.encode(ordered, routeDistinguisher)
        var hasher = Hasher()
        hasher.combine(family)
        hasher.combine(encodedNLRI)
        fingerprint = hasher.finalize()
    }

    /// The destination prefix; nil when the rule does not look at the destination.
    public var destination: IPPrefix? {
        for case .destination(let pattern) in components { return pattern.prefix }
        return nil
    }
}

extension FlowSpecRule: Hashable {
    public static func == (left: FlowSpecRule, right: FlowSpecRule) -> Bool {
        left.fingerprint == right.fingerprint && left.encodedNLRI == right.encodedNLRI && left.family == right.family
            && (left.routeDistinguisher == nil) == (right.routeDistinguisher == nil)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(fingerprint)
    }
}
