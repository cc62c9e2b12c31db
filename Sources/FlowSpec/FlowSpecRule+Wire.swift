public import NetworkTypes

extension FlowSpecRule {
    /// The NLRI with its length field (RFC 8955 section 4.1): one octet below 240, two from there to 4095.
    public func encodedNLRI() throws(FlowSpecError) -> [UInt8] {
        var body: [UInt8] = []
        for component in components { component.encode(into: &body) }
        guard body.count <= 4095 else { throw .tooLong }
        if body.count < 240 { return [UInt8(body.count)] + body }
        return [0xF0 | UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
    }

    /// Reads one NLRI from the front of `octets`.
    public static func decodeNLRI(
        _ octets: ArraySlice<UInt8>,
        family: AddressFamily
    ) throws(FlowSpecError) -> (rule: FlowSpecRule, consumed: Int) {
        var reader = OctetReader(octets)
        guard let first = reader.read(UInt8.self) else { throw .truncated }
        var length = Int(first)
        if first >= 0xF0 {
            guard let second = reader.read(UInt8.self) else { throw .truncated }
            length = Int(first & 0x0F) << 8 | Int(second)
        }
        guard let body = reader.take(length) else { throw .truncated }
        var fields = OctetReader(body)
        var components: [MatchComponent] = []
        while let number = fields.read(UInt8.self) {
            guard let type = MatchComponentType(rawValue: number) else { throw .unknownComponent(number) }
            if let last = components.last?.type, last >= type { throw .wrongOrder }
            components.append(try MatchComponent(type, from: &fields, family: family))
        }
        return (try FlowSpecRule(family: family, components: components), octets.count - reader.count)
    }
}

extension MatchComponent {
    fileprivate func encode(into body: inout [UInt8]) {
        body.append(type.rawValue)
        switch self {
        case .destination(let pattern), .source(let pattern):
            pattern.encode(into: &body)
        case .tcpFlags(let terms), .fragment(let terms):
            for (index, term) in terms.enumerated() {
                term.encode(isFirst: index == 0, isLast: index == terms.count - 1, into: &body)
            }
        case .ipProtocol(let terms), .port(let terms), .destinationPort(let terms), .sourcePort(let terms),
            .icmpType(let terms), .icmpCode(let terms), .packetLength(let terms), .dscp(let terms),
            .flowLabel(let terms):
            for (index, term) in terms.enumerated() {
                term.encode(isFirst: index == 0, isLast: index == terms.count - 1, into: &body)
            }
        }
    }

    fileprivate init(
        _ type: MatchComponentType,
        from fields: inout OctetReader,
        family: AddressFamily
    ) throws(FlowSpecError) {
        switch type {
        case .destinationPrefix: self = .destination(try PrefixPattern(from: &fields, family: family))
        case .sourcePrefix: self = .source(try PrefixPattern(from: &fields, family: family))
        case .ipProtocol: self = .ipProtocol(try NumericTerm.list(from: &fields))
        case .port: self = .port(try NumericTerm.list(from: &fields))
        case .destinationPort: self = .destinationPort(try NumericTerm.list(from: &fields))
        case .sourcePort: self = .sourcePort(try NumericTerm.list(from: &fields))
        case .icmpType: self = .icmpType(try NumericTerm.list(from: &fields))
        case .icmpCode: self = .icmpCode(try NumericTerm.list(from: &fields))
        case .tcpFlags: self = .tcpFlags(try BitmaskTerm.list(from: &fields))
        case .packetLength: self = .packetLength(try NumericTerm.list(from: &fields))
        case .dscp: self = .dscp(try NumericTerm.list(from: &fields))
        case .fragment: self = .fragment(try BitmaskTerm.list(from: &fields))
        case .flowLabel: self = .flowLabel(try NumericTerm.list(from: &fields))
        }
    }
}

extension PrefixPattern {
    /// IPv4: length and prefix. IPv6: length, offset and the bits from the offset on, left-aligned (RFC 8956 section 3.1).
    fileprivate func encode(into body: inout [UInt8]) {
        body.append(UInt8(prefix.length))
        if prefix.family == .ipv6 { body.append(UInt8(offset)) }
        let shifted = prefix.address.bytes.shiftedLeft(by: offset)
        body += shifted.prefix((prefix.length - offset + 7) / 8)
    }

