import Control
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// Other collectors that cannot be reached when the daemon starts, as networks come up in any order.
struct ForwardReachTests {
    private static func forward(_ daemon: RunningDaemon) async throws -> (
        forward: StatusReport.Forward?, warnings: [String]
    ) {
        guard case .status(let report) = try await daemon.ask(.init(.status)) else { return (nil, []) }
        return (report.forwards.first, report.warnings)
    }

    @Test func aCollectorWithoutARouteIsTriedAgain() async throws {
        guard let network = NetworkNamespace() else {
            print("skipped: network namespaces need root and iproute2")
            return
        }
        defer { network.remove() }
        let daemon = try RunningDaemon(
            telemetry: ["forward: [{to: \"192.0.2.200:2055\"}]"],
            detection: ["thresholds: {total: {packets: 5k packets/s}}"],
            mitigation: ["mode: observe"]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start(in: network)
        defer { process.stop() }
        let unreachable = try await Self.forward(daemon)
        #expect(unreachable.forward?.fault?.contains("there is no route to it") == true)
        #expect(
            unreachable.warnings.contains { $0.hasPrefix("nothing is sent on: cannot forward to 192.0.2.200:2055") }
        )
        try network.ip(["addr", "add", "192.0.2.1/24", "dev", NetworkNamespace.near])
        #expect(try await eventually(within: 20) { try await Self.forward(daemon).forward?.fault == nil })
        #expect(try await Self.forward(daemon).warnings.allSatisfy { !$0.hasPrefix("nothing is sent on") })
    }
}
