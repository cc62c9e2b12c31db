import Capture
import Control
import DaemonConfiguration
import Detection
import FlowSpec
import Foundation
import Mitigation
import NetworkTypes
import Simulation
import TestSupport
import Testing

@testable import Daemon

/// What the daemon decided live, and what a replay of its own recording decides.
@Suite(.serialized)
struct LiveAndReplayTests {
    @Test func aReplayOfTheRecordingTakesTheDaemonsDecisions() async throws {
        let daemon = try RunningDaemon(
            detection: [
                "thresholds: {total: {packets: 5k packets/s}, tcp_syn: {packets: 2k packets/s}}", "quiet_period: 1s",
            ],
            mitigation: ["mode: observe", "ban_time: 2s"]
        )
        defer { daemon.folder.remove() }
        let recording = daemon.folder.path("recording.pcap")
        let process = try await daemon.start(["--record", recording])
        let first = try Flood(to: daemon.sFlowPort, packetsPerSecond: 40_000)
        try await Task.sleep(for: .seconds(2))
        let second = try Flood(
            to: daemon.sFlowPort,
            packetsPerSecond: 8000,
            victim: IPAddress(198, 51, 100, 77)
        )
        try await Task.sleep(for: .seconds(3))
        first.stop()
        second.stop()
        let over = try await eventually(within: 60) {
            let all = try await daemon.attacks(includePast: true)
            // On a busy machine the flood may pause for so long that it counts as two; that must be replayed too.
            return Set(all.map(\.target)).count == 2 && all.allSatisfy { $0.ended != nil }
        }
        #expect(over)
        let live = try await daemon.attacks(includePast: true)
        let liveRules = try await daemon.rules(includePast: true)
        process.stop()

        let text = try String(contentsOfFile: daemon.configuration, encoding: .utf8)
        let configuration = try DaemonConfiguration.load(yaml: text, file: "floodgate.yaml") { _ in "" }
        var replay = Replay(configuration: configuration)
        var began: [Attack] = []
        var ended: [Attack] = []
        var rules: [String] = []
        let note = { (event: Replay.Event, time: Timestamp) in
            switch event {
            case .attack(.began(let attack)): began.append(attack)
            case .attack(.ended(let attack)): ended.append(attack)
            case .observed(let entry): rules.append(entry.announcement.route.description)
            default: break
            }
        }
        var capture = try CaptureFile(recording)
        while let packet = try capture.next() { replay.receive(packet, capture.octets(of: packet), onEvent: note) }
        replay.finish(atMost: .seconds(60), onEvent: note)

        func sorted(_ texts: [String]) -> [String] { texts.sorted() }
        let liveBegan = live.map { "\($0.target) \($0.kind) \($0.began) \($0.reason)" }
        #expect(
            sorted(began.map { "\($0.target) \($0.kind.rawValue) \($0.began) \($0.crossing)" }) == sorted(liveBegan)
        )
        #expect(
            sorted(ended.map { "\($0.target) \($0.ended?.description ?? "")" })
                == sorted(live.map { "\($0.target) \($0.ended ?? "")" })
        )
        #expect(sorted(rules) == sorted(liveRules.map(\.match)))
        // What the attacks were made of, to the sample.
        #expect(Set(ended.map { Reports.evidence($0) }) == Set(live.compactMap(\.evidence)))
        let entrances = live.compactMap { $0.evidence?.entrances.map(\.value) }
        #expect(entrances.allSatisfy { $0 == ["127.0.0.1 interface 1"] } && !entrances.isEmpty)
    }
}
