internal import NetworkTypes

extension TemplatedDecoder {
    /// Reads the records of a plain layout, as `decodeData` reads all others.
    static func decodePlain(
        _ body: RawSpan,
        _ layout: PlainLayout,
        recordLength: Int,
        of message: Message,
        exporter: ExporterState,
        at time: Timestamp,
        ages: inout FlowAges,
        into batch: inout RecordBatch
    ) throws(DecodeError) {
        let domain = message.domain
        let clock = MessageClock(message)
        let policy = exporter.sampling
        let skipsEgress = exporter.countsIngressOnly && layout.direction.isThere
        var sampler: UInt64 = layout.sampler.isThere ? .max : 0
        var told = layout.sampler.isThere ? Sampling.unknown : domain.sampling.sampling(ofSampler: nil)
        var run = SamplingRun(told, counting: policy.inForce(told))
        var offset = 0
        var records: UInt32 = 0
        defer {
            domain.dataRecords &+= records
            exporter.note(run)
        }
        while let octets = PlainLayout.Octets(body, from: offset, length: recordLength) {
            offset &+= recordLength
            records &+= 1
            if layout.sampler.isThere {
                let named: UInt64 = layout.sampler.value(in: octets)
                if named != sampler || records == 1 {
                    sampler = named
                    told = domain.sampling.sampling(ofSampler: named)
                    if told != run.told {
                        exporter.note(run)
                        run = SamplingRun(told, counting: policy.inForce(told))
                    }
                }
            }
            run.records &+= 1
            guard batch.open() else { throw .tooManyRecords }
            layout.read(octets, into: &batch.opened)
            batch.opened.samplingRate = run.counting.rate
            ages.apply(layout.span(in: octets, by: clock), to: &batch.opened, at: time)
            if skipsEgress, layout.direction.value(in: octets) == 1 as UInt8 {
                exporter.statistics.count(.egress)
            } else if batch.opened.isPlausible {
                batch.appendOpened()
            } else {
                exporter.statistics.count(.implausible)
            }
        }
    }
}
