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
    /// Octets of a record; of one with variable fields the fewest that there can be.
    let recordLength: Int
    let isVariable: Bool
    /// Records describe the exporter rather than traffic.
    let isOptions: Bool
    /// Whether a biflow's or a connection's other half may be in a record.
    let hasReverse: Bool
    /// When the template was last of use, in datagrams of the exporter.
    var lastUsed: UInt64 = 0

    /// More than any exporter sends; a record of so many could not fit a datagram if its fields had four octets each.
    static let maximumFields = 1024

    /// A field as the template has it.
    struct Specification {
        var number: UInt16
        var enterprise: UInt32
        var length: UInt16
        /// A scope field of a NetFlow v9 options template, whose numbers are not information elements.
        var isScope = false
    }

    init(_ specifications: [Specification], isOptions: Bool) throws(DecodeError) {
        var best: [InformationElement: (index: Int, rank: Int)] = [:]
        // A record with both pairs of addresses is of a tunnel or SRv6, inner header last: repeated elements are those
        // of the inner one, unless the IP version is told.
        let numbers = Set(specifications.filter { $0.enterprise == 0 && !$0.isScope }.map(\.number))
        let isDual = numbers.isSuperset(of: [8, 12, 27, 28]) && !numbers.contains(60)
        for (index, specification) in specifications.enumerated() where !specification.isScope {
            guard
                let (element, rank) = InformationElement.find(
                    number: specification.number,
                    enterprise: specification.enterprise
                ),
                Self.isPlausible(element, length: specification.length)
            else { continue }
            if let found = best[element], found.rank < rank || found.rank == rank && !isDual { continue }
            best[element] = (index, rank)
        }
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
        self.fields = isVariable ? all : all.filter { $0.element != nil }
        self.recordLength = offset
        self.isVariable = isVariable
        self.isOptions = isOptions
        self.hasReverse = best[.reverseOctets] != nil || best[.reversePackets] != nil
    }

    /// Whether a value of that length can be what the element says; a field of another length is walked over.
    private static func isPlausible(_ element: InformationElement, length: UInt16) -> Bool {
        switch element {
        case .sourceIPv4, .destinationIPv4: length == 4
        case .sourceIPv6, .destinationIPv6: length == 16
        case .ethernetSection, .ipSection: length > 0
        default: (1...8).contains(length)
        }
    }
}
