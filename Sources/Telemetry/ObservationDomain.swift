internal import NetworkTypes

/// What has to be remembered of one observation domain (IPFIX), source id (NetFlow v9), engine (v5) or sub-agent (sFlow).
final class ObservationDomain {
    /// What tells one domain of an exporter from another.
    struct Key: Hashable {
        var format: TelemetryFormat
        var id: UInt32
        /// The agent of sFlow, which may speak through another's address; unspecified elsewhere.
        var agent: IPAddress
        /// The UDP source port or TCP connection where each has templates of its own; else 0.
        var port: UInt16
    }

    let key: Key
    var sampling = SamplingRates()
    /// Which state of the exporter's rates `sampling.elsewhere` is of.
    var lentRates: UInt64 = 0
    var activeTimeoutMilliseconds: Int64 = 0
    /// `systemInitTimeMilliseconds` from options, for records that count from it.
    var systemInit: UInt64 = 0
    /// Whether the two above were told here, rather than elsewhere or before a restart.
    var ownsActiveTimeout = false
    var ownsSystemInit = false
    /// When a sampling rate was last in doubt.
    private(set) var samplingDoubts = SamplingDoubts()
    /// What a sequence number of NetFlow v9 or IPFIX counts.
    private var sequenceUnit: SequenceUnit
    var lastUsed: Timestamp
    /// Data records read so far, those of options among them; wraps.
    var dataRecords: UInt32 = 0
    /// Datagrams (NetFlow v5 and v7, IPFIX: records) that sequence numbers say never came.
    private(set) var lost: UInt64 = 0
    /// What the exporter says it lost itself.
    private(set) var dropped: UInt64 = 0
    private(set) var missingTemplates: [UInt16: UInt64] = [:]
    private var drops = DropCounters()
    private var nextSequence: UInt32?
    /// Where the sequence last missed something, and how much.
    private var gapStart: UInt32 = 0
    private var gapLength: UInt32 = 0
    private(set) var templates: [UInt16: Template] = [:]
    private var templateOctets = 0
    /// When templates were withdrawn here that others may have learnt.
    private(set) var withdrawn: [UInt16: Timestamp] = [:]

    /// What is remembered here.
    var octets: Int {
        KnowledgeAccount.Cost.domain + templateOctets
            + (sampling.entries.count + sampling.elsewhere.count) * KnowledgeAccount.Cost.rate
            + drops.count * KnowledgeAccount.Cost.dropSource + withdrawn.count * KnowledgeAccount.Cost.withdrawal
    }

    /// Numbers of missing templates that are remembered for people.
    private static let maximumMissing = 32
    /// Withdrawals that are remembered; of more the latest.
    private static let maximumWithdrawn = 256

    init(_ key: Key, at time: Timestamp) {
        self.key = key
        sequenceUnit = SequenceUnit(key.format)
        lastUsed = time
    }

    func template(_ number: UInt16) -> Template? { templates[number] }

    /// Whether it has told of no records of traffic, here or to others.
    var hasOptionsAlone: Bool { templates.values.allSatisfy(\.isOptions) }

    func define(_ number: UInt16, _ template: Template) {
        templateOctets += template.octets - (templates.updateValue(template, forKey: number)?.octets ?? 0)
        missingTemplates[number] = nil
        if !template.isBorrowed { withdrawn[number] = nil }
    }

