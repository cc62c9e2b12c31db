public import DaemonConfiguration
import Logging
import Mitigation
import Speaker

/// How the configuration is read again.
public struct Reloading: Sendable {
    /// Reads and validates it.
    public var load: @Sendable () throws -> DaemonConfiguration
    /// Each element asks for it, beside the control socket: SIGHUP.
    public var requests: AsyncStream<Void>

    public init(load: @escaping @Sendable () throws -> DaemonConfiguration, requests: AsyncStream<Void>) {
        self.load = load
        self.requests = requests
    }
}

/// Changes what can be changed while the daemon runs, and says what cannot. One reload after another.
actor Reloader {
    private(set) var configuration: DaemonConfiguration
    private let load: (@Sendable () throws -> DaemonConfiguration)?
    private let speaker: Speaker
    private let mitigation: MitigationService
    private let clock: DaemonClock
    private let logger: Logger
    private var isReloading = false
    /// Somebody asked while a reload was under way, which may have read the files too early for him.
    private var isWantedAgain = false

    init(
        configuration: DaemonConfiguration,
        load: (@Sendable () throws -> DaemonConfiguration)?,
        speaker: Speaker,
        mitigation: MitigationService,
        clock: DaemonClock,
        logger: Logger
    ) {
        self.configuration = configuration
        self.load = load
        self.speaker = speaker
        self.mitigation = mitigation
        self.clock = clock
        self.logger = logger
    }

    /// Reads the configuration again. What changed, in words; throws `OrderRefused` where nothing did.
    func reload() async throws(OrderRefused) -> String {
        guard let load else { throw OrderRefused(reason: "this daemon has no configuration file to read again") }
        guard !isReloading else { throw OrderRefused(reason: "another reload is under way") }
        isReloading = true
        defer { isReloading = false }
        do {
            let text = try await readAgain(load)
            await repeatWhereWanted(load)
            return text
        } catch {
            await repeatWhereWanted(load)
            throw error
        }
    }

    /// The same for who waits for no answer, SIGHUP: at once, or after the reload that is under way. What came of it is
    /// in the log.
    func request() async {
        guard isReloading else {
            _ = try? await reload()
            return
        }
        isWantedAgain = true
        logger.notice("a reload is under way; the configuration is read once more after it")
    }

    private func repeatWhereWanted(_ load: @Sendable () throws -> DaemonConfiguration) async {
        while isWantedAgain {
            isWantedAgain = false
            _ = try? await readAgain(load)
        }
    }

    private func readAgain(
        _ load: @Sendable () throws -> DaemonConfiguration
    ) async throws(OrderRefused) -> String {
        do {
            let wanted = try load()
            let changes = try await speaker.reconfigure(
                neighbors: wanted.neighborConfigurations,
                listen: wanted.speakerListenAddresses
            )
            // Whose traffic counts is decided in the core, which goes on as it began.
            var effective = wanted
            effective.detection = configuration.detection
            effective.telemetry = configuration.telemetry
            var policy = effective.mitigationPolicy
            policy.mode = configuration.mitigation.enforces ? .enforce : .observe
            policy.networks = configuration.networks
            let gone = await mitigation.adopt(policy, at: clock.now)
            await mitigation.adopt(configured: wanted.announcements, at: clock.now)
            configuration.announcements = wanted.announcements
            let waiting = configuration.needingRestart(for: wanted)
            configuration.bgp = wanted.bgp
            var mitigates = wanted.mitigation
            mitigates.enforces = configuration.mitigation.enforces
            configuration.mitigation = mitigates
            configuration.whitelistedDestinations = wanted.whitelistedDestinations
            let text = Self.words(changes, waiting, withdrawn: gone)
            logger.notice("reloaded: \(text)")
            for key in waiting { logger.warning("\(key) has changed, which takes effect with a restart only") }
            for warning in wanted.allWarnings { logger.warning("\(warning)") }
            return text
        } catch {
            let reason = "nothing was changed: \(error)"
            logger.error("reload refused; \(reason)")
            throw OrderRefused(reason: reason)
        }
    }

    private static func words(_ changes: Speaker.Changes, _ waiting: [String], withdrawn: Int) -> String {
        func part(_ verb: String, _ neighbors: [String]) -> String? {
            neighbors.isEmpty ? nil : "\(verb) \(neighbors.joined(separator: ", "))"
        }
        var parts = [
            part("added", changes.added), part("removed", changes.removed), part("changed", changes.changed),
            "\(changes.unchanged) \(changes.unchanged == 1 ? "neighbor" : "neighbors") untouched",
        ].compactMap { $0 }
        if withdrawn > 0 {
            let rules = withdrawn == 1 ? "rule is" : "rules are"
            parts.append("\(withdrawn) \(rules) no longer allowed and withdrawn; floodgate events says why")
        }
        if !waiting.isEmpty { parts.append("a restart is needed for \(waiting.joined(separator: ", "))") }
        return parts.joined(separator: "; ")
    }
}

extension DaemonConfiguration {
    /// The keys whose change in `wanted` takes effect with a restart only.
    fileprivate func needingRestart(for wanted: DaemonConfiguration) -> [String] {
        let changed: [(String, Bool)] = [
            ("networks", networks != wanted.networks),
            ("whitelist.sources", whitelistedSources != wanted.whitelistedSources),
            ("telemetry", telemetry != wanted.telemetry), ("detection", detection != wanted.detection),
            ("exabgp_pipe", exabgpPipes != wanted.exabgpPipes),
            ("processes", processes != wanted.processes), ("scripts", scripts != wanted.scripts),
            ("metrics", metrics != wanted.metrics),
            ("exabgp_writer", exabgpWriters != wanted.exabgpWriters),
            ("mitigation.mode", mitigation.enforces != wanted.mitigation.enforces), ("store", store != wanted.store),
            ("control_socket", controlSocket != wanted.controlSocket), ("log", log != wanted.log),
        ]
        return changed.filter(\.1).map(\.0)
    }
}
