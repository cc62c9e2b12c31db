/// By which of its clocks an exporter dates the other half of a biflow (RFC 5103 section 6.1): one for each template.
enum ReverseClock: Sendable {
    case milliseconds, ntp, seconds, upTime, delta

    /// By the element, of the reverse direction, that tells when it began or ended. In the order of preference.
    private static let known: [UInt16: (clock: ReverseClock, rank: Int)] = [
        152: (.milliseconds, 0), 153: (.milliseconds, 0), 154: (.ntp, 1), 155: (.ntp, 1), 156: (.ntp, 2),
        157: (.ntp, 2),
        150: (.seconds, 3), 151: (.seconds, 3), 22: (.upTime, 4), 21: (.upTime, 4), 158: (.delta, 5), 159: (.delta, 5),
    ]

    /// The element that one of these is, with its rank.
    static func find(_ number: UInt16) -> (element: InformationElement, rank: Int)? {
        guard let rank = known[number]?.rank else { return nil }
        return ([152, 154, 156, 150, 22, 158].contains(number) ? .reverseFirst : .reverseLast, rank)
    }

    /// Nil, and then without either time, where an end is not told.
    init?(
        keepingOneOf best: inout [InformationElement: (index: Int, rank: Int)],
        _ specifications: [Template.Specification]
    ) {
        guard let last = best[.reverseLast], let known = Self.known[specifications[last.index].number] else {
            best[.reverseFirst] = nil
            return nil
        }
        // A begin by another clock says nothing of how long it lasted.
        if let first = best[.reverseFirst], first.rank != last.rank { best[.reverseFirst] = nil }
        self = known.clock
    }
}
