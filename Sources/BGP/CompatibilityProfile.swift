public import FlowSpec
internal import NetworkTypes

/// What a neighbor's router is known to take. What it does not take is cut into rules that together say the same, or
/// refused: one rule that a router cannot read may end the session, and with it every rule on it.
public struct CompatibilityProfile: Sendable, Hashable {
    /// Operators and values of one component at most; nil for any number. FRR takes 5.
    public var maximumTerms: Int?
    /// Octets of an NLRI at most, without its length field. GoBGP takes less than 240.
    public var maximumNLRI: Int
    /// Whether IPv6 prefixes may have an offset. GoBGP and FRR read it wrongly.
    public var allowsIPv6Offsets: Bool
    /// Octets of MP_REACH_NLRI's value at most, for the packer: FRR takes less than 4095, however long messages may be.
    public var maximumReachable: Int
    /// Whether rules may have path identifiers where the neighbor offers to take them: FRR does, and then reads the
    /// identifier as a rule.
    public var identifiesRules: Bool
    /// The form of redirects to an address.
    public var redirects: RedirectEncoding
    /// Rules of no VPN are told as rules of this one; nil: as they are.
    public var vpn: VPN?

    /// A VPN of the neighbor's router.
    public struct VPN: Sendable, Hashable {
        public var distinguisher: RouteDistinguisher
        /// Added to each rule: routers import by them.
        public var targets: [ExtendedCommunity]

        public init(_ distinguisher: RouteDistinguisher, targets: [ExtendedCommunity] = []) {
            self.distinguisher = distinguisher
            self.targets = targets
        }
    }

    public init(
        maximumTerms: Int? = 5,
        maximumNLRI: Int = 239,
        allowsIPv6Offsets: Bool = false,
        maximumReachable: Int = 4094,
        identifiesRules: Bool = false,
        redirects: RedirectEncoding = .asWritten
    ) {
        self.maximumTerms = maximumTerms
        self.maximumNLRI = maximumNLRI
        self.allowsIPv6Offsets = allowsIPv6Offsets
        self.maximumReachable = maximumReachable
        self.identifiesRules = identifiesRules
        self.redirects = redirects
    }

    /// What every known router takes.
    public static let compatible = CompatibilityProfile()

    /// All that the RFCs allow.
    public static let unrestricted = CompatibilityProfile(
        maximumTerms: nil,
        maximumNLRI: 4095,
        allowsIPv6Offsets: true,
        maximumReachable: 65_535,
        identifiesRules: true
    )

    /// Rules that one is cut into at most.
    public static let maximumPieces = 64

    /// Why an announcement is not for this neighbor.
    public enum Refusal: Error, Sendable, Hashable {
        case ipv6Offset(MatchComponentType)
        /// One chain of values joined by AND is longer than a component may be.
        case indivisible(MatchComponentType, terms: Int, limit: Int)
        case tooManyPieces(Int)
        case tooLong(octets: Int, limit: Int)
        /// Not even alone does it fit into a message of the session, with its attributes.
        case tooLongForMessage(octets: Int, limit: Int)
        case redirectFamily
        case invalidAction(FlowSpecError)
    }

    /// The family in which the neighbor is told a route.
    func family(of route: AnnouncedRoute) -> BGPFamily {
        guard vpn != nil, case .flowSpec(let rule) = route, rule.routeDistinguisher == nil else {
            return route.bgpFamily
        }
        return BGPFamily(rule.family, .flowVPN)
    }

    /// The announcement as the neighbor is to have it: itself, or several rules that together match the same traffic and
    /// do the same with it. A rate limit then holds for each of them.
    public func fit(_ announcement: Announcement) throws(Refusal) -> [Announcement] {
        guard case .flowSpec(let own) = announcement.route else { return [announcement] }
        var announcement = announcement
        let rule = try placed(own)
        if rule.routeDistinguisher != own.routeDistinguisher {
            announcement.route = .flowSpec(rule)
            announcement.extendedCommunities += vpn?.targets ?? []
        }
        for action in announcement.actions {
            do { try action.validate() } catch { throw .invalidAction(error) }
            if redirects == .simpson, case .redirectToIP(let address, _) = action, address.family != rule.family {
                throw .redirectFamily
            }
        }
        let rules = try fit(rule)
        guard rules.count > 1 else { return [announcement] }
        return rules.map { piece in
            var copy = announcement
            copy.route = .flowSpec(piece)
            return copy
        }
    }

    /// The rule within the VPN that it is to be in.
    private func placed(_ rule: FlowSpecRule) throws(Refusal) -> FlowSpecRule {
        guard let vpn, rule.routeDistinguisher == nil else { return rule }
        do {
            return try FlowSpecRule(
                family: rule.family,
                routeDistinguisher: vpn.distinguisher,
                components: rule.components
            )
        } catch { throw .tooLong(octets: rule.lengthWithoutField + 8, limit: maximumNLRI) }
    }

