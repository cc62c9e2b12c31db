internal import NetworkTypes

extension TrafficAction {
    /// The action as an extended community of 8 octets; nil for those with an IPv6 address, which take 20.
    public var extendedCommunity: ExtendedCommunity? {
        let value: UInt64
        switch self {
        case .rateLimitBytes(let asn, let rate): value = 0x8006 << 48 | UInt64(asn) << 32 | Self.bits(rate)
        case .rateLimitPackets(let asn, let rate): value = 0x800C << 48 | UInt64(asn) << 32 | Self.bits(rate)
        case .control(let continueWithNextRules, let sample):
            value = 0x8007 << 48 | (sample ? 2 : 0) | (continueWithNextRules ? 1 : 0)
        case .redirect(.twoOctetAS(let asn, let number)):
            value = 0x8008 << 48 | UInt64(asn) << 32 | UInt64(number)
        case .redirect(.ipv4(let address, let number)):
            value = 0x8108 << 48 | UInt64(address.v4) << 16 | UInt64(number)
        case .redirect(.fourOctetAS(let asn, let number)):
            value = 0x8208 << 48 | UInt64(asn.rawValue) << 16 | UInt64(number)
        case .redirect(.ipv6): return nil
        case .redirectToIP(let address, let copy):
            guard address.isIPv4 else { return nil }
            value = 0x010C << 48 | UInt64(address.v4) << 16 | (copy ? 1 : 0)
        case .redirectToNextHop(let copy): value = 0x0800 << 48 | (copy ? 1 : 0)
        case .markDSCP(let dscp): value = 0x8009 << 48 | UInt64(dscp & 0x3F)
        case .interfaceSet(let asn, let group, let input, let output, let transitive):
            let bits = UInt64(group & 0x3FFF) | (output ? 0x8000 : 0) | (input ? 0x4000 : 0)
            value = (transitive ? 0x0702 : 0x4702) << 48 | UInt64(asn.rawValue) << 16 | bits
        }
        return ExtendedCommunity(rawValue: value)
    }

    /// What is sent is never negative or without meaning (RFC 8955 section 7.1), whatever the value holds.
    private static func bits(_ rate: Float) -> UInt64 {
        UInt64(rate.isFinite && rate > 0 ? rate.bitPattern : 0)
    }

    /// The action as an IPv6-address-specific extended community of 20 octets (RFC 5701), where it takes one.
    public var ipv6ExtendedCommunity: [UInt8]? {
        switch self {
        case .redirect(.ipv6(let address, let number)):
            return [0x00, 0x0D] + Self.octets(address) + [UInt8(number >> 8), UInt8(number & 0xFF)]
        case .redirectToIP(let address, let copy):
            return address.isIPv4 ? nil : [0x00, 0x0C] + Self.octets(address) + [0, copy ? 1 : 0]
        default: return nil
        }
    }

    private static func octets(_ address: IPAddress) -> [UInt8] {
        var octets: [UInt8] = []
        octets.append(bigEndian: address.high)
        octets.append(bigEndian: address.low)
        return octets
    }

    /// Reads an extended community; nil when it is not a traffic action, or one whose rate is no number.
    public init?(_ community: ExtendedCommunity) {
        let low = UInt32(truncatingIfNeeded: community.rawValue)
        let high = UInt16(truncatingIfNeeded: community.rawValue >> 32)
        let four = UInt32(truncatingIfNeeded: community.rawValue >> 16)
        let last = UInt16(truncatingIfNeeded: low)
        switch community.rawValue >> 48 {
        case 0x8006:
            guard let rate = Self.rate(low) else { return nil }
            self = .rateLimitBytes(asn: high, bytesPerSecond: rate)
        case 0x800C:
            guard let rate = Self.rate(low) else { return nil }
            self = .rateLimitPackets(asn: high, packetsPerSecond: rate)
        case 0x8007: self = .control(continueWithNextRules: low & 1 != 0, sample: low & 2 != 0)
        case 0x8008: self = .redirect(.twoOctetAS(high, low))
        case 0x8108: self = .redirect(.ipv4(IPAddress(v4: four), last))
        case 0x8208: self = .redirect(.fourOctetAS(ASN(four), last))
        case 0x010C: self = .redirectToIP(IPAddress(v4: four), copy: last & 1 != 0)
        case 0x0800: self = .redirectToNextHop(copy: last & 1 != 0)
        case 0x8009: self = .markDSCP(UInt8(truncatingIfNeeded: low) & 0x3F)
        case 0x0702, 0x4702:
            self = .interfaceSet(
                asn: ASN(four),
                group: last & 0x3FFF,
                input: last & 0x4000 != 0,
                output: last & 0x8000 != 0,
                transitive: community.rawValue >> 48 == 0x0702
            )
        default: return nil
        }
    }

    /// A negative rate counts as zero (RFC 8955 section 7.1); what is infinite or not a number is no rate.
    private static func rate(_ bits: UInt32) -> Float? {
        let rate = Float(bitPattern: bits)
        return rate.isFinite ? max(rate, 0) + 0 : nil
    }

    /// Reads an extended community of 8 or 20 octets; nil when it is not a traffic action.
    public init?(extendedCommunity octets: some Collection<UInt8>) {
        var reader = OctetReader(ArraySlice(octets))
        if octets.count == 8, let value = reader.read(UInt64.self) {
            self.init(ExtendedCommunity(rawValue: value))
            return
        }
        guard octets.count == 20, let type = reader.read(UInt16.self), let high = reader.read(UInt64.self),
            let low = reader.read(UInt64.self), let last = reader.read(UInt16.self)
        else { return nil }
        // An address that maps an IPv4 one has no place in this form.
        let address = IPAddress(high: high, low: low)
        guard !address.isIPv4 else { return nil }
        switch type {
        case 0x000C: self = .redirectToIP(address, copy: last & 1 != 0)
        case 0x000D: self = .redirect(.ipv6(address, last))
        default: return nil
        }
    }
}
