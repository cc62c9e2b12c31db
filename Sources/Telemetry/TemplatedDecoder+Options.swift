internal import NetworkTypes

/// What options records tell: rates, time-outs, when the exporter booted, what it dropped.
extension TemplatedDecoder {
    static func readOptions(_ values: FieldValues, of message: Message, exporter: ExporterState) {
        let domain = message.domain
        if let rate = SamplingRates.rate(of: values) {
            if domain.sampling.set(rate, sampler: values.has(.samplerID) ? values.samplerID : nil) {
                exporter.hasGrown = true
                exporter.noteRates()
                exporter.noteNews()
            }
        }
        if values.activeTimeout > 0 {
            domain.activeTimeoutMilliseconds = Int64(min(values.activeTimeout, 86_400)) &* 1000
            domain.ownsActiveTimeout = true
        }
        if values.systemInit > 0 {
            domain.systemInit = values.systemInit
            domain.ownsSystemInit = true
        }
    }

    /// Running totals (RFC 7011 section 4.1 and IANA 164, 166), each of the metering process, line card or interface that
    /// the scope names.
    static func readDrops(
        _ values: FieldValues,
        in body: RawSpan,
        from start: Int,
        _ template: Template,
        of domain: ObservationDomain,
        exporter: ExporterState
    ) {
        // FNV-1a, as scopes are of any length.
        var scope: UInt64 = 0xCBF2_9CE4_8422_2325
        let places = RecordWalk.places(of: template.specifications, in: body, from: start) ?? []
        for (field, place) in zip(template.specifications, places) where field.isScope || field.isScopeElement {
            for offset in place.offset..<(place.offset &+ place.length) {
                scope = (scope ^ UInt64(body.octet(offset))) &* 0x100_0000_01B3
            }
        }
        for (element, total) in [
            (InformationElement.notSentFlows, values.notSentFlows), (.ignoredPackets, values.ignoredPackets),
        ] where values.has(element) {
            let source = scope ^ UInt64(element.rawValue)
            exporter.noteDrops(UInt32(truncatingIfNeeded: total), of: source, in: domain)
        }
    }
}
