import Capture
import DaemonConfiguration
import Detection
import Foundation
import Mitigation
import NetworkTypes
import TestSupport
import Testing

@testable import Daemon

/// What a replay does in a time without telemetry: what the daemon does, at the same time.
struct ReplayPauseTests {
    private static let end = Timestamp(seconds: 1_800_000_000)

    private func events(_ mitigation: String) throws -> [(event: Replay.Event, time: Timestamp)] {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let capture = folder.path("pause.pcap")
        try FloodCapture.write(to: capture, endingAt: Self.end, again: 2000)
        let lines = [
            "networks: [198.51.100.0/24]", "store: /nowhere/floodgate.db",
            "detection: {thresholds: {total: {packets: 1k packets/s}}, quiet_period: 1s}",
            "mitigation: \(mitigation)",
        ]
        let root = try DaemonConfiguration.document(yaml: lines.joined(separator: "\n") + "\n", file: "f.yaml")
        var configuration = try DaemonConfiguration.load(root) { _ in "" }
        configuration.mitigation.enforces = true
        var replay = Replay(configuration: configuration, content: .packets)
        var events: [(Replay.Event, Timestamp)] = []
        var file = try CaptureFile(capture)
        while let packet = try file.next() {
            replay.receive(packet, file.octets(of: packet)) { events.append(($0, $1)) }
        }
        replay.finish(atMost: .seconds(86_400)) { events.append(($0, $1)) }
        return events
    }

    /// A pause of half an hour is passed over, but not the ends of ban times in it.
    @Test func rulesEndInAPauseWhenTheirTimeIsUp() throws {
        let events = try events("{ban_time: 900s}")
        let announced = events.compactMap { if case .announced = $0.event { $0.time } else { nil } }
        let withdrawn = events.compactMap { if case .withdrawn = $0.event { $0.time } else { nil } }
        #expect(announced.count == 3 && withdrawn.count == 3)
        for (began, ended) in zip(announced, withdrawn) {
            let lasted = (ended - began).inSeconds
            #expect(lasted >= 900 && lasted < 900.2, "\(lasted)")
        }
    }

    /// Nor what is due in it, such as a probe: nobody is heard then, so it says nothing and the rule stays.
    @Test func probesAreMadeInAPauseAndSayNothing() throws {
        let events = try events("{ban_time: 1900s, probe: {every: 700s, for: 10s, rate_limit: 1 Mbit/s}}")
        let announced = events.compactMap {
            if case .announced(let entry) = $0.event { (entry.id, $0.time) } else { nil }
        }
        let first = try #require(announced.first)
        let ends = events.compactMap { if case .attack(.ended(let attack)) = $0.event { attack.ended } else { nil } }
        let over = try #require(ends.first)
        let times = announced.filter { $0.0 == first.0 }.map { ($0.1 - over).inSeconds }
        // Announced, relaxed for the probe, and as it was again ten seconds later.
        try #require(times.count >= 3, "\(times)")
        #expect(times[1] >= 700 && times[1] < 700.2 && times[2] >= 710 && times[2] < 710.4, "\(times)")
    }
}
