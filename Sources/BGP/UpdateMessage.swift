public import FlowSpec
internal import NetworkTypes

/// The UPDATE message (RFC 4271 section 4.3, RFC 4760).
public struct UpdateMessage: Sendable, Hashable {
    /// Of the announced routes; nil where there are none.
    public var attributes: PathAttributes?
    public var announced: [AnnouncedRoute]
    public var withdrawn: [AnnouncedRoute]
    /// Set when the message says nothing but that all routes of the family have been sent (RFC 4724 section 2).
    public var endOfRIB: BGPFamily?
    /// Received FlowSpec rules that could not be read and were passed over.
    public private(set) var unreadableRules = 0

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

    func encodedBody(as context: MessageContext) -> [UInt8] {
        if let endOfRIB { return Self.endOfRIBBody(endOfRIB) }
        var plainWithdrawn: [UInt8] = []
        var plainAnnounced: [UInt8] = []
        var multiprotocol: [UInt8] = []
        for family in BGPFamily.allCases {
            let gone = withdrawn.filter { $0.bgpFamily == family }.compactMap(\.encodedNLRI).flatMap { $0 }
            let new = announced.filter { $0.bgpFamily == family }.compactMap(\.encodedNLRI).flatMap { $0 }
            if family == .ipv4Unicast {
                plainWithdrawn = gone
                plainAnnounced = new
                continue
            }
            if !new.isEmpty { multiprotocol += Self.reachable(family, nextHop: attributes?.nextHop, nlri: new) }
            if !gone.isEmpty { multiprotocol += Self.unreachable(family, nlri: gone) }
        }
        let path = attributes?.encoded(plainNextHop: !plainAnnounced.isEmpty, as: context) ?? []
        return Self.body(withdrawn: plainWithdrawn, attributes: path + multiprotocol, announced: plainAnnounced)
    }

    static func body(withdrawn: [UInt8], attributes: [UInt8], announced: [UInt8]) -> [UInt8] {
        var octets: [UInt8] = []
        octets.append(bigEndian: UInt16(clamping: withdrawn.count))
        octets += withdrawn
        octets.append(bigEndian: UInt16(clamping: attributes.count))
        return octets + attributes + announced
    }

    /// IPv4 unicast: an empty UPDATE; others: an empty MP_UNREACH_NLRI.
    private static func endOfRIBBody(_ family: BGPFamily) -> [UInt8] {
        body(withdrawn: [], attributes: family == .ipv4Unicast ? [] : unreachable(family, nlri: []), announced: [])
    }

    /// MP_REACH_NLRI; FlowSpec has a next hop of no length (RFC 8955 section 4.1).
    static func reachable(_ family: BGPFamily, nextHop: IPAddress?, nlri: [UInt8]) -> [UInt8] {
        var value: [UInt8] = []
        value.append(bigEndian: family.afi)
        value.append(family.safi)
        let hop = family.isFlowSpec ? [] : nextHop?.bytes ?? []
        value.append(UInt8(hop.count))
        value += hop + [0] + nlri
        return PathAttributes.attribute(0x80, PathAttributes.Code.reachable, value)
    }

    static func unreachable(_ family: BGPFamily, nlri: [UInt8]) -> [UInt8] {
        var value: [UInt8] = []
        value.append(bigEndian: family.afi)
        value.append(family.safi)
        return PathAttributes.attribute(0x80, PathAttributes.Code.unreachable, value + nlri)
    }

    init(body: ArraySlice<UInt8>, as context: MessageContext) throws(BGPError) {
        self.init()
        var reader = OctetReader(body)
        guard let withdrawnLength = reader.read(UInt16.self), let gone = reader.take(Int(withdrawnLength)),
            let attributesLength = reader.read(UInt16.self), let path = reader.take(Int(attributesLength))
        else { throw .malformedAttributeList }
        withdrawn = try routes(gone, .ipv4Unicast)
        announced = try routes(reader.rest, .ipv4Unicast)
        var attributes = PathAttributes()
        var unreachableFamily: BGPFamily?
        var fields = OctetReader(path)
        while let flags = fields.read(UInt8.self) {
            guard let code = fields.read(UInt8.self),
                let size = flags & 0x10 != 0
                    ? fields.read(UInt16.self).map(Int.init) : fields.read(UInt8.self).map(Int.init),
                let value = fields.take(size)
            else { throw .malformedAttributeList }
            switch code {
            case PathAttributes.Code.reachable: try readReachable(value, into: &attributes)
            case PathAttributes.Code.unreachable: unreachableFamily = try readUnreachable(value)
            default: attributes.read(code: code, value: value, as: context)
            }
        }
        if !announced.isEmpty { self.attributes = attributes }
        guard announced.isEmpty, withdrawn.isEmpty, unreadableRules == 0 else { return }
        if path.isEmpty { endOfRIB = .ipv4Unicast } else { endOfRIB = unreachableFamily }
    }

