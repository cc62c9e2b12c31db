import NetworkTypes

/// SplitMix64: the same numbers on every run, so that what fails once fails again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

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
