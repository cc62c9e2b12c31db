import BGP
import Capture
import Control
import DaemonConfiguration
import Detection
import FlowSpec
import Foundation
import Mitigation
import NetworkTypes
import Speaker
import Store
import Telemetry
import Traffic

/// Answers the control socket.
struct DaemonResponder: ControlResponder {
    let configuration: DaemonConfiguration
    let reloader: Reloader
    let clock: DaemonClock
    let started: Timestamp
    let mitigation: MitigationService
    let speaker: Speaker
    let store: Store
    let ingest: Ingest
    let desk: CommandDesk
    let pipes: [PipeReader]
    let writers: [ExaBGPWriter]
    let processes: [ProcessRunner]
    let scripts: [ScriptRunner]
    let metricsExporters: [MetricsExporter]

    static let listedHistory = 1000
    private static let askedAtOnce = 1000
    /// Rules of one attack that are explained if so many are asked for.
    private static let mostExplained = 20_000
    /// Of exporters, in `status`; forged ones must not fill it.
    private static let listedHints = 20

    func respond(to request: ControlRequest) async -> ControlResponse {
        do {
            switch request.command {
            case .status: return .status(await status())
            case .attacks: return .attacks(try await attacks(includePast: request.includePast ?? false))
            case .rules where request.neighbor != nil: return .neighborRules(try await neighborRules(request))
            case .rules: return .rules(try await rules(includePast: request.includePast ?? false))
            case .reload: return .done(try await reloader.reload())
            case .neighbors where request.neighbor != nil: return .receivedRoutes(try await receivedRoutes(request))
            case .neighbors: return .neighbors(await speaker.status().map(Reports.neighbor))
            case .exporters: return .exporters(ingest.exporters.map { Reports.exporter($0, at: clock.now) })
            case .ban: return .done(try await ban(request))
            case .unban: return .done(try await mitigation.unban(try target(request), at: clock.now))
            case .banlist: return .done(await banList())
            case .explain: return .explanation(try await explain(request))
            case .packets: return .packets(try await packets(request.target ?? ""))
            case .announce, .withdraw, .command: return .done(try await command(request))
            case .events: return .events(try events(request.limit ?? Self.listedHistory))
            case .top: return .top(try await top(request))
            case .doctor: return .diagnosis(await diagnosis())
            case .baselines: return .baselines(try await baselines(request))
            case .suggestions: return .suggestions(try await suggestions(request))
            }
        } catch let error as OrderRefused {
            return .refused(error.reason)
        } catch {
            return .refused("\(error)")
        }
    }

    private func target(_ request: ControlRequest) throws -> IPPrefix {
        let text = request.target ?? ""
        guard let prefix = IPPrefix(text) else {
            throw OrderRefused(reason: "\"\(text)\" is neither an address nor a prefix without host bits")
        }
        return prefix
    }

    private func ban(_ request: ControlRequest) async throws -> String {
        let target = try target(request)
        return try await mitigation.ban(
            target,
            duration: try duration(request),
            template: request.template ?? "default",
            reason: request.reason ?? "an operator asked for it",
            at: clock.now
        )
    }

    /// Who is banned, one a line: the targets of rules that attacks and operators asked for.
    private func banList() async -> String {
        let entries = await mitigation.entries.filter { entry in
            entry.requesters.contains { requester in
                switch requester {
                case .attack, .operator: true
                case .client, .configuration: false
                }
            }
        }
        return Set(entries.map(\.target)).sorted().map(\.description).joined(separator: "\n")
    }

    func duration(_ request: ControlRequest) throws(OrderRefused) -> Duration? {
        guard let seconds = request.durationSeconds else { return nil }
        guard (1...2_592_000).contains(seconds) else {
            throw OrderRefused(reason: "a rule lasts from 1 second to 30 days, not \(seconds) s")
        }
        return .milliseconds(Int64(seconds * 1000))
    }

    private func attacks(includePast: Bool) async throws -> [AttackReport] {
        let now = clock.now
        let active = await mitigation.attacks.values.sorted { $0.id < $1.id }
        guard includePast else { return active.map { Reports.attack($0, at: now) } }
        let past = try store.attacks(limit: Self.listedHistory).filter { stored in
            !active.contains { $0.id == stored.id }
        }
        return (past.reversed() + active).map { Reports.attack($0, at: now) }
    }

    /// In the order in which routers try them (RFC 8955 section 5.1); past ones first, as they ended.
    private func rules(includePast: Bool) async throws -> [RuleReport] {
        let inForce = await mitigation.entries.sorted { $0.announcement.route.precedes($1.announcement.route) }
        let holders = await holders(of: inForce)
        let effects = await mitigation.effects
        guard includePast else {
            return inForce.map { Reports.rule($0, holders: holders, writers: writers, effects: effects) }
        }
        let numbers = Set(inForce.map(\.id))
        let past = try store.entries(limit: Self.listedHistory).filter { !numbers.contains($0.id) }
        return (past.reversed() + inForce).map {
            Reports.rule($0, holders: holders, writers: writers, effects: effects)
        }
    }

