public import Capture
public import DaemonConfiguration
public import Detection
public import Mitigation
public import NetworkTypes
import Rehearsal
import Telemetry

/// Runs a capture of telemetry, or of the traffic itself, through the same core as the daemon, in the capture's own time.
public struct Replay: ~Copyable {
    /// What would have happened.
    public enum Event: Sendable, Hashable {
        case attack(AttackEvent)
        case announced(LedgerEntry)
        /// Mode `observe`.
        case observed(LedgerEntry)
        case withdrawn(LedgerEntry)
        /// What was observed would be withdrawn.
        case lapsed(LedgerEntry)
        case refused(Refusal)
    }

    /// What a capture is of.
    public enum Content: String, Sendable, Hashable, CaseIterable {
        /// Datagrams of exporters.
        case telemetry
        /// The traffic itself, as a mirror port has it.
        case packets
    }

    private let telemetryPorts: Set<UInt16>
    private let allowed: PrefixTable<Bool>?
    private let content: Content
    private var rehearsal: Rehearsal
    private var finder = TelemetryFinder()
    /// Datagrams to no port that the configuration listens on; packets that are not IP.
    public private(set) var ignored = 0
    /// Datagrams or packets that were taken.
    public private(set) var taken = 0

    public init(configuration: DaemonConfiguration, content: Content = .telemetry) {
        self.content = content
        telemetryPorts = Self.telemetryPorts(of: configuration)
        allowed = configuration.telemetry.allowedExporters.map { PrefixTable($0.map { ($0, true) }) }
        rehearsal = Rehearsal(
            telemetry: configuration.telemetryConfiguration,
            packets: configuration.packetDecoder(isThinned: false),
            traffic: configuration.trafficConfiguration,
            detection: configuration.detectionConfiguration,
            policy: configuration.mitigationPolicy
        )
    }

    /// What a capture is of: telemetry when a datagram in it, or a message of IPFIX over TCP, goes to a port that the
    /// configuration listens on.
    public static func content(
        of capture: consuming CaptureFile,
        configuration: DaemonConfiguration
    ) throws(CaptureError) -> Content {
        let ports = telemetryPorts(of: configuration)
        guard !ports.isEmpty else { return .packets }
        var finder = TelemetryFinder()
        var isFound = false
        while !isFound, let packet = try capture.next() {
            _ = finder.take(capture.octets(of: packet), on: packet.link) { datagram, _ in
                if ports.contains(datagram.destinationPort) { isFound = true }
            }
        }
        if isFound { return .telemetry }
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
        // Lent out of self, which takes what it finds.
        var finder = TelemetryFinder()
        swap(&finder, &self.finder)
        defer { swap(&finder, &self.finder) }
        let isTelemetry = finder.take(octets, on: link) { datagram, octets in
            guard telemetryPorts.contains(datagram.destinationPort), allowed?.contains(datagram.source) ?? true else {
                ignored += 1
                return
            }
            taken += 1
            rehearsal.receive(
                datagram: octets.extracting(datagram.payload),
                from: datagram.source,
                port: datagram.sourcePort,
                isConnection: datagram.isConnection,
                at: time
            ) { event, time in Self.tell(event, time, onEvent) }
        }
        if let ended = finder.endedConnection {
            rehearsal.endConnection(from: ended.exporter, port: ended.port)
        }
        if !isTelemetry { ignored += 1 }
    }

    private mutating func receivePacket(
        _ octets: RawSpan,
        _ packet: CapturedPacket,
        onEvent: (Event, Timestamp) -> Void
    ) {
        let isRead = rehearsal.receive(
            packet: octets,
            originalLength: packet.originalLength,
            on: packet.link,
            at: packet.time
        ) { event, time in Self.tell(event, time, onEvent) }
        if isRead { taken += 1 } else { ignored += 1 }
    }

    /// Sets of data whose template is not in the capture.
    public func unreadableSets() -> UInt64 { rehearsal.unreadableSets() }

    /// Lets time pass without telemetry until nothing more would happen, at most for the given time.
    public mutating func finish(atMost limit: Duration, onEvent: (Event, Timestamp) -> Void) {
        rehearsal.finish(atMost: limit) { event, time in Self.tell(event, time, onEvent) }
    }

    private static func tell(_ event: Rehearsal.Event, _ time: Timestamp, _ onEvent: (Event, Timestamp) -> Void) {
        switch event {
        case .attack(let event): onEvent(.attack(event), time)
        case .ledger(.announce(let entry)): onEvent(.announced(entry), time)
        case .ledger(.observe(let entry)): onEvent(.observed(entry), time)
        case .ledger(.withdraw(let entry)): onEvent(.withdrawn(entry), time)
        case .ledger(.refuse(let refusal)): onEvent(.refused(refusal), time)
        case .lapsed(let entry): onEvent(.lapsed(entry), time)
        // What is written down.
        case .ledger: break
        }
    }
}
