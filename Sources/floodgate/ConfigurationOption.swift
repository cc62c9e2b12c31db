import ArgumentParser
import Compatibility
import DaemonConfiguration
import Foundation

/// Where the configuration is.
struct ConfigurationOption: ParsableArguments {
    @Option(help: "The configuration file. (default: /etc/floodgate.yaml, unless another program's file is given)")
    var config: String?

    @OptionGroup var legacy: LegacyOptions

    /// A configuration, and what is to be said of the files that it was read from.
    struct Loaded {
        var configuration: DaemonConfiguration
        /// None of them is an error.
        var remarks: [LegacyRemark]
        /// The files.
        var name: String
    }

    /// Reads and validates it; prints every mistake and ends with 1 when there is one.
    func load() throws -> Loaded {
        do {
            return try read()
        } catch {
            for line in error.lines { Terminal.complain(line) }
            throw ExitCode.refused
        }
    }

    /// Reads and validates a file of ours alone; prints every mistake and ends with 1 when there is one.
    static func load(_ path: String) throws -> DaemonConfiguration {
        do {
            return try configuration(try own(path))
        } catch {
            for line in error.lines { Terminal.complain(line) }
            throw ExitCode.refused
        }
    }

    /// Reads and validates it.
    func read() throws(ConfigurationMistakes) -> Loaded {
        let path = config ?? (legacy.isEmpty ? "/etc/floodgate.yaml" : nil)
        let name = [legacy.fastnetmon, legacy.exabgp, path].compactMap { $0 }.joined(separator: ", ")
        let own: ConfigurationNode? = if let path { try Self.own(path) } else { nil }
        guard !legacy.isEmpty else {
            return try Loaded(configuration: Self.configuration(own), remarks: [], name: name)
        }
        let document = legacy.document(beside: own)
        let root = own.map { document.document.overlaid(by: $0) } ?? document.document
        let errors = document.remarks.filter { $0.severity == .error }
        let others = document.remarks.filter { $0.severity != .error }
        return try Loaded(configuration: Self.configuration(root, errors, of: legacy), remarks: others, name: name)
    }

    /// The tree of a file of ours.
    static func own(_ path: String) throws(ConfigurationMistakes) -> ConfigurationNode {
        do {
            return try DaemonConfiguration.document(yaml: try LegacyOptions.read(path), file: path)
        } catch let errors as ConfigurationErrors {
            throw ConfigurationMistakes(errors)
        } catch {
            throw ConfigurationMistakes(lines: ["\(path): \(error)"])
        }
    }

    /// The model of a tree, if neither it nor the files that it is of have a mistake.
    ///
    /// - Parameter legacy: the files whose mistakes are told in their own words.
    static func configuration(
        _ root: ConfigurationNode?,
        _ errors: [LegacyRemark] = [],
        of legacy: LegacyOptions? = nil
    ) throws(ConfigurationMistakes) -> DaemonConfiguration {
        guard let root else { throw ConfigurationMistakes(lines: ["no configuration"]) }
        var mistakes = ConfigurationMistakes(lines: errors.map(\.description))
        do {
            let configuration = try DaemonConfiguration.load(root, readFile: LegacyOptions.read)
            if mistakes.lines.isEmpty { return configuration }
        } catch {
            // What is missing may be missing because of a mistake that has been told.
            mistakes.lines += error.errors.filter { errors.isEmpty || $0.value != nil && $0.key != "networks" }.map {
                LegacyFiles.told(
                    $0,
                    fastnetmon: legacy?.fastnetmon,
                    exabgp: legacy?.exabgp,
                    readFile: LegacyOptions.read
                )
            }
        }
        throw mistakes
    }
}

/// Every mistake of a configuration, a line each.
struct ConfigurationMistakes: Error, CustomStringConvertible {
    var lines: [String]

    init(lines: [String]) { self.lines = lines }

    init(_ errors: ConfigurationErrors) { lines = errors.errors.map(\.description) }

    var description: String { lines.joined(separator: "\n") }
}

/// Files of other programs.
struct LegacyOptions: ParsableArguments {
    @Option(help: "A fastnetmon.conf, with the lists, whitelist and templates that it names or that lie beside it.")
    var fastnetmon: String?

    @Option(help: "An exabgp.conf.")
    var exabgp: String?

    var isEmpty: Bool { fastnetmon == nil && exabgp == nil }

    /// What they say, for a configuration of our own that is laid on it.
    func document(beside own: ConfigurationNode? = nil) -> LegacyDocument {
        let bgp = own?.mapping?.first { $0.key.scalar == "bgp" }?.value
        let neighbors = bgp?.mapping?.first { $0.key.scalar == "neighbors" }?.value.list ?? []
        return LegacyFiles.read(
            fastnetmon: fastnetmon,
            exabgp: exabgp,
            hasNeighbors: !neighbors.isEmpty,
            hasTelemetry: Self.namesTelemetry(own),
            readFile: Self.read
        )
    }

    private static func namesTelemetry(_ own: ConfigurationNode?) -> Bool {
        let telemetry = own?.mapping?.first { $0.key.scalar == "telemetry" }?.value
        let sources: Set = ["sflow", "netflow", "ipfix_tcp", "mirror"]
        return telemetry?.mapping?.contains { $0.key.scalar.map(sources.contains) ?? false } ?? false
    }

    /// Throws what is to be said.
    static func read(_ path: String) throws -> String { try TextFile.read(path) }
}
