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
    /// Of all telemetry; nil where it is not asked for.
    let recorder: TelemetryRecorder?
    private let exchanges: [DeltaExchange]
    private let seed: UInt64
    private let startTime: Timestamp
    /// What is known of exporters over all workers, to be kept.
    let knowledge: KnowledgeExchange
    private let stopped = Atomic(false)
    private let threads = Mutex<[PlatformThread]>([])
    private let engine = Mutex<TrafficEngine?>(nil)
    /// The least that a socket for telemetry has been given, in octets; nil without any.
    let receiveBuffer: Int?
    /// The busiest hosts, for those who ask.
    let board = TrafficBoard()
    /// What the detector has learnt, for those who ask.
    let learning = LearningBoard()

    /// A loop that brings in telemetry, on a thread of its own.
    private struct Worker: Sendable {
        let counters: CaptureCounters
        /// Of the mirrored traffic; nil for telemetry.
        var port: MirrorPort?
        let run: @Sendable (DeltaCollector, @Sendable () -> Bool) -> Void
    }

    /// Opens the sockets; nothing is read before `start`.
    init(
        configuration: DaemonConfiguration,
        remembered: [ExporterKnowledge],
        recordPath: String?,
        clock: DaemonClock,
        logger: Logger
    ) throws {
        self.configuration = configuration
        self.clock = clock
        seed = .random(in: 1...(.max))
        startTime = clock.now
        knowledge = KnowledgeExchange(remembered: remembered, at: startTime)
        let telemetry = configuration.telemetry
        let time = startTime
        recorder = try recordPath.map { try Self.recorder($0, telemetry, remembered, at: time) }
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
            exchange: knowledge,
            tick: configuration.detection.tick,
            recorder: recorder,
            forwarder: forwarder
        )
        let count = telemetry.workers ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
        var workers: [Worker] = []
        var receiveBuffer: Int?
        func note(_ name: String, _ listen: DaemonConfiguration.ListenAddress, _ details: Logger.Metadata) {
            let place: Logger.Metadata = ["protocol": "\(name)", "address": "\(listen)"]
            logger.info("listening", metadata: place.merging(details) { $1 })
        }
        do {
            for (name, listen) in telemetry.sFlow.map({ ("sflow", $0) }) + telemetry.netFlow.map({ ("netflow", $0) }) {
                let sockets = try UDPSocket.group(address: listen.address, port: listen.port, workers: count)
                note(name, listen, ["workers": "\(count)", "receive_buffer": "\(sockets[0].receiveBuffer)"])
                receiveBuffer = min(receiveBuffer ?? .max, sockets.map(\.receiveBuffer).min() ?? .max)
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
        self.receiveBuffer = receiveBuffer
        let firstTick = configuration.trafficConfiguration.tickIndex(of: startTime)
        exchanges = workers.map { [seed] _ in DeltaExchange(seed: seed, firstTick: firstTick) }
    }

    /// Begins a recording, with what exporters told before and may not tell again for long.
    private static func recorder(
        _ path: String,
        _ telemetry: DaemonConfiguration.Telemetry,
        _ remembered: [ExporterKnowledge],
        at time: Timestamp
    ) throws(DaemonRuntime.StartError) -> TelemetryRecorder {
        if let interface = telemetry.mirror.interfaces.first {
            throw DaemonRuntime.StartError(
                description: "--record takes telemetry, not mirrored packets: leave telemetry.mirror out for it; "
                    + "`tcpdump -i \(interface) -s 192 -w FILE` records those, and floodgate replay reads them"
            )
        }
        let recorder: TelemetryRecorder
        do {
            recorder = try TelemetryRecorder(path: path)
        } catch {
            throw DaemonRuntime.StartError(description: "cannot write to \(path): \(error)")
        }
        if let listen = (telemetry.netFlow + telemetry.sFlow + telemetry.ipfixTCP).first {
            recorder.record(remembered, to: listen.port, at: time)
        }
        return recorder
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
                let port = MirrorPort(interface: interface, sampling: mirror.kernelSampling) { state in
                    let details: Logger.Metadata = ["interface": "\(interface)", "state": "\(state.name)"]
                    if state == .up {
                        logger.notice("the mirrored interface is back", metadata: details)
                    } else {
                        logger.warning("no mirrored packets come in", metadata: details)
                    }
                }
                logger.info("taking mirrored packets", metadata: ["interface": "\(interface)", "workers": "\(count)"])
                workers += sockets.map { socket in
                    let worker = MirrorWorker(
                        socket: socket,
                        port: port,
                        decoder: decoder,
                        tick: tick,
                        now: { clock.now }
                    )
                    return Worker(counters: worker.counters, port: port) { worker.run(into: $0, until: $1) }
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
        baselines: BaselineMemory,
        logger: Logger,
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
        let engine = TrafficEngine(
            exchanges: exchanges,
            board: board,
            learning: learning,
            survey: configuration.metrics.survey,
            clock: clock,
            isStopped: isStopped,
            onTick: onTick,
            onLearnt: { baselines.note($0) }
        )
        let learnt = detection.hasBaselines ? baselines.load() : []
        let peaks = baselines.loadPeaks(at: time)
        self.engine.withLock { $0 = engine }
        let seed = seed
        let thread = PlatformThread(name: "engine") {
            let merger = TrafficMerger(configuration: traffic, measures: detection.measures, seed: seed, at: time)
            var detector = Detector(configuration: detection)
            let lost = detector.restore(learnt, at: time)
            if lost > 0 {
                logger.warning("not all that was learnt to be normal can be used", metadata: ["lost": "\(lost)"])
            }
            detector.restore(peaks, at: time)
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

    /// How many ticks have been judged.
    var ticks: UInt64 { engine.withLock { $0 }?.ticks.load(ordering: .relaxed) ?? 0 }

    var summary: TrafficSummary { engine.withLock { $0 }?.summary.withLock { $0 } ?? TrafficSummary() }

    /// Of networks and the heaviest hosts, where the configuration has figures sent to somebody.
    var overview: TrafficOverview? { engine.withLock { $0 }?.overview.withLock { $0 } }

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
                failed: target.failed.load(ordering: .relaxed),
                otherFamily: target.otherFamily.load(ordering: .relaxed),
                fault: target.fault?.description
            )
        }
    }

    /// Tries again, until it is cancelled, to reach the collectors that could not be.
    func reachForwards(logger: Logger) async {
        guard let forwarder else { return }
        for target in forwarder.targets {
            if let fault = target.fault { logger.warning("\(fault); it is tried again every second") }
        }
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            for target in forwarder.retry() {
                logger.notice("telemetry is sent on", metadata: ["collector": "\(target.collector.address)"])
            }
        }
    }

    var recording: StatusReport.Recording? {
        recorder.map { recorder in
            let progress = recorder.progress
            return .init(
                path: recorder.path,
                datagrams: progress.datagrams,
                bytes: progress.octets,
                lost: progress.lost,
                fault: progress.fault
            )
        }
    }

    var mirrors: [StatusReport.Mirror] {
        configuration.telemetry.mirror.interfaces.map { interface in
            let own = workers.filter { $0.port?.interface == interface }
            return .init(
                interface: interface,
                state: (own.first?.port?.state ?? .absent).name,
                packets: Self.sum(own, { $0.datagrams.load(ordering: .relaxed) }),
                dropped: Self.sum(own, { $0.dropped.load(ordering: .relaxed) }),
                ignored: Self.sum(own, { $0.unread.load(ordering: .relaxed) })
            )
        }
    }

    private static func sum(_ workers: [Worker], _ read: (CaptureCounters) -> UInt64) -> UInt64 {
        workers.reduce(0) { $0 &+ read($1.counters) }
    }

    private var telemetryWorkers: [Worker] { workers.filter { $0.port == nil } }
    var datagrams: UInt64 { Self.sum(telemetryWorkers, { $0.datagrams.load(ordering: .relaxed) }) }
    var refused: UInt64 { Self.sum(telemetryWorkers, { $0.refused.load(ordering: .relaxed) }) }
    var forgottenTemplates: UInt64 { Self.sum(telemetryWorkers, { $0.forgotten.load(ordering: .relaxed) }) }
    var dropped: UInt64 { Self.sum(telemetryWorkers, { $0.dropped.load(ordering: .relaxed) }) }
}
