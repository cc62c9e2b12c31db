import BGP
import Capture
import Control
public import DaemonConfiguration
import Detection
import Foundation
public import Logging
import Mitigation
import NetworkTypes
public import ServiceLifecycle
import Speaker
import Store
import Synchronization
import Telemetry
import Traffic

/// A whole daemon from one configuration: opens everything, runs until it is told to stop, closes everything.
public struct DaemonRuntime: Service {
    private let configuration: DaemonConfiguration
    private let recordPath: String?
    private let reloading: Reloading?
    private let logger: Logger
    private let observer: DaemonObserver

    /// Of so many rules of a former daemon an ExaBGP is told once more that they are withdrawn.
    private static let recalledEntries = 1000

    /// Why the daemon did not start.
    public struct StartError: Error, CustomStringConvertible {
        public var description: String
    }

    /// - Parameters:
    ///   - recordPath: where to write all telemetry received, for a replay; nil for nowhere.
    ///   - reloading: how the configuration is read again; nil: it cannot be.
    ///   - observer: is handed everything of note.
    public init(
        configuration: DaemonConfiguration,
        recordPath: String? = nil,
        reloading: Reloading? = nil,
        logger: Logger,
        observer: @escaping DaemonObserver = { _ in }
    ) {
        self.configuration = configuration
        self.recordPath = recordPath
        self.reloading = reloading
        self.logger = logger
        self.observer = observer
    }

    public func run() async throws {
        let thread = LedgerThread()
        do {
            try await run(on: thread)
        } catch {
            await thread.stop()
            throw error
        }
        await thread.stop()
    }

    private func run(on thread: LedgerThread) async throws {
        // Before anything else is bound or written: two daemons must not share what the first has.
        let control = ControlServer(path: configuration.controlSocket, on: thread.loop)
        try await control.checkIsFree()
        // Of two that start at once only one comes further.
        let lock = try open { try StoreLock(path: configuration.store) }
        defer { withExtendedLifetime(lock) {} }
        let listener = try await control.open()
        do {
            try await run(on: thread, answeringOn: control, listener)
        } catch {
            // Whatever fails does so before the socket is served.
            await control.abandon(listener)
            throw error
        }
    }

