import ArgumentParser
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

            EXAMPLE: floodgate run --config /etc/floodgate.yaml
            """
    )

    @OptionGroup var file: ConfigurationOption

    @Option(help: "Write all telemetry received to a capture file, for floodgate replay.")
    var record: String?

    func run() async throws {
        let configuration = try file.load()
        guard let destination = configuration.log.file.map({ LogDestination(path: $0) }) ?? LogDestination() else {
            Terminal.complain("cannot write to the log file \(configuration.log.file ?? "")")
            throw ExitCode.refused
        }
        let level = Logger.Level(rawValue: configuration.log.level) ?? .info
        let logger = Logger(label: "floodgate") { _ in LineLogHandler(destination: destination, level: level) }
        let file = file
        let reloading = Reloading(load: { try file.read() }, requests: await Self.hangups())
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

    /// Each SIGHUP, as of now: until somebody waits for it the signal would end the process.
    private static func hangups() async -> AsyncStream<Void> {
        let (requests, continuation) = AsyncStream.makeStream(of: Void.self)
        let signals = await UnixSignalsSequence(trapping: .sighup)
        Task {
            for await _ in signals { continuation.yield() }
        }
        return requests
    }
}

/// Where the configuration is.
struct ConfigurationOption: ParsableArguments {
    @Option(help: "The configuration file.")
    var config = "/etc/floodgate.yaml"

    /// Reads and validates it; prints every mistake and ends with 1 when there is one.
    func load() throws -> DaemonConfiguration {
        do {
            return try read()
        } catch let errors as ConfigurationErrors {
            for error in errors.errors { Terminal.complain("\(error)") }
            throw ExitCode.refused
        } catch {
            Terminal.complain("\(config): \(error.localizedDescription)")
            throw ExitCode.refused
        }
    }

    /// Reads and validates it.
    func read() throws -> DaemonConfiguration {
        try DaemonConfiguration.load(yaml: Self.read(config), file: config, readFile: Self.read)
    }

    private static func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}
