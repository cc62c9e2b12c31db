public import FlowSpec
internal import NetworkTypes

/// The UPDATE message (RFC 4271 section 4.3, RFC 4760).
public struct UpdateMessage: Sendable, Hashable {
    /// Of the announced routes; nil where there are none.
    public var attributes: PathAttributes?
    public var announced: [AnnouncedRoute]
    public var withdrawn: [AnnouncedRoute]
    /// The identifiers with which routes came, where they were agreed on (RFC 7911).
    public internal(set) var announcedPaths: [AnnouncedRoute: Set<UInt32>] = [:]
    public internal(set) var withdrawnPaths: [AnnouncedRoute: Set<UInt32>] = [:]
    /// Set when the message says nothing but that all routes of the family have been sent (RFC 4724 section 2).
    public var endOfRIB: BGPFamily?
    /// What was wrong with a received message.
    public internal(set) var faults: [UpdateFault] = []

    public init(
        attributes: PathAttributes? = nil,
        announced: [AnnouncedRoute] = [],
        withdrawn: [AnnouncedRoute] = [],
        endOfRIB: BGPFamily? = nil
    ) {
        self.attributes = attributes
        self.announced = announced
        self.withdrawn = withdrawn
        self.endOfRIB = endOfRIB
    }

    /// The announced routes, each with the attributes.
    public var announcements: [Announcement] {
        guard let attributes else { return [] }
        return announced.map { route in
            let isUnicast = if case .unicast = route { true } else { false }
            let redirects = attributes.actions.contains { if case .redirectToNextHop = $0 { true } else { false } }
            return Announcement(
                route: route,
                actions: attributes.actions,
                communities: attributes.communities,
                extendedCommunities: attributes.extendedCommunities,
                largeCommunities: attributes.largeCommunities,
                nextHop: isUnicast || redirects ? attributes.nextHop : nil,
                origin: attributes.origin,
                asPath: attributes.asPath.segments.filter { $0.type == .sequence }.flatMap(\.asns),
                metric: attributes.metric,
                localPreference: attributes.localPreference
            )
        }
    }

    /// Received FlowSpec rules that could not be read and were passed over.
    public var unreadableRules: Int { faults.count { $0.handling == .discardRule } }

    func encodedBody(as context: MessageContext) -> [UInt8] {
        if let endOfRIB { return Self.endOfRIBBody(endOfRIB) }
        var plainWithdrawn: [UInt8] = []
        var plainAnnounced: [UInt8] = []
        var path: [UInt8] = []
        for family in BGPFamily.allCases {
            let gone = withdrawn.filter { $0.bgpFamily == family }.flatMap(\.encodedNLRI)
            let new = announced.filter { $0.bgpFamily == family }.flatMap(\.encodedNLRI)
            if family == .ipv4Unicast { plainWithdrawn = gone }
            if family == .ipv4Unicast, attributes?.nextHop?.isIPv4 != false {
                plainAnnounced = new
                continue
            }
            if !new.isEmpty {
                Self.appendReachable(family, nextHop: attributes?.nextHop, length: new.count, to: &path)
                path += new
            }
            if !gone.isEmpty, family != .ipv4Unicast {
                Self.appendUnreachable(family, length: gone.count, to: &path)
                path += gone
            }
        }
        attributes?.encode(into: &path, plainNextHop: !plainAnnounced.isEmpty, as: context)
        return Self.body(withdrawn: plainWithdrawn, attributes: path, announced: plainAnnounced)
    }

    private static func body(withdrawn: [UInt8], attributes: [UInt8], announced: [UInt8]) -> [UInt8] {
        var octets: [UInt8] = []
        octets.append(bigEndian: UInt16(clamping: withdrawn.count))
        octets += withdrawn
        octets.append(bigEndian: UInt16(clamping: attributes.count))
        return octets + attributes + announced
    }

    /// IPv4 unicast: an empty UPDATE; others: an empty MP_UNREACH_NLRI.
    private static func endOfRIBBody(_ family: BGPFamily) -> [UInt8] {
        var path: [UInt8] = []
        if family != .ipv4Unicast { appendUnreachable(family, length: 0, to: &path) }
        return body(withdrawn: [], attributes: path, announced: [])
    }

    /// MP_REACH_NLRI up to its NLRI, of which there will be `length` octets. It is the first attribute (RFC 7606 section
    /// 5.1).
    static func appendReachable(_ family: BGPFamily, nextHop: IPAddress?, length: Int, to octets: inout [UInt8]) {
        let hop = nextHop?.bytes ?? []
        PathAttributes.appendHeader(
            PathAttributes.Flags.optional,
            PathAttributes.Code.reachable,
            length: 5 + hop.count + length,
            to: &octets
        )
        octets.append(bigEndian: family.afi)
        octets.append(family.safi)
        octets.append(UInt8(hop.count))
        octets += hop
        octets.append(0)
    }

    static func appendUnreachable(_ family: BGPFamily, length: Int, to octets: inout [UInt8]) {
        PathAttributes.appendHeader(
            PathAttributes.Flags.optional,
            PathAttributes.Code.unreachable,
            length: 3 + length,
            to: &octets
        )
        octets.append(bigEndian: family.afi)
        octets.append(family.safi)
    }

    /// Reads the body of a message; throws where it takes a session reset.
    init(body: ArraySlice<UInt8>, as context: MessageContext) throws(BGPError) {
        self.init(decoding: body, as: context)
        for fault in faults { if case .resetSession(let error) = fault.handling { throw error } }
    }

    /// Reads the body of a message as far as it goes, with the faults that were found and how each is handled. Where one
    /// takes a session reset, nothing else of the message counts.
    ///
    /// - Parameter isInternal: the neighbor is of our own AS; nil when that is not known, and then LOCAL_PREF,
    ///   ORIGINATOR_ID and CLUSTER_LIST are taken from anybody.
    public init(decoding body: ArraySlice<UInt8>, as context: MessageContext, isInternal: Bool? = nil) {
        var reader = UpdateReader(context: context, isInternal: isInternal)
        reader.read(body)
        self = reader.update
    }
}
