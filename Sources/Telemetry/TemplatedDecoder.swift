internal import NetworkTypes

/// NetFlow v9 (RFC 3954) and IPFIX (RFC 7011): sets of records whose layout was told in templates before.
enum TemplatedDecoder {
    /// What of a message's header matters to its records.
    struct Message {
        var domain: ObservationDomain
        /// Milliseconds since the exporter booted; v9 only.
        var upTime: UInt32?
        /// The export time in seconds since the epoch.
        var seconds: UInt32
    }

    static func decodeV9(
        _ datagram: RawSpan,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        guard datagram.byteCount >= 20 else { throw .truncated }
        let source = datagram.uint32(16)
        let domain = exporter.domainWithRates(source, .netFlow9)
        let message = Message(domain: domain, upTime: datagram.uint32(4), seconds: datagram.uint32(8))
        exporter.noteClock(seconds: message.seconds, at: time)
        let recordsBefore = domain.dataRecords
        let missingBefore = exporter.statistics.missingTemplates
        var isWhole = false
        defer {
            isWhole = isWhole && exporter.statistics.missingTemplates == missingBefore
            exporter.statistics.lost &+= domain.noteSequence(
                datagram.uint32(12),
                records: isWhole ? domain.dataRecords &- recordsBefore : nil,
                announced: UInt32(datagram.uint16(2))
            )
        }
        // The header's count is records with some exporters, sets with others: the datagram's end is what counts.
        try decodeSets(
            datagram.extracting(droppingFirst: 20),
            of: message,
            exporter: exporter,
            at: time,
            ages: &ages,
            into: &batch
        )
        isWhole = true
    }

    static func decodeIPFIX(
        _ datagram: RawSpan,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        guard datagram.byteCount >= 16 else { throw .truncated }
        let announced = Int(datagram.uint16(2))
        guard announced >= 16 else { throw .invalidLength }
        let domain = exporter.domainWithRates(datagram.uint32(12), .ipfix)
        let message = Message(domain: domain, upTime: nil, seconds: datagram.uint32(4))
        exporter.noteClock(seconds: message.seconds, at: time)
        // The sequence counts data records (RFC 7011 section 3.1), so it can be followed only over messages that were
        // read whole.
        let recordsBefore = domain.dataRecords
        let missingBefore = exporter.statistics.missingTemplates
        var isWhole = false
        defer {
            isWhole = isWhole && exporter.statistics.missingTemplates == missingBefore
            let records = isWhole ? domain.dataRecords &- recordsBefore : nil
            exporter.statistics.lost &+= domain.noteSequence(datagram.uint32(8), records: records)
        }
        let length = min(announced, datagram.byteCount)
        try decodeSets(
            datagram.extracting(16..<length),
            of: message,
            exporter: exporter,
            at: time,
            ages: &ages,
            into: &batch
        )
        if announced > datagram.byteCount { throw .truncated }
        isWhole = true
    }

