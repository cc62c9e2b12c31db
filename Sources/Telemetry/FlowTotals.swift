internal import NetworkTypes

/// What flows had counted when they were last reported, for exporters whose elements 85 and 86 are running totals: what
/// counts is by how much these have grown. Of a fixed size, shared by the exporters of a decoder; the flow that was longest
/// not reported makes room.
final class FlowTotals {
    private struct Entry {
        var key: UInt64 = 0
        var bytes: UInt64 = 0
        var packets: UInt64 = 0
        var last = Timestamp(nanoseconds: .min)
    }

    private var entries: [Entry] = []

    /// Two mebioctets in all.
    private static let sets = 16_384
    private static let ways = 4
    /// What most exporters have as their active timeout, where they do not tell it.
    private static let usualTimeout = Duration.seconds(60)

    /// Makes of totals what has flowed since the report before; false where that is nothing.
    ///
    /// - Parameters:
    ///   - scope: of the exporter and its domain.
    ///   - duration: from the flow's first packet to its last.
    ///   - activeTimeout: the longest time between two reports of a flow; 0: not known.
    func takeGrowth(of record: inout FlowRecord, in scope: UInt64, duration: Duration, activeTimeout: Duration) -> Bool
    {
        if entries.isEmpty { entries = [Entry](repeating: Entry(), count: Self.sets * Self.ways) }
        let key = Self.key(of: record, in: scope)
        let start = Int(truncatingIfNeeded: key % UInt64(Self.sets)) * Self.ways
        let places = start..<(start + Self.ways)
        let place =
            places.first { entries[$0].key == key }
            ?? places.min { entries[$0].last < entries[$1].last } ?? start
        let before = entries[place]
        entries[place] = Entry(key: key, bytes: record.bytes, packets: record.packets, last: record.last)
        let hasBegunBefore = before.last >= record.last - duration - .seconds(1)
        if before.key == key, hasBegunBefore, record.bytes >= before.bytes, record.packets >= before.packets {
            record.bytes -= before.bytes
            record.packets -= before.packets
            record.first = min(max(record.first, before.last), record.last)
            return record.bytes > 0 || record.packets > 0
        }
        // Not seen before: of a flow that has lasted for longer than it takes to report it, its mean.
        let longest = activeTimeout > .zero ? activeTimeout : Self.usualTimeout
        guard duration > longest else { return true }
        let share = longest.inSeconds / duration.inSeconds
        record.bytes = UInt64(Double(record.bytes) * share)
        record.packets = UInt64(Double(record.packets) * share)
        record.first = record.last - longest
        return record.bytes > 0 || record.packets > 0
    }

    private static func key(of record: FlowRecord, in scope: UInt64) -> UInt64 {
        var hash = scope
        let ports = UInt64(record.sourcePort) << 48 | UInt64(record.destinationPort) << 32
        let kind = UInt64(record.ipProtocol.rawValue) << 16 | UInt64(record.icmpType) << 8 | UInt64(record.icmpCode)
        for word in [
            record.source.high, record.source.low, record.destination.high, record.destination.low, ports | kind,
            UInt64(record.inputInterface) << 32 | UInt64(record.outputInterface),
        ] {
            let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = product.high ^ product.low &+ word
        }
        // An empty place has the key 0.
        return hash | 1 << 63
    }
}
