/// Cuts the octets of a connection into messages. Holds one incomplete message at most.
public struct MessageFramer: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0

    public init() {}

    public mutating func append(_ octets: some Collection<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += octets
    }

    /// The next whole message; nil until it is there. Throws for a header that cannot be (RFC 4271 section 6.1); the
    /// connection is of no use then.
    public mutating func next(as context: MessageContext = MessageContext()) throws(BGPError) -> ArraySlice<UInt8>? {
        let rest = buffer[start...]
        guard let length = try BGPMessage.length(ofHeader: rest, as: context), rest.count >= length else { return nil }
        start += length
        return rest.prefix(length)
    }
}
