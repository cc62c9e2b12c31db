internal import FlowSpec
public import NetworkTypes

/// The OPEN message (RFC 4271 section 4.2) with its capabilities (RFC 5492).
public struct OpenMessage: Sendable, Hashable {
    public var version: UInt8
    /// From the 4-octet capability where there is one, else from the two octets of the header.
    public var asn: ASN
    /// Seconds; 0 for no keepalives.
    public var holdTime: UInt16
    /// The BGP identifier.
    public var routerID: UInt32
    public var capabilities: Capabilities

    public init(version: UInt8 = 4, asn: ASN, holdTime: UInt16, routerID: UInt32, capabilities: Capabilities) {
        self.version = version
        self.asn = asn
        self.holdTime = holdTime
        self.routerID = routerID
        self.capabilities = capabilities
    }

    func encodedBody() -> [UInt8] {
        var body = [version]
        body.append(bigEndian: UInt16(truncatingIfNeeded: (asn.isTwoOctet ? asn : .transition).rawValue))
        body.append(bigEndian: holdTime)
        body.append(bigEndian: routerID)
        // One optional parameter of type 2 with all capabilities.
        let all = capabilities.encoded()
        if all.isEmpty { return body + [0] }
        if all.count + 2 < 255 { return body + [UInt8(all.count + 2), 2, UInt8(all.count)] + all }
        // Lengths of two octets behind a parameter type of 255 (RFC 9072 section 2).
        body += [255, 255]
        body.append(bigEndian: UInt16(clamping: all.count + 3))
        body.append(2)
        body.append(bigEndian: UInt16(clamping: all.count))
        return body + all
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
            capabilities: Capabilities()
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
            try capabilities.read(value)
        }
        if let wide = capabilities.fourOctetAS { asn = wide }
    }
}
