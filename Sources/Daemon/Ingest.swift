import Capture
import Control
import DaemonConfiguration
import Detection
import Foundation
import Logging
import NetworkTypes
import Store
import Synchronization
import Telemetry
import Traffic

/// From the sockets to the detector: the workers, the engine and their threads.
final class Ingest: Sendable {
    private let configuration: DaemonConfiguration
    private let clock: DaemonClock
    private let workers: [Worker]
    let forwarder: TelemetryForwarder?
    private let exchanges: [DeltaExchange]
    private let seed: UInt64
    private let startTime: Timestamp
    /// What is known of exporters over all workers, to be kept.
    private let knowledge: Mutex<[IPAddress: ExporterKnowledge]>
    private let stopped = Atomic(false)
    private let threads = Mutex<[PlatformThread]>([])
    private let engine = Mutex<TrafficEngine?>(nil)

    /// A loop that brings in telemetry, on a thread of its own.
    private struct Worker: Sendable {
        let counters: CaptureCounters
        /// Of the mirrored traffic; nil for telemetry.
        var interface: String?
        let run: @Sendable (DeltaCollector, @Sendable () -> Bool) -> Void
    }

    /// Opens the sockets; nothing is read before `start`.
    init(
        configuration: DaemonConfiguration,
        knowledge: [ExporterKnowledge],
        recordPath: String?,
        clock: DaemonClock,
        logger: Logger
    ) throws {
        self.configuration = configuration
        self.clock = clock
        seed = .random(in: 1...(.max))
        startTime = clock.now
        self.knowledge = Mutex(Dictionary(knowledge.map { ($0.exporter, $0) }, uniquingKeysWith: { first, _ in first }))
        var recorder: TelemetryRecorder?
        if let recordPath {
            recorder = TelemetryRecorder(path: recordPath)
            if recorder == nil { throw DaemonRuntime.StartError(description: "cannot write to \(recordPath)") }
        }
        let telemetry = configuration.telemetry
        do {
            forwarder =
                telemetry.forwards.isEmpty
                ? nil
                : try TelemetryForwarder(
                    telemetry.forwards.map { forward in
                        .init(
                            address: forward.collector.address,
                            port: forward.collector.port,
                            exporters: forward.exporters,
                            keepsSource: forward.keepsSource,
                            isListenedTo: (telemetry.sFlow + telemetry.netFlow).contains { listen in
                                listen.port == forward.collector.port
                                    && (listen.isAny || listen.address == forward.collector.address)
                            }
                        )
                    }
                )
        } catch {
            throw DaemonRuntime.StartError(description: error.description)
        }
        let settings = IntakeSettings(
            allowed: telemetry.allowedExporters,
            configuration: configuration.telemetryConfiguration,
            knowledge: knowledge,
            tick: configuration.detection.tick,
            recorder: recorder,
            forwarder: forwarder
        )
        let count = telemetry.workers ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
        var workers: [Worker] = []
        func note(_ name: String, _ listen: DaemonConfiguration.ListenAddress, _ details: Logger.Metadata) {
            let place: Logger.Metadata = ["protocol": "\(name)", "address": "\(listen)"]
            logger.info("listening", metadata: place.merging(details) { $1 })
        }
        do {
            for (name, listen) in telemetry.sFlow.map({ ("sflow", $0) }) + telemetry.netFlow.map({ ("netflow", $0) }) {
                let sockets = try UDPSocket.group(address: listen.address, port: listen.port, workers: count)
                note(name, listen, ["workers": "\(count)", "receive_buffer": "\(sockets[0].receiveBuffer)"])
                workers += sockets.map { socket in
                    let worker = CaptureWorker(socket: socket, settings: settings, now: { clock.now })
                    return Worker(counters: worker.counters) { worker.run(into: $0, until: $1) }
                }
            }
            for listen in telemetry.ipfixTCP {
                let listener = try StreamListener(address: listen.address, port: listen.port)
                note("ipfix/tcp", listen, [:])
                let worker = StreamWorker(listener: listener, settings: settings, now: { clock.now })
                workers.append(Worker(counters: worker.counters) { worker.run(into: $0, until: $1) })
            }
        } catch {
            throw DaemonRuntime.StartError(description: error.description)
        }
        workers += try Self.mirrorWorkers(configuration, count: count, clock: clock, logger: logger)
        self.workers = workers
        let firstTick = configuration.trafficConfiguration.tickIndex(of: startTime)
        exchanges = workers.map { [seed] _ in DeltaExchange(seed: seed, firstTick: firstTick) }
    }

    private static func mirrorWorkers(
        _ configuration: DaemonConfiguration,
        count: Int,
        clock: DaemonClock,
        logger: Logger
    ) throws(DaemonRuntime.StartError) -> [Worker] {
        let mirror = configuration.telemetry.mirror
        let decoder = configuration.packetDecoder(isThinned: true)
        let tick = configuration.detection.tick
        var workers: [Worker] = []
        do {
            for interface in mirror.interfaces {
                let sockets = try PacketSocket.group(
                    interface: interface,
                    workers: count,
                    sampling: mirror.kernelSampling
                )
                logger.info("taking mirrored packets", metadata: ["interface": "\(interface)", "workers": "\(count)"])
                workers += sockets.map { socket in
                    let worker = MirrorWorker(socket: socket, decoder: decoder, tick: tick, now: { clock.now })
                    return Worker(counters: worker.counters, interface: interface) { worker.run(into: $0, until: $1) }
                }
            }
        } catch {
            throw DaemonRuntime.StartError(description: error.description)
        }
        return workers
    }

