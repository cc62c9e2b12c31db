import Control
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// A capture of floods through softflowd to the daemon, and the rules at gobgpd.
@Suite(.serialized)
struct ExporterEndToEndTests {
    @Test(arguments: [5, 9, 10])
    func softflowdTellsOfThreeFloodsAndGobgpdGetsThreeRules(_ version: Int) async throws {
        guard let softflowd = ChildProcess.find("softflowd"), RouterPeer.Kind.gobgpd.isInstalled else {
            print("skipped: softflowd or gobgpd is not installed")
            return
        }
        let peer = try await RouterPeer(.gobgpd, neighborAS: 65001)
        defer { peer.stop() }
        let daemon = try RunningDaemon(
            detection: ["thresholds: {total: {packets: 1k packets/s}}"],
            bgp: [
                "router_id: 192.0.2.10", "local_as: 65001",
                "neighbors: [{address: \(peer.address), port: \(peer.port), local_address: 127.0.0.1, remote_as: 65001}]",
            ]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let capture = daemon.folder.path("floods.pcap")
        try FloodCapture.write(to: capture, endingAt: Timestamp(seconds: Date().timeIntervalSince1970 - 2))
        _ = try ChildProcess.output(
            softflowd,
            ["-r", capture, "-n", "127.0.0.1:\(daemon.netFlowPort)", "-v", "\(version)", "-m", "1000000"]
        )
        // The floods of the capture are over soon.
        let detected = try await eventually { try await daemon.attacks(includePast: true).count >= 3 }
        let attacks = try await daemon.attacks(includePast: true)
        let log = try String(contentsOf: process.log, encoding: .utf8)
        #expect(detected, "\(log.suffix(3000))")
        let kinds = Dictionary(attacks.map { ($0.target, $0.kind) }, uniquingKeysWith: { first, _ in first })
        #expect(
            kinds == [
                "198.51.100.10": "udp_flood", "198.51.100.11": "syn_flood", "198.51.100.12": "icmp_flood",
            ]
        )
        let arrived = try await eventually {
            let routes = try peer.routes()
            return routes.contains("[destination: 198.51.100.10/32][protocol: ==udp]")
                && routes.contains("[destination: 198.51.100.11/32][protocol: ==tcp]")
                && routes.contains("[destination: 198.51.100.12/32][protocol: ==icmp]")
        }
        let routes = try peer.routes()
        #expect(arrived, "\(routes)")
    }
}
