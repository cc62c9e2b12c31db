internal import NetworkTypes
internal import Telemetry

/// Follows the TCP connections of IPFIX exporters in a capture. What it holds is bounded: the connection that was silent for
/// longest makes room, and where too much of one is missing it goes on with the next segment that begins with a message.
struct StreamAssembler {
    struct Key: Hashable {
        var source: IPAddress
        var sourcePort: UInt16
        var destination: IPAddress
        var destinationPort: UInt16
    }

    private struct Stream {
        var framer = IPFIXMessageFramer()
        /// The sequence number of the next octet.
        var next: UInt32
        /// Segments that came before those before them.
        var early: [(sequence: UInt32, octets: [UInt8])] = []
        var earlyOctets = 0
        /// Behind the last octet, once it is known.
        var end: UInt32?
        /// Whether all of it came. It is still known then, as some of it may be sent again.
        var hasEnded = false
        var lastUsed: UInt64

        /// Whether a segment of what has ended comes again, rather than the first of another connection.
        func isAgain(_ sequence: UInt32) -> Bool { (1...(1 << 20)).contains(next &- sequence) }
    }

    private struct Message {
        var place: Range<Int>?
    }

    /// The connection that the last segment ended, or began anew; until the next is taken.
    var ended: Key?

    private var streams: [Key: Stream] = [:]
    private var segments: UInt64 = 0

    private static let maximumStreams = 64
    private static let maximumEarly = 64
    private static let maximumEarlyOctets = 1 << 19

    /// Takes a segment, and hands on each message that it completes; false where it is none of an exporter.
    mutating func take(_ ip: CapturedIP, _ segment: RawSpan, _ body: (Key, RawSpan) throws -> Void) rethrows -> Bool {
        guard segment.byteCount >= 20 else { return false }
        let header = Int(segment.octet(12) >> 4) * 4
        guard header >= 20, segment.byteCount >= header else { return false }
        let key = Key(
            source: ip.source,
            sourcePort: segment.uint16(0),
            destination: ip.destination,
            destinationPort: segment.uint16(2)
        )
        // No connection has it, and what is scoped by port takes it for none.
        guard key.sourcePort > 0 else { return false }
        let sequence = segment.uint32(4)
        let flags = segment.octet(13)
        let (isSYN, isFIN, isReset) = (flags & 2 != 0, flags & 1 != 0, flags & 4 != 0)
        if isSYN || isReset { end(key) }
        let payload = segment.extracting(droppingFirst: header)
        guard payload.byteCount > 0 || isFIN, !isSYN, !isReset else { return false }
        segments += 1
        guard var stream = followed(key, payload, at: sequence) else { return false }
        stream.lastUsed = segments
        // What was sent before its end may still be to come.
        if isFIN { stream.end = sequence &+ UInt32(truncatingIfNeeded: payload.byteCount) }
        let isSound = try Self.take(payload, at: sequence, in: &stream) { try body(key, $0) }
        if stream.end == stream.next, !stream.hasEnded {
            stream.hasEnded = true
            ended = key
        }
        streams[key] = isSound && ip.isWhole ? stream : nil
        return payload.byteCount > 0
    }

    private mutating func followed(_ key: Key, _ payload: RawSpan, at sequence: UInt32) -> Stream? {
        if let stream = streams[key], !stream.hasEnded || stream.isAgain(sequence) { return stream }
        return begin(payload, at: sequence)
    }

    /// Connections that were not followed are nobody's concern.
    private mutating func end(_ key: Key) {
        if let stream = streams.removeValue(forKey: key), !stream.hasEnded { ended = key }
    }

    /// Only what begins as a message is worth following.
    private mutating func begin(_ payload: RawSpan, at sequence: UInt32) -> Stream? {
        guard Self.begins(payload) else { return nil }
        if streams.count >= Self.maximumStreams, let oldest = streams.min(by: { $0.value.lastUsed < $1.value.lastUsed })
        {
            streams[oldest.key] = nil
        }
        return Stream(next: sequence, lastUsed: segments)
    }

    /// False where the stream cannot be followed further.
    private static func take(
        _ payload: RawSpan,
        at sequence: UInt32,
        in stream: inout Stream,
        _ body: (RawSpan) throws -> Void
    ) rethrows -> Bool {
        if payload.byteCount > 0 {
            stream.early.append((sequence, (0..<payload.byteCount).map { payload.octet($0) }))
            stream.earlyOctets += payload.byteCount
        }
        // Each turn takes segments away, so the loop ends.
        while true {
            while let index = stream.early.firstIndex(where: { Int32(bitPattern: stream.next &- $0.sequence) >= 0 }) {
                let segment = stream.early.remove(at: index)
                stream.earlyOctets -= segment.octets.count
                // What was sent again.
                let known = Int(stream.next &- segment.sequence)
                guard known < segment.octets.count else { continue }
                unsafe segment.octets[known...].withUnsafeBytes { unsafe stream.framer.append($0) }
                stream.next &+= UInt32(truncatingIfNeeded: segment.octets.count - known)
                while let message = next(&stream.framer) {
                    guard let place = message.place else { return false }
                    try body(stream.framer.buffered.extracting(place))
                }
            }
            guard stream.early.count >= maximumEarly || stream.earlyOctets >= maximumEarlyOctets else { return true }
            guard skipGap(in: &stream) else { return false }
        }
    }

    /// Goes on with the first of the segments that begins with a message, as nothing tells where one begins in others.
    private static func skipGap(in stream: inout Stream) -> Bool {
        let next = stream.next
        let start = stream.early.filter { segment in unsafe begins(segment.octets.span.bytes) }
            .min { $0.sequence &- next < $1.sequence &- next }
        guard let start else { return false }
        stream.early.removeAll { $0.sequence &- next < start.sequence &- next }
        stream.earlyOctets = stream.early.reduce(0) { $0 + $1.octets.count }
        stream.next = start.sequence
        stream.framer = IPFIXMessageFramer()
        return true
    }

    private static func begins(_ payload: RawSpan) -> Bool {
        payload.byteCount >= 16 && payload.uint16(0) == 10 && payload.uint16(2) >= 16
    }

    /// Where the next message lies, without a place where there can be none; nil when its end is still to come.
    private static func next(_ framer: inout IPFIXMessageFramer) -> Message? {
        do {
            return try framer.next().map(Message.init)
        } catch {
            return Message(place: nil)
        }
    }
}
