import ArgumentParser
import Control

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "The running daemon at a glance: traffic, attacks, rules, what was lost.",
        discussion: "EXAMPLE: floodgate status --json"
    )

    @OptionGroup var control: ControlOptions

    func run() async throws {
        guard case .status(let report) = try await control.ask(ControlRequest(.status)) else {
            throw UnexpectedAnswer()
        }
        try control.show(report, as: Self.text)
    }

    static func text(_ report: StatusReport) -> String {
        func traffic(_ traffic: StatusReport.Traffic) -> String {
            "\(Formatting.packets(traffic.packetsPerSecond)), \(Formatting.bits(traffic.bitsPerSecond))"
        }
        let lines = [
            (
                "floodgate",
                "\(report.version), process \(report.processIdentifier), up \(Formatting.duration(report.uptimeSeconds))"
            ),
            ("mode", report.mode),
            ("incoming", traffic(report.incoming)),
            ("outgoing", traffic(report.outgoing)),
            ("other", traffic(report.other)),
            ("attacks", "\(report.activeAttacks) active"),
            ("rules", "\(report.announcedRules) announced"),
            ("neighbors", "\(report.establishedNeighbors) of \(report.configuredNeighbors) established"),
            (
                "exporters",
                "\(report.exporters), \(Formatting.count(report.datagrams)) datagrams, "
                    + "\(Formatting.count(report.records)) records"
            ),
            (
                "lost",
                "\(Formatting.count(report.droppedDatagrams)) dropped by the kernel, "
                    + "\(Formatting.count(report.malformedDatagrams)) malformed, "
                    + "\(Formatting.count(report.refusedDatagrams)) from strangers"
            ),
            (
                "hosts",
                "\(report.trackedHosts) of at most \(report.maximumHosts) tracked in "
                    + "\(report.trafficMemoryBytes / 1024) KiB"
            ),
        ]
        let baselines = report.baselines.map { counts in
            let refused = counts.refused > 0 ? ", no room for \(Formatting.count(UInt64(counts.refused))) more" : ""
            return [
                (
                    "baselines",
                    "\(counts.held) of at most \(counts.limit) held, \(counts.learnt) learnt long enough\(refused)"
                )
            ]
        }
        let mirrors = report.mirrors.map { mirror in
            (
                "mirror",
                "\(mirror.interface) \(mirror.state), \(Formatting.count(mirror.packets)) packets, "
                    + "\(Formatting.count(mirror.dropped)) dropped by the kernel, \(Formatting.count(mirror.ignored)) not IP"
            )
        }
        let forwards = report.forwards.map { forward in
            let failed = forward.failed > 0 ? ", \(Formatting.count(forward.failed)) not" : ""
            return ("forward", "\(Formatting.count(forward.sent)) datagrams to \(forward.collector)\(failed)")
        }
        let recording = report.recording.map { recording in
            let state = recording.fault == nil ? "" : ", ended, \(Formatting.count(recording.lost)) datagrams since"
            return [
                (
                    "recording",
                    "\(recording.path), \(Formatting.count(recording.datagrams)) datagrams, "
                        + "\(recording.bytes / 1024) KiB\(state)"
                )
            ]
        }
        let pipes = report.pipes.map { pipe in
            (
                "pipe",
                "\(pipe.path), \(Formatting.count(pipe.commands)) commands, \(Formatting.count(pipe.refused)) refused"
            )
        }
        let writers = report.writers.map { writer in
            let state = writer.isRead ? "read" : "not read"
            return ("exabgp", "\(writer.path), \(state), told \(writer.toldRules) of \(writer.rules) rules")
        }
        let processes = report.processes.map { process in
            let state =
                process.processIdentifier.map { "runs as process \($0)" }
                ?? "does not run\(process.lastEnd.map { ": \($0)" } ?? "")"
            let again = process.starts > 1 ? ", started \(process.starts) times" : ""
            let dropped = process.droppedLines > 0 ? ", reads too slowly: \(process.droppedLines) lines left out" : ""
            return (
                "process",
                "\(process.name) \(state)\(again), \(Formatting.count(process.commands)) commands, "
                    + "\(Formatting.count(process.refused)) refused\(dropped)"
            )
        }
        let scripts = report.scripts.map { script in
            let calls = "\(Formatting.count(script.made)) calls, \(Formatting.count(script.failed)) failed"
            return ("scripts", "\(script.paths.joined(separator: ", ")), \(calls), \(script.running) running")
        }
        let metrics = report.metrics.map { collector in
            let figures = "\(Formatting.count(collector.sent)) times sent, \(Formatting.count(collector.failed)) not"
            return ("metrics", "\(collector.kind) at \(collector.collector), \(figures)")
        }
        let intake = mirrors + forwards + (recording ?? [])
        let body = (lines + (baselines ?? []) + intake + pipes + writers + processes + scripts + metrics).map {
            $0.0 + String(repeating: " ", count: 11 - $0.0.count) + $0.1
        }
        return (body + report.warnings.map { "warning: \($0)" } + report.refusals.map { "refused: \($0)" })
            .joined(separator: "\n")
    }
}
