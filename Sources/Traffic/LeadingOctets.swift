internal import NetworkTypes

/// What a prefix table says of IPv4 addresses by their first octet alone, or the first two, where that settles it: a look
/// or two in place of a search, which every record takes for both of its ends.
struct LeadingOctets: Sendable {
    /// By first octet: an answer, or where the 256 answers by second octet begin, below `firstPage`.
    private var answers: [Int32]

    /// The longer prefixes decide.
    private static let unsettled: Int32 = -2
    /// Where further answers begin at `n`, -3 - n.
    private static let furtherBase: Int32 = -3

    init(_ table: PrefixTable<some Sendable>) {
        let prefixes = table.entries.map(\.prefix).filter { $0.family == .ipv4 }
        func answer(_ first: UInt32, octets: UInt32) -> Int32 {
            let shift = 32 - 8 * octets
            let isSettled = !prefixes.contains { $0.length > 8 * octets && $0.address.v4 >> shift == first >> shift }
            return isSettled ? Int32(truncatingIfNeeded: table.index(of: IPAddress(v4: first))) : Self.unsettled
        }
        answers = (0..<256).map { answer($0 << 24, octets: 1) }
        for octet in 0..<256 where answers[octet] == Self.unsettled {
            answers[octet] = Self.furtherBase - Int32(answers.count)
            answers += (0..<256).map { answer(UInt32(octet) << 24 | $0 << 16, octets: 2) }
        }
    }

    /// Where the longest prefix that contains the address stands in the table, or -1.
    @inline(__always)
    func index(of address: IPAddress, in table: PrefixTable<some Sendable>) -> Int {
        if address.isIPv4 {
            var answer = answers[Int(address.v4 >> 24)]
            if answer <= Self.furtherBase {
                answer = answers[Int(Self.furtherBase &- answer) &+ Int(address.v4 >> 16 & 0xFF)]
            }
            if answer > Self.unsettled { return Int(answer) }
        }
        return table.index(of: address)
    }
}
