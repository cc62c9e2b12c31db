internal import NetworkTypes

extension PrefixPattern {
    /// IPv4: length and prefix. IPv6: length, offset and the bits from the offset on, left-aligned (RFC 8956 section 3.1).
    func encode(into body: inout [UInt8]) {
        body.append(UInt8(prefix.length))
        let address = prefix.address
        if prefix.family == .ipv4 {
            for octet in 0..<(prefix.length + 7) / 8 {
                body.append(UInt8(truncatingIfNeeded: address.v4 >> UInt32(24 - octet * 8)))
            }
            return
        }
        body.append(UInt8(offset))
        let (high, low) = Self.shiftedLeft(address.high, address.low, by: offset)
        for octet in 0..<(prefix.length - offset + 7) / 8 {
            body.append(UInt8(truncatingIfNeeded: (octet < 8 ? high : low) >> UInt64(56 - (octet & 7) * 8)))
        }
    }

    init(_ type: MatchComponentType, from fields: inout OctetReader, family: AddressFamily) throws(FlowSpecError) {
        guard let length = fields.read(UInt8.self) else { throw .truncatedComponent(type) }
        guard Int(length) <= family.bitWidth else { throw .invalidPrefixLength(length) }
        guard family == .ipv6 else {
            guard let octets = fields.take((Int(length) + 7) / 8) else { throw .truncatedComponent(type) }
            var bits: UInt32 = 0
            for (index, octet) in octets.enumerated() { bits |= UInt32(octet) << UInt32(24 - index * 8) }
            let address = IPAddress(v4: bits)
            guard let prefix = IPPrefix(address, length: Int(length)) else { throw .invalidPrefixLength(length) }
            guard prefix.address == address else { throw .hostBits(type) }
            self.init(prefix)
            return
        }
        guard let offset = fields.read(UInt8.self) else { throw .truncatedComponent(type) }
        guard offset < length || (offset == 0 && length == 0) else { throw .invalidOffset(type) }
        guard let octets = fields.take((Int(length) - Int(offset) + 7) / 8) else { throw .truncatedComponent(type) }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, octet) in octets.enumerated() {
            if index < 8 {
                high |= UInt64(octet) << UInt64(56 - index * 8)
            } else {
                low |= UInt64(octet) << UInt64(56 - (index - 8) * 8)
            }
        }
        let (first, second) = Self.shiftedRight(high, low, by: Int(offset))
        // Padding is ignored (RFC 8956 section 3.1): the prefix clears it.
        guard let prefix = IPPrefix(IPAddress(high: first, low: second), length: Int(length)), prefix.family == .ipv6
        else { throw .wrongFamily(type) }
        self.init(prefix, offset: Int(offset))
    }

    private static func shiftedLeft(_ high: UInt64, _ low: UInt64, by bits: Int) -> (UInt64, UInt64) {
        if bits == 0 { return (high, low) }
        if bits >= 64 { return (low << UInt64(bits - 64), 0) }
        return (high << UInt64(bits) | low >> UInt64(64 - bits), low << UInt64(bits))
    }

    private static func shiftedRight(_ high: UInt64, _ low: UInt64, by bits: Int) -> (UInt64, UInt64) {
        if bits == 0 { return (high, low) }
        if bits >= 64 { return (0, high >> UInt64(bits - 64)) }
        return (high >> UInt64(bits), low >> UInt64(bits) | high << UInt64(64 - bits))
    }
}
