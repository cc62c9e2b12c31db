import ArgumentParser
import DaemonConfiguration

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate a configuration: every mistake at once, each with file, line and key.",
        discussion: "EXAMPLE: floodgate check --config /etc/floodgate.yaml"
    )

    @OptionGroup var file: ConfigurationOption

    func run() throws {
        let configuration = try file.load()
        for warning in configuration.warnings { Terminal.complain("\(file.config): warning: \(warning)") }
        let mode = configuration.mitigation.enforces ? "enforce" : "observe"
        print(
            "\(file.config) is valid: \(configuration.networks.count) networks, "
                + "\(configuration.bgp.neighbors.count) neighbors, mode \(mode)"
        )
    }
}
