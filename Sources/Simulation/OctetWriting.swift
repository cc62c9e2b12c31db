import NetworkTypes

extension [UInt8] {
    mutating func append(big16 value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    mutating func append(big32 value: UInt32) {
        append(big16: UInt16(truncatingIfNeeded: value >> 16))
        append(big16: UInt16(truncatingIfNeeded: value))
    }

    mutating func append(big64 value: UInt64) {
        append(big32: UInt32(truncatingIfNeeded: value >> 32))
        append(big32: UInt32(truncatingIfNeeded: value))
    }

    /// 4 octets of an IPv4 address, 16 of an IPv6 address.
    mutating func append(address: IPAddress) {
        guard !address.isIPv4 else { return append(big32: address.v4) }
        append(big64: address.high)
        append(big64: address.low)
    }

    /// Writes over two octets that lie within.
    mutating func set(big16 value: UInt16, at offset: Int) {
        self[offset] = UInt8(truncatingIfNeeded: value >> 8)
        self[offset + 1] = UInt8(truncatingIfNeeded: value)
    }
}
