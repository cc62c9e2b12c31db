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
        /// A rule of mode `observe` would be withdrawn.
        case lapsed(LedgerEntry)
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
    /// Rules of mode `observe`, of whose end the ledger says no more than that it is to be written down.
    private var observed: Set<LedgerEntry.ID> = []
    /// The latest tick in which anything was told.
    private var lastTold: Int64 = 0

    /// How long after the last record windows, histories and what is learnt of them still change as time goes by.
    private static let aftermath = TrafficMerger.longestMemory + .seconds(80)

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
            if current.records != records {
                ledger.hear(at: end)
                lastTold = current.tick
            }
            var effects: [LedgerEffect] = []
            for event in detector.judge(&current) {
                onEvent(.attack(event), end)
                effects += ledger.handle(event, at: end)
            }
            effects += ledger.advance(to: end)
            for effect in effects {
                onEvent(.ledger(effect), end)
                if let entry = lapsed(by: effect) { onEvent(.lapsed(entry), end) }
            }
            current.advance(to: next(after: current.tick, before: target, endingAt: end))
        }
        merger = current
    }

    private mutating func lapsed(by effect: LedgerEffect) -> LedgerEntry? {
        switch effect {
        case .observe(let entry): observed.insert(entry.id)
        case .announce(let entry): observed.remove(entry.id)
        case .persist(let entry):
            if entry.state == .withdrawn, observed.remove(entry.id) != nil { return entry }
        default: break
        }
        return nil
    }

    /// The next tick in which anything can happen: a pause is passed over up to the ledger's next deadline, or up to a
    /// second before it ends, in which all is looked at once as it was all the time.
    private func next(after tick: Int64, before target: Int64, endingAt end: Timestamp) -> Int64 {
        let length = traffic.tick.nanoseconds
        let second = max(1, 1_000_000_000 / length) + 1
        let isIdle = detector.activeAttacks.isEmpty && tick &- lastTold > Self.aftermath.nanoseconds / length
        guard isIdle, target - tick > 1000 else { return tick + 1 }
        var next = target - second
        if let due = ledger.nextDeadline(at: end) {
            // At the end of the first tick that does not end before it.
            next = min(next, traffic.tickIndex(of: due - .nanoseconds(1)))
        }
        return max(next, tick + 1)
    }
}
