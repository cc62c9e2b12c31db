internal import FlowSpec

/// One BGP message (RFC 4271 section 4, RFC 2918).
public enum BGPMessage: Sendable, Hashable {
    case open(OpenMessage)
    case update(UpdateMessage)
    case notification(BGPError)
    case keepalive
    /// Nil for a subtype that nobody here knows.
    case routeRefresh(RouteRefresh?)

    /// Octets of marker, length and type.
    public static let headerLength = 19
    /// The longest message without RFC 8654's extension.
    public static let maximumLength = 4096
    /// The longest with it.
    public static let maximumExtendedLength = 65_535

    public var type: UInt8 {
        switch self {
        case .open: 1
        case .update: 2
        case .notification: 3
        case .keepalive: 4
        case .routeRefresh: 5
        }
    }

    /// The message with its header.
    public func encoded(as context: MessageContext) -> [UInt8] {
        switch self {
        case .open(let open): Self.frame(type: type, open.encodedBody())
        case .update(let update): Self.frame(type: type, update.encodedBody(as: context))
        case .notification(let error):
            Self.frame(type: type, [error.code.rawValue, error.subcode] + error.data.prefix(4000))
        case .keepalive: Self.frame(type: type, [])
        case .routeRefresh(let refresh):
            Self.frame(type: type, (refresh ?? RouteRefresh(.request, nil)).encodedBody())
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
    public static func length(
        ofHeader octets: some Collection<UInt8>,
        as context: MessageContext = MessageContext()
    ) throws(BGPError) -> Int? {
        var reader = OctetReader(ArraySlice(octets.prefix(headerLength)))
        guard let marker = reader.take(16), let length = reader.read(UInt16.self), let type = reader.read(UInt8.self)
        else {
            return nil
        }
        guard marker.allSatisfy({ $0 == 0xFF }) else { throw .connectionNotSynchronized }
        let shortest: UInt16? =
            switch type {
            case 1: 29
            case 2: 23
            case 3: 21
            case 4: 19
            case 5: 23
            default: nil
            }
        guard let shortest else { throw .badMessageType(type) }
        // OPEN and KEEPALIVE keep their bounds whatever was agreed (RFC 8654 section 4).
        let longest = type == 4 ? 19 : type == 1 ? maximumLength : context.maximumLength
        guard length >= shortest, length <= longest else { throw .badMessageLength(length) }
        return Int(length)
    }

    /// Reads one whole message, header included.
    public static func decode(_ octets: ArraySlice<UInt8>, as context: MessageContext) throws(BGPError) -> BGPMessage {
        guard let length = try length(ofHeader: octets, as: context), length == octets.count,
            let type = octets.dropFirst(18).first
        else { throw .badMessageLength(UInt16(clamping: octets.count)) }
        let body = octets.dropFirst(headerLength)
        switch type {
        case 1: return .open(try OpenMessage(body: body))
        case 2:
            let update = UpdateMessage(decoding: body, as: context, isInternal: context.isInternal)
            for fault in update.faults { if case .resetSession(let error) = fault.handling { throw error } }
            return .update(update)
        case 3:
            let code = BGPError.Code(rawValue: body.first ?? 0)
            return .notification(BGPError(code, body.dropFirst().first ?? 0, data: Array(body.dropFirst(2))))
        case 4: return .keepalive
        default: return .routeRefresh(try RouteRefresh(body: body, of: octets))
        }
    }
}