    private mutating func readReachable(
        _ octets: ArraySlice<UInt8>,
        into attributes: inout PathAttributes
    ) throws(BGPError) {
        var reader = OctetReader(octets)
        guard let afi = reader.read(UInt16.self), let safi = reader.read(UInt8.self),
            let hopLength = reader.read(UInt8.self), let hop = reader.take(Int(hopLength)), reader.take(1) != nil
        else { throw .malformedAttributeList }
        guard let family = BGPFamily(afi: afi, safi: safi) else { return }
        // A link-local next hop may follow the global one (RFC 2545 section 3).
        attributes.nextHop = IPAddress(bytes: hop.prefix(hop.count == 32 ? 16 : hop.count)) ?? attributes.nextHop
        announced += try routes(reader.rest, family)
    }

    private mutating func readUnreachable(_ octets: ArraySlice<UInt8>) throws(BGPError) -> BGPFamily? {
        var reader = OctetReader(octets)
        guard let afi = reader.read(UInt16.self), let safi = reader.read(UInt8.self) else {
            throw .malformedAttributeList
        }
        guard let family = BGPFamily(afi: afi, safi: safi) else { return nil }
        withdrawn += try routes(reader.rest, family)
        return family
    }

    private mutating func routes(
        _ octets: ArraySlice<UInt8>,
        _ family: BGPFamily
    ) throws(BGPError) -> [AnnouncedRoute] {
        var rest = octets
        var routes: [AnnouncedRoute] = []
        while !rest.isEmpty {
            if family.isFlowSpec {
                guard let length = Self.flowSpecLength(rest), length <= rest.count else { throw .invalidNetworkField }
                // A rule that we cannot read, such as one with a component that came later, does not change what we
                // announce. A reset would take all our own rules with it; its length says where the next one begins.
                if let (rule, _) = try? FlowSpecRule.decodeNLRI(rest.prefix(length), family: family.addressFamily) {
                    routes.append(.flowSpec(rule))
                } else {
                    unreadableRules += 1
                }
                rest = rest.dropFirst(length)
            } else {
                var reader = OctetReader(rest)
                let width = family.addressFamily.bitWidth
                guard let length = reader.read(UInt8.self), Int(length) <= width,
                    let octets = reader.take((Int(length) + 7) / 8),
                    let address = IPAddress(bytes: octets + Array(repeating: 0, count: width / 8 - octets.count)),
                    address.family == family.addressFamily, let prefix = IPPrefix(address, length: Int(length))
                else { throw .invalidNetworkField }
                routes.append(.unicast(prefix))
                rest = reader.rest
            }
        }
        return routes
    }

    /// Octets of the NLRI that begins here, its length field included (RFC 8955 section 4.1).
    private static func flowSpecLength(_ octets: ArraySlice<UInt8>) -> Int? {
        var reader = OctetReader(octets)
        guard let first = reader.read(UInt8.self) else { return nil }
        guard first >= 0xF0 else { return 1 + Int(first) }
        return reader.read(UInt8.self).map { 2 + (Int(first & 0x0F) << 8 | Int($0)) }
    }
}

extension AnnouncedRoute {
    public var bgpFamily: BGPFamily {
        switch (self, family) {
        case (.flowSpec, .ipv4): .ipv4FlowSpec
        case (.flowSpec, .ipv6): .ipv6FlowSpec
        case (.unicast, .ipv4): .ipv4Unicast
        case (.unicast, .ipv6): .ipv6Unicast
        }
    }

    /// Nil for a rule that is too long for the wire, which the ledger does not let pass.
    var encodedNLRI: [UInt8]? {
        switch self {
        case .flowSpec(let rule): try? rule.encodedNLRI()
        case .unicast(let prefix):
            [UInt8(prefix.length)] + prefix.address.bytes.prefix((prefix.length + 7) / 8)
        }
    }
}
