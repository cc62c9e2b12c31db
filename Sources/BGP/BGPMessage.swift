internal import FlowSpec

/// One BGP message (RFC 4271 section 4, RFC 2918).
public enum BGPMessage: Sendable, Hashable {
    case open(OpenMessage)
    case update(UpdateMessage)
    case notification(BGPError)
    case keepalive
    /// The neighbor wants a family again. Nil for a family that we do not speak.
    case routeRefresh(BGPFamily?)

    /// Octets of marker, length and type.
    public static let headerLength = 19
    /// The longest message without RFC 8654's extension, which is not negotiated.
    public static let maximumLength = 4096

    /// The message with its header.
    public func encoded(as context: MessageContext) -> [UInt8] {
        switch self {
        case .open(let open): Self.frame(type: 1, open.encodedBody())
        case .update(let update): Self.frame(type: 2, update.encodedBody(as: context))
        case .notification(let error):
            Self.frame(type: 3, [error.code.rawValue, error.subcode] + error.data.prefix(4000))
        case .keepalive: Self.frame(type: 4, [])
        case .routeRefresh(let family):
            Self.frame(type: 5, [0, UInt8(family?.afi ?? 0), 0, family?.safi ?? 0])
        }
    }

    static func frame(type: UInt8, _ body: [UInt8]) -> [UInt8] {
        var octets = [UInt8](repeating: 0xFF, count: 16)
        octets.reserveCapacity(headerLength + body.count)
        octets.append(bigEndian: UInt16(clamping: headerLength + body.count))
        octets.append(type)
        return octets + body
    }

    /// The length that a message's header announces, once its 19 octets are there: what a reader has to wait for.
    ///
    /// Throws as RFC 4271 section 6.1 has it for a marker, length or type that cannot be.
    public static func length(ofHeader octets: some Collection<UInt8>) throws(BGPError) -> Int? {
        var reader = OctetReader(ArraySlice(octets.prefix(headerLength)))
        guard let marker = reader.take(16), let length = reader.read(UInt16.self), let type = reader.read(UInt8.self)
        else {
            return nil
        }
        guard marker.allSatisfy({ $0 == 0xFF }) else { throw .connectionNotSynchronized }
        let shortest: [UInt8: UInt16] = [1: 29, 2: 23, 3: 21, 4: 19, 5: 23]
        guard let minimum = shortest[type] else { throw .badMessageType(type) }
        guard length >= minimum, length <= maximumLength, type != 4 || length == 19 else {
            throw .badMessageLength(length)
        }
        return Int(length)
    }

    /// Reads one whole message, header included.
    public static func decode(_ octets: ArraySlice<UInt8>, as context: MessageContext) throws(BGPError) -> BGPMessage {
        guard let length = try length(ofHeader: octets), length == octets.count,
            let type = octets.dropFirst(18).first
        else { throw .badMessageLength(UInt16(clamping: octets.count)) }
        let body = octets.dropFirst(headerLength)
        switch type {
        case 1: return .open(try OpenMessage(body: body))
        case 2: return .update(try UpdateMessage(body: body, as: context))
        case 3:
            let code = BGPError.Code(rawValue: body.first ?? 0) ?? .cease
            return .notification(BGPError(code, body.dropFirst().first ?? 0, data: Array(body.dropFirst(2))))
        case 4: return .keepalive
        default:
            var reader = OctetReader(body)
            guard let afi = reader.read(UInt16.self), reader.take(1) != nil, let safi = reader.read(UInt8.self) else {
                throw .badMessageLength(UInt16(clamping: octets.count))
            }
            return .routeRefresh(BGPFamily(afi: afi, safi: safi))
        }
    }
}

/// What two speakers have agreed on that changes how an UPDATE is written.
public struct MessageContext: Sendable, Hashable {
    /// AS numbers take four octets in AS_PATH (RFC 6793).
    public var usesFourOctetAS: Bool

    public init(usesFourOctetAS: Bool = true) { self.usesFourOctetAS = usesFourOctetAS }
}
