/// What two speakers have agreed on that changes how messages are written.
public struct MessageContext: Sendable, Hashable {
    /// AS numbers take four octets in AS_PATH (RFC 6793).
    public var usesFourOctetAS: Bool
    /// How long a message may be, but for OPEN and KEEPALIVE: 4096, or 65535 once both have extended messages
    /// (RFC 8654).
    public var maximumLength: Int
    /// The families in which the neighbor sends path identifiers before each NLRI (RFC 7911).
    public var addPathFamilies: Set<BGPFamily>
    /// The families in which we send them.
    public var sentAddPathFamilies: Set<BGPFamily>
    /// The families whose next hop may be of IPv6 (RFC 8950).
    public var extendedNextHop: Set<BGPFamily>
    /// The neighbor is of our own AS; nil when that is not known.
    public var isInternal: Bool?

    public init(
        usesFourOctetAS: Bool = true,
        maximumLength: Int = BGPMessage.maximumLength,
        addPathFamilies: Set<BGPFamily> = [],
        sentAddPathFamilies: Set<BGPFamily> = [],
        extendedNextHop: Set<BGPFamily> = [],
        isInternal: Bool? = nil
    ) {
        self.usesFourOctetAS = usesFourOctetAS
        self.maximumLength = maximumLength
        self.addPathFamilies = addPathFamilies
        self.sentAddPathFamilies = sentAddPathFamilies
        self.extendedNextHop = extendedNextHop
        self.isInternal = isInternal
    }
}