    /// Asked for in parts: between them the speaker announces what others have ordered.
    private func holders(of entries: [LedgerEntry]) async -> Holders {
        let routes = entries.filter { $0.state == .announced }.map(\.announcement.route)
        var holders: Holders = [:]
        for first in stride(from: 0, to: routes.count, by: Self.askedAtOnce) {
            let part = routes[first..<min(first + Self.askedAtOnce, routes.count)]
            holders.merge(await speaker.holders(of: part)) { former, _ in former }
        }
        return holders
    }

    private func neighbor(_ request: ControlRequest) throws(OrderRefused) -> IPAddress {
        let text = request.neighbor ?? ""
        guard let address = IPAddress(text) else { throw OrderRefused(reason: "\"\(text)\" is no address") }
        return address
    }

    /// What a neighbor has announced, in the order of rules.
    private func receivedRoutes(_ request: ControlRequest) async throws -> [ReceivedRouteReport] {
        let address = try neighbor(request)
        guard let routes = await speaker.received(from: address) else {
            throw OrderRefused(reason: "there is no neighbor \(address)")
        }
        return routes.sorted { $0.key.precedes($1.key) }.map { Reports.received($0.key, $0.value) }
    }

    /// How each rule stands with one neighbor, in the order in which its router tries them; those withdrawn come last.
    private func neighborRules(_ request: ControlRequest) async throws -> [NeighborRuleReport] {
        let address = try neighbor(request)
        guard let known = await speaker.routes(of: address) else {
            throw OrderRefused(reason: "there is no neighbor \(address)")
        }
        let routes =
            known.filter { $0.state != .withdrawn }.sorted { $0.route.precedes($1.route) }
            + known.filter { $0.state == .withdrawn }
        let numbers = Dictionary(
            await mitigation.entries.map { ($0.announcement.route, $0.id.rawValue) },
            uniquingKeysWith: { first, _ in first }
        )
        let quarantined = await speaker.status().first { $0.configuration.address == address }?.quarantined ?? []
        return routes.map { route in
            Reports.neighborRule(
                route,
                number: numbers[route.route] ?? route.parents.lazy.compactMap { numbers[$0] }.min(),
                complaint: quarantined.first { $0.route == route.route }?.error
            )
        }
    }

    private func explain(_ request: ControlRequest) async throws -> ExplanationReport {
        let text = request.target ?? ""
        let effects = await mitigation.effects
        if text.hasPrefix("r"), let number = UInt64(text.dropFirst()) {
            guard let entry = try store.entry(LedgerEntry.ID(rawValue: number)) else {
                throw OrderRefused(reason: "there is no rule \(text)")
            }
            var attack: Attack?
            let active = await mitigation.attacks
            // As it is now, and of one that is over as it was in the end.
            for case .attack(let id) in entry.requesters { attack = try attack ?? active[id] ?? store.attack(id) }
            return try await Reports.explanation(
                attack,
                entries: [entry],
                events: store.events(attack: nil, entries: [entry.id]),
                holders: holders(of: [entry]),
                effects: effects,
                at: clock.now
            )
        }
        guard let number = UInt64(text) else {
            throw OrderRefused(
                reason: "\"\(text)\" is neither the number of an attack nor, with an r before it, of a rule"
            )
        }
        let id = Attack.ID(rawValue: number)
        let active = await mitigation.attacks[id]
        guard let attack = try active ?? store.attack(id) else {
            throw OrderRefused(reason: "there is no attack \(text)")
        }
        let limit = min(max(request.limit ?? Self.listedHistory, 1), Self.mostExplained)
        let (entries, total) = try store.entries(of: id, limit: limit)
        var report = try await Reports.explanation(
            attack,
            entries: entries,
            events: store.events(attack: id, entries: entries.map(\.id)),
            holders: holders(of: entries),
            effects: effects,
            at: clock.now
        )
        if total > entries.count { report.omittedRules = total - entries.count }
        return report
    }

