/// What the sequence number of an exporter counts. NetFlow v9: datagrams, as RFC 3954 section 5.1 has it, or with some vendors
/// records. IPFIX: the records before the message (RFC 7011 section 3.1), with softflowd those in it as well, with others
/// datagrams. Found out by how far it goes from one datagram to the next.
struct SequenceUnit {
    enum Counts: UInt8, Sendable {
        case datagrams
        /// Data records.
        case records
        /// Data records, those of the datagram itself among them.
        case recordsWithOwn
        /// As many as the header's count says, templates among them.
        case announcedRecords
    }

    private(set) var counts: Counts
    /// What was lost when the present measure first looked wrong.
    private(set) var lostBefore: UInt64 = 0
    private let known: [Counts]
    private var candidate: Counts
    private var votes = 0
    private var last: (sequence: UInt32, records: UInt32?, announced: UInt32)?

    /// So many steps in a row that only another measure explains settle it; loss does not come in such a pattern.
    private static let votesNeeded = 4

    init(_ format: TelemetryFormat) {
        let known: [Counts] =
            format == .ipfix ? [.records, .recordsWithOwn, .datagrams] : [.datagrams, .records, .announcedRecords]
        (self.known, counts, candidate) = (known, known[0], known[0])
    }

    /// - Parameters:
    ///   - records: data records of the datagram; nil where it could not be read to its end.
    ///   - announced: the count of its header; 0 where it has none.
    ///   - lost: what was lost before it.
    @inline(__always)
    mutating func note(_ sequence: UInt32, records: UInt32?, announced: UInt32, lost: UInt64) {
        defer { last = (sequence, records, announced) }
        guard let last else { return }
        let step = sequence &- last.sequence
        // As most do, at each datagram.
        if votes == 0, step == (counts == .datagrams ? 1 : last.records), counts != .recordsWithOwn { return }
        judge(step, last.records, last.announced, own: records, lost: lost)
    }

    @inline(never)
    private mutating func judge(_ step: UInt32, _ records: UInt32?, _ announced: UInt32, own: UInt32?, lost: UInt64) {
        guard step > 0 else { return }
        // Of IPFIX no step can be judged over a message that was not read.
        if known.contains(.recordsWithOwn), records == nil || own == nil { return }
        func explains(_ counts: Counts) -> Bool {
            switch counts {
            case .datagrams: step == 1
            case .records: step == records
            case .recordsWithOwn: step == own
            case .announcedRecords: step == announced
            }
        }
        guard !explains(counts) else {
            if !explains(candidate) { votes = 0 }
            return
        }
        let others = known.filter { $0 != counts && explains($0) }
        guard let first = others.first else { return }
        if votes == 0 || !others.contains(candidate) {
            (candidate, votes) = (first, 0)
            lostBefore = lost
        }
        votes += 1
        guard votes >= Self.votesNeeded else { return }
        counts = candidate
        votes = 0
    }
}
