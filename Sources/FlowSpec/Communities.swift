internal import NetworkTypes

/// A BGP community (RFC 1997).
public struct Community: RawRepresentable, Sendable, Hashable, Comparable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static func < (left: Community, right: Community) -> Bool { left.rawValue < right.rawValue }

    /// RFC 7999: drop the traffic.
    public static let blackhole = Community(rawValue: 0xFFFF_029A)
    public static let noExport = Community(rawValue: 0xFFFF_FF01)
    public static let noAdvertise = Community(rawValue: 0xFFFF_FF02)
    public static let noExportSubconfederation = Community(rawValue: 0xFFFF_FF03)
    public static let noPeer = Community(rawValue: 0xFFFF_FF04)
}

extension Community: CustomStringConvertible {
    /// `65001:666`.
    public var description: String { "\(rawValue >> 16):\(rawValue & 0xFFFF)" }

    /// The well-known ones, as they may be written.
    static let names: [String: Community] = [
        "blackhole": .blackhole, "no-export": .noExport, "no-advertise": .noAdvertise,
        "no-export-subconfed": .noExportSubconfederation, "nopeer": .noPeer, "no-peer": .noPeer,
    ]

    /// Reads `65001:666`, a well-known name such as `blackhole`, or eight hexadecimal digits after `0x`.
    public init?(_ text: String) {
        if text.utf8.first.map({ (48...57).contains($0) }) != true, let known = Self.names[text.lowercased()] {
            self = known
            return
        }
        if text.hasPrefix("0x"), text.utf8.count == 10, let value = Hexadecimal.number(text.dropFirst(2)) {
            self.init(rawValue: UInt32(truncatingIfNeeded: value))
            return
        }
        let parts = text.asciiParts(":")
        guard parts.count == 2, let high = Digits.number(parts[0]), let low = Digits.number(parts[1]),
            high <= 0xFFFF, low <= 0xFFFF
        else { return nil }
        self.init(rawValue: UInt32(high) << 16 | UInt32(low))
    }
}

/// A large community (RFC 8092): twelve octets.
public struct LargeCommunity: Sendable, Hashable, Comparable {
    public var administrator: UInt32
    public var first: UInt32
    public var second: UInt32

    public init(_ administrator: UInt32, _ first: UInt32, _ second: UInt32) {
        self.administrator = administrator
        self.first = first
        self.second = second
    }

    public static func < (left: LargeCommunity, right: LargeCommunity) -> Bool {
        (left.administrator, left.first, left.second) < (right.administrator, right.first, right.second)
    }
}

extension LargeCommunity: CustomStringConvertible {
    /// `65001:1:2`.
    public var description: String { "\(administrator):\(first):\(second)" }

    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Digits.number($0) ?? .max }
        guard parts.count == 3, parts.allSatisfy({ $0 <= 0xFFFF_FFFF }) else { return nil }
        self.init(UInt32(parts[0]), UInt32(parts[1]), UInt32(parts[2]))
    }
}

/// An extended community of any type (RFC 4360): eight octets. Those that are traffic actions are `TrafficAction`s.
public struct ExtendedCommunity: RawRepresentable, Sendable, Hashable, Comparable {
    /// The eight octets, in network order.
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: ExtendedCommunity, right: ExtendedCommunity) -> Bool { left.rawValue < right.rawValue }

    /// Reads a route target such as `65001:100`, `192.0.2.1:100` or `4200000000:100`; nil for anything else.
    public init?(routeTarget text: String) { self.init(subtype: 2, text) }

    /// A route target or origin (RFC 4360 sections 4 and 5, RFC 5668).
    init?(subtype: UInt64, _ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let right = IPAddress(String(parts[1])).flatMap { $0.isIPv4 ? UInt64($0.v4) : nil } ?? Digits.number(parts[1])
        guard let right else { return nil }
        let value: UInt64
        if let address = IPAddress(String(parts[0])), address.isIPv4 {
            guard right <= 0xFFFF else { return nil }
            value = 1 << 56 | UInt64(address.v4) << 16 | right
        } else {
            let isLong = parts[0].hasSuffix("L")
            guard let asn = Digits.number(isLong ? parts[0].dropLast() : parts[0]), asn <= 0xFFFF_FFFF else {
                return nil
            }
            if asn <= 0xFFFF, !isLong {
                guard right <= 0xFFFF_FFFF else { return nil }
                value = asn << 32 | right
            } else {
                guard right <= 0xFFFF else { return nil }
                value = 2 << 56 | asn << 16 | right
            }
        }
        self.init(rawValue: value | subtype << 48)
    }
}

extension ExtendedCommunity: CustomStringConvertible {
    /// Its octets, `0x0002fde900000064`: the one form that every type has.
    public var description: String { "0x" + Hexadecimal.text(rawValue, digits: 16) }
}