    private func fit(_ rule: FlowSpecRule) throws(Refusal) -> [FlowSpecRule] {
        if !allowsIPv6Offsets {
            for component in rule.components {
                switch component {
                case .destination(let pattern), .source(let pattern):
                    guard pattern.offset == 0 else { throw .ipv6Offset(component.type) }
                default: continue
                }
            }
        }
        var terms = maximumTerms ?? .max
        // Shorter lists make shorter rules: halved until all fit.
        while true {
            let rules = try split(rule, into: terms)
            let longest = rules.reduce(0) { max($0, $1.lengthWithoutField) }
            if longest <= maximumNLRI { return rules }
            let most = rules.reduce(0) { max($0, $1.mostTerms) }
            guard most > 1 else { throw .tooLong(octets: longest, limit: maximumNLRI) }
            terms = most / 2
        }
    }

    /// Every component cut into lists of so many terms at most, each with each.
    private func split(_ rule: FlowSpecRule, into limit: Int) throws(Refusal) -> [FlowSpecRule] {
        var pieces: [[MatchComponent]] = [[]]
        for component in rule.components {
            let parts = try component.split(into: limit)
            guard pieces.count * parts.count <= Self.maximumPieces else {
                throw .tooManyPieces(pieces.count * parts.count)
            }
            pieces = pieces.flatMap { before in parts.map { before + [$0] } }
        }
        var rules: [FlowSpecRule] = []
        for components in pieces {
            do {
                rules.append(
                    try FlowSpecRule(
                        family: rule.family,
                        routeDistinguisher: rule.routeDistinguisher,
                        components: components
                    )
                )
            } catch { throw .tooLong(octets: rule.lengthWithoutField, limit: maximumNLRI) }
        }
        return rules
    }
}

extension FlowSpecRule {
    fileprivate var lengthWithoutField: Int { encodedNLRI.count < 241 ? encodedNLRI.count - 1 : encodedNLRI.count - 2 }

    fileprivate var mostTerms: Int { components.reduce(0) { max($0, $1.termCount) } }
}

extension MatchComponent {
    fileprivate var termCount: Int {
        switch terms {
        case .numeric(let list): list.count
        case .bitmask(let list): list.count
        case nil: 0
        }
    }

    /// The alternatives in lists of `limit` terms at most; what is joined by AND stays together.
    fileprivate func split(into limit: Int) throws(CompatibilityProfile.Refusal) -> [MatchComponent] {
        guard termCount > limit else { return [self] }
        switch terms {
        case .numeric(let list):
            let parts = try Self.split(list, type, limit) { $0.and }
            return parts.compactMap { MatchComponent(type, numeric: $0) }
        case .bitmask(let list):
            let parts = try Self.split(list, type, limit) { $0.and }
            return parts.compactMap { MatchComponent(type, bitmask: $0) }
        case nil: return [self]
        }
    }

    private static func split<Term>(
        _ terms: [Term],
        _ type: MatchComponentType,
        _ limit: Int,
        joined: (Term) -> Bool
    ) throws(CompatibilityProfile.Refusal) -> [[Term]] {
        var chains: [[Term]] = []
        for term in terms {
            if joined(term), !chains.isEmpty {
                chains[chains.count - 1].append(term)
            } else {
                chains.append([term])
            }
        }
        var parts: [[Term]] = []
        for chain in chains {
            guard chain.count <= limit else { throw .indivisible(type, terms: chain.count, limit: limit) }
            if let last = parts.last, last.count + chain.count <= limit {
                parts[parts.count - 1] += chain
            } else {
                parts.append(chain)
            }
        }
        return parts
    }
}

extension CompatibilityProfile.Refusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .ipv6Offset(let type): "\(type) has an IPv6 offset, which the neighbor is not known to read"
        case .indivisible(let type, let terms, let limit):
            "\(type) has \(terms) values joined by AND where the neighbor takes \(limit), and they cannot be told apart"
        case .tooManyPieces(let count):
            "the rule would have to be cut into \(count) or more; at most \(CompatibilityProfile.maximumPieces)"
        case .tooLong(let octets, let limit): "the NLRI has \(octets) octets where the neighbor takes \(limit)"
        case .tooLongForMessage(let octets, let limit):
            "the message would have \(octets) octets with its attributes where the session takes \(limit)"
        case .redirectFamily:
            "the neighbor takes redirects as a next hop only, which is of the rule's own family"
        case .invalidAction(let error): "\(error)"
        }
    }
}
