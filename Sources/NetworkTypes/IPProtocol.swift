/// An IP protocol number (IANA "Assigned Internet Protocol Numbers"); IPv6's next header.
@frozen
public struct IPProtocol: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let icmp = IPProtocol(rawValue: 1)
    public static let igmp = IPProtocol(rawValue: 2)
    /// IPv4 within IP (RFC 2003). It has no name in rules: `ipip` is another, 94, to IANA and to ExaBGP.
    public static let ipv4InIP = IPProtocol(rawValue: 4)
    public static let tcp = IPProtocol(rawValue: 6)
    public static let udp = IPProtocol(rawValue: 17)
    public static let ipv6 = IPProtocol(rawValue: 41)
    public static let gre = IPProtocol(rawValue: 47)
    public static let esp = IPProtocol(rawValue: 50)
    public static let ah = IPProtocol(rawValue: 51)
    public static let icmpv6 = IPProtocol(rawValue: 58)
    public static let ospf = IPProtocol(rawValue: 89)
    public static let pim = IPProtocol(rawValue: 103)
    public static let sctp = IPProtocol(rawValue: 132)

    /// ICMP of either family: operators set one threshold for both.
    @inlinable
    public var isICMP: Bool { rawValue == 1 || rawValue == 58 }

    private static let names: [(UInt8, String)] = [
        (1, "icmp"), (2, "igmp"), (6, "tcp"), (8, "egp"), (17, "udp"), (41, "ipv6"), (46, "rsvp"),
        (47, "gre"), (50, "esp"), (51, "ah"), (58, "icmpv6"), (89, "ospf"), (94, "ipip"), (103, "pim"), (132, "sctp"),
    ]
}

extension IPProtocol: CustomStringConvertible {
    /// The lower-case name, or the number where there is none.
    public var description: String { Self.names.first { $0.0 == rawValue }?.1 ?? String(rawValue) }

    /// Reads a name (`udp`) or a number from 0 to 255.
    public init?(name: String) {
        let lower = name.lowercased()
        if let number = Self.names.first(where: { $0.1 == lower })?.0 ?? Self.number(lower) {
            self.init(rawValue: number)
        } else {
            return nil
        }
    }

    /// Digits only: `UInt8` alone would take a sign.
    private static func number(_ text: String) -> UInt8? {
        text.utf8.allSatisfy { (48...57).contains($0) } ? UInt8(text) : nil
    }
}
