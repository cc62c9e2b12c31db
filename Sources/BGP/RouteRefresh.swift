internal import FlowSpec

/// A ROUTE-REFRESH message (RFC 2918, RFC 7313).
public struct RouteRefresh: Sendable, Hashable {
    public enum Kind: UInt8, Sendable, Hashable {
        /// Send the family again.
        case request = 0
        /// The family is now sent again from the start.
        case begin = 1
        /// All of it has been sent again: what was not named is gone.
        case end = 2
    }

    public var kind: Kind
    /// Nil for a family that we do not speak.
    public var family: BGPFamily?

    public init(_ kind: Kind, _ family: BGPFamily?) {
        self.kind = kind
        self.family = family
    }

    func encodedBody() -> [UInt8] {
        let afi = family?.afi ?? 0
        return [UInt8(afi >> 8), UInt8(afi & 0xFF), kind.rawValue, family?.safi ?? 0]
    }

    /// Reads the body of `message`, which has at least four octets. Nil for a subtype that nobody here knows, which is
    /// passed over (RFC 7313 section 5).
    init?(body: ArraySlice<UInt8>, of message: ArraySlice<UInt8>) throws(BGPError) {
        var reader = OctetReader(body)
        guard let afi = reader.read(UInt16.self), let subtype = reader.read(UInt8.self),
            let safi = reader.read(UInt8.self)
        else { throw .badMessageLength(UInt16(clamping: message.count)) }
        guard let kind = Kind(rawValue: subtype) else { return nil }
        // A request may carry filters (RFC 5291), which nobody was told we understand; the others carry nothing.
        guard kind == .request || reader.isAtEnd else { throw .badRouteRefreshLength(Array(message)) }
        self.init(kind, BGPFamily(afi: afi, safi: safi))
    }
}
