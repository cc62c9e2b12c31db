import ArgumentParser
import Compatibility
import Daemon
import DaemonConfiguration
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "The daemon.",
        discussion: """
            Runs in the foreground until SIGTERM or SIGINT; SIGHUP has it read its configuration again. A configuration
            with a mistake is refused before any socket is opened.

            The files of FastNetMon and ExaBGP are taken as they are, with the lists, the whitelist and the templates
            that they name or that lie beside them; keys of a --config beside them win.

            EXAMPLES:
              floodgate run --config /etc/floodgate.yaml
              floodgate run --fastnetmon /etc/fastnetmon.conf --exabgp /etc/exabgp/exabgp.conf
            """
    )

    @OptionGroup var file: ConfigurationOption

    @Option(help: "Write all telemetry received to a capture file, for floodgate replay.")
    var record: String?

    func run() async throws {
        let loaded = try file.load()
        let configuration = loaded.configuration
        guard let destination = configuration.log.file.map({ LogDestination(path: $0) }) ?? LogDestination() else {
            let reason = SystemText.of(errno)
            Terminal.complain("cannot write to the log file \(configuration.log.file ?? ""): \(reason)")
            throw ExitCode.refused
        }
        let level = Logger.Level(rawValue: configuration.log.level) ?? .info
        let logger = Logger(label: "floodgate") { _ in LineLogHandler(destination: destination, level: level) }
        Self.log(loaded, to: logger)
        let file = file
        let read: @Sendable () throws -> DaemonConfiguration = {
            // Whoever asks to read anew may have rotated the log away.
            destination.reopen()
            let loaded = try file.read()
            Self.log(loaded, to: logger)
            return loaded.configuration
        }
        let reloading = Reloading(load: read, requests: await Self.hangups(destination))
        let daemon = DaemonRuntime(
            configuration: configuration,
            recordPath: record,
            reloading: reloading,
            logger: logger
        )
        var group = ServiceGroupConfiguration(
            services: [.init(service: daemon)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        // A neighbor that does not take our farewell must not keep the process.
        group.maximumGracefulShutdownDuration = .seconds(10)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch {
            logger.critical("\(error)")
            Terminal.complain("\(error)")
            throw ExitCode.refused
        }
    }

    private static func log(_ loaded: ConfigurationOption.Loaded, to logger: Logger) {
        for remark in loaded.remarks {
            logger.log(level: remark.severity == .warning ? .warning : .info, "\(remark)")
        }
    }

    /// Each SIGHUP, as of now: until somebody waits for it the signal would end the process. The log file is opened anew
    /// with it, as it may have been rotated away.
    private static func hangups(_ destination: LogDestination) async -> AsyncStream<Void> {
        // One that waits stands for all that came meanwhile.
        let (requests, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let signals = await UnixSignalsSequence(trapping: .sighup)
        Task {
            for await _ in signals {
                destination.reopen()
                continuation.yield()
            }
        }
        return requests
    }
}
