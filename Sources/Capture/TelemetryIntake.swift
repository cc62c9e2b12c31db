public import NetworkTypes
public import Synchronization
public import Telemetry

/// What takes the records of a worker. Called from the worker's thread alone.
public protocol RecordConsumer: AnyObject {
    /// Records that arrived within one tick, `time` being the arrival of the last; `memory` holds their datagrams.
    func consume(_ batch: borrowing RecordBatch, in memory: RawSpan, at time: Timestamp)
    /// Called again and again, at least every 20 milliseconds: nothing that arrived before `time` is still to come.
    func reached(_ time: Timestamp)
    /// What is known of exporters, about once a second.
    func report(_ exporters: [ExporterStatistics])
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
    /// Templates that were given up for want of memory.
    public let forgotten = Atomic<UInt64>(0)
    /// Octets that are taken by what is known of exporters.
    public let knowledge = Atomic<Int>(0)

    public init() {}
}

/// What is to be done with telemetry, over whatever transport it comes.
public struct IntakeSettings: Sendable {
    /// Exporters to listen to; nil for all.
    var allowed: PrefixTable<Bool>?
    var configuration: TelemetryConfiguration
    /// What the others know of exporters; nil: there are none.
    var exchange: KnowledgeExchange?
    var tickNanoseconds: Int64
    var recorder: TelemetryRecorder?
    var forwarder: TelemetryForwarder?

    /// - Parameter tick: batches do not reach across its boundaries.
    public init(
        allowed: [IPPrefix]? = nil,
        configuration: TelemetryConfiguration = TelemetryConfiguration(),
        exchange: KnowledgeExchange? = nil,
        tick: Duration,
        recorder: TelemetryRecorder? = nil,
        forwarder: TelemetryForwarder? = nil
    ) {
        self.allowed = allowed.map { PrefixTable($0.map { ($0, true) }) }
        self.configuration = configuration
        self.exchange = exchange
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
    private var nextExchange: Int64
    private var nextUpkeep: Int64
    /// Its number among those that share an exchange, how much of what they know it has seen, and of their memory booked.
    private let number: Int
    private var seenChanges: UInt64 = 0
    private var bookedOctets = 0

    private static let reportInterval: Int64 = 1_000_000_000
    /// How often what exporters have told is handed on to others, and taken from them.
    private static let exchangeInterval: Int64 = 250_000_000
    /// How often what is stale is forgotten.
    private static let upkeepInterval: Int64 = 5_000_000_000

    /// - Parameter port: where it comes in.
    init(settings: IntakeSettings, port: UInt16, counters: CaptureCounters, at time: Timestamp) {
        self.settings = settings
        self.port = port
        self.counters = counters
        let exchange = settings.exchange
        decoder = TelemetryDecoder(configuration: settings.configuration) { exchange?.knowledge(of: $0) }
        number = exchange?.enroll() ?? 0
        handover = RecordHandover(tickNanoseconds: settings.tickNanoseconds, at: time)
        nextReport = time.nanoseconds
        nextExchange = time.nanoseconds
        nextUpkeep = time.nanoseconds &+ Self.upkeepInterval
    }

    func isAllowed(_ exporter: IPAddress) -> Bool { settings.allowed?.contains(exporter) ?? true }

    /// - Parameter memory: what the octets lie in, as all that is taken until the next `flush` does.
    @inline(__always)
    mutating func take(
        _ bytes: RawSpan,
        in memory: RawSpan,
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
        let arrival = handover.begin(at: time, in: memory, consumer)
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

    /// What came over a connection is not telemetry.
    mutating func refuse(_ error: DecodeError, from source: IPAddress, at time: Timestamp) {
        decoder.refuse(error, from: source, at: max(handover.latest, time))
    }

    mutating func endConnection(from source: IPAddress, port: UInt16) {
        decoder.endConnection(from: source, port: port)
    }

    /// Hands on what there is.
    mutating func flush(into consumer: some RecordConsumer, in memory: RawSpan) {
        handover.flush(into: consumer, in: memory)
    }

    /// Whether there are records of packets, whose octets must not go before they are handed on.
    var holdsPackets: Bool { handover.batch.hasPackets }

    /// Nothing that arrived before `time` is still to come.
    mutating func reached(_ time: Timestamp, consumer: some RecordConsumer) { handover.reached(time, consumer) }

    /// What is done now and then; to be called all the time.
    mutating func upkeep(at time: Timestamp, consumer: some RecordConsumer) {
        if time.nanoseconds >= nextReport {
            nextReport = time.nanoseconds &+ Self.reportInterval
            let report = decoder.report(at: time)
            settings.exchange?.noteActive(report)
            consumer.report(report)
            counters.forgotten.store(decoder.forgottenTemplates, ordering: .relaxed)
            counters.knowledge.store(decoder.memory, ordering: .relaxed)
        }
        if let exchange = settings.exchange {
            decoder.memoryLimit = exchange.allowance(holding: decoder.memory, booked: &bookedOctets)
            if time.nanoseconds >= nextExchange {
                nextExchange = time.nanoseconds &+ Self.exchangeInterval
                exchange.tell(decoder.takeNewKnowledge(), by: number, at: handover.latest)
                let changes = exchange.changes(since: &seenChanges, notBy: number)
                if !changes.isEmpty { decoder.learn(changes, at: handover.latest) }
            }
        }
        if time.nanoseconds >= nextUpkeep {
            nextUpkeep = time.nanoseconds &+ Self.upkeepInterval
            decoder.forgetStale(at: handover.latest)
        }
    }

    /// The last report, when the worker stops.
    mutating func finish(at time: Timestamp, consumer: some RecordConsumer) {
        consumer.report(decoder.report(at: time))
        settings.exchange?.tell(decoder.takeNewKnowledge(), by: number, at: handover.latest)
    }
}
