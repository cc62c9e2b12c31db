public import Capture
public import DaemonConfiguration
public import Detection
public import Mitigation
public import NetworkTypes
import Telemetry
import Traffic

/// Runs a capture of telemetry, or of the traffic itself, through the same core as the daemon, in the capture's own time.
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

    /// What a capture is of.
    public enum Content: String, Sendable, Hashable, CaseIterable {
        /// Datagrams of exporters.
        case telemetry
        /// The traffic itself, as a mirror port has it.
        case packets
    }

    private let traffic: TrafficConfiguration
    private let view: NetworkView
    private let telemetryPorts: Set<UInt16>
    private let allowed: PrefixTable<Bool>?
    private let detection: DetectionConfiguration

    private let content: Content
    private var decoder: TelemetryDecoder
    private let packetDecoder: PacketDecoder
    private var batch = RecordBatch()
    private var table: DeltaTable
    private var merger: TrafficMerger?
    private var detector: Detector
    private var ledger: Ledger
    /// Datagrams to no port that the configuration listens on; packets that are not IP.
    public private(set) var ignored = 0
    /// Datagrams or packets that were taken.
    public private(set) var taken = 0

    public init(configuration: DaemonConfiguration, content: Content = .telemetry) {
        self.content = content
        traffic = configuration.trafficConfiguration
        view = NetworkView(traffic)
        telemetryPorts = Self.telemetryPorts(of: configuration)
        allowed = configuration.telemetry.allowedExporters.map { PrefixTable($0.map { ($0, true) }) }
        decoder = TelemetryDecoder(configuration: configuration.telemetryConfiguration)
        packetDecoder = configuration.packetDecoder(isThinned: false)
        detection = configuration.detectionConfiguration
        detector = Detector(configuration: detection)
        ledger = Ledger(policy: configuration.mitigationPolicy)
        table = DeltaTable(seed: 1)
    }

    /// What a capture is of: telemetry when a datagram in it goes to a port that the configuration listens on.
    public static func content(
        of capture: consuming CaptureFile,
        configuration: DaemonConfiguration
    ) throws(CaptureError) -> Content {
        let ports = telemetryPorts(of: configuration)
        guard !ports.isEmpty else { return .packets }
        while let packet = try capture.next() {
            let datagram = CapturedDatagram(in: capture.octets(of: packet), on: packet.link)
            if let datagram, ports.contains(datagram.destinationPort) { return .telemetry }
        }
        return .packets
    }

    private static func telemetryPorts(of configuration: DaemonConfiguration) -> Set<UInt16> {
        let telemetry = configuration.telemetry
        return Set((telemetry.sFlow + telemetry.netFlow + telemetry.ipfixTCP).map(\.port))
    }

    /// Takes the next packet of the capture. Times must not run backwards; one that does counts as of the latest.
    public mutating func receive(_ packet: CapturedPacket, _ octets: RawSpan, onEvent: (Event, Timestamp) -> Void) {
        switch content {
        case .telemetry: receiveTelemetry(octets, on: packet.link, at: packet.time, onEvent: onEvent)
        case .packets: receivePacket(octets, packet, onEvent: onEvent)
        }
    }

    private mutating func receiveTelemetry(
        _ octets: RawSpan,
        on link: LinkLayer,
        at time: Timestamp,
        onEvent: (Event, Timestamp) -> Void
    ) {
        guard let datagram = CapturedDatagram(in: octets, on: link), telemetryPorts.contains(datagram.destinationPort),
            allowed?.contains(datagram.source) ?? true
        else {
            ignored += 1
            return
        }
        taken += 1
        advance(to: time, onEvent: onEvent)
        let end = merger?.tickEnd ?? time
        decoder.decode(
            octets.extracting(datagram.payload),
            from: datagram.source,
            port: datagram.sourcePort,
            receivedAt: time,
            into: &batch
        )
        count(tickEnd: end)
    }

    private mutating func receivePacket(
        _ octets: RawSpan,
        _ packet: CapturedPacket,
        onEvent: (Event, Timestamp) -> Void
    ) {
        advance(to: packet.time, onEvent: onEvent)
        let end = merger?.tickEnd ?? packet.time
        let isRead = packetDecoder.decode(
            octets,
            originalLength: packet.originalLength,
            on: packet.link,
            receivedAt: packet.time,
            into: &batch
        )
        if isRead { taken += 1 } else { ignored += 1 }
        count(tickEnd: end)
    }

    private mutating func count(tickEnd: Timestamp) {
        Self.count(batch, into: &table, tickEnd: tickEnd, view: view)
        batch.removeAll()
    }

    private static func count(
        _ batch: borrowing RecordBatch,
        into table: inout DeltaTable,
        tickEnd: Timestamp,
        view: NetworkView
    ) {
        table.add(batch.records, from: batch.exporters, tickEnd: tickEnd, view: view)
    }

    /// Sets of data whose template is not in the capture.
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