    private func status() async -> StatusReport {
        let summary = ingest.summary
        let exporters = ingest.exporters
        let neighbors = await speaker.status()
        let entries = await mitigation.entries
        let failure = await mitigation.storeFailure
        let refusals = await mitigation.refusals.map { "\($0.time) \($0)" }
        func traffic(_ rates: TrafficRates) -> StatusReport.Traffic {
            .init(packetsPerSecond: rates[.total, .packets], bitsPerSecond: rates[.total, .bits])
        }
        let dropped = ingest.dropped
        var warnings: [String] = []
        if let failure { warnings.append("nothing is announced: \(failure)") }
        let announced = entries.count { $0.state == .announced }
        if announced > 0, neighbors.allSatisfy({ $0.parameters == nil }), !writers.contains(where: \.report.isRead) {
            warnings.append(
                "no router has the \(announced) announced \(announced == 1 ? "rule" : "rules"): no session is "
                    + "established; floodgate neighbors says why"
            )
        }
        if dropped > 0 {
            warnings.append("the kernel dropped \(dropped) datagrams: raise net.core.rmem_max, or telemetry.workers")
        }
        let recording = ingest.recording
        if let recording, let fault = recording.fault {
            warnings.append("the recording \(recording.path) has ended: \(fault); a restart begins a new one")
        }
        for mirror in ingest.mirrors where mirror.state != MirrorPort.State.up.name {
            warnings.append("no mirrored packets come in: \(mirror.interface) is \(mirror.state)")
        }
        for forward in ingest.forwards {
            if let fault = forward.fault { warnings.append("nothing is sent on: \(fault)") }
            if forward.otherFamily > 0 {
                warnings.append(
                    "\(forward.otherFamily) datagrams were not sent on to \(forward.collector): with keep_source only "
                        + "exporters of its own address family can be; give the others a forward of their own"
                )
            }
        }
        for mirror in ingest.mirrors where mirror.dropped > 0 {
            warnings.append(
                "the kernel dropped \(mirror.dropped) packets of \(mirror.interface): raise telemetry.workers or "
                    + "telemetry.mirror.kernel_sampling"
            )
        }
        let forgotten = ingest.forgottenTemplates
        if forgotten > 0 {
            warnings.append(
                "exporters told more than is remembered, so that \(forgotten) templates were given up; set "
                    + "telemetry.exporters.allow so that only your own are listened to"
            )
        }
        for pipe in pipes {
            if let problem = pipe.report.problem { warnings.append("no commands are read: \(problem)") }
        }
        if summary.baselines.refused > 0 {
            warnings.append(
                "for \(summary.baselines.refused) hosts there is no room to learn what is normal: raise "
                    + "detection.baseline.floor, or switch it off for groups that need none"
            )
        }
        warnings += Self.familyWarnings(entries, neighbors, areWritten: !writers.isEmpty)
        for writer in writers {
            if let problem = writer.report.problem { warnings.append("ExaBGP gets no rules: \(problem)") }
        }
        for collector in metricsExporters.map(\.report) {
            guard let problem = collector.problem else { continue }
            warnings.append("\(collector.kind) at \(collector.collector) gets no figures: \(problem)")
        }
        for script in scripts.map(\.report) where script.dropped > 0 {
            let paths = script.paths.joined(separator: ", ")
            warnings.append("\(script.dropped) calls of \(paths) were not made, as too many waited: it is too slow")
        }
        let hints = exporters.flatMap { Reports.hints($0) }
        warnings += hints.prefix(Self.listedHints)
        if hints.count > Self.listedHints {
            warnings.append("and \(hints.count - Self.listedHints) more of exporters: floodgate exporters has them")
        }
        var report = StatusReport(
            version: Version.text,
            processIdentifier: ProcessInfo.processInfo.processIdentifier,
            started: started.description,
            uptimeSeconds: (clock.now - started).inSeconds,
            mode: configuration.mitigation.enforces ? "enforce" : "observe",
            incoming: traffic(summary.incoming),
            outgoing: traffic(summary.outgoing),
            other: traffic(summary.other),
            trackedHosts: summary.trackedHosts,
            maximumHosts: configuration.detection.maximumHosts,
            trafficMemoryBytes: summary.memoryBytes,
            activeAttacks: await mitigation.attacks.count,
            announcedRules: entries.filter { $0.state == .announced }.count,
            establishedNeighbors: neighbors.filter { $0.state == .established }.count,
            configuredNeighbors: neighbors.count,
            exporters: exporters.count,
            datagrams: ingest.datagrams,
            records: exporters.reduce(0) { $0 &+ $1.records },
            malformedDatagrams: exporters.reduce(0) { $0 &+ $1.malformedDatagrams },
            refusedDatagrams: ingest.refused,
            droppedDatagrams: dropped,
            mirrors: ingest.mirrors,
            forwards: ingest.forwards,
            refusals: refusals,
            warnings: warnings
        )
        report.baselines = Self.counts(summary.baselines)
        report.recording = recording
        report.pipes = pipes.map(\.report)
        report.writers = writers.map(\.report)
        report.processes = processes.map(\.report)
        report.scripts = scripts.map(\.report)
        report.metrics = metricsExporters.map(\.report)
        return report
    }
}
