import ArgumentParser
import Capture
import Control
import Daemon
import DaemonConfiguration
import Detection
import FlowSpec
import Foundation
import Mitigation
import NetworkTypes

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run a capture of telemetry through the same core in virtual time: what would have been done.",
        discussion: """
            The configuration's ports tell which datagrams are sFlow and which are NetFlow or IPFIX. Nothing is
            announced and nothing is stored.

            EXAMPLE: floodgate replay telemetry.pcap --config floodgate.yaml
            """
    )

    @Argument(help: "A pcap file of telemetry datagrams.")
    var capture: String

    @OptionGroup var file: ConfigurationOption

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func run() throws {
        let configuration = try file.load()
        var replay = Replay(configuration: configuration)
        do {
            var pcap = try PcapFile([UInt8](Data(contentsOf: URL(filePath: capture))))
            while let datagram = try pcap.next() { replay.receive(datagram, onEvent: show) }
        } catch let error as PcapFile.ReadError {
            Terminal.complain("\(capture): \(error)")
            throw ExitCode.refused
        } catch {
            Terminal.complain("\(capture): \(error.localizedDescription)")
            throw ExitCode.refused
        }
        replay.finish(atMost: .seconds(31 * 86_400), onEvent: show)
        if replay.datagrams == 0 {
            Terminal.complain(
                "no datagram went to a port that \(file.config) listens on; \(replay.ignoredDatagrams) went elsewhere"
            )
            throw ExitCode.refused
        }
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

/// One line of a replay.
struct ReplayLine: Codable {
    var time: String
    /// `attack_began`, `attack_ended`, `announced`, `observed`, `withdrawn` or `refused`.
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
        case .withdrawn(let entry):
            event = "withdrawn"
            text = "\(entry.announcement.route), because \(entry.withdrawnBecause ?? "")"
            rule = "\(entry.announcement)"
        case .refused(let refusal): (event, text) = ("refused", "\(refusal)")
        }
    }
}
