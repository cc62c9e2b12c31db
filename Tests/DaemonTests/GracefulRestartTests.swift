import Control
import Foundation
import TestSupport
import Testing

/// Real daemons keep the rules while the real program is away.
@Suite(.serialized)
struct GracefulRestartTests {
    private static let rule = "198.51.100.7/32"

    private func daemon(for peer: RouterPeer, _ more: [String] = []) throws -> RunningDaemon {
        try RunningDaemon(
            detection: ["thresholds: {total: {packets: 5k packets/s}}"],
            bgp: [
                "router_id: 192.0.2.10", "local_as: 65001", "neighbors:",
                "  - {address: \(peer.address), port: \(peer.port), remote_as: 65001, local_address: 127.0.0.1, "
                    + "graceful_restart: {restart_time: 60s}}",
            ] + more
        )
    }

    private func peer(_ kind: RouterPeer.Kind) async throws -> RouterPeer? {
        guard kind.isInstalled else {
            print("skipped: \(kind.rawValue) is not installed")
            return nil
        }
        return try await RouterPeer(kind, RouterPeer.Settings { $0.hasGracefulRestart = true })
    }

    private func holds(_ peer: RouterPeer) throws -> Bool { try peer.routes().contains(Self.rule) }

    private func neighbor(_ daemon: RunningDaemon) async throws -> NeighborReport? {
        guard case .neighbors(let reports) = try await daemon.ask(.init(.neighbors)) else { return nil }
        return reports.first
    }

    /// `kill -9`, a while without us, and back: the rule is there at every look.
    @Test(arguments: [RouterPeer.Kind.gobgpd, .bird])
    func rulesOutliveOurDeathWithoutAFlap(_ kind: RouterPeer.Kind) async throws {
        guard let peer = try await peer(kind) else { return }
        defer { peer.stop() }
        let daemon = try daemon(for: peer)
        defer { daemon.folder.remove() }
        let first = try await daemon.start()
        #expect(try await eventually { try await neighbor(daemon)?.state == "Established" })
        #expect(try await neighbor(daemon)?.capabilities.contains { $0.hasPrefix("graceful restart") } == true)
        _ = try await daemon.ask(.init(.ban, target: "198.51.100.7", durationSeconds: 600))
        #expect(try await eventually { try holds(peer) })

        first.kill()
        for _ in 0..<20 {
            #expect(try holds(peer), "while we are away")
            try await Task.sleep(for: .milliseconds(50))
        }
        let second = try await daemon.start()
        defer { second.stop() }
        let isBack = try await eventually(within: 30) {
            #expect(try holds(peer), "while we come back")
            return try await neighbor(daemon)?.announcedRoutes == 1
        }
        #expect(isBack)
        // The router has had End-of-RIB: what it still holds is not stale.
        try await Task.sleep(for: .seconds(1))
        #expect(try holds(peer))
        if kind == .bird { #expect(try !peer.birdc("show", "route", "table", "flow4tab", "all").contains("stale")) }
        // And a stop takes it away at once, graceful restart or not.
        second.stop()
        #expect(try await eventually { try !holds(peer) })
    }

    @Test(arguments: [RouterPeer.Kind.gobgpd, .bird])
    func aStopThatKeepsLeavesTheRules(_ kind: RouterPeer.Kind) async throws {
        guard let peer = try await peer(kind) else { return }
        defer { peer.stop() }
        let daemon = try daemon(for: peer, ["on_stop: keep"])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        #expect(try await eventually { try await neighbor(daemon)?.state == "Established" })
        _ = try await daemon.ask(.init(.ban, target: "198.51.100.7", durationSeconds: 600))
        #expect(try await eventually { try holds(peer) })
        process.stop()
        try await Task.sleep(for: .seconds(1))
        #expect(try holds(peer))
    }
}
