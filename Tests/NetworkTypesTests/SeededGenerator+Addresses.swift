import NetworkTypes
import Simulation

extension SeededGenerator {
    /// Either family, with many zero groups and neighbours of the IPv4-mapped range.
    mutating func address() -> IPAddress {
        switch next() % 4 {
        case 0: IPAddress(v4: UInt32(truncatingIfNeeded: next()))
        case 1: IPAddress(high: next(), low: next())
        case 2: IPAddress(high: next() & 0xFFFF_0000_FFFF_0000, low: next() & 0xFFFF_0000_0000_FFFF)
        default: IPAddress(high: next() % 8 == 0 ? 1 : 0, low: (0xFFFE + next() % 3) << 32 | next() & 0xFFFF_FFFF)
        }
    }

    /// Prefixes close to each other, so that they nest.
    mutating func prefix() -> IPPrefix {
        let base: IPAddress
        if next() % 2 == 0 {
            base = IPAddress(v4: 0xC633_6400 ^ UInt32(truncatingIfNeeded: next() & 0x3FF))
        } else if next() % 4 == 0 {
            base = IPAddress(high: 0, low: next() & 0x3_FFFF_FFFF_FFFF)
        } else {
            base = IPAddress(high: 0x2001_0db8_0000_0000 | next() & 0xFF, low: next() & 0xFF)
        }
        let length = Int(next() % UInt64(base.family.bitWidth + 1))
        return IPPrefix(base, length: length) ?? IPPrefix(host: base)
    }
}
