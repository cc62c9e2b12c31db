internal import NetworkTypes

/// What is booked of the samples of one datagram: once where they are alike, as the samples of a switch mostly are. Each
/// access to what an exporter's state holds is checked at run time, and would cost as much as to read a packet's header.
struct SFlowTally {
    private let exporter: ExporterState
    private let domain: ObservationDomain
    private var run: SamplingRun
    /// What a source said last that it could not sample, in a running total; nil before the first.
    private var drops: (source: UInt32, total: UInt32)?

    init(_ exporter: ExporterState, _ domain: ObservationDomain) {
        self.exporter = exporter
        self.domain = domain
        run = SamplingRun(.unknown, counting: .unknown)
    }

    /// Books a sample; the sampling rate that counts for it.
    @inline(__always)
    mutating func add(_ header: SFlowSampleHeader) -> UInt32 {
        let told = Sampling(rate: header.samplingRate, source: .record)
        if told != run.told { begin(told) }
        run.records &+= 1
        let isKnown = drops.map { $0.source == header.source && $0.total == header.drops } ?? false
        if !isKnown { noteDrops(header) }
        return run.counting.rate
    }

    private mutating func begin(_ told: Sampling) {
        end()
        run = SamplingRun(told, counting: exporter.sampling.inForce(told))
    }

    private mutating func noteDrops(_ header: SFlowSampleHeader) {
        drops = (header.source, header.drops)
        exporter.noteDrops(header.drops, of: UInt64(header.source), in: domain)
    }

    /// Books what has not been. To be called after the last sample.
    func end() { exporter.note(run) }
}
