/// An address block in CIDR form. Bits after the length are always clear.
public struct IPPrefix: Hashable, Sendable {
    public let address: IPAddress
    public let family: AddressFamily
    // An octet holds it, and there may be many prefixes.
    private let bits: UInt8

    /// 0…32 for IPv4, 0…128 for IPv6.
    public var length: Int { Int(bits) }

    /// Clears the host bits; nil if the length is outside the family's range.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.bitWidth).contains(length) else { return nil }
        self.family = address.family
        self.address = address.masked(to: length)
        self.bits = UInt8(length)
    }

    /// The prefix of a single host: a /32 or a /128.
    public init(host address: IPAddress) {
        self.family = address.family
        self.address = address
        self.bits = UInt8(address.family.bitWidth)
    }

    /// Whether the prefix names one host.
    public var isHost: Bool { length == family.bitWidth }

    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && other.masked(to: length) == address
    }

    /// Whether `other` lies inside this prefix or is the same.
    public func contains(_ other: IPPrefix) -> Bool {
        other.family == family && other.length >= length && contains(other.address)
    }

    public func overlaps(_ other: IPPrefix) -> Bool { contains(other) || other.contains(self) }

    /// The last address of the block.
    public var lastAddress: IPAddress {
        let bits = family == .ipv4 ? length + 96 : length
        let highMask = bits >= 64 ? 0 : UInt64.max >> UInt64(bits)
        let lowMask = bits >= 128 ? 0 : bits <= 64 ? UInt64.max : UInt64.max >> UInt64(bits - 64)
        return IPAddress(high: address.high | highMask, low: address.low | lowMask)
    }
}

extension IPPrefix: CustomStringConvertible, LosslessStringConvertible {
    public var description: String { "\(address)/\(length)" }

    /// Reads `ADDRESS/LENGTH`, or an address alone as a host. Host bits that are set are an error, because the writer
    /// may have meant another length: nil.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(host: address)
            return
        }
        guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), parts[1].count <= 3, let length = Int(parts[1]),
            let prefix = IPPrefix(address, length: length), prefix.address == address
        else { return nil }
        self = prefix
    }
}

extension IPPrefix: Comparable {
    public static func < (left: IPPrefix, right: IPPrefix) -> Bool {
        left.address != right.address ? left.address < right.address : left.length < right.length
    }
}
