internal import NetworkTypes

/// A template, compiled to what a record needs: which octets are which element. One for each (exporter, version,
/// observation domain, number).
final class Template {
    /// One step through a record.
    struct Field: BitwiseCopyable {
        /// Nil: nothing that a flow record holds.
        var element: InformationElement?
        /// Octets; `variable` when each record says.
        var length: UInt16
        /// Where the field starts in a record of fixed length.
        var offset: UInt16

        static let variable: UInt16 = 65_535
    }

    let fields: [Field]
    /// Where records have no more than most have: how they are read at once.
    let plain: PlainLayout?
    /// Octets of a record; of one with variable fields the fewest that there can be.
    let recordLength: Int
    let isVariable: Bool
    /// Records describe the exporter rather than traffic.
    let isOptions: Bool
    /// Whether a biflow's or a connection's other half may be in a record.
    let hasReverse: Bool
    /// Whether a sampled packet's headers are in a record.
    let hasSection: Bool
    /// Whether the first octets behind its IP header are.
    let hasPayload: Bool
    /// Whether octets or packets are those of elements 85 and 86, which with some exporters are running totals.
    let hasTotals: Bool
    /// Whether options tell how much the exporter itself has lost.
    let hasDrops: Bool
    /// What else must be known to read its values.
    let shape: Shape
    /// By which of its clocks the other half of a biflow is dated; nil: as the first half.
    let reverseClock: ReverseClock?
    /// The template as it was told.
    let specifications: [Specification]
    /// Where each element is, for those who want more of a record than the counters do.
    lazy var layout = ElementLayout(specifications)
    /// The same of the other half of a biflow.
    lazy var reverseLayout = ElementLayout(specifications, isReverse: true)
    /// When the template was last told or used.
    var lastUsed = Timestamp(nanoseconds: 0)
    /// When it was last told, here or elsewhere.
    var told = Timestamp(nanoseconds: 0)
    /// Learnt from another worker or from before a restart, and not told here since.
    var isBorrowed = false
    /// Told here, and withdrawn since with another worker.
    var isWithdrawnElsewhere = false
    /// The same in datagrams of the exporter, of which many may come at one time.
    var lastDatagram: UInt64 = 0
    /// The source port of the process that told it last; and of the one whose other layout it replaced.
    var port: UInt16 = 0
    var portBefore: UInt16?

    /// More than any exporter sends; a record of so many could not fit a datagram if its fields had four octets each.
    static let maximumFields = 1024

    /// A field as the template has it.
    struct Specification: Hashable, Sendable {
        var number: UInt16
        var enterprise: UInt32
        var length: UInt16
        /// A scope field of a NetFlow v9 options template, whose numbers are not information elements.
        var isScope = false
        /// A scope field of IPFIX, an information element like others.
        var isScopeElement = false
    }

    /// How values of a template's records are to be taken, a bit each.
    struct Shape: OptionSet, BitwiseCopyable {
        var rawValue: UInt8

        /// Octets are of whole frames (352, 353), as no element tells those of the IP layer.
        static let countsFrames = Shape(rawValue: 1)
        /// The same of the other half of a biflow.
        static let countsReverseFrames = Shape(rawValue: 2)
        /// Octets of either half, and packets of both together.
        static let sharesPackets = Shape(rawValue: 8)
        /// Client and server stand for source and destination.
        static let isConnection = Shape(rawValue: 4)
    }

    /// What it takes to remember it.
    var octets: Int {
        KnowledgeAccount.Cost.template + specifications.count * KnowledgeAccount.Cost.field
    }

