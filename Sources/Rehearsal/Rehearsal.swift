// Rehearsal: the core from datagrams to rules as one value, run in the time of what it is given. A replay of a capture and
// the scenarios with known truth both are rehearsals. Pure.
public import Detection
public import Mitigation
public import NetworkTypes
public import Telemetry
public import Traffic

/// Decoder, counters, detector and ledger, one after the other: what the daemon's threads do together, in one.
///
/// Times must not run backwards; one that does counts as of the latest.
public struct Rehearsal: ~Copyable {
    /// What happened, at the end of a tick.
    public enum Event: Sendable, Hashable {
        case attack(AttackEvent)
        case ledger(LedgerEffect)
    }

    private let traffic: TrafficConfiguration
    private let view: NetworkView
    private let detection: DetectionConfiguration

    private var decoder: TelemetryDecoder
    private let packetDecoder: PacketDecoder
    private var batch = RecordBatch()
    private var table: DeltaTable
    private var merger: TrafficMerger?
    private var detector: Detector
    private var ledger: Ledger

    public init(
        telemetry: TelemetryConfiguration = TelemetryConfiguration(),
        packets: PacketDecoder = PacketDecoder(),
        traffic: TrafficConfiguration,
        detection: DetectionConfiguration,
        policy: MitigationPolicy
    ) {
        self.traffic = traffic
        self.detection = detection
        view = NetworkView(traffic)
        decoder = TelemetryDecoder(configuration: telemetry)
        packetDecoder = packets
        detector = Detector(configuration: detection)
        ledger = Ledger(policy: policy)
        table = DeltaTable(seed: 1)
    }

    /// Takes a datagram of an exporter.
    ///
    /// - Parameter isConnection: whether it is a message over a connection, which has templates of its own.
    public mutating func receive(
        datagram: RawSpan,
        from exporter: IPAddress,
        port: UInt16,
        isConnection: Bool = false,
        at time: Timestamp,
        onEvent: (Event, Timestamp) -> Void
    ) {
        advance(to: time, onEvent: onEvent)
        let end = merger?.tickEnd ?? time
        decoder.decode(
            datagram,
            from: exporter,
            port: port,
            isConnection: isConnection,
            receivedAt: time,
            into: &batch
        )
        count(in: datagram, tickEnd: end)
    }

    /// A connection has ended, and with it the templates that were told over it.
    public mutating func endConnection(from exporter: IPAddress, port: UInt16) {
        decoder.endConnection(from: exporter, port: port)
    }

    /// Takes a packet of the traffic itself; false where it is not one of IP.
    public mutating func receive(
        packet: RawSpan,
        originalLength: Int,
        on link: LinkLayer,
        at time: Timestamp,
        onEvent: (Event, Timestamp) -> Void
    ) -> Bool {
        advance(to: time, onEvent: onEvent)
        let end = merger?.tickEnd ?? time
        let isRead = packetDecoder.decode(
            packet,
            originalLength: originalLength,
            on: link,
            receivedAt: time,
            into: &batch
        )
        count(in: packet, tickEnd: end)
        return isRead
    }

    private mutating func count(in memory: RawSpan, tickEnd: Timestamp) {
        Self.count(batch, in: memory, into: &table, tickEnd: tickEnd, view: view)
        batch.removeAll()
    }

    private static func count(
        _ batch: borrowing RecordBatch,
        in memory: RawSpan,
        into table: inout DeltaTable,
        tickEnd: Timestamp,
        view: NetworkView
    ) {
        table.add(batch, in: memory, tickEnd: tickEnd, view: view)
    }

    /// Sets of data whose template has not come.
    public func unreadableSets() -> UInt64 {
        decoder.report(at: merger?.tickEnd ?? Timestamp(nanoseconds: 0)).reduce(0) { $0 &+ $1.missingTemplates }
    }

    /// Lets time pass without telemetry until nothing more would happen, at most for the given time.
    public mutating func finish(atMost limit: Duration, onEvent: (Event, Timestamp) -> Void) {
        guard let start = merger?.tickEnd else { return }
        var time = start
        while time - start < limit, !detector.activeAttacks.isEmpty || !ledger.entries.isEmpty {
            // With no attack under way only the ledger's deadlines are left to wait for.
            let quiet = detector.activeAttacks.isEmpty ? ledger.nextDeadline(at: time) : nil
            let next = max(time + traffic.tick, quiet ?? time)
            // A capture may be of the end of time.
            guard next > time else { return }
            time = next
            advance(to: time, onEvent: onEvent)
        }
    }

    /// Ends the ticks that lie before a time, as the daemon's engine does. The first call says when time begins.
    public mutating func advance(to time: Timestamp, onEvent: (Event, Timestamp) -> Void) {
        guard var current = merger.take() else {
            merger = TrafficMerger(configuration: traffic, measures: detection.measures, seed: 1, at: time)
            return
        }
        let target = traffic.tickIndex(of: time)
        while current.tick < target {
            let records = current.records
            current.merge(table)
            table.removeAll()
            let end = current.tickEnd
            if current.records != records { ledger.hear(at: end) }
            var effects: [LedgerEffect] = []
            for event in detector.judge(&current) {
                onEvent(.attack(event), end)
                effects += ledger.handle(event, at: end)
            }
            effects += ledger.advance(to: end)
            for effect in effects { onEvent(.ledger(effect), end) }
            // A pause is passed over in one step when nothing can happen in it.
            let isIdle = detector.activeAttacks.isEmpty && target - current.tick > 1000
            current.advance(to: isIdle ? target : current.tick + 1)
        }
        merger = current
    }
}
