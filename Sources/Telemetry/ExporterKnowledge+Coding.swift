public import NetworkTypes

/// The form on disk: a version, then domains with their rates and templates, numbers in network order.
extension ExporterKnowledge {
    private static let version: UInt8 = 1

    public var encoded: [UInt8] {
        var out: [UInt8] = [Self.version, isScopedByPort ? 1 : 0]
        out.append(UInt16(clamping: domains.count))
        for domain in domains.prefix(Int(UInt16.max)) { domain.encode(into: &out) }
        return out
    }

    /// Reads what `encoded` gave; what is damaged is refused whole, as half of a layout misreads records.
    public init(exporter: IPAddress, encoded: RawSpan) throws(ReadError) {
        var reader = KnowledgeReader(octets: encoded)
        guard try reader.uint8() == Self.version else { throw .unknownVersion }
        let isScopedByPort = try reader.uint8() != 0
        var domains: [Domain] = []
        for _ in 0..<(try reader.uint16()) { domains.append(try Domain(from: &reader)) }
        guard reader.isAtEnd else { throw .invalid }
        self.init(exporter: exporter, isScopedByPort: isScopedByPort, domains: domains)
    }
}

extension ExporterKnowledge.Domain {
    fileprivate func encode(into out: inout [UInt8]) {
        out.append(key.format.rawValue)
        out.append(key.id)
        out.append(key.agent.high)
        out.append(key.agent.low)
        out.append(key.port)
        out.append(UInt64(bitPattern: activeTimeoutMilliseconds))
        out.append(systemInit)
        out.append(UInt64(bitPattern: lastUsed.nanoseconds))
        out.append(UInt16(clamping: rates.count))
        for entry in rates.prefix(Int(UInt16.max)) {
            out.append(UInt8(entry.sampler == nil ? 0 : 1))
            out.append(entry.sampler ?? 0)
            out.append(entry.rate)
        }
        out.append(UInt16(clamping: templates.count))
        for template in templates.prefix(Int(UInt16.max)) {
            out.append(template.number)
            out.append(UInt8(template.isOptions ? 1 : 0))
            out.append(template.port)
            out.append(UInt64(bitPattern: template.told.nanoseconds))
            out.append(UInt16(clamping: template.specifications.count))
            for field in template.specifications.prefix(Int(UInt16.max)) {
                out.append(field.number)
                out.append(field.enterprise)
                out.append(field.length)
                out.append(UInt8(field.isScope ? 1 : field.isScopeElement ? 2 : 0))
            }
        }
    }

    fileprivate init(from reader: inout KnowledgeReader) throws(ExporterKnowledge.ReadError) {
        guard let format = TelemetryFormat(rawValue: try reader.uint8()) else { throw .invalid }
        let id = try reader.uint32()
        let agent = IPAddress(high: try reader.uint64(), low: try reader.uint64())
        key = ObservationDomain.Key(format: format, id: id, agent: agent, port: try reader.uint16())
        activeTimeoutMilliseconds = Int64(bitPattern: try reader.uint64())
        guard (0...86_400_000).contains(activeTimeoutMilliseconds) else { throw .invalid }
        systemInit = try reader.uint64()
        lastUsed = try reader.timestamp()
        rates = []
        for _ in 0..<(try reader.uint16()) {
            let hasSampler = try reader.uint8() != 0
            let sampler = try reader.uint64()
            rates.append(SamplingRates.Entry(sampler: hasSampler ? sampler : nil, rate: try reader.uint32()))
        }
        templates = []
        for _ in 0..<(try reader.uint16()) { templates.append(try Self.template(from: &reader)) }
    }

    private static func template(
        from reader: inout KnowledgeReader
    ) throws(ExporterKnowledge.ReadError) -> KnownTemplate {
        let number = try reader.uint16()
        let isOptions = try reader.uint8() != 0
        let port = try reader.uint16()
        let told = try reader.timestamp()
        let count = try reader.uint16()
        guard number >= 256, count <= Template.maximumFields else { throw .invalid }
        var fields: [Template.Specification] = []
        for _ in 0..<count {
            var field = Template.Specification(
                number: try reader.uint16(),
                enterprise: try reader.uint32(),
                length: try reader.uint16()
            )
            let scope = try reader.uint8()
            guard scope <= 2 else { throw .invalid }
            (field.isScope, field.isScopeElement) = (scope == 1, scope == 2)
            fields.append(field)
        }
        return KnownTemplate(
            number: number,
            isOptions: isOptions,
            port: port,
            told: told,
            specifications: fields
        )
    }
}

/// Takes numbers from the front of octets that may be damaged.
private struct KnowledgeReader: ~Escapable {
    private let octets: RawSpan
    private var offset = 0

    @_lifetime(copy octets)
    init(octets: RawSpan) { self.octets = octets }

    var isAtEnd: Bool { offset == octets.byteCount }

    private mutating func take(_ count: Int) throws(ExporterKnowledge.ReadError) -> UInt64 {
        guard octets.byteCount &- offset >= count else { throw .truncated }
        defer { offset &+= count }
        return octets.unsigned(offset, length: count)
    }

    mutating func uint8() throws(ExporterKnowledge.ReadError) -> UInt8 { UInt8(truncatingIfNeeded: try take(1)) }
    mutating func uint16() throws(ExporterKnowledge.ReadError) -> UInt16 { UInt16(truncatingIfNeeded: try take(2)) }
    mutating func uint32() throws(ExporterKnowledge.ReadError) -> UInt32 { UInt32(truncatingIfNeeded: try take(4)) }
    mutating func uint64() throws(ExporterKnowledge.ReadError) -> UInt64 { try take(8) }
    mutating func timestamp() throws(ExporterKnowledge.ReadError) -> Timestamp {
        Timestamp(nanoseconds: Int64(bitPattern: try take(8)))
    }
}

extension [UInt8] {
    /// In network order.
    fileprivate mutating func append(_ value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
