import Control
import Foundation
import TestSupport
import Testing

/// A mirrored interface that goes away and comes back while the daemon runs.
struct MirrorPortTests {
    private static func mirror(_ daemon: RunningDaemon) async throws -> StatusReport.Mirror? {
        guard case .status(let report) = try await daemon.ask(.init(.status)) else { return nil }
        return report.mirrors.first
    }

    /// A new address is asked for whether somebody else has it (RFC 4862 section 5.4): something that comes out at the other
    /// end.
    private static func send(in network: NetworkNamespace, _ host: Int) throws {
        try network.ip(["addr", "add", "2001:db8:100::\(host)/64", "dev", NetworkNamespace.near])
    }

    @Test func isListenedToAgainWhenItIsBack() async throws {
        guard let network = NetworkNamespace() else {
            print("skipped: network namespaces need root and iproute2")
            return
        }
        defer { network.remove() }
        let (near, far) = (NetworkNamespace.near, NetworkNamespace.far)
        let daemon = try RunningDaemon(
            telemetry: ["mirror: {interfaces: [\(far)]}"],
            detection: ["thresholds: {total: {packets: 5k packets/s}}"],
            mitigation: ["mode: observe"]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start(in: network)
        defer { process.stop() }
        func becomes(_ state: String) async throws -> Bool {
            try await eventually(within: 20) { try await Self.mirror(daemon)?.state == state }
        }
        #expect(try await becomes("up"))
        let first = try await Self.mirror(daemon)?.packets ?? 0
        try Self.send(in: network, 1)
        #expect(try await eventually(within: 10) { (try await Self.mirror(daemon)?.packets ?? 0) > first })

        try network.ip(["link", "set", far, "down"])
        #expect(try await becomes("down"))
        guard case .status(let report) = try await daemon.ask(.init(.status)) else { return }
        #expect(report.warnings.contains { $0.contains("\(far) is down") })
        try network.ip(["link", "set", far, "up"])
        #expect(try await becomes("up"))

        try network.ip(["link", "del", near])
        #expect(try await becomes("absent"))
        try network.ip(["link", "add", near, "type", "veth", "peer", "name", far])
        try network.ip(["link", "set", near, "up"])
        try network.ip(["link", "set", far, "up"])
        #expect(try await becomes("up"))
        let before = try await Self.mirror(daemon)?.packets ?? 0
        try Self.send(in: network, 2)
        #expect(try await eventually(within: 10) { (try await Self.mirror(daemon)?.packets ?? 0) > before })
    }

    @Test func packetsOfAMirrorAreNotRecordedSilently() async throws {
        let daemon = try RunningDaemon(
            telemetry: ["mirror: {interfaces: [lo]}"],
            detection: ["thresholds: {total: {packets: 5k packets/s}}"],
            mitigation: ["mode: observe"]
        )
        defer { daemon.folder.remove() }
        let recording = daemon.folder.path("recording.pcap")
        let output = try ChildProcess.output(
            RunningDaemon.program,
            ["run", "--config", daemon.configuration, "--record", recording]
        )
        #expect(output.contains("--record takes telemetry, not mirrored packets"))
        #expect(!FileManager.default.fileExists(atPath: recording))
    }
}