    fileprivate init(from fields: inout OctetReader, family: AddressFamily) throws(FlowSpecError) {
        guard let length = fields.read(UInt8.self) else { throw .truncated }
        var offset: UInt8 = 0
        if family == .ipv6 {
            guard let octet = fields.read(UInt8.self) else { throw .truncated }
            offset = octet
        }
        guard Int(length) <= family.bitWidth, offset <= length else { throw .invalidPrefixLength(length) }
        guard let octets = fields.take((Int(length) - Int(offset) + 7) / 8) else { throw .truncated }
        let width = family.bitWidth / 8
        let aligned = Array(octets) + Array(repeating: 0, count: width - octets.count)
        guard let address = IPAddress(bytes: aligned.shiftedRight(by: Int(offset))),
            let prefix = IPPrefix(address, length: Int(length)), prefix.family == family
        else { throw .invalidPrefixLength(length) }
        self.init(prefix, offset: Int(offset))
    }
}

extension NumericTerm {
    /// The operator octet: end-of-list, AND, length as a power of two, then lt, gt, eq (RFC 8955 section 4.2.1.1).
    fileprivate func encode(isFirst: Bool, isLast: Bool, into body: inout [UInt8]) {
        let sizeBits: UInt8 = value <= 0xFF ? 0 : value <= 0xFFFF ? 1 : value <= 0xFFFF_FFFF ? 2 : 3
        let joined: UInt8 = and && !isFirst ? 0x40 : 0
        body.append((isLast ? 0x80 : 0) | joined | sizeBits << 4 | wireComparison)
        let size = 1 << Int(sizeBits)
        for shift in stride(from: (size - 1) * 8, through: 0, by: -8) {
            body.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    /// lt is bit 2, gt bit 1, eq bit 0.
    private var wireComparison: UInt8 { comparison.rawValue }

    fileprivate static func list(from fields: inout OctetReader) throws(FlowSpecError) -> [NumericTerm] {
        var terms: [NumericTerm] = []
        while true {
            guard let operation = fields.read(UInt8.self),
                let octets = fields.take(1 << Int(operation >> 4 & 3)),
                let comparison = Comparison(rawValue: operation & 7)
            else { throw .truncated }
            let value = octets.reduce(0) { $0 << 8 | UInt64($1) }
            terms.append(NumericTerm(comparison, value, and: operation & 0x40 != 0 && !terms.isEmpty))
            if operation & 0x80 != 0 { return terms }
        }
    }
}

extension BitmaskTerm {
    /// The operator octet: end-of-list, AND, length, then NOT and match (RFC 8955 section 4.2.1.2).
    fileprivate func encode(isFirst: Bool, isLast: Bool, into body: inout [UInt8]) {
        let isWide = value > 0xFF
        let joined: UInt8 = and && !isFirst ? 0x40 : 0
        body.append((isLast ? 0x80 : 0) | joined | (isWide ? 0x10 : 0) | (not ? 0x02 : 0) | (match ? 0x01 : 0))
        if isWide { body.append(UInt8(value >> 8)) }
        body.append(UInt8(value & 0xFF))
    }

    fileprivate static func list(from fields: inout OctetReader) throws(FlowSpecError) -> [BitmaskTerm] {
        var terms: [BitmaskTerm] = []
        while true {
            guard let operation = fields.read(UInt8.self), let octets = fields.take(1 << Int(operation >> 4 & 3)) else {
                throw .truncated
            }
            let value = octets.reduce(0) { $0 << 8 | UInt64($1) }
            terms.append(
                BitmaskTerm(
                    UInt16(truncatingIfNeeded: value),
                    match: operation & 1 != 0,
                    not: operation & 2 != 0,
                    and: operation & 0x40 != 0 && !terms.isEmpty
                )
            )
            if operation & 0x80 != 0 { return terms }
        }
    }
}

extension Array<UInt8> {
    /// The bits moved towards the front; zeros follow.
    fileprivate func shiftedLeft(by bits: Int) -> [UInt8] {
        let whole = bits / 8
        let part = UInt16(bits % 8)
        return indices.map { index in
            let high = index + whole < count ? UInt16(self[index + whole]) : 0
            let low = index + whole + 1 < count ? UInt16(self[index + whole + 1]) : 0
            return UInt8(truncatingIfNeeded: ((high << 8 | low) << part) >> 8)
        }
    }

    /// The bits moved towards the end; zeros lead.
    fileprivate func shiftedRight(by bits: Int) -> [UInt8] {
        let whole = bits / 8
        let part = UInt16(bits % 8)
        return indices.map { index in
            let high = index - whole - 1 >= 0 ? UInt16(self[index - whole - 1]) : 0
            let low = index - whole >= 0 ? UInt16(self[index - whole]) : 0
            return UInt8(truncatingIfNeeded: (high << 8 | low) >> part)
        }
    }
}
