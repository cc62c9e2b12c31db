public import NetworkTypes

extension FlowSpecRule {
    /// The greatest value of the length field.
    static let maximumLength = 4095

    static func encode(
        _ components: [MatchComponent],
        _ distinguisher: RouteDistinguisher?
    ) throws(FlowSpecError) -> [UInt8] {
        var octets: [UInt8] = [0]
        octets.reserveCapacity(16)
        if let distinguisher { octets.append(bigEndian: distinguisher.rawValue) }
        for component in components { component.encode(into: &octets) }
        let length = octets.count - 1
        guard length <= maximumLength else { throw .tooLong }
        if length < 240 {
            octets[0] = UInt8(length)
        } else {
            octets[0] = 0xF0 | UInt8(length >> 8)
            octets.insert(UInt8(length & 0xFF), at: 1)
        }
        return octets
    }

    /// Octets of the NLRI that begins here, its length field included (RFC 8955 section 4.1); nil when the octets end
    /// within the length field.
    public static func lengthOfNLRI(_ octets: ArraySlice<UInt8>) -> Int? {
        var reader = OctetReader(octets)
        guard let first = reader.read(UInt8.self) else { return nil }
        guard first >= 0xF0 else { return 1 + Int(first) }
        return reader.read(UInt8.self).map { 2 + (Int(first & 0x0F) << 8 | Int($0)) }
    }

    /// Reads one NLRI from the front of `octets`.
    ///
    /// - Parameter isVPN: it begins with a route distinguisher (SAFI 134).
    public static func decodeNLRI(
        _ octets: ArraySlice<UInt8>,
        family: AddressFamily,
        isVPN: Bool = false
    ) throws(FlowSpecError) -> (rule: FlowSpecRule, consumed: Int) {
        guard let length = lengthOfNLRI(octets), length <= octets.count, let first = octets.first else {
            throw .truncated
        }
        var fields = OctetReader(octets.prefix(length).dropFirst(first >= 0xF0 ? 2 : 1))
        var distinguisher: RouteDistinguisher?
        if isVPN {
            guard let number = fields.read(UInt64.self) else { throw .truncated }
            distinguisher = RouteDistinguisher(rawValue: number)
        }
        var components: [MatchComponent] = []
        while let number = fields.read(UInt8.self) {
            guard let type = MatchComponentType(rawValue: number) else { throw .unknownComponent(number) }
            if let last = components.last?.type {
                guard last != type else { throw .duplicateComponent(type) }
                guard last < type else { throw .wrongOrder(type) }
            }
            components.append(try MatchComponent(type, from: &fields, family: family))
        }
        let rule = try FlowSpecRule(family: family, routeDistinguisher: distinguisher, components: components)
        return (rule, length)
    }
}

extension MatchComponent {
    /// The type and the value, as they stand in the NLRI.
    func encode(into octets: inout [UInt8]) {
        octets.append(type.rawValue)
        encodeValue(into: &octets)
    }

    func encodeValue(into octets: inout [UInt8]) {
        switch self {
        case .destination(let pattern), .source(let pattern): return pattern.encode(into: &octets)
        default: break
        }
        switch terms {
        case .numeric(let list):
            for (index, term) in list.enumerated() { term.encode(isLast: index == list.count - 1, into: &octets) }
        case .bitmask(let list):
            for (index, term) in list.enumerated() { term.encode(isLast: index == list.count - 1, into: &octets) }
        case nil: break
        }
    }

    fileprivate init(
        _ type: MatchComponentType,
        from fields: inout OctetReader,
        family: AddressFamily
    ) throws(FlowSpecError) {
        switch type {
        case .destinationPrefix: self = .destination(try PrefixPattern(type, from: &fields, family: family))
        case .sourcePrefix: self = .source(try PrefixPattern(type, from: &fields, family: family))
        case .tcpFlags, .fragment:
            // Bits that the component does not have are ignored: the data offset (RFC 8955 section 4.2.2.9), the upper
            // half of the fragment octet (4.2.2.12), "don't fragment" in IPv6 (RFC 8956 section 3.6).
            let bits = UInt16(type.maximumValue) & (type == .fragment && family == .ipv6 ? 0x0E : 0xFFFF)
            var terms: [BitmaskTerm] = []
            while true {
                let (operation, value) = try fields.term(of: type)
                terms.append(
                    BitmaskTerm(
                        UInt16(truncatingIfNeeded: value) & bits,
                        match: operation & 1 != 0,
                        not: operation & 2 != 0,
                        and: operation & 0x40 != 0
                    )
                )
                if operation & 0x80 != 0 { break }
                guard !fields.isAtEnd else { throw .missingEndOfList(type) }
            }
            self = type == .fragment ? .fragment(terms) : .tcpFlags(terms)
        default:
            var terms: [NumericTerm] = []
            while true {
                let (operation, value) = try fields.term(of: type)
                terms.append(
                    NumericTerm(.init(rawValue: operation & 7) ?? .never, value, and: operation & 0x40 != 0)
                )
                if operation & 0x80 != 0 { break }
                guard !fields.isAtEnd else { throw .missingEndOfList(type) }
            }
            guard let component = MatchComponent(type, numeric: terms) else { throw .unknownComponent(type.rawValue) }
            self = component
        }
    }
}

extension OctetReader {
    /// One operator octet and its value, whose length is two bits of the operator.
    fileprivate mutating func term(of type: MatchComponentType) throws(FlowSpecError) -> (UInt8, UInt64) {
        guard let operation = read(UInt8.self) else { throw .truncatedComponent(type) }
        let size = 1 << Int(operation >> 4 & 3)
        guard size <= type.maximumValueLength else { throw .valueLength(type, octets: size) }
        guard let octets = take(size) else { throw .truncatedComponent(type) }
        return (operation, octets.reduce(0) { $0 << 8 | UInt64($1) })
    }
}

extension NumericTerm {
    /// The operator octet: end-of-list, AND, length as a power of two, then lt, gt, eq (RFC 8955 section 4.2.1.1).
    fileprivate func encode(isLast: Bool, into body: inout [UInt8]) {
        let sizeBits: UInt8 = value <= 0xFF ? 0 : value <= 0xFFFF ? 1 : value <= 0xFFFF_FFFF ? 2 : 3
        body.append((isLast ? 0x80 : 0) | (and ? 0x40 : 0) | sizeBits << 4 | comparison.rawValue)
        for shift in stride(from: ((1 << UInt64(sizeBits)) - 1) * 8, through: 0, by: -8) {
            body.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}

extension BitmaskTerm {
    /// The operator octet: end-of-list, AND, length, then NOT and match (RFC 8955 section 4.2.1.2).
    fileprivate func encode(isLast: Bool, into body: inout [UInt8]) {
        let isWide = value > 0xFF
        body.append(
            (isLast ? 0x80 : 0) | (and ? 0x40 : 0) | (isWide ? 0x10 : 0) | (not ? 0x02 : 0) | (match ? 0x01 : 0)
        )
        if isWide { body.append(UInt8(value >> 8)) }
        body.append(UInt8(value & 0xFF))
    }
}
