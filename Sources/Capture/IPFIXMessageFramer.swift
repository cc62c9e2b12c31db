/// Cuts a stream of octets into IPFIX messages (RFC 7011 section 10.4): each says its own length.
struct IPFIXMessageFramer {
    /// Why a stream cannot be followed further.
    enum FrameError: Error, Hashable {
        /// The version is not IPFIX's.
        case unknownVersion
        /// A message is said to be shorter than its own header.
        case invalidLength
    }

    private var octets: [UInt8] = []
    private var start = 0

    /// Octets of a message's header.
    private static let headerLength = 16

    /// More than this is never kept: a message has at most 65,535 octets.
    static let longestMessage = 65_535

    mutating func append(_ received: UnsafeRawBufferPointer) {
        if start > 0 {
            octets.removeFirst(start)
            start = 0
        }
        unsafe octets.append(contentsOf: received)
    }

    /// Where the next whole message lies in `buffered`; nil when its end is still to come.
    mutating func next() throws(FrameError) -> Range<Int>? {
        let available = octets.count - start
        guard available >= 4 else { return nil }
        let version = UInt16(octets[start]) << 8 | UInt16(octets[start + 1])
        let length = Int(octets[start + 2]) << 8 | Int(octets[start + 3])
        guard version == 10 else { throw .unknownVersion }
        guard length >= Self.headerLength else { throw .invalidLength }
        guard available >= length else { return nil }
        defer { start += length }
        return start..<(start + length)
    }

    /// What was received and not yet dropped.
    var buffered: RawSpan {
        @_lifetime(borrow self)
        get { unsafe octets.span.bytes }
    }
}
