public import FlowSpec
public import NetworkTypes

/// The path attributes that are sent, and those of received routes that are of interest (RFC 4271 section 5).
public struct PathAttributes: Sendable, Hashable {
    public var origin: RouteOrigin
    /// Empty towards internal neighbors.
    public var asPath: ASPath
    /// Only towards internal neighbors.
    public var localPreference: UInt32?
    /// MULTI_EXIT_DISC.
    public var metric: UInt32?
    /// Of unicast routes; of FlowSpec rules only where an action redirects to it.
    public var nextHop: IPAddress?
    public var communities: [Community]
    public var largeCommunities: [LargeCommunity]
    public var actions: [TrafficAction]
    /// Those that are not traffic actions.
    public var extendedCommunities: [ExtendedCommunity]
    /// OTC (RFC 9234): the AS from which on the route goes to customers only.
    public var onlyToCustomer: ASN?
    /// AGGREGATOR: who put routes together into this one. Received only.
    public var aggregator: Aggregator?

    public struct Aggregator: Sendable, Hashable {
        public var asn: ASN
        public var address: IPAddress
    }

    public init(
        origin: RouteOrigin = .igp,
        asPath: ASPath = [],
        localPreference: UInt32? = nil,
        metric: UInt32? = nil,
        nextHop: IPAddress? = nil,
        communities: [Community] = [],
        largeCommunities: [LargeCommunity] = [],
        actions: [TrafficAction] = [],
        extendedCommunities: [ExtendedCommunity] = [],
        onlyToCustomer: ASN? = nil
    ) {
        self.origin = origin
        self.asPath = asPath
        self.localPreference = localPreference
        self.metric = metric
        self.nextHop = nextHop
        self.communities = communities
        self.largeCommunities = largeCommunities
        self.actions = actions
        self.extendedCommunities = extendedCommunities
        self.onlyToCustomer = onlyToCustomer
    }

    enum Code {
        static let origin: UInt8 = 1
        static let asPath: UInt8 = 2
        static let nextHop: UInt8 = 3
        static let metric: UInt8 = 4
        static let localPreference: UInt8 = 5
        static let atomicAggregate: UInt8 = 6
        static let aggregator: UInt8 = 7
        static let communities: UInt8 = 8
        static let originatorID: UInt8 = 9
        static let clusterList: UInt8 = 10
        static let reachable: UInt8 = 14
        static let unreachable: UInt8 = 15
        static let extendedCommunities: UInt8 = 16
        static let as4Path: UInt8 = 17
        static let as4Aggregator: UInt8 = 18
        static let ipv6ExtendedCommunities: UInt8 = 25
        static let largeCommunities: UInt8 = 32
        static let onlyToCustomer: UInt8 = 35
    }

    enum Flags {
        static let optional: UInt8 = 0x80
        static let transitive: UInt8 = 0x40
        static let extendedLength: UInt8 = 0x10

        static let wellKnown = transitive
        static let optionalTransitive = optional | transitive
    }

    /// All attributes but the NLRI's, in ascending order of type; communities of each sort in ascending order and once
    /// each. `plainNextHop`: the NEXT_HOP attribute is wanted.
    func encode(into octets: inout [UInt8], plainNextHop: Bool, as context: MessageContext) {
        func add(_ flags: UInt8, _ code: UInt8, _ value: [UInt8]) {
            Self.appendHeader(flags, code, length: value.count, to: &octets)
            octets += value
        }
        func add(_ flags: UInt8, _ code: UInt8, _ number: UInt32) {
            Self.appendHeader(flags, code, length: 4, to: &octets)
            octets.append(bigEndian: number)
        }
        add(Flags.wellKnown, Code.origin, [origin.rawValue])
        add(Flags.wellKnown, Code.asPath, asPath.encoded(fourOctets: context.usesFourOctetAS))
        if plainNextHop, let nextHop, nextHop.isIPv4 { add(Flags.wellKnown, Code.nextHop, nextHop.v4) }
        if let metric { add(Flags.optional, Code.metric, metric) }
        if let localPreference { add(Flags.wellKnown, Code.localPreference, localPreference) }
        if !communities.isEmpty {
            var value: [UInt8] = []
            for community in Set(communities).sorted() { value.append(bigEndian: community.rawValue) }
            add(Flags.optionalTransitive, Code.communities, value)
        }
        let extended = Set(actions.compactMap(\.extendedCommunity) + extendedCommunities)
        if !extended.isEmpty {
            var value: [UInt8] = []
            for community in extended.sorted() { value.append(bigEndian: community.rawValue) }
            add(Flags.optionalTransitive, Code.extendedCommunities, value)
        }
        // An AS of four octets towards a neighbor that knows only two (RFC 6793 section 4.2.2).
        if !context.usesFourOctetAS, asPath.needsFourOctets {
            add(Flags.optionalTransitive, Code.as4Path, asPath.encoded(fourOctets: true))
        }
        let wide = actions.compactMap(\.ipv6ExtendedCommunity)
        if !wide.isEmpty { add(Flags.optionalTransitive, Code.ipv6ExtendedCommunities, wide.flatMap { $0 }) }
        if !largeCommunities.isEmpty {
            var value: [UInt8] = []
            for community in Set(largeCommunities).sorted() {
                value.append(bigEndian: community.administrator)
                value.append(bigEndian: community.first)
                value.append(bigEndian: community.second)
            }
            add(Flags.optionalTransitive, Code.largeCommunities, value)
        }
        if let onlyToCustomer { add(Flags.optionalTransitive, Code.onlyToCustomer, onlyToCustomer.rawValue) }
    }

    /// Flags, type and length; two octets of length where one is too few.
    static func appendHeader(_ flags: UInt8, _ code: UInt8, length: Int, to octets: inout [UInt8]) {
        if length < 256 {
            octets.append(flags)
            octets.append(code)
            octets.append(UInt8(length))
        } else {
            octets.append(flags | Flags.extendedLength)
            octets.append(code)
            octets.append(UInt8(truncatingIfNeeded: length >> 8))
            octets.append(UInt8(truncatingIfNeeded: length))
        }
    }
}
