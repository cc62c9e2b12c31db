public import NetworkTypes
public import Synchronization
public import Telemetry

/// What takes the records of a worker. Called from the worker's thread alone.
public protocol RecordConsumer: AnyObject {
    /// Records that arrived within one tick, `time` being the arrival of the last.
    func consume(_ records: Span<FlowRecord>, at time: Timestamp)
    /// Called again and again, at least every 20 milliseconds: nothing that arrived before `time` is still to come.
    func reached(_ time: Timestamp)
    /// What is known of exporters, about once a second.
    func report(_ exporters: [ExporterStatistics])
    /// What exporters have told that is to be kept over a restart, when there is news.
    func keep(_ knowledge: [ExporterKnowledge])
}

/// What a worker received, in counters that only grow; read from any thread.
public final class CaptureCounters: Sendable {
    public let datagrams = Atomic<UInt64>(0)
    /// From addresses that are not allowed.
    public let refused = Atomic<UInt64>(0)
    /// Dropped by the kernel for want of buffer.
    public let dropped = Atomic<UInt64>(0)

    public init() {}
}

/// A loop over one socket: receive, decode, hand on.
public struct CaptureWorker: Sendable {
    private let socket: UDPSocket
    private let telemetryProtocol: TelemetryProtocol
    private let allowed: PrefixTable<Bool>?
    private let tickNanoseconds: Int64
    private let now: @Sendable () -> Timestamp
    private let recorder: TelemetryRecorder?
    private let configuration: TelemetryConfiguration
    private let knowledge: [ExporterKnowledge]
    public let counters = CaptureCounters()

    /// How long to wait for a datagram before the consumer is told that time has passed.
    private static let waitMilliseconds: Int32 = 10
    private static let reportInterval: Int64 = 1_000_000_000
    /// How often what is to be kept is handed on, and what is stale forgotten.
    private static let upkeepInterval: Int64 = 5_000_000_000
    /// Records handed on at once: few enough to be still in the first-level cache.
    private static let recordsPerHandover = 256
    /// Where datagrams come faster than one each `napNanoseconds`, waking up for each costs more than reading it.
    private static let napNanoseconds: Int64 = 500_000
    /// Octets of receive buffer that hold what comes meanwhile at any rate that a worker can take.
    private static let bufferForNaps = 1 << 20

    /// - Parameters:
    ///   - allowed: exporters to listen to; nil for all.
    ///   - configuration: what the operator says of exporters.
    ///   - knowledge: what exporters told before a restart.
    ///   - tick: batches do not reach across its boundaries.
    public init(
        socket: UDPSocket,
        protocol: TelemetryProtocol,
        allowed: [IPPrefix]?,
        configuration: TelemetryConfiguration = TelemetryConfiguration(),
        knowledge: [ExporterKnowledge] = [],
        tick: Duration,
        recorder: TelemetryRecorder? = nil,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.socket = socket
        telemetryProtocol = `protocol`
        self.allowed = allowed.map { PrefixTable($0.map { ($0, true) }) }
        self.configuration = configuration
        self.knowledge = knowledge
        tickNanoseconds = max(1, tick.nanoseconds)
        self.recorder = recorder
        self.now = now
    }

    /// Runs until `isStopped`, which is looked at every few milliseconds.
    public func run(into consumer: some RecordConsumer, until isStopped: @Sendable () -> Bool) {
        var decoder = TelemetryDecoder(configuration: configuration)
        var batch = RecordBatch()
        // Arrival times never run backwards, whatever the clocks do.
        var latest = now()
        decoder.restore(knowledge, at: latest)
        var nextReport = latest.nanoseconds
        var nextUpkeep = latest.nanoseconds &+ Self.upkeepInterval
        var lastReceived = Timestamp(nanoseconds: 0)
        while !isStopped() {
            let count = socket.receive(waitMilliseconds: Self.waitMilliseconds)
            let time = now()
            if count < 0 {
                // ICMP errors of connected sockets and the like: nothing is lost by going on.
                counters.dropped.store(UInt64(socket.drops), ordering: .relaxed)
                continue
            }
            for index in 0..<max(0, count) {
                socket.withDatagram(index) { bytes, source, port, age in
                    guard allowed.map({ $0.contains(source) }) ?? true else {
                        counters.refused.wrappingAdd(1, ordering: .relaxed)
                        return
                    }
                    let arrival = max(latest, Timestamp(nanoseconds: time.nanoseconds &- age))
                    let isNextTick = arrival.nanoseconds / tickNanoseconds != latest.nanoseconds / tickNanoseconds
                    if isNextTick || !batch.hasRoomForDatagram { Self.flush(&batch, into: consumer, at: latest) }
                    latest = arrival
                    recorder?.record(bytes, from: source, protocol: telemetryProtocol, port: socket.port, at: arrival)
                    decoder.decode(bytes, from: source, port: port, receivedAt: arrival, into: &batch)
                    if batch.count >= Self.recordsPerHandover { Self.flush(&batch, into: consumer, at: latest) }
                }
            }
            if count > 0 { counters.datagrams.wrappingAdd(UInt64(count), ordering: .relaxed) }
            Self.flush(&batch, into: consumer, at: latest)
            if count < Int(UDPSocket.slots) {
                // The socket is empty, so what came before this moment has been seen; what came while we looked will
                // carry a later time.
                latest = max(latest, count == 0 ? Timestamp(nanoseconds: time.nanoseconds - 2_000_000) : latest)
                consumer.reached(latest)
            }
            if time.nanoseconds >= nextReport {
                nextReport = time.nanoseconds &+ Self.reportInterval
                counters.dropped.store(UInt64(socket.drops), ordering: .relaxed)
                consumer.report(decoder.report(at: time))
            }
            if time.nanoseconds >= nextUpkeep {
                nextUpkeep = time.nanoseconds &+ Self.upkeepInterval
                decoder.forgetStale(at: latest)
                Self.keepNews(of: &decoder, in: consumer)
            }
            if count > 0 {
                let isDense = time.nanoseconds &- lastReceived.nanoseconds < 2 &* Self.napNanoseconds
                lastReceived = time
                if isDense, count < Int(UDPSocket.slots) / 4, socket.receiveBuffer >= Self.bufferForNaps {
                    PlatformThread.sleep(nanoseconds: Self.napNanoseconds)
                }
            }
        }
        consumer.report(decoder.report(at: now()))
        Self.keepNews(of: &decoder, in: consumer)
    }

    private static func keepNews(of decoder: inout TelemetryDecoder, in consumer: some RecordConsumer) {
        let news = decoder.takeNewKnowledge()
        if !news.isEmpty { consumer.keep(news) }
    }

    private static func flush(_ batch: inout RecordBatch, into consumer: some RecordConsumer, at time: Timestamp) {
        guard batch.count > 0 else { return }
        consumer.consume(batch.records, at: time)
        batch.removeAll()
    }
}
