public import NetworkTypes

/// What is known of an exporter as it might have told it, so that a recording can begin with it.
extension ExporterKnowledge {
    /// A datagram that tells templates, rates or times.
    public struct Telling: Sendable, Hashable {
        /// The source port.
        public var port: UInt16
        public var octets: [UInt8]
    }

    /// Those of NetFlow v9 and IPFIX; other formats need to be told nothing.
    public func tellings(at time: Timestamp) -> [Telling] {
        domains.flatMap { domain -> [Telling] in
            guard [.netFlow9, .ipfix].contains(domain.key.format) else { return [] }
            let port = domain.key.port > 0 ? domain.key.port : domain.templates.first?.port ?? 0
            return domain.tellings(at: time).map { Telling(port: port, octets: $0) }
        }
    }
}

extension ExporterKnowledge.Domain {
    /// Octets of sets in one datagram; a single set may be longer.
    private static let usualLength = 1200

    private var isIPFIX: Bool { key.format == .ipfix }

    fileprivate func tellings(at time: Timestamp) -> [[UInt8]] {
        var sets = templates.map { set(of: $0.number, $0.specifications, isOptions: $0.isOptions) }
        // Numbers that the exporter does not use.
        var free = (UInt16(256)...UInt16.max).reversed().lazy.filter { number in
            !templates.contains { $0.number == number }
        }.makeIterator()
        func tell(_ scope: (number: UInt16, value: [UInt8])?, _ field: (number: UInt16, value: [UInt8])) {
            guard let number = free.next() else { return }
            // NetFlow v9 wants a scope of its own kind: the system.
            let system = (number: isIPFIX ? UInt16(149) : 1, value: isIPFIX ? key.id.octets : [0, 0, 0, 0])
            let first = isIPFIX ? scope ?? system : system
            let fields = isIPFIX || scope == nil ? [first, field] : [first, scope ?? first, field]
            let specifications = fields.enumerated().map { index, field in
                Template.Specification(
                    number: field.number,
                    enterprise: 0,
                    length: UInt16(field.value.count),
                    isScope: index == 0 && !isIPFIX,
                    isScopeElement: index == 0 && isIPFIX
                )
            }
            sets.append(set(of: number, specifications, isOptions: true))
            sets.append(Self.set(number, fields.flatMap(\.value)))
        }
        for rate in rates {
            // A sampler with its interval, or the interval of the whole domain.
            tell(rate.sampler.map { (302, $0.octets) }, (rate.sampler == nil ? 34 : 50, rate.rate.octets))
        }
        if activeTimeoutMilliseconds > 0 {
            tell(nil, (36, UInt32(clamping: activeTimeoutMilliseconds / 1000).octets))
        }
        if systemInit > 0 { tell(nil, (160, systemInit.octets)) }
        return packed(sets).map { header($0, at: time) + $0 }
    }

    private func packed(_ sets: [[UInt8]]) -> [[UInt8]] {
        sets.reduce(into: []) { datagrams, set in
            if let last = datagrams.indices.last, datagrams[last].count + set.count <= Self.usualLength {
                datagrams[last] += set
            } else {
                datagrams.append(set)
            }
        }
    }

    private func header(_ sets: [UInt8], at time: Timestamp) -> [UInt8] {
        let seconds = UInt32(clamping: time.nanoseconds / 1_000_000_000).octets
        let sequence = UInt32(0).octets
        guard !isIPFIX else {
            return UInt16(10).octets + UInt16(clamping: sets.count + 16).octets + seconds + sequence + key.id.octets
        }
        return UInt16(9).octets + UInt16(1).octets + UInt32(0).octets + seconds + sequence + key.id.octets
    }

    private func set(of number: UInt16, _ fields: [Template.Specification], isOptions: Bool) -> [UInt8] {
        let described = fields.flatMap { field -> [UInt8] in
            guard field.enterprise > 0 else { return field.number.octets + field.length.octets }
            return (field.number | 0x8000).octets + field.length.octets + field.enterprise.octets
        }
        let count = UInt16(clamping: fields.count).octets
        guard isOptions else { return Self.set(isIPFIX ? 2 : 0, number.octets + count + described) }
        if isIPFIX {
            let scopes = fields.prefix { $0.isScopeElement }.count
            return Self.set(3, number.octets + count + UInt16(clamping: scopes).octets + described)
        }
        let scopes = fields.prefix { $0.isScope }.count
        let lengths = UInt16(clamping: scopes * 4).octets + UInt16(clamping: (fields.count - scopes) * 4).octets
        return Self.set(1, number.octets + lengths + described)
    }

    private static func set(_ id: UInt16, _ body: [UInt8]) -> [UInt8] {
        id.octets + UInt16(clamping: body.count + 4).octets + body
    }
}

extension FixedWidthInteger {
    /// In network order.
    fileprivate var octets: [UInt8] {
        stride(from: bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> Self($0)) }
    }
}
