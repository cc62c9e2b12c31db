internal import NetworkTypes

/// A route distinguisher (RFC 4364 section 4.2): what tells equal rules of different VPNs apart.
public struct RouteDistinguisher: RawRepresentable, Sendable, Hashable, Comparable {
    /// The eight octets, in network order.
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: RouteDistinguisher, right: RouteDistinguisher) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension RouteDistinguisher: CustomStringConvertible {
    /// `65001:100`, `192.0.2.1:100`, `4200000000:100`. A number of type 2 that would fit type 0 is marked, `100L:5`;
    /// an unknown type is printed as its octets.
    public var description: String {
        switch rawValue >> 48 {
        case 0: return "\(rawValue >> 32 & 0xFFFF):\(rawValue & 0xFFFF_FFFF)"
        case 1: return "\(IPAddress(v4: UInt32(truncatingIfNeeded: rawValue >> 16))):\(rawValue & 0xFFFF)"
        case 2:
            let asn = rawValue >> 16 & 0xFFFF_FFFF
            return "\(asn)\(asn <= 0xFFFF ? "L" : ""):\(rawValue & 0xFFFF)"
        default: return "0x" + Hexadecimal.text(rawValue, digits: 16)
        }
    }

    /// Reads each of the printed forms; nil for anything else.
    public init?(_ text: String) {
        if text.hasPrefix("0x") {
            guard text.utf8.count == 18, let value = Hexadecimal.number(text.dropFirst(2)) else { return nil }
            self.init(rawValue: value)
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Digits.number(parts[1]) else { return nil }
        if let address = IPAddress(String(parts[0])), address.isIPv4 {
            guard number <= 0xFFFF else { return nil }
            self.init(rawValue: 1 << 48 | UInt64(address.v4) << 16 | number)
            return
        }
        let isLong = parts[0].hasSuffix("L")
        guard let asn = Digits.number(isLong ? parts[0].dropLast() : parts[0]), asn <= 0xFFFF_FFFF else { return nil }
        if asn <= 0xFFFF, !isLong {
            guard number <= 0xFFFF_FFFF else { return nil }
            self.init(rawValue: asn << 32 | number)
        } else {
            guard number <= 0xFFFF else { return nil }
            self.init(rawValue: 2 << 48 | asn << 16 | number)
        }
    }
}

/// Numbers without sign, space or separator, which the integers' own initialisers would take.
enum Digits {
    static func number(_ text: some StringProtocol) -> UInt64? {
        guard (1...20).contains(text.utf8.count) else { return nil }
        var value: UInt64 = 0
        for octet in text.utf8 {
            guard (48...57).contains(octet) else { return nil }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(octet - 48))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}

enum Hexadecimal {
    /// Digits only, at most 16 of them.
    static func number(_ text: some StringProtocol) -> UInt64? {
        guard (1...16).contains(text.utf8.count),
            text.utf8.allSatisfy({ (48...57).contains($0) || (65...70).contains($0) || (97...102).contains($0) })
        else { return nil }
        return UInt64(text, radix: 16)
    }

    static func octets(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var octets: [UInt8] = []
        octets.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digit(digits[index]), let low = digit(digits[index + 1]) else { return nil }
            octets.append(high << 4 | low)
        }
        return octets
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case 48...57: character - 48
        case 65...70: character - 55
        case 97...102: character - 87
        default: nil
        }
    }

    static func text(_ value: UInt64, digits: Int) -> String {
        let plain = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - plain.utf8.count)) + plain
    }

    static func text(_ octets: some Sequence<UInt8>) -> String {
        octets.reduce(into: "") { $0 += text(UInt64($1), digits: 2) }
    }
}

extension StringProtocol {
    /// What stands between separators, empty ones too. Quicker than `split`, which puts characters together.
    func asciiParts(_ separator: Unicode.Scalar) -> [Substring] {
        let octet = UInt8(ascii: separator)
        return Substring(self).utf8.split(separator: octet, omittingEmptySubsequences: false).map { Substring($0) }
    }
}
