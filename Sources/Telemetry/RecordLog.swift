internal import NetworkTypes

/// Where a decoder that works for people leaves what it reads: every record of every kind, in the order of arrival.
public final class RecordLog {
    public private(set) var records: [NormalizedRecord] = []

    public init() {}

    /// Forgets the records.
    public func removeAll() { records.removeAll(keepingCapacity: true) }

    func append(_ record: NormalizedRecord) { records.append(record) }

    /// A data record of NetFlow v9 or IPFIX, and the other half of its biflow.
    func takeFlow(
        _ body: RawSpan,
        from start: Int,
        _ template: Template,
        number: UInt16,
        _ flow: FlowValues,
        _ values: FieldValues,
        _ record: FlowRecord
    ) {
        append(record, of: template.layout, isReverse: false, body, from: start, template, number: number, flow, values)
        guard template.hasReverse, let reverse = flow.reversed(record, values) else { return }
        append(
            reverse,
            of: template.reverseLayout,
            isReverse: true,
            body,
            from: start,
            template,
            number: number,
            flow,
            values
        )
    }

    private func append(
        _ record: FlowRecord,
        of layout: ElementLayout,
        isReverse: Bool,
        _ body: RawSpan,
        from start: Int,
        _ template: Template,
        number: UInt16,
        _ flow: FlowValues,
        _ values: FieldValues
    ) {
        guard let view = RecordView(body, from: start, template: template, layout: layout) else { return }
        var header: NormalizedRecord?
        // Shown even where it holds no IP packet.
        if values.sectionLength >= 14 {
            let end = min(values.sectionOffset &+ values.sectionLength, body.byteCount)
            header = Self.header(
                body.extracting(values.sectionOffset..<end),
                isEthernet: values.has(.ethernetSection)
            )
        }
        var normalized = NormalizedRecord(view, flow: record, flow, values, header: header)
        if isReverse {
            normalized.turnAround()
            normalized.add(.bytes, record.bytes)
            normalized.add(.packets, record.packets)
        }
        normalized.add(.template, number)
        normalized.add(.odid, flow.message.domain.key.id)
        records.append(normalized)
    }

    private static func header(_ octets: RawSpan, isEthernet: Bool) -> NormalizedRecord {
        var sink = NormalizedHeaderSink()
        _ = isEthernet ? PacketHeader.readEthernet(octets, into: &sink) : PacketHeader.readIP(octets, into: &sink)
        return sink.record
    }

    func takeOptions(
        _ body: RawSpan,
        from start: Int,
        _ template: Template,
        number: UInt16,
        _ values: FieldValues,
        _ message: TemplatedDecoder.Message
    ) {
        guard let view = RecordView(body, from: start, template: template, layout: template.layout) else { return }
        var normalized = NormalizedRecord(
            options: view,
            template: template,
            values: values,
            format: message.domain.key.format
        )
        normalized.add(.template, number)
        normalized.add(.odid, message.domain.key.id)
        records.append(normalized)
    }
}
