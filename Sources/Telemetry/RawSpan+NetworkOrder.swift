package import NetworkTypes

/// Loads in network order. Each is bounds-checked by `RawSpan`; decoders hold lengths against the datagram first, so
/// that a short one is an error and not a trap.
extension RawSpan {
    @inline(__always)
    package func octet(_ offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }

    @inline(__always)
    package func uint16(_ offset: Int) -> UInt16 {
        unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    @inline(__always)
    package func uint32(_ offset: Int) -> UInt32 {
        unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inline(__always)
    package func uint64(_ offset: Int) -> UInt64 {
        unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// An unsigned number of 0…8 octets; of longer ones the last 8.
    @inline(__always)
    package func unsigned(_ offset: Int, length: Int) -> UInt64 {
        switch length {
        case 4: return UInt64(uint32(offset))
        case 8: return uint64(offset)
        case 2: return UInt64(uint16(offset))
        case 1: return UInt64(octet(offset))
        default:
            var value: UInt64 = 0
            for index in offset..<(offset &+ length) { value = value << 8 | UInt64(octet(index)) }
            return value
        }
    }

    @inline(__always)
    package func ipv4(_ offset: Int) -> IPAddress { IPAddress(v4: uint32(offset)) }

    @inline(__always)
    package func ipv6(_ offset: Int) -> IPAddress { IPAddress(high: uint64(offset), low: uint64(offset &+ 8)) }
}
