public import ArgumentParser
import Capture
import Control
public import Daemon
import DaemonConfiguration
import Detection
import FlowSpec
import Foundation
import Mitigation
import NetworkTypes

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run a capture through the same core in virtual time: what would have been done.",
        discussion: """
            Takes pcap and pcapng files, as they are or compressed by gzip, of telemetry (datagrams to a port that the configuration listens on), or of
            the traffic itself, as a mirror port has it. Nothing is announced and nothing is stored.

            EXAMPLES:
              floodgate replay telemetry.pcap --config floodgate.yaml
              floodgate replay attack.pcapng --config floodgate.yaml --as packets
              floodgate replay telemetry.pcap --config floodgate.yaml --against new.yaml
            """
    )

    @Argument(help: "A pcap or pcapng file, also of gzip, or - for standard input.")
    var capture: String

    @Option(name: .customLong("as"), help: "telemetry or packets; otherwise what is found in the file.")
    var content: Replay.Content?

    @OptionGroup var file: ConfigurationOption

    @Option(help: "Another configuration: print in which attacks and rules the two would differ.")
    var against: String?

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func run() throws {
        let loaded = try file.load()
        let configuration = loaded.configuration
        if let against { return try compare(loaded, with: against) }
        let content = try content ?? found([configuration])
        var replay = Replay(configuration: configuration, content: content)
        do {
            var file = try CaptureFile(capture)
            while let packet = try file.next() { replay.receive(packet, file.octets(of: packet), onEvent: show) }
        } catch {
            throw refuse(error)
        }
        replay.finish(atMost: Self.longestSequel, onEvent: show)
        try tellRest(of: replay)
    }

    /// How long is waited for what would follow after the capture.
    private static let longestSequel = Duration.seconds(31 * 86_400)

    /// What would have been otherwise with another configuration.
    private func compare(
        _ loaded: ConfigurationOption.Loaded,
        with other: String
    ) throws {
        var configurations = (loaded.configuration, try ConfigurationOption.load(other))
        let content = try content ?? found([configurations.0, configurations.1])
        // What they would announce is of interest, be it that both only observe.
        configurations.0.mitigation.enforces = true
        configurations.1.mitigation.enforces = true
        var first = Replay(configuration: configurations.0, content: content)
        var second = Replay(configuration: configurations.1, content: content)
        var outcomes = (ReplayOutcome(), ReplayOutcome())
        do {
            var capture = try CaptureFile(capture)
            while let packet = try capture.next() {
                first.receive(packet, capture.octets(of: packet)) { outcomes.0.note($0, at: $1) }
                second.receive(packet, capture.octets(of: packet)) { outcomes.1.note($0, at: $1) }
            }
        } catch {
            throw refuse(error)
        }
        first.finish(atMost: Self.longestSequel) { outcomes.0.note($0, at: $1) }
        second.finish(atMost: Self.longestSequel) { outcomes.1.note($0, at: $1) }
        let differences = ReplayDifferences(ReplayComparison(outcomes.0, outcomes.1))
        if json, let bytes = try? ControlCoding.encoder().encode(differences) {
            print(String(decoding: bytes, as: UTF8.self))
        } else {
            print(differences.text((loaded.name, other)))
        }
        if first.taken != second.taken {
            // Differences that follow from it are none of what was done about the traffic.
            Terminal.complain(
                "\(capture): \(loaded.name) takes \(first.taken) datagrams of it and \(other) \(second.taken), as they "
                    + "listen on different ports or allow different exporters"
            )
        }
        try tellRest(of: first, for: loaded.name)
        try tellRest(of: second, for: other)
    }

    /// - Parameter name: of the configuration, where there are two.
    private func tellRest(of replay: borrowing Replay, for name: String? = nil) throws {
        let unreadable = replay.unreadableSets()
        if unreadable > 0 {
            // A recording begun after a restart has not what the daemon knew from before.
            Terminal.complain("\(capture): \(unreadable) sets of data without a template in the capture were not read")
        }
        if replay.taken == 0 {
            let whose = name.map { " for \($0)" } ?? ""
            Terminal.complain("\(capture): nothing to take\(whose); \(replay.ignored) packets were something else")
            throw ExitCode.refused
        }
    }

    /// Standard input cannot be read twice, so it is telemetry unless it is said to be something else.
    ///
    /// - Parameter configurations: it is telemetry where it is for one of them.
    private func found(_ configurations: [DaemonConfiguration]) throws -> Replay.Content {
        guard capture != "-" else { return .telemetry }
        do {
            for configuration in configurations {
                let content = try Replay.content(of: try CaptureFile(capture), configuration: configuration)
                if content == .telemetry { return content }
            }
            Terminal.complain("\(capture): no datagram to a port of the configuration; read as the traffic itself")
            return .packets
        } catch {
            throw refuse(error)
        }
    }

    private func refuse(_ error: CaptureError) -> ExitCode {
        Terminal.complain("\(capture): \(error)")
        return .refused
    }

    private func show(_ event: Replay.Event, at time: Timestamp) {
        guard let line = ReplayLine(event, at: time) else { return }
        if json, let bytes = try? ControlCoding.encoder().encode(line) {
            print(String(decoding: bytes, as: UTF8.self))
        } else {
            print("\(line.time) \(line.event) \(line.text)")
        }
    }
}

extension Replay.Content: ExpressibleByArgument {}

/// One line of a replay.
struct ReplayLine: Codable {
    var time: String
    /// `attack_began`, `attack_ended`, `announced`, `observed`, `withdrawn`, `lapsed` (what was observed) or `refused`.
    var event: String
    var text: String
    var attack: UInt64?
    var target: String?
    var kind: String?
    var rule: String?

    /// Nil for the progress of an attack, which nobody asked for.
    init?(_ happening: Replay.Event, at time: Timestamp) {
        self.time = time.description
        switch happening {
        case .attack(.updated): return nil
        case .attack(.began(let attack)):
            event = "attack_began"
            text = "\(attack.target) \(attack.direction.rawValue) \(attack.summary); \(attack.crossing.evidence)"
            (self.attack, target, kind) = (attack.id.rawValue, attack.target.description, attack.kind.rawValue)
        case .attack(.ended(let attack)):
            event = "attack_ended"
            text = "\(attack.target), peak \(RateText.describe(attack.peak[.total, .packets], .packets))"
            (self.attack, target, kind) = (attack.id.rawValue, attack.target.description, attack.kind.rawValue)
        case .announced(let entry):
            (event, text, rule) = ("announced", "\(entry.announcement)", "\(entry.announcement)")
        case .observed(let entry): (event, text, rule) = ("observed", "\(entry.announcement)", "\(entry.announcement)")
        case .withdrawn(let entry), .lapsed(let entry):
            if case .lapsed = happening { event = "lapsed" } else { event = "withdrawn" }
            text = "\(entry.announcement.route), because \(entry.withdrawnBecause ?? "")"
            rule = "\(entry.announcement)"
        case .refused(let refusal): (event, text) = ("refused", "\(refusal)")
        }
    }
}
