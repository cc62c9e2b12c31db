/// The control bits of a TCP header (RFC 9293 section 3.1), without the reserved ones.
@frozen
public struct TCPFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let fin = TCPFlags(rawValue: 0x01)
    public static let syn = TCPFlags(rawValue: 0x02)
    public static let rst = TCPFlags(rawValue: 0x04)
    public static let psh = TCPFlags(rawValue: 0x08)
    public static let ack = TCPFlags(rawValue: 0x10)
    public static let urg = TCPFlags(rawValue: 0x20)
    public static let ece = TCPFlags(rawValue: 0x40)
    public static let cwr = TCPFlags(rawValue: 0x80)

    /// The first packet of a handshake: SYN without ACK.
    @inlinable
    public var isConnectionAttempt: Bool { rawValue & 0x12 == 0x02 }
}

extension TCPFlags: CustomStringConvertible {
    private static let names: [(TCPFlags, String)] = [
        (.fin, "fin"), (.syn, "syn"), (.rst, "rst"), (.psh, "psh"), (.ack, "ack"), (.urg, "urg"), (.ece, "ece"),
        (.cwr, "cwr"),
    ]

    /// The names of the set bits joined by `+`; `none` when empty.
    public var description: String {
        isEmpty ? "none" : Self.names.filter { contains($0.0) }.map(\.1).joined(separator: "+")
    }

    /// One flag by its name; `push` and `urgent` are accepted as ExaBGP writes them.
    public init?(name: String) {
        let aliases = ["push": "psh", "reset": "rst", "urgent": "urg"]
        let lower = name.lowercased()
        guard let flag = Self.names.first(where: { $0.1 == aliases[lower] ?? lower }) else { return nil }
        self = flag.0
    }
}
