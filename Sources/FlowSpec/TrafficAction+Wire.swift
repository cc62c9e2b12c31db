internal import NetworkTypes

extension TrafficAction {
    /// The action as an extended community of 8 octets; nil for a redirect to an IPv6 address, which takes 20.
    public var extendedCommunity: [UInt8]? {
        var octets: [UInt8] = []
        switch self {
        case .rateLimitBytes(let asn, let rate):
            octets = [0x80, 0x06]
            octets.append(bigEndian: asn)
            octets.append(bigEndian: rate.bitPattern)
        case .rateLimitPackets(let asn, let rate):
            octets = [0x80, 0x0C]
            octets.append(bigEndian: asn)
            octets.append(bigEndian: rate.bitPattern)
        case .control(let continueWithNextRules, let sample):
            octets = [0x80, 0x07, 0, 0, 0, 0, 0, (sample ? 2 : 0) | (continueWithNextRules ? 1 : 0)]
        case .redirect(.twoOctetAS(let asn, let number)):
            octets = [0x80, 0x08]
            octets.append(bigEndian: asn)
            octets.append(bigEndian: number)
        case .redirect(.ipv4(let address, let number)):
            octets = [0x81, 0x08] + address.bytes.prefix(4)
            octets.append(bigEndian: number)
        case .redirect(.fourOctetAS(let asn, let number)):
            octets = [0x82, 0x08]
            octets.append(bigEndian: asn.rawValue)
            octets.append(bigEndian: number)
        case .redirectToIP(let address, let copy):
            guard address.isIPv4 else { return nil }
            octets = [0x01, 0x0C] + address.bytes + [0, copy ? 1 : 0]
        case .markDSCP(let value):
            octets = [0x80, 0x09, 0, 0, 0, 0, 0, value & 0x3F]
        case .interfaceSet(let asn, let group, let input, let output, let transitive):
            octets = [transitive ? 0x07 : 0x47, 0x02]
            octets.append(bigEndian: asn.rawValue)
            octets.append(bigEndian: group & 0x3FFF | (output ? 0x8000 : 0) | (input ? 0x4000 : 0))
        }
        return octets
    }

    /// The action as an IPv6-address-specific extended community of 20 octets (RFC 5701), where it takes one.
    public var ipv6ExtendedCommunity: [UInt8]? {
        guard case .redirectToIP(let address, let copy) = self, !address.isIPv4 else { return nil }
        return [0x00, 0x0C] + address.bytes + [0, copy ? 1 : 0]
    }

    /// Reads an extended community of 8 or 20 octets; nil when it is not a traffic action.
    public init?(extendedCommunity octets: some Collection<UInt8>) {
        var reader = OctetReader(ArraySlice(octets))
        guard let type = reader.read(UInt16.self) else { return nil }
        if octets.count == 20 {
            guard type == 0x000C, let bytes = reader.take(16), let address = IPAddress(bytes: bytes),
                let flags = reader.read(UInt16.self)
            else { return nil }
            self = .redirectToIP(address, copy: flags & 1 != 0)
            return
        }
        guard octets.count == 8, let high = reader.read(UInt16.self), let low = reader.read(UInt32.self) else {
            return nil
        }
        let four = UInt32(high) << 16 | low >> 16
        let last = UInt16(truncatingIfNeeded: low)
        switch type {
        case 0x8006: self = .rateLimitBytes(asn: high, bytesPerSecond: Float(bitPattern: low))
        case 0x800C: self = .rateLimitPackets(asn: high, packetsPerSecond: Float(bitPattern: low))
        case 0x8007: self = .control(continueWithNextRules: low & 1 != 0, sample: low & 2 != 0)
        case 0x8008: self = .redirect(.twoOctetAS(high, low))
        case 0x8108: self = .redirect(.ipv4(IPAddress(v4: four), last))
        case 0x8208: self = .redirect(.fourOctetAS(ASN(four), last))
        case 0x010C: self = .redirectToIP(IPAddress(v4: four), copy: last & 1 != 0)
        case 0x8009: self = .markDSCP(UInt8(truncatingIfNeeded: low) & 0x3F)
        case 0x0702, 0x4702:
            self = .interfaceSet(
                asn: ASN(four),
                group: last & 0x3FFF,
                input: last & 0x4000 != 0,
                output: last & 0x8000 != 0,
                transitive: type == 0x0702
            )
        default: return nil
        }
    }
}
