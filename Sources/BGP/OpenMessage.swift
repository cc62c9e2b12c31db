internal import FlowSpec
public import NetworkTypes

/// The OPEN message (RFC 4271 section 4.2) with the capabilities that matter here (RFC 5492).
public struct OpenMessage: Sendable, Hashable {
    public var version: UInt8
    /// From the 4-octet capability where there is one, else from the two octets of the header.
    public var asn: ASN
    /// Seconds; 0 for no keepalives.
    public var holdTime: UInt16
    /// The BGP identifier.
    public var routerID: UInt32
    /// Nil when the neighbor sent no multiprotocol capability at all, which means IPv4 unicast (RFC 4760 section 8).
    public var families: [BGPFamily]?
    public var supportsFourOctetAS: Bool
    public var supportsRouteRefresh: Bool

    public init(
        version: UInt8 = 4,
        asn: ASN,
        holdTime: UInt16,
        routerID: UInt32,
        families: [BGPFamily]?,
        supportsFourOctetAS: Bool = true,
        supportsRouteRefresh: Bool = true
    ) {
        self.version = version
        self.asn = asn
        self.holdTime = holdTime
        self.routerID = routerID
        self.families = families
        self.supportsFourOctetAS = supportsFourOctetAS
        self.supportsRouteRefresh = supportsRouteRefresh
    }

    private enum Capability {
        static let multiprotocol: UInt8 = 1
        static let routeRefresh: UInt8 = 2
        static let fourOctetAS: UInt8 = 65
    }

    func encodedBody() -> [UInt8] {
        var capabilities: [UInt8] = []
        for family in families ?? [] {
            capabilities += [Capability.multiprotocol, 4, 0, UInt8(family.afi), 0, family.safi]
        }
        if supportsRouteRefresh { capabilities += [Capability.routeRefresh, 0] }
        if supportsFourOctetAS {
            capabilities += [Capability.fourOctetAS, 4]
            capabilities.append(bigEndian: asn.rawValue)
        }
        var body = [version]
        body.append(bigEndian: UInt16(truncatingIfNeeded: (asn.isTwoOctet ? asn : .transition).rawValue))
        body.append(bigEndian: holdTime)
        body.append(bigEndian: routerID)
        // One optional parameter of type 2 with all capabilities; they are few enough for its one-octet length.
        if capabilities.isEmpty { return body + [0] }
        return body + [UInt8(capabilities.count + 2), 2, UInt8(capabilities.count)] + capabilities
    }

    init(body: ArraySlice<UInt8>) throws(BGPError) {
        var reader = OctetReader(body)
        guard let version = reader.read(UInt8.self), let shortAS = reader.read(UInt16.self),
            let holdTime = reader.read(UInt16.self), let routerID = reader.read(UInt32.self),
            let parametersLength = reader.read(UInt8.self)
        else { throw .malformedOpen }
        self.init(
            version: version,
            asn: ASN(UInt32(shortAS)),
            holdTime: holdTime,
            routerID: routerID,
            families: nil,
            supportsFourOctetAS: false,
            supportsRouteRefresh: false
        )
        // What follows may be laid out otherwise in another version: leave it to the version check.
        guard version == 4 else { return }
        var length = Int(parametersLength)
        var isExtended = false
        // A parameter type of 255 announces two-octet lengths; the one-octet length before it says nothing then, except
        // that it is not 0 (RFC 9072 section 2).
        if parametersLength != 0, reader.rest.first == 255 {
            _ = reader.read(UInt8.self)
            guard let extended = reader.read(UInt16.self) else { throw .malformedOpen }
            length = Int(extended)
            isExtended = true
        }
        guard length == reader.count else { throw .malformedOpen }
        while let type = reader.read(UInt8.self) {
            let size = isExtended ? reader.read(UInt16.self).map(Int.init) : reader.read(UInt8.self).map(Int.init)
            guard let size, let value = reader.take(size) else { throw .malformedOpen }
            guard type == 2 else { throw .unsupportedOptionalParameter }
            try readCapabilities(value)
        }
    }

    private mutating func readCapabilities(_ octets: ArraySlice<UInt8>) throws(BGPError) {
        var reader = OctetReader(octets)
        while let code = reader.read(UInt8.self) {
            guard let size = reader.read(UInt8.self), let value = reader.take(Int(size)) else { throw .malformedOpen }
            var fields = OctetReader(value)
            switch code {
            case Capability.multiprotocol:
                guard let afi = fields.read(UInt16.self), fields.take(1) != nil, let safi = fields.read(UInt8.self)
                else {
                    throw .malformedOpen
                }
                let family = BGPFamily(afi: afi, safi: safi)
                families = (families ?? []) + [family].compactMap { $0 }.filter { families?.contains($0) != true }
            case Capability.routeRefresh:
                supportsRouteRefresh = true
            case Capability.fourOctetAS:
                guard let number = fields.read(UInt32.self), number != 0 else { throw .malformedOpen }
                supportsFourOctetAS = true
                asn = ASN(number)
            default:
                // Unknown capabilities are of no concern (RFC 5492 section 3).
                break
            }
        }
    }
}
