import Capture
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
    private let workers: [CaptureWorker]
    private let exchanges: [DeltaExchange]
    private let seed: UInt64
    private let startTime: Timestamp
    private let stopped = Atomic(false)
    private let threads = Mutex<[PlatformThread]>([])
    private let engine = Mutex<TrafficEngine?>(nil)

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
        var recorder: TelemetryRecorder?
        if let recordPath {
            recorder = TelemetryRecorder(path: recordPath)
            if recorder == nil { throw DaemonRuntime.StartError(description: "cannot write to \(recordPath)") }
        }
        let count = configuration.telemetry.workers ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
        let listens =
            configuration.telemetry.sFlow.map { (TelemetryProtocol.sFlow, $0) }
            + configuration.telemetry.netFlow.map { (TelemetryProtocol.netFlow, $0) }
        var workers: [CaptureWorker] = []
        for (telemetryProtocol, listen) in listens {
            let sockets: [UDPSocket]
            do {
                sockets = try UDPSocket.group(address: listen.address, port: listen.port, workers: count)
            } catch {
                throw DaemonRuntime.StartError(description: error.description)
            }
            logger.info(
                "listening",
                metadata: [
                    "protocol": "\(telemetryProtocol.rawValue)", "address": "\(listen)", "workers": "\(count)",
                    "receive_buffer": "\(sockets[0].receiveBuffer)",
                ]
            )
            for socket in sockets {
                workers.append(
                    CaptureWorker(
                        socket: socket,
                        protocol: telemetryProtocol,
                        allowed: configuration.telemetry.allowedExporters,
                        configuration: configuration.telemetryConfiguration,
                        knowledge: knowledge,
                        tick: configuration.detection.tick,
                        recorder: recorder,
                        now: { clock.now }
                    )
                )
            }
        }
        self.workers = workers
        let firstTick = configuration.trafficConfiguration.tickIndex(of: startTime)
        exchanges = workers.map { [seed] _ in DeltaExchange(seed: seed, firstTick: firstTick) }
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
                worker.run(into: collector, until: isStopped)
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

    /// What exporters told since this was asked before.
    func takeNews() -> [ExporterKnowledge] {
        exchanges.flatMap { exchange in
            exchange.news.withLock { news in
                defer { news = [:] }
                return Array(news.values)
            }
        }
    }

    /// For another try, unless there is something newer.
    func putBack(_ knowledge: [ExporterKnowledge]) {
        exchanges.first?.news.withLock { news in
            for known in knowledge where news[known.exporter] == nil { news[known.exporter] = known }
        }
    }

    var datagrams: UInt64 { workers.reduce(0) { $0 &+ $1.counters.datagrams.load(ordering: .relaxed) } }
    var refused: UInt64 { workers.reduce(0) { $0 &+ $1.counters.refused.load(ordering: .relaxed) } }
    var dropped: UInt64 { workers.reduce(0) { $0 &+ $1.counters.dropped.load(ordering: .relaxed) } }
}
