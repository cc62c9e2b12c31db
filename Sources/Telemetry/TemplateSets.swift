/// Reads the sets that define templates (RFC 7011 section 3.4, RFC 3954 section 5.2 and 6.1).
enum TemplateSets {
    /// A set of templates (NetFlow v9 0, IPFIX 2), or of IPFIX options templates (3).
    static func readTemplates(
        _ set: RawSpan,
        areOptions: Bool,
        domain: ObservationDomain,
        exporter: ExporterState
    ) throws(DecodeError) {
        var offset = 0
        var failure: DecodeError?
        while set.byteCount >= offset &+ 4 {
            let number = set.uint16(offset)
            let count = Int(set.uint16(offset &+ 2))
            offset &+= 4
            if number == 0, count == 0 { break }  // Padding.
            if count == 0, domain.key.format == .ipfix {
                // RFC 7011 section 8.1: the set's own number withdraws all of its kind.
                if number == (areOptions ? 3 : 2) {
                    exporter.withdrawAll(options: areOptions, in: domain)
                } else {
                    exporter.withdraw(number, in: domain)
                }
                continue
            }
            var scopes = 0
            if areOptions {
                guard set.byteCount >= offset &+ 2 else { throw .truncated }
                scopes = Int(set.uint16(offset))
                offset &+= 2
            }
            var fields = try readFields(set, at: &offset, count: count, format: domain.key.format)
            // Scope fields come first, and are information elements like others.
            for index in fields.indices.prefix(scopes) { fields[index].isScopeElement = true }
            do {
                try define(number, fields, isOptions: areOptions, domain: domain, exporter: exporter)
            } catch {
                // RouterOS sends templates without fields among others.
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// A NetFlow v9 options template set, 1: lengths in octets, and scope fields with numbers of their own.
    static func readV9OptionsTemplates(
        _ set: RawSpan,
        domain: ObservationDomain,
        exporter: ExporterState
    ) throws(DecodeError) {
        var offset = 0
        while set.byteCount >= offset &+ 6 {
            let number = set.uint16(offset)
            guard number >= 256 else { return }  // Padding.
            let scopes = Int(set.uint16(offset &+ 2)) / 4
            let options = Int(set.uint16(offset &+ 4)) / 4
            offset &+= 6
            var fields = try readFields(set, at: &offset, count: scopes, format: domain.key.format)
            for index in fields.indices { fields[index].isScope = true }
            fields += try readFields(set, at: &offset, count: options, format: domain.key.format)
            try define(number, fields, isOptions: true, domain: domain, exporter: exporter)
        }
    }

    private static func readFields(
        _ set: RawSpan,
        at offset: inout Int,
        count: Int,
        format: TelemetryFormat
    ) throws(DecodeError) -> [Template.Specification] {
        guard count <= Template.maximumFields else { throw .tooManyFields }
        // Held against what is there before anything is allocated for it.
        guard count &* 4 <= set.byteCount &- offset else { throw .truncated }
        var fields: [Template.Specification] = []
        fields.reserveCapacity(count)
        for _ in 0..<count {
            guard set.byteCount >= offset &+ 4 else { throw .truncated }
            var number = set.uint16(offset)
            let length = set.uint16(offset &+ 2)
            var enterprise: UInt32 = 0
            offset &+= 4
            if format == .ipfix, number & 0x8000 != 0 {
                guard set.byteCount >= offset &+ 4 else { throw .truncated }
                enterprise = set.uint32(offset)
                number &= 0x7FFF
                offset &+= 4
            }
            fields.append(.init(number: number, enterprise: enterprise, length: length))
        }
        return fields
    }

    private static func define(
        _ number: UInt16,
        _ fields: [Template.Specification],
        isOptions: Bool,
        domain: ObservationDomain,
        exporter: ExporterState
    ) throws(DecodeError) {
        guard number >= 256 else { throw .reservedTemplate }
        try exporter.define(number, fields, isOptions: isOptions, in: domain)
    }
}
