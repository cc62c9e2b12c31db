import Control
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// `floodgate attacks pcap`, with the real program.
@Suite(.serialized)
struct AttackPacketsTests {
    private static func pcap(_ daemon: RunningDaemon, _ arguments: [String]) throws -> String {
        try ChildProcess.output(
            RunningDaemon.program,
            ["attacks", "pcap"] + arguments + ["--socket", daemon.folder.path("control.sock")]
        )
    }

    @Test func thePacketsOfAnAttackAreACaptureFileAlsoAfterARestart() async throws {
        let daemon = try RunningDaemon(detection: ["thresholds: {total: {packets: 1k packets/s}}"])
        defer { daemon.folder.remove() }
        let first = try await daemon.start()
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 50_000)
        let isFound = try await eventually { try await !daemon.attacks().isEmpty }
        let log = try String(contentsOf: first.log, encoding: .utf8)
        #expect(isFound, "\(log.suffix(2000))")
        let id = try #require(try await daemon.attacks().first?.id)
        // The beginning is written at once, with what was known then.
        let file = daemon.folder.path("live.pcap")
        let told = try Self.pcap(daemon, ["\(id)", "--output", file])
        #expect(told.contains("packets of attack \(id)"), "\(told)")
        flood.stop()
        first.stop()
        let second = try await daemon.start()
        defer { second.stop() }
        let later = daemon.folder.path("later.pcap")
        let again = try Self.pcap(daemon, ["\(id)", "--output", later])
        #expect(again.contains("packets of attack \(id)"), "\(again)")
        guard let tshark = ChildProcess.find("tshark") else { return print("skipped: tshark is not installed") }
        for path in [file, later] {
            let text = try ChildProcess.output(
                tshark,
                ["-r", path, "-T", "fields", "-E", "separator=;", "-e", "ip.dst", "-e", "frame.cap_len"]
            )
            let lines = text.split(separator: "\n").filter { $0.contains(";") }
            #expect((1...64).contains(lines.count))
            #expect(lines.allSatisfy { $0.hasPrefix("198.51.100.10;") }, "\(text)")
        }
    }

    @Test func whereThereAreNoneItIsSaidWhy() async throws {
        let daemon = try RunningDaemon(detection: ["thresholds: {total: {packets: 1k packets/s}}"])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let none = try Self.pcap(daemon, ["77", "--output", daemon.folder.path("none.pcap")])
        #expect(none.contains("there is no attack 77"), "\(none)")
        guard let softflowd = ChildProcess.find("softflowd") else {
            return print("skipped: softflowd is not installed")
        }
        let capture = daemon.folder.path("floods.pcap")
        try FloodCapture.write(to: capture, endingAt: Timestamp(seconds: Date().timeIntervalSince1970 - 2))
        _ = try ChildProcess.output(
            softflowd,
            ["-r", capture, "-n", "127.0.0.1:\(daemon.netFlowPort)", "-v", "9", "-m", "1000000"]
        )
        _ = try await eventually { try await !daemon.attacks(includePast: true).isEmpty }
        let id = try #require(try await daemon.attacks(includePast: true).first?.id)
        let flows = try Self.pcap(daemon, ["\(id)", "--output", daemon.folder.path("flows.pcap")])
        #expect(flows.contains("tells of flows and not of packets"), "\(flows)")
        #expect(!FileManager.default.fileExists(atPath: daemon.folder.path("flows.pcap")))
    }
}
