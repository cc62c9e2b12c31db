public import Capture
public import DaemonConfiguration
public import Detection
public import Mitigation
public import NetworkTypes
import Telemetry
import Traffic

/// Runs a capture of telemetry through the same core as the daemon, in the capture's own time.
public struct Replay: ~Copyable {
    /// What would have happened.
    public enum Event: Sendable, Hashable {
        case attack(AttackEvent)
        case announced(LedgerEntry)
        /// Mode `observe`.
        case observed(LedgerEntry)
        case withdrawn(LedgerEntry)
        case refused(Refusal)
    }

    private let traffic: TrafficConfiguration
    private let view: NetworkView
    private let telemetryPorts: Set<UInt16>
    private let allowed: PrefixTable<Bool>?
    private let detection: DetectionConfiguration

    private var decoder: TelemetryDecoder
    private var batch = RecordBatch()
    private var table: DeltaTable
    private var merger: TrafficMerger?
    private var detector: Detector
    private var ledger: Ledger
    /// Datagrams to no port that the configuration listens on.
    public private(set) var ignoredDatagrams = 0
    public private(set) var datagrams = 0

    public init(configuration: DaemonConfiguration) {
        traffic = configuration.trafficConfiguration
        view = NetworkView(traffic)
        telemetryPorts = Set(
            (configuration.telemetry.sFlow + configuration.telemetry.netFlow + configuration.telemetry.ipfixTCP).map(
                \.port
            )
        )
        allowed = configuration.telemetry.allowedExporters.map { PrefixTable($0.map { ($0, true) }) }
        decoder = TelemetryDecoder(configuration: configuration.telemetryConfiguration)
        detection = configuration.detectionConfiguration
        detector = Detector(configuration: detection)
        ledger = Ledger(policy: configuration.mitigationPolicy)
        table = DeltaTable(seed: 1)
    }

    /// Takes one datagram. Times must not run backwards; one that does counts as of the latest.
    public mutating func receive(
        _ datagram: PcapFile.Datagram,
        onEvent: (Event, Timestamp) -> Void
    ) {
        guard telemetryPorts.contains(datagram.destinationPort) else {
            ignoredDatagrams += 1
            return
        }
        if let allowed, !allowed.contains(datagram.source) {
            ignoredDatagrams += 1
            return
        }
        datagrams += 1
        advance(to: datagram.time, onEvent: onEvent)
        let end = merger?.tickEnd ?? datagram.time
        let octets = datagram.payload.span
        unsafe decoder.decode(
            octets.bytes,
            from: datagram.source,
            port: datagram.sourcePort,
            receivedAt: datagram.time,
            into: &batch
        )
        Self.count(batch, into: &table, tickEnd: end, view: view)
        batch.removeAll()
    }

    private static func count(
        _ batch: borrowing RecordBatch,
        into table: inout DeltaTable,
        tickEnd: Timestamp,
        view: NetworkView
    ) {
        table.add(batch.records, tickEnd: tickEnd, view: view)
    }

    /// Lets time pass without telemetry until nothing more would happen, at most for the given time.
    public mutating func finish(atMost limit: Duration, onEvent: (Event, Timestamp) -> Void) {
        guard let start = merger?.tickEnd else { return }
        var time = start
        while time - start < limit, !detector.activeAttacks.isEmpty || !ledger.entries.isEmpty {
            // With no attack under way only the ledger's deadlines are left to wait for.
            let quiet = detector.activeAttacks.isEmpty ? ledger.nextDeadline(at: time) : nil
            time = max(time + traffic.tick, quiet ?? time)
            advance(to: time, onEvent: onEvent)
        }
    }

    /// Ends the ticks that lie before a time, as the engine does.
    private mutating func advance(to time: Timestamp, onEvent: (Event, Timestamp) -> Void) {
        guard var current = merger.take() else {
            merger = TrafficMerger(configuration: traffic, measures: detection.measures, seed: 1, at: time)
            return
        }
        let target = traffic.tickIndex(of: time)
        while current.tick < target {
            current.merge(table)
            table.removeAll()
            let end = current.tickEnd
            var effects: [LedgerEffect] = []
            for event in detector.judge(&current) {
                onEvent(.attack(event), end)
                effects += ledger.handle(event, at: end)
            }
            effects += ledger.advance(to: end)
            for effect in effects {
                switch effect {
                case .persist, .overrule: break
                case .announce(let entry): onEvent(.announced(entry), end)
                case .observe(let entry): onEvent(.observed(entry), end)
                case .withdraw(let entry): onEvent(.withdrawn(entry), end)
                case .refuse(let refusal): onEvent(.refused(refusal), end)
                }
            }
            // A pause in the capture is passed over in one step when nothing can happen in it.
            let isIdle = detector.activeAttacks.isEmpty && target - current.tick > 1000
            current.advance(to: isIdle ? target : current.tick + 1)
        }
        merger = current
    }
}
