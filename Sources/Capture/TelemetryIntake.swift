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
    /// Datagrams, messages of a connection, or mirrored packets.
    public let datagrams = Atomic<UInt64>(0)
    /// From addresses that are not allowed, and connections beyond their bound.
    public let refused = Atomic<UInt64>(0)
    /// Dropped by the kernel for want of buffer.
    public let dropped = Atomic<UInt64>(0)
    /// Mirrored packets that are not IP.
    public let unread = Atomic<UInt64>(0)

    public init() {}
}

/// What is to be done with telemetry, over whatever transport it comes.
public struct IntakeSettings: Sendable {
    /// Exporters to listen to; nil for all.
    var allowed: PrefixTable<Bool>?
    var configuration: TelemetryConfiguration
    /// What exporters told before a restart.
    var knowledge: [ExporterKnowledge]
    var tickNanoseconds: Int64
    var recorder: TelemetryRecorder?
    var forwarder: TelemetryForwarder?

    /// - Parameter tick: batches do not reach across its boundaries.
    public init(
        allowed: [IPPrefix]? = nil,
        configuration: TelemetryConfiguration = TelemetryConfiguration(),
        knowledge: [ExporterKnowledge] = [],
        tick: Duration,
        recorder: TelemetryRecorder? = nil,
        forwarder: TelemetryForwarder? = nil
    ) {
        self.allowed = allowed.map { PrefixTable($0.map { ($0, true) }) }
        self.configuration = configuration
        self.knowledge = knowledge
        tickNanoseconds = max(1, tick.nanoseconds)
        self.recorder = recorder
        self.forwarder = forwarder
    }
}

/// From octets to the consumer, one for each worker: decodes, hands on in batches, reports now and then.
struct TelemetryIntake: ~Copyable {
    private let settings: IntakeSettings
    private let port: UInt16
    private let counters: CaptureCounters
    private var decoder: TelemetryDecoder
    private var handover: RecordHandover
    private var nextReport: Int64
    private var nextUpkeep: Int64

    private static let reportInterval: Int64 = 1_000_000_000
    /// How often what is to be kept is handed on, and what is stale forgotten.
    private static let upkeepInterval: Int64 = 5_000_000_000

    /// - Parameter port: where it comes in.
    init(settings: IntakeSettings, port: UInt16, counters: CaptureCounters, at time: Timestamp) {
        self.settings = settings
        self.port = port
        self.counters = counters
        decoder = TelemetryDecoder(configuration: settings.configuration)
        decoder.restore(settings.knowledge, at: time)
        handover = RecordHandover(tickNanoseconds: settings.tickNanoseconds, at: time)
        nextReport = time.nanoseconds
        nextUpkeep = time.nanoseconds &+ Self.upkeepInterval
    }

    func isAllowed(_ exporter: IPAddress) -> Bool { settings.allowed?.contains(exporter) ?? true }

    @inline(__always)
    mutating func take(
        _ bytes: RawSpan,
        from source: IPAddress,
        port sourcePort: UInt16,
        isConnection: Bool = false,
        at time: Timestamp,
        into consumer: some RecordConsumer
    ) {
        guard isAllowed(source) else {
            counters.refused.wrappingAdd(1, ordering: .relaxed)
            return
        }
        let arrival = handover.begin(at: time, consumer)
        settings.recorder?.record(bytes, from: source, port: sourcePort, to: port, at: arrival)
        if !isConnection { settings.forwarder?.forward(bytes, from: source, port: sourcePort) }
        decoder.decode(
            bytes,
            from: source,
            port: sourcePort,
            isConnection: isConnection,
            receivedAt: arrival,
            into: &handover.batch
        )
    }

    mutating func endConnection(from source: IPAddress, port: UInt16) {
        decoder.endConnection(from: source, port: port)
    }

    /// Hands on what there is.
    mutating func flush(into consumer: some RecordConsumer) { handover.flush(into: consumer) }

    /// Nothing that arrived before `time` is still to come.
    mutating func reached(_ time: Timestamp, consumer: some RecordConsumer) { handover.reached(time, consumer) }

    /// What is done now and then; to be called all the time.
    mutating func upkeep(at time: Timestamp, consumer: some RecordConsumer) {
        if time.nanoseconds >= nextReport {
            nextReport = time.nanoseconds &+ Self.reportInterval
            consumer.report(decoder.report(at: time))
        }
        if time.nanoseconds >= nextUpkeep {
            nextUpkeep = time.nanoseconds &+ Self.upkeepInterval
            decoder.forgetStale(at: handover.latest)
            keepNews(in: consumer)
        }
    }

    /// The last report, when the worker stops.
    mutating func finish(at time: Timestamp, consumer: some RecordConsumer) {
        consumer.report(decoder.report(at: time))
        keepNews(in: consumer)
    }

    private mutating func keepNews(in consumer: some RecordConsumer) {
        let news = decoder.takeNewKnowledge()
        if !news.isEmpty { consumer.keep(news) }
    }
}
