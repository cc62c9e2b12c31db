/// An autonomous system number of four octets (RFC 6793).
public struct ASN: RawRepresentable, Hashable, Sendable, Comparable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public init(_ number: UInt32) { self.rawValue = number }

    /// What stands for a number over 65535 where only two octets fit (RFC 6793 section 9).
    public static let transition = ASN(23456)

    /// Whether the number fits into two octets.
    public var isTwoOctet: Bool { rawValue <= 0xFFFF }

    public static func < (left: ASN, right: ASN) -> Bool { left.rawValue < right.rawValue }
}

extension ASN: CustomStringConvertible {
    public var description: String { String(rawValue) }

    /// Reads `65001`, `AS65001` or the asdot form `1.10` (RFC 5396); nil for zero and for what does not fit.
    public init?(_ text: String) {
        let digits = text.uppercased().hasPrefix("AS") ? text.dropFirst(2) : text[...]
        // The initialisers of integers would take a sign.
        guard digits.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") }) else { return nil }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        let number: UInt32
        switch parts.count {
        case 1:
            guard let plain = UInt32(parts[0]) else { return nil }
            number = plain
        case 2:
            guard let high = UInt16(parts[0]), let low = UInt16(parts[1]) else { return nil }
            number = UInt32(high) << 16 | UInt32(low)
        default:
            return nil
        }
        guard number != 0 else { return nil }
        self.init(number)
    }
}