    /// Starts the threads.
    func start(
        remains: Store.Remains,
        detection: DetectionConfiguration,
        onTick: @escaping @Sendable (EngineTick) -> Void
    ) {
        let traffic = configuration.trafficConfiguration
        let time = clock.now
        let isStopped: @Sendable () -> Bool = { [weak self] in self?.stopped.load(ordering: .relaxed) ?? true }
        var started: [PlatformThread] = []
        for (index, (worker, exchange)) in zip(workers, exchanges).enumerated() {
            let seed = seed
            let thread = PlatformThread(name: "capture-\(index)") {
                let collector = DeltaCollector(exchange: exchange, configuration: traffic, seed: seed, at: time)
                worker.run(collector, isStopped)
            }
            if let thread { started.append(thread) }
        }
        let engine = TrafficEngine(exchanges: exchanges, clock: clock, isStopped: isStopped, onTick: onTick)
        self.engine.withLock { $0 = engine }
        let seed = seed
        let thread = PlatformThread(name: "engine") {
            let merger = TrafficMerger(configuration: traffic, measures: detection.measures, seed: seed, at: time)
            var detector = Detector(configuration: detection)
            detector.nextID = Attack.ID(rawValue: remains.highestAttack.rawValue + 1)
            onTick(EngineTick(time: time, events: detector.resume(remains.attacks, at: time)))
            engine.run(merger: merger, detector: detector)
        }
        if let thread { started.append(thread) }
        threads.withLock { $0 = started }
    }

    /// Stops the threads and waits for them.
    func stop() {
        stopped.store(true, ordering: .relaxed)
        let all = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in all { thread.join() }
    }

    var summary: TrafficSummary { engine.withLock { $0 }?.summary.withLock { $0 } ?? TrafficSummary() }

    /// What came from each exporter, over all workers.
    var exporters: [ExporterStatistics] {
        var merged: [IPAddress: ExporterStatistics] = [:]
        for exchange in exchanges {
            for statistics in exchange.exporters.withLock({ $0 }) {
                merged[statistics.address]?.merge(statistics)
                if merged[statistics.address] == nil { merged[statistics.address] = statistics }
            }
        }
        return merged.values.sorted { $0.address < $1.address }
    }

    var forwards: [StatusReport.Forward] {
        (forwarder?.targets ?? []).map { target in
            let collector = target.collector
            let address = DaemonConfiguration.ListenAddress(address: collector.address, port: collector.port)
            return .init(
                collector: address.description,
                sent: target.sent.load(ordering: .relaxed),
                failed: target.failed.load(ordering: .relaxed)
            )
        }
    }

    /// What exporters told since this was asked before.
    func takeNews() -> [ExporterKnowledge] {
        let news = exchanges.flatMap { exchange in
            exchange.news.withLock { news in
                defer { news = [:] }
                return Array(news.values)
            }
        }
        // A worker knows of an exporter what came to it: another may have heard the rest on another port.
        return knowledge.withLock { knowledge in
            for known in news { knowledge[known.exporter] = knowledge[known.exporter]?.merged(with: known) ?? known }
            return Set(news.map(\.exporter)).compactMap { knowledge[$0] }
        }
    }

    /// For another try, unless there is something newer.
    func putBack(_ knowledge: [ExporterKnowledge]) {
        exchanges.first?.news.withLock { news in
            for known in knowledge where news[known.exporter] == nil { news[known.exporter] = known }
        }
    }

    var mirrors: [StatusReport.Mirror] {
        configuration.telemetry.mirror.interfaces.map { interface in
            let own = workers.filter { $0.interface == interface }
            return .init(
                interface: interface,
                packets: Self.sum(own, { $0.datagrams.load(ordering: .relaxed) }),
                dropped: Self.sum(own, { $0.dropped.load(ordering: .relaxed) }),
                ignored: Self.sum(own, { $0.unread.load(ordering: .relaxed) })
            )
        }
    }

    private static func sum(_ workers: [Worker], _ read: (CaptureCounters) -> UInt64) -> UInt64 {
        workers.reduce(0) { $0 &+ read($1.counters) }
    }

    private var telemetryWorkers: [Worker] { workers.filter { $0.interface == nil } }
    var datagrams: UInt64 { Self.sum(telemetryWorkers, { $0.datagrams.load(ordering: .relaxed) }) }
    var refused: UInt64 { Self.sum(telemetryWorkers, { $0.refused.load(ordering: .relaxed) }) }
    var dropped: UInt64 { Self.sum(telemetryWorkers, { $0.dropped.load(ordering: .relaxed) }) }
}
