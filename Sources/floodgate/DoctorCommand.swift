import ArgumentParser
import Control
import Daemon
import DaemonConfiguration
import FoundationEssentials

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "What is wrong, and what settles it: pipe, files, telemetry, sessions, rules, thresholds, clock, kernel.",
        discussion: """
            Asks the running daemon. Where none answers, and a configuration is named, that and the machine are looked at:
            who has the ports, whether the files can be written.

            EXAMPLES:
              floodgate doctor
              floodgate doctor --json
              floodgate doctor --config /etc/floodgate.yaml
              floodgate doctor --fastnetmon /etc/fastnetmon.conf --exabgp /etc/exabgp/exabgp.conf

            EXIT CODES: 0 nothing fails (there may be warnings), 1 something fails, 2 no daemon answers.
            """
    )

    @OptionGroup var file: ConfigurationOption

    @Option(
        help: "The daemon's control socket. (default: that of the configuration named, or /run/floodgate/control.sock)"
    )
    var socket: String?

    @Flag(help: "Print JSON for programs instead of lines for people.")
    var json = false

    func run() async throws {
        let isNamed = file.config != nil || !file.legacy.isEmpty
        let loaded = isNamed ? try file.load() : nil
        let path = socket ?? loaded?.configuration.controlSocket ?? DaemonConfiguration().controlSocket
        var report: DoctorReport
        do {
            let answer = try await ControlClient(path: path).send(ControlRequest(.doctor))
            if case .refused(let reason) = answer {
                Terminal.complain(reason)
                throw ExitCode.refused
            }
            guard case .diagnosis(let diagnosis) = answer else { throw UnexpectedAnswer() }
            report = diagnosis
            report.findings += Diagnosis.ofMachine
        } catch let failure as ControlClient.Failure {
            Terminal.complain("\(failure)")
            guard let loaded else {
                if !json {
                    Terminal.complain("name a configuration (--config FILE) to have it and the machine looked at")
                }
                throw ExitCode.unreachable
            }
            report = Diagnosis.withoutDaemon(loaded.configuration)
        }
        if json {
            let bytes = try ControlCoding.encoder(pretty: true).encode(report)
            print(String(decoding: bytes, as: UTF8.self))
        } else {
            print(Self.text(report))
        }
        guard report.isRunning else { throw ExitCode.unreachable }
        if report.level == .fail { throw ExitCode.refused }
    }

    static func text(_ report: DoctorReport) -> String {
        var lines: [String] = []
        for finding in report.findings {
            let level = finding.level.rawValue.uppercased()
            let subject = finding.subject + String(repeating: " ", count: max(0, 11 - finding.subject.count))
            lines.append("\(level)\(level.count < 4 ? "  " : "")  \(subject)\(finding.text)")
            lines += finding.remedies.map { "                   \($0)" }
        }
        let counts = DoctorReport.Level.allCases.reversed().compactMap { level -> String? in
            let count = report.findings.count { $0.level == level }
            return count > 0 ? "\(count) \(level.rawValue.uppercased())" : nil
        }
        return (lines + [counts.joined(separator: ", ")]).joined(separator: "\n")
    }
}
