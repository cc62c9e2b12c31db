import ArgumentParser
import Daemon
import DaemonConfiguration

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate a configuration: every mistake at once, each with file, line and key.",
        discussion: """
            EXAMPLES:
              floodgate check --config /etc/floodgate.yaml
              floodgate check --fastnetmon /etc/fastnetmon.conf --exabgp /etc/exabgp/exabgp.conf
            """
    )

    @OptionGroup var file: ConfigurationOption

    func run() throws {
        let loaded = try file.load()
        let configuration = loaded.configuration
        for remark in loaded.remarks { Terminal.complain("\(remark)") }
        for warning in configuration.allWarnings { Terminal.complain("\(loaded.name): warning: \(warning)") }
        let mode = configuration.mitigation.enforces ? "enforce" : "observe"
        print(
            "\(loaded.name) is valid: \(configuration.networks.count) networks, "
                + "\(configuration.bgp.neighbors.count) neighbors, mode \(mode)"
        )
    }
}