    private static func decodeSets(
        _ sets: RawSpan,
        of message: Message,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        var offset = 0
        var failure: DecodeError?
        // Each set takes at least its header of four octets; trailing zeros and stray octets are padding.
        while sets.byteCount >= offset &+ 4 {
            let id = sets.uint16(offset)
            let length = Int(sets.uint16(offset &+ 2))
            if length == 0, id == 0 { break }
            guard length >= 4 else { throw .invalidLength }
            let end = min(offset &+ length, sets.byteCount)
            if offset &+ length > sets.byteCount { failure = .truncated }
            let body = sets.extracting((offset &+ 4)..<end)
            offset = end
            do {
                try decodeSet(id, body, of: message, exporter: exporter, at: time, ages: &ages, into: &batch)
            } catch {
                // One bad set does not spoil the others.
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private static func decodeSet(
        _ id: UInt16,
        _ body: RawSpan,
        of message: Message,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        let domain = message.domain
        switch (domain.key.format, id) {
        case (.netFlow9, 0), (.ipfix, 2):
            try TemplateSets.readTemplates(body, areOptions: false, domain: domain, exporter: exporter)
        case (.netFlow9, 1): try TemplateSets.readV9OptionsTemplates(body, domain: domain, exporter: exporter)
        case (.ipfix, 3): try TemplateSets.readTemplates(body, areOptions: true, domain: domain, exporter: exporter)
        case (_, 256...):
            guard let template = domain.template(id) else {
                exporter.statistics.missingTemplates &+= 1
                exporter.lacksTemplate = true
                domain.noteMissingTemplate(id)
                return
            }
            template.lastUsed = time
            template.lastDatagram = exporter.statistics.datagrams
            try decodeData(body, id, template, of: message, exporter: exporter, at: time, ages: &ages, into: &batch)
        default:
            // Reserved set ids are to be ignored (RFC 7011 section 3.3.2).
            break
        }
    }

    private static func decodeData(
        _ body: RawSpan,
        _ id: UInt16,
        _ template: Template,
        of message: Message,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        let domain = message.domain
        ages.activeTimeoutMilliseconds = exporter.activeTimeout(of: domain)
        let log = exporter.log
        // Who looks at more of the record than the counters do has to be given its values.
        if log == nil, let plain = template.plain {
            let length = template.recordLength
            return try decodePlain(
                body,
                plain,
                recordLength: length,
                of: message,
                exporter: exporter,
                at: time,
                ages: &ages,
                into: &batch
            )
        }
        let layout = template.fields
        let fields = layout.span
        let (recordLength, isVariable, isOptions) = (template.recordLength, template.isVariable, template.isOptions)
        let (hasSection, hasPayload, hasReverse) = (template.hasSection, template.hasPayload, template.hasReverse)
        let shape = template.shape
        let countsIngressOnly = exporter.countsIngressOnly
        let totals = template.hasTotals ? exporter.flowTotals : nil
        var values = FieldValues(in: exporter.fieldStorage)
        var offset = 0
        var records: UInt32 = 0
        // Options that change a rate are in a set of their own.
        let rates = domain.sampling
        var run = SamplingRun(.unknown, counting: exporter.sampling.inForce(.unknown))
        defer {
            domain.dataRecords &+= records
            exporter.note(run)
        }
        // A record takes at least one octet, so the loop ends; less than a record left over is padding.
        while body.byteCount &- offset >= recordLength {
            records &+= 1
            let start = offset
            if isVariable {
                values = FieldValues(in: exporter.fieldStorage)
                guard let next = walk(fields, of: body, from: offset, into: &values) else { throw .truncated }
                offset = next
            } else {
                for index in fields.indices {
                    let field = fields[index]
                    guard let element = field.element else { continue }
                    values.take(element, from: body, at: offset &+ Int(field.offset), length: Int(field.length))
                }
                offset &+= recordLength
            }
            guard !isOptions else {
                readOptions(values, of: message, exporter: exporter)
                if template.hasDrops {
                    readDrops(values, in: body, from: start, template, of: message.domain, exporter: exporter)
                }
                log?.takeOptions(body, from: start, template, number: id, values, message)
                continue
            }
            let told = rates.sampling(for: values)
            if told != run.told {
                exporter.note(run)
                run = SamplingRun(told, counting: exporter.sampling.inForce(told))
            }
            run.records &+= 1
            let flow = FlowValues(
                message: message,
                shape: shape,
                section: hasSection ? section(of: values, in: body, exporter: exporter) : nil,
                told: told,
                inForce: run.counting
            )
            var (record, hasAddresses) = flow.record(of: values, at: time, ages: &ages)
            if hasPayload { PacketHeader.readTransport(body.extracting(values.payload), into: &record) }
            if let log { log.takeFlow(body, from: start, template, number: id, flow, values, record) }
            guard hasAddresses else {
                exporter.statistics.count(.noAddresses)
                continue
            }
            // As `flowDirection` (IE 61) has it: 0 for ingress, 1 for egress; others say nothing.
            if countsIngressOnly, values.direction == 1 {
                exporter.statistics.count(.egress)
                continue
            }
            var reverse = hasReverse ? flow.reversed(record, values) : nil
            var reverseSpan: FlowSpan?
            if let clock = template.reverseClock, var half = reverse {
                let span = flow.span(ofReverse: values, by: clock)
                ages.apply(span, to: &half, at: time)
                (reverse, reverseSpan) = (half, span)
            }
            guard let totals else {
                let count = batch.count
                try append(record, to: &batch, exporter: exporter)
                if hasSection, batch.count > count, record.traits.contains(.isPacket) {
                    noteHeaders(of: values, in: body, of: &batch)
                }
                if let reverse { try append(reverse, to: &batch, exporter: exporter) }
                continue
            }
            let limit = ages.activeTimeoutMilliseconds
            let span = flow.span(of: values)
            try append(record, span, totals, in: domain, activeFor: limit, to: &batch, exporter: exporter)
            if let reverse {
                let span = reverseSpan ?? span
                try append(reverse, span, totals, in: domain, activeFor: limit, to: &batch, exporter: exporter)
            }
        }
    }

    @inline(__always)
    static func append(
        _ record: FlowRecord,
        to batch: inout RecordBatch,
        exporter: ExporterState
    ) throws(DecodeError) {
        guard record.isPlausible else {
            exporter.statistics.count(.implausible)
            return
        }
        guard batch.append(record) else { throw .tooManyRecords }
    }

    /// Appends what a flow's running totals have grown by.
    private static func append(
        _ record: FlowRecord,
        _ span: FlowSpan,
        _ totals: FlowTotals,
        in domain: ObservationDomain,
        activeFor activeTimeoutMilliseconds: Int64,
        to batch: inout RecordBatch,
        exporter: ExporterState
    ) throws(DecodeError) {
        var grown = record
        let hasGrown = totals.takeGrowth(
            of: &grown,
            in: exporter.statistics.address.low ^ UInt64(domain.key.id) << 32,
            duration: .milliseconds(span.durationMilliseconds),
            activeTimeout: .milliseconds(activeTimeoutMilliseconds)
        )
        if hasGrown { try append(grown, to: &batch, exporter: exporter) }
    }

    /// Goes through a record field by field where lengths vary; nil when it runs past the set.
    private static func walk(
        _ fields: Span<Template.Field>,
        of body: RawSpan,
        from start: Int,
        into values: inout FieldValues
    ) -> Int? {
        var offset = start
        for index in fields.indices {
            var length = Int(fields[index].length)
            if fields[index].length == Template.Field.variable {
                guard let told = RecordWalk.variableLength(in: body, at: &offset) else { return nil }
                length = told
            }
            guard length <= body.byteCount &- offset else { return nil }
            if let element = fields[index].element {
                values.take(element, from: body, at: offset, length: length)
            }
            offset &+= length
        }
        return offset
    }

    /// Says where the packet of the last record lies.
    private static func noteHeaders(of values: FieldValues, in body: RawSpan, of batch: inout RecordBatch) {
        let end = min(values.sectionOffset &+ values.sectionLength, body.byteCount)
        guard values.sectionLength > 0, values.sectionOffset < end else { return }
        batch.noteHeaders(
            body.extracting(values.sectionOffset..<end),
            on: values.has(.ethernetSection) ? .ethernet : .ip,
            originalLength: values.has(.ethernetSection) ? UInt32(clamping: values.frameLength) : 0
        )
    }

    /// The headers of a sampled packet inside the record, already read; nil where there are none.
    private static func section(
        of values: FieldValues,
        in body: RawSpan,
        exporter: ExporterState
    ) -> FlowRecord? {
        guard values.sectionLength > 0 else { return nil }
        let end = min(values.sectionOffset &+ values.sectionLength, body.byteCount)
        let octets = body.extracting(values.sectionOffset..<end)
        var record = FlowRecord()
        record.traits = .isPacket
        record.packets = 1
        let isEthernet = values.has(.ethernetSection)
        let tunnels = exporter.decapsulates
        let isRead =
            isEthernet
            ? PacketHeader.readEthernet(octets, into: &record, decapsulating: tunnels)
            : PacketHeader.readIP(octets, into: &record, decapsulating: tunnels)
        guard isRead else {
            exporter.statistics.count(.notIP)
            return nil
        }
        if record.lacksLength {
            let frame = Int(clamping: values.frameLength)
            record.takeLength(ofFrame: frame, octets, decapsulating: tunnels) { octets, sink in
                isEthernet
                    ? PacketHeader.readEthernet(octets, into: &sink) : PacketHeader.readIP(octets, into: &sink)
            }
        }
        return record
    }
}
