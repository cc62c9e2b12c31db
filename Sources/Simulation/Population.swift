public import NetworkTypes

/// Where the far ends of traffic are.
public struct Population: Sendable {
    public enum Spread: Sendable, Hashable {
        /// Every packet from another address of the whole Internet: forged.
        case anywhere
        /// So many single hosts.
        case hosts(Int)
        /// Customers of so many providers, each a /20 or a /48.
        case networks(Int)
    }

    public let spread: Spread
    private let isIPv4: Bool
    private let bases: [IPAddress]

    public init(_ spread: Spread, isIPv4: Bool, using random: inout SeededGenerator) {
        self.spread = spread
        self.isIPv4 = isIPv4
        let count: Int
        switch spread {
        case .anywhere: count = 0
        case .hosts(let number), .networks(let number): count = max(1, number)
        }
        var bases: [IPAddress] = []
        for _ in 0..<count { bases.append(Self.anywhere(isIPv4: isIPv4, using: &random)) }
        self.bases = bases
    }

    /// The single hosts; empty where it is not so few that each could be named.
    public var singleHosts: [IPAddress] { if case .hosts = spread { bases } else { [] } }

    /// Whether each packet has an address of its own.
    var isForged: Bool { spread == .anywhere }

    func address(using random: inout SeededGenerator) -> IPAddress {
        guard !bases.isEmpty else { return Self.anywhere(isIPv4: isIPv4, using: &random) }
        guard case .networks = spread else { return bases[random.below(bases.count)] }
        // A few providers have most of the customers.
        let rank = random.uniform() * random.uniform()
        let base = bases[min(Int(rank * Double(bases.count)), bases.count - 1)]
        return isIPv4
            ? IPAddress(v4: base.v4 & 0xFFFF_F000 | UInt32(random.below(1 << 12)))
            : IPAddress(high: base.high & ~0xFFFF, low: random.next())
    }

    /// Any address that is routed on the Internet. None of ours: those of scenarios are from prefixes for documentation.
    private static func anywhere(isIPv4: Bool, using random: inout SeededGenerator) -> IPAddress {
        guard isIPv4 else { return IPAddress(high: 0x2400_0000_0000_0000 | random.next() >> 6, low: random.next()) }
        while true {
            let address = IPAddress(v4: UInt32(truncatingIfNeeded: random.next()))
            let first = address.v4 >> 24
            // Private, loopback, multicast, and the three documentation prefixes with what lies about them.
            if first == 0 || first == 10 || first == 127 || first >= 224 { continue }
            if [0xC000, 0xC0A8, 0xC633, 0xCB00].contains(address.v4 >> 16) { continue }
            return address
        }
    }
}
