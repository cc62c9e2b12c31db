internal import NetworkTypes
internal import Telemetry

/// Follows the TCP connections of IPFIX exporters in a capture. What it holds is bounded: the connection that was silent for
/// longest makes room, and one of which too much is missing is given up until a segment begins with a message again.
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
        var lastUsed: UInt64
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
        // A connection that begins or ends.
        let (isSYN, isEnd) = (flags & 2 != 0, flags & 5 != 0)
        if isSYN { end(key) }
        let payload = segment.extracting(droppingFirst: header)
        guard payload.byteCount > 0, !isSYN else {
            // What was sent before its end may still be to come.
            if isEnd, flags & 4 != 0 || streams[key]?.next == sequence { end(key) }
            return false
        }
        segments += 1
        guard var stream = streams[key] ?? begin(payload, at: sequence) else { return false }
        stream.lastUsed = segments
        let isSound = try Self.take(payload, at: sequence, in: &stream) { try body(key, $0) }
        streams[key] = isSound && ip.isWhole || isEnd ? stream : nil
        if isEnd { end(key) }
        return true
    }

    /// Connections that were not followed are nobody's concern.
    private mutating func end(_ key: Key) {
        if streams.removeValue(forKey: key) != nil { ended = key }
    }

    /// Only what begins as a message is worth following.
    private mutating func begin(_ payload: RawSpan, at sequence: UInt32) -> Stream? {
        guard payload.byteCount >= 16, payload.uint16(0) == 10, payload.uint16(2) >= 16 else { return nil }
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
        stream.early.append((sequence, (0..<payload.byteCount).map { payload.octet($0) }))
        // Each turn takes a segment away, so the loop ends.
        while let index = stream.early.firstIndex(where: { Int32(bitPattern: stream.next &- $0.sequence) >= 0 }) {
            let segment = stream.early.remove(at: index)
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
        return stream.early.count < maximumEarly
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
