internal import NetworkTypes
internal import Telemetry

/// Collects records and hands them on in batches, none of which reaches across the boundary of a tick.
struct RecordHandover: ~Copyable {
    var batch = RecordBatch()
    /// The last arrival. Arrival times never run backwards, whatever the clocks do.
    private(set) var latest: Timestamp
    private let tickNanoseconds: Int64

    /// Records handed on at once: few enough to be still in the first-level cache.
    private static let recordsAtOnce = 256

    init(tickNanoseconds: Int64, at time: Timestamp) {
        self.tickNanoseconds = tickNanoseconds
        latest = time
    }

    /// To be called before records of an arrival are added; returns the arrival that they are to have.
    @inline(__always)
    mutating func begin(at time: Timestamp, in memory: RawSpan, _ consumer: some RecordConsumer) -> Timestamp {
        let arrival = max(latest, time)
        if batch.count >= Self.recordsAtOnce
            || arrival.nanoseconds / tickNanoseconds != latest.nanoseconds / tickNanoseconds
        {
            flush(into: consumer, in: memory)
        }
        latest = arrival
        return arrival
    }

    /// Hands on what there is.
    ///
    /// - Parameter memory: what all that was read since the last time lies in; empty where that is gone.
    mutating func flush(into consumer: some RecordConsumer, in memory: RawSpan) {
        guard batch.count > 0 else { return }
        consumer.consume(batch, in: memory, at: latest)
        batch.removeAll()
    }

    /// Nothing that arrived before `time` is still to come.
    mutating func reached(_ time: Timestamp, _ consumer: some RecordConsumer) {
        latest = max(latest, time)
        consumer.reached(latest)
    }
}