    private func run(
        on thread: LedgerThread,
        answeringOn control: ControlServer,
        _ listener: ControlServer.Listener
    ) async throws {
        let clock = DaemonClock()
        let observer = observer
        let store = try open { try Store(path: configuration.store) }
        let remains = try open { try store.load() }
        let (neighborEvents, complaints) = AsyncStream.makeStream(
            of: NeighborEvent.self,
            bufferingPolicy: .bufferingNewest(1000)
        )
        let (neighborChanges, changes) = AsyncStream.makeStream(
            of: NeighborEvent.self,
            bufferingPolicy: .bufferingNewest(1000)
        )
        let speaker = Speaker(
            neighbors: configuration.neighborConfigurations,
            listen: configuration.speakerListenAddresses,
            logger: logger,
            now: { clock.now },
            observer: { event in
                observer(.neighbor(event))
                complaints.yield(event)
                changes.yield(event)
            }
        )
        let writers = configuration.exabgpWriters.map { ExaBGPWriter(path: $0, logger: logger) }
        let scripts = configuration.scripts.map { scripts in
            let isMuted = configuration.mitigation.onlyWatches && !scripts.whenObserving
            return ScriptRunner(scripts, isMuted: isMuted, store: store, clock: clock, logger: logger)
        }
        let fastnetmonLog = configuration.log.fastnetmonFile.map { LegacyLog(path: $0, logger: logger) }
        let exabgpLog = configuration.log.exabgpFile.map { LegacyLog(path: $0, logger: logger) }
        let mitigation = MitigationService(
            on: thread,
            ledger: Ledger(policy: configuration.mitigationPolicy),
            store: store,
            speaker: speaker,
            writers: writers,
            followers: scripts + (fastnetmonLog.map { [FastNetMonLog(log: $0)] } ?? []),
            exabgpLog: exabgpLog.map { ExaBGPLog(log: $0, process: ProcessInfo.processInfo.processIdentifier) },
            attacks: remains.attacks,
            logger: logger,
            observer: observer
        )
        let memory = ExporterMemory(store: store, logger: logger)
        let baselines = BaselineMemory(store: store, logger: logger)
        let ingest = try Ingest(
            configuration: configuration,
            remembered: memory.load(),
            recordPath: recordPath,
            clock: clock,
            logger: logger
        )
        let metricsExporters = MetricsExporter.all(configuration.metrics, logger: logger)
        let reloader = Reloader(
            configuration: configuration,
            load: reloading?.load,
            speaker: speaker,
            mitigation: mitigation,
            clock: clock,
            logger: logger
        )
        let desk = CommandDesk(mitigation: mitigation, speaker: speaker, store: store, clock: clock, logger: logger)
        let pipes = configuration.exabgpPipes.map { PipeReader($0, desk: desk, thread: thread, logger: logger) }
        let processes = configuration.processes.map { process in
            ProcessRunner(process, desk: desk, thread: thread, clock: clock, logger: logger)
        }
        let responder = DaemonResponder(
            configuration: configuration,
            reloader: reloader,
            clock: clock,
            started: clock.now,
            mitigation: mitigation,
            speaker: speaker,
            store: store,
            ingest: ingest,
            desk: desk,
            pipes: pipes,
            writers: writers,
            processes: processes,
            scripts: scripts,
            metricsExporters: metricsExporters
        )
        let opened = try open { try pipes.map { try $0.open() } }
        let manager = ServiceManager(
            environment: ProcessInfo.processInfo.environment,
            process: ProcessInfo.processInfo.processIdentifier
        )

        // Rules of a former daemon are in every Adj-RIB-Out before the first session comes up.
        await mitigation.restore(remains, at: clock.now)
        await mitigation.adopt(configured: configuration.announcements, at: clock.now)
        do {
            if !writers.isEmpty {
                let past = try open { try store.entries(limit: Self.recalledEntries) }
                let gone = past.filter { $0.state == .withdrawn && $0.announced != nil }.map(\.announcement)
                for writer in writers { writer.recall(gone) }
            }
            try await speaker.start()
        } catch {
            if let error = error as? StartError { throw error }
            throw StartError(description: "cannot accept BGP connections: \(error)")
        }
        let backlog = TickBacklog()
        ingest.start(
            remains: remains,
            detection: configuration.detectionConfiguration,
            baselines: baselines,
            logger: logger
        ) { backlog.add($0) }
        for warning in configuration.allWarnings { logger.warning("\(warning)") }
        logger.notice(
            "running",
            metadata: [
                "mode": "\(configuration.mitigation.enforces ? "enforce" : "observe")",
                "neighbors": "\(configuration.bgp.neighbors.count)", "restored_rules": "\(remains.entries.count)",
            ]
        )
        observer(.started)
        let state: @Sendable () async -> String = {
            await Self.state(configuration, speaker: speaker, mitigation: mitigation)
        }
        let watchdog = Watchdog(
            manager: manager,
            tick: configuration.detection.tick,
            ticks: { ingest.ticks },
            ask: state
        )
        manager.tellReady(await state())

        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await control.serve(listener, responder: responder, ordersOn: thread) }
            group.addTask(executorPreference: thread) {
                for await _ in backlog.arrivals {
                    for tick in backlog.takeAll() { await mitigation.handle(tick) }
                }
            }
            group.addTask { await desk.run() }
            group.addTask { await watchdog.run() }
            group.addTask { await memory.run(of: ingest, clock: clock) }
            group.addTask { await baselines.run(clock: clock) }
            if ingest.forwarder != nil { group.addTask { await ingest.reachForwards(logger: logger) } }
            if let recorder = ingest.recorder {
                group.addTask { await Self.watch(recorder, mitigation, clock: clock, logger: logger) }
            }
            for (pipe, opened) in zip(pipes, opened) {
                group.addTask(executorPreference: thread) { await pipe.run(opened) }
            }
            for writer in writers { group.addTask { await writer.run() } }
            for process in processes { group.addTask { await process.run() } }
            for script in scripts { group.addTask { await script.run() } }
            for exporter in metricsExporters { group.addTask { await exporter.run { ingest.overview } } }
            group.addTask {
                for await event in neighborChanges where !processes.isEmpty {
                    let neighbors = await speaker.status().map(\.configuration)
                    for process in processes { process.note(event, of: neighbors) }
                }
            }
            group.addTask {
                for await event in neighborEvents { await mitigation.note(event, at: clock.now) }
            }
            if let requests = reloading?.requests {
                group.addTask {
                    // What came of it is in the log.
                    for await _ in requests {
                        manager.tellReloading(atMonotonic: clock.monotonicNanoseconds)
                        fastnetmonLog?.reopen()
                        exabgpLog?.reopen()
                        await reloader.request()
                        manager.tellReady(await state())
                    }
                    try? await gracefulShutdown()
                }
            }
            group.addTask { try? await gracefulShutdown() }
            // Whichever ends first (the shutdown, as the others do not end by themselves) ends all.
            await group.next()
            manager.tellStopping()
            ingest.stop()
            backlog.finish()
            group.cancelAll()
        }
        memory.flush(ingest, at: clock.now)
        _ = baselines.flush(at: clock.now)
        baselines.flushPeaks()
        // The routers drop the rules with the session, or keep them while we are away; the store keeps them in any case.
        let keepsRules = await reloader.configuration.bgp.keepsRulesOnStop
        for writer in writers { await writer.stop(keepingRoutes: keepsRules) }
        await speaker.stop(keepingRoutes: keepsRules)
        logger.notice("stopped")
    }

    /// That the recording ends before the daemon does is said once; then it waits for the end.
    private static func watch(
        _ recorder: TelemetryRecorder,
        _ mitigation: MitigationService,
        clock: DaemonClock,
        logger: Logger
    ) async {
        for await fault in recorder.faults {
            let text =
                "the recording \(recorder.path) has ended after \(recorder.progress.datagrams) datagrams: \(fault)"
            logger.error("\(text)")
            await mitigation.note(text, at: clock.now)
        }
        try? await gracefulShutdown()
    }

    /// For the service manager's one line. The mode is that of the start, whatever was reloaded.
    private static func state(
        _ configuration: DaemonConfiguration,
        speaker: Speaker,
        mitigation: MitigationService
    ) async -> String {
        let neighbors = await speaker.status()
        let rules = await mitigation.entries.count { $0.state == .announced }
        let attacks = await mitigation.attacks.count
        return "\(configuration.mitigation.enforces ? "enforce" : "observe"): "
            + "\(neighbors.count { $0.state == .established }) of \(neighbors.count) neighbors established, "
            + "\(attacks) attacks, \(rules) rules announced"
    }

    private func open<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw StartError(description: "\(error)")
        }
    }
}

extension DaemonRuntime: CustomStringConvertible {
    /// What the service lifecycle writes into the log: nothing of the configuration, which has passwords.
    public var description: String { "floodgate" }
}
