/// An IPv4 or IPv6 address in 128 bits; IPv4 is held in its IPv4-mapped form (RFC 4291 section 2.5.5.2).
///
/// One layout for both families keeps flow records and host tables free of branches. A packet that carries a literal
/// `::ffff:a.b.c.d` is taken for the IPv4 address it maps, which is what operators mean by it.
@frozen
public struct IPAddress: Hashable, Sendable, BitwiseCopyable {
    /// The upper 64 bits, in host order.
    public var high: UInt64
    /// The lower 64 bits, in host order.
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address from its 32 bits in host order.
    @inlinable
    public init(v4 bits: UInt32) {
        self.high = 0
        self.low = 0xFFFF_0000_0000 | UInt64(bits)
    }

    @inlinable
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        self.init(v4: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d))
    }

    @inlinable
    public var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// The lower 32 bits: the address itself when `isIPv4`.
    @inlinable
    public var v4: UInt32 { UInt32(truncatingIfNeeded: low) }

    public var family: AddressFamily { isIPv4 ? .ipv4 : .ipv6 }

    /// `::`, which is also what a record without an address holds.
    @inlinable public static var unspecified: IPAddress { IPAddress(high: 0, low: 0) }

    /// The address in network order: 4 bytes for IPv4, 16 for IPv6.
    public var bytes: [UInt8] {
        let all = (0..<16).map { index -> UInt8 in
            let word = index < 8 ? high : low
            return UInt8(truncatingIfNeeded: word >> UInt64(56 - (index & 7) * 8))
        }
        return isIPv4 ? Array(all[12...]) : all
    }

    /// An address from 4 or 16 bytes in network order; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self.init(
                high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
            )
        default:
            return nil
        }
    }

    /// The address with every bit after the first `length` cleared; `length` counts the family's own bits.
    @inlinable
    public func masked(to length: Int) -> IPAddress {
        let bits = isIPv4 ? length &+ 96 : length
        if bits >= 128 { return self }
        if bits <= 0 { return IPAddress(high: 0, low: 0) }
        if bits >= 64 {
            return IPAddress(high: high, low: bits == 64 ? 0 : low & ~(UInt64.max >> UInt64(bits &- 64)))
        }
        return IPAddress(high: high & ~(UInt64.max >> UInt64(bits)), low: 0)
    }
}

extension IPAddress: Comparable {
    @inlinable
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}

/// The address families of RFC 4760, with their IANA numbers.
public enum AddressFamily: UInt16, Sendable, Hashable, CaseIterable {
    case ipv4 = 1
    case ipv6 = 2

    /// The number of bits of an address: 32 or 128.
    public var bitWidth: Int { self == .ipv4 ? 32 : 128 }
}