    /// The exporter withdraws a template; one that is not known here was told to others.
    func withdraw(_ number: UInt16, at time: Timestamp) {
        drop(number)
        if withdrawn.count >= Self.maximumWithdrawn, withdrawn[number] == nil,
            let oldest = withdrawn.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })
        {
            withdrawn[oldest.key] = nil
        }
        withdrawn[number] = time
    }

    /// Drops a template.
    func drop(_ number: UInt16) {
        guard let template = templates.removeValue(forKey: number) else { return }
        templateOctets -= template.octets
    }

    private func keepTemplates(where isKept: (Template) -> Bool) {
        templates = templates.filter { isKept($0.value) }
        templateOctets = templates.values.reduce(0) { $0 + $1.octets }
    }

    /// Withdraws all templates, or all options templates (RFC 7011 section 8.1).
    func withdrawAll(options: Bool, at time: Timestamp) {
        for number in templates.filter({ $0.value.isOptions == options }).keys.sorted() { withdraw(number, at: time) }
    }

    /// Drops the templates that were neither told nor used after a time.
    func dropTemplates(lastUsedBy time: Timestamp) { keepTemplates { $0.lastUsed > time } }

    /// Drops those that were neither told nor used after a datagram of the exporter.
    func dropTemplates(lastUsedBy datagram: UInt64) { keepTemplates { $0.lastDatagram > datagram } }

    func noteDoubt(_ run: SamplingRun, at time: Timestamp) { samplingDoubts.note(run, at: time) }

    func noteMissingTemplate(_ number: UInt16) {
        if missingTemplates.count < Self.maximumMissing || missingTemplates[number] != nil {
            missingTemplates[number, default: 0] &+= 1
        }
    }

    /// Sources of such totals.
    var dropSources: Int { drops.count }

    /// A running total of drops that the exporter tells; by how much it has grown.
    func noteDrops(_ total: UInt32, of source: UInt64) -> UInt64 {
        let growth = drops.growth(to: total, of: source)
        dropped &+= growth
        return growth
    }

    /// The sequence number of a NetFlow v9 datagram or an IPFIX message: how many of its units, whatever these are, are
    /// missing before it; to be added with wrapping.
    ///
    /// - Parameters:
    ///   - records: data records of the datagram; nil where it could not be read to its end.
    ///   - announced: the count of its header; 0 where it has none.
    func noteSequence(_ sequence: UInt32, records: UInt32?, announced: UInt32 = 0) -> UInt64 {
        let before = sequenceUnit.counts
        sequenceUnit.note(sequence, records: records, announced: announced, lost: lost)
        let counts = sequenceUnit.counts
        let units = counts == .datagrams ? 1 : counts == .announcedRecords ? announced : records
        // Of the first record that it has rather than of the first behind it.
        let sequence = counts == .recordsWithOwn ? sequence &- (records ?? 0) : sequence
        if counts == .recordsWithOwn, records == nil {
            // Nobody knows how many of those before it are its own.
            nextSequence = sequence
            return 0
        }
        if counts == before { return noteSequence(sequence, advancing: units) }
        // What was missed by the wrong measure was not lost.
        nextSequence = units.map { sequence &+ $0 }
        gapLength = 0
        let mistaken = lost &- min(sequenceUnit.lostBefore, lost)
        lost &-= mistaken
        return 0 &- mistaken
    }

    /// How many units of the sequence are missing before this message; to be added with wrapping, as one that was overtaken
    /// on the way takes back what was missed before. A leap back to anywhere else, or one too long to be loss, is a restart
    /// of the exporter and no loss.
    ///
    /// - Parameter units: how far this message takes the sequence; nil where it could not be read to its end.
    func noteSequence(_ sequence: UInt32, advancing units: UInt32?) -> UInt64 {
        if sequence &- gapStart < gapLength, let units {
            let found = UInt64(min(units, gapLength))
            lost &-= min(found, lost)
            // What is still missing: the longer of both rests.
            let before = sequence &- gapStart
            let behind = gapLength &- before > units ? gapLength &- before &- units : 0
            if before < behind { gapStart = sequence &+ units }
            gapLength = max(before, behind)
            return 0 &- found
        }
        defer { nextSequence = units.map { sequence &+ $0 } }
        guard let expected = nextSequence else { return 0 }
        let gap = sequence &- expected
        guard gap > 0, gap < 100_000 else { return 0 }
        (gapStart, gapLength) = (expected, gap)
        lost &+= UInt64(gap)
        return UInt64(gap)
    }

    /// For people.
    var summary: ObservationDomainSummary {
        ObservationDomainSummary(
            format: key.format,
            id: key.id,
            agent: key.format == .sFlow5 ? key.agent : nil,
            port: key.port == 0 ? nil : key.port,
            lost: lost,
            dropped: dropped,
            templates: templates.count,
            missingTemplates: missingTemplates.keys.sorted(),
            countsRecords: key.format == .netFlow5 || key.format == .netFlow7 || sequenceUnit.counts != .datagrams,
            samplingDoubts: samplingDoubts
        )
    }
}