    /// - Parameter readsDirection: whether it matters which way records flowed, which else is walked over.
    init(
        _ specifications: [Specification],
        isOptions: Bool,
        format: TelemetryFormat,
        readsDirection: Bool = false
    ) throws(DecodeError) {
        var best: [InformationElement: (index: Int, rank: Int)] = [:]
        // A record with both pairs of addresses is of a tunnel or SRv6, inner header last: repeated elements are those
        // of the inner one, unless the IP version is told.
        let numbers = Set(specifications.filter { $0.enterprise == 0 && !$0.isScope }.map(\.number))
        let isDual = numbers.isSuperset(of: [8, 12, 27, 28]) && !numbers.contains(60)
        let connection = ConnectionElements(specifications)
        for (index, specification) in specifications.enumerated() where !specification.isScope {
            guard
                let (element, rank) = connection?.find(specification)
                    ?? InformationElement.find(
                        number: specification.number,
                        enterprise: specification.enterprise,
                        length: specification.length
                    ),
                Self.isPlausible(element, length: specification.length), readsDirection || element != .direction
            else { continue }
            if let found = best[element], found.rank < rank || found.rank == rank && !isDual { continue }
            best[element] = (index, rank)
        }
        Self.keepOneClock(&best, format: format)
        let reverseClock = ReverseClock(keepingOneOf: &best, specifications)
        Self.keepResponder(&best, numbers)
        let chosen = Dictionary(best.map { ($0.value.index, $0.key) }, uniquingKeysWith: { first, _ in first })
        var offset = 0
        var isVariable = false
        var all: [Field] = []
        for (index, specification) in specifications.enumerated() {
            all.append(
                Field(element: chosen[index], length: specification.length, offset: UInt16(truncatingIfNeeded: offset))
            )
            if specification.length == Field.variable {
                isVariable = true
                offset += 1
            } else {
                offset += Int(specification.length)
            }
        }
        guard offset > 0, offset <= 65_535 else { throw .emptyTemplate }
        // Of a fixed layout only the fields of interest are visited; of a variable one each length must be walked.
        let fields = isVariable ? Self.joined(all) : all.filter { $0.element != nil }
        self.fields = fields
        self.recordLength = offset
        self.isVariable = isVariable
        self.isOptions = isOptions
        self.specifications = specifications
        self.hasSection = best[.ethernetSection] != nil || best[.ipSection] != nil
        self.hasPayload = best[.payloadSection] != nil
        self.hasReverse = best[.reverseOctets] != nil || best[.reversePackets] != nil
        self.hasDrops = best[.notSentFlows] != nil || best[.ignoredPackets] != nil
        func isOne(of numbers: Set<UInt16>, _ element: InformationElement) -> Bool {
            guard let index = best[element]?.index else { return false }
            let specification = specifications[index]
            return [0, InformationElement.reverseEnterprise].contains(specification.enterprise)
                && numbers.contains(specification.number)
        }
        self.hasTotals = [.octets, .packets, .reverseOctets, .reversePackets].contains { element in
            isOne(of: [85, 86, 353], element)
        }
        var shape: Shape = connection == nil ? [] : .isConnection
        if isOne(of: [352, 353], .octets) { shape.insert(.countsFrames) }
        if isOne(of: [352, 353], .reverseOctets) { shape.insert(.countsReverseFrames) }
        if let connection, connection.sharesPackets, best[.packets] != nil { shape.insert(.sharesPackets) }
        self.shape = shape
        self.reverseClock = reverseClock
        let isPlain =
            !isVariable && !isOptions && !hasTotals && shape.isDisjoint(with: [.countsFrames, .sharesPackets])
        self.plain = isPlain ? PlainLayout(fields, recordLength: offset) : nil
    }

    /// A layout whose fields of no interest are walked over in one step as far as they lie together: a template of a
    /// thousand of them must not cost a thousand steps for each record.
    private static func joined(_ fields: [Field]) -> [Field] {
        var joined: [Field] = []
        for field in fields where field.length > 0 {
            if let last = joined.last, last.element == nil, field.element == nil, last.length != Field.variable,
                field.length != Field.variable, Int(last.length) + Int(field.length) < Int(Field.variable)
            {
                joined[joined.count - 1].length += field.length
            } else {
                joined.append(field)
            }
        }
        return joined
    }

    /// What the responder sent (232, 299) is the other half only where the first half is what the initiator sent (231,
    /// 298); beside plain counters nobody says of what.
    private static func keepResponder(
        _ best: inout [InformationElement: (index: Int, rank: Int)],
        _ numbers: Set<UInt16>
    ) {
        let isConnection = numbers.isSuperset(of: [231, 232]) && best[.octets]?.rank == 5
        guard !isConnection, numbers.contains(232) || numbers.contains(299) else { return }
        for element in [InformationElement.reverseOctets, .reversePackets] where best[element]?.rank == 2 {
            best[element] = nil
        }
    }

    /// Of several pairs of times the one that says most: in NetFlow v9 the uptime, which its header tells to the
    /// millisecond; in IPFIX, whose header has only seconds since the epoch, the finest time since the epoch. Where no pair
    /// is whole, begin and end since the epoch may be of different units.
    private static func keepOneClock(
        _ best: inout [InformationElement: (index: Int, rank: Int)],
        format: TelemetryFormat
    ) {
        let upTime: [InformationElement] = [.firstUpTime, .lastUpTime]
        let absolute: [[InformationElement]] = [
            [.firstMilliseconds, .lastMilliseconds], [.firstNTP, .lastNTP], [.firstSeconds, .lastSeconds],
        ]
        let delta: [InformationElement] = [.firstDeltaMicroseconds, .lastDeltaMicroseconds]
        let clocks = (format == .netFlow9 ? [upTime] + absolute : absolute + [upTime]) + [delta]
        let mixed = [0, 1].compactMap { end in absolute.map { $0[end] }.first { best[$0] != nil } }
        guard
            let chosen = clocks.first(where: { best[$0[0]] != nil && best[$0[1]] != nil })
                ?? (mixed.count == 2 ? mixed : nil)
                ?? clocks.first(where: { best[$0[1]] != nil }) ?? clocks.first(where: { best[$0[0]] != nil })
        else { return }
        for element in clocks.joined() where !chosen.contains(element) { best[element] = nil }
    }

    /// Whether a value of that length can be what the element says; a field of another length is walked over.
    private static func isPlausible(_ element: InformationElement, length: UInt16) -> Bool {
        switch element {
        case .sourceIPv4, .destinationIPv4: length == 4
        case .sourceIPv6, .destinationIPv6: length == 16
        case .ethernetSection, .ipSection, .payloadSection: length > 0
        default: (1...8).contains(length)
        }
    }
}
