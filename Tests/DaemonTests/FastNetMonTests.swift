import Control
import Foundation
import TestSupport
import Testing

/// A real FastNetMon that writes to our pipe as it would to ExaBGP's.
struct FastNetMonTests {
    private static let program = ChildProcess.find("fastnetmon")

    @Test(
        .enabled(if: program != nil, "no fastnetmon here"),
        .enabled(if: RouterPeer.Kind.gobgpd.isInstalled, "no gobgpd here")
    )
    func itsBansBecomeRoutesAndGoAgain() async throws {
        let piped = try await PipedDaemon()
        defer { piped.stop() }
        let process = try await piped.start()
        defer { process.stop() }
        let folder = piped.daemon.folder
        let port = FreePort.udp()
        let fastnetmon = try FastNetMonProcess(
            in: folder,
            sFlowPort: port,
            more: [
                "exabgp": "on", "exabgp_command_pipe": piped.pipe, "exabgp_community": "65001:666",
                "exabgp_next_hop": "192.0.2.66", "exabgp_announce_host": "on", "exabgp_announce_whole_subnet": "off",
            ]
        )
        defer { fastnetmon.process.kill() }
        #expect(try await eventually { try fastnetmon.isListening() })
        let flood = try Flood(to: port, packetsPerSecond: 200_000)
        let announced = try await eventually(within: 30) { try await piped.daemon.rules().count == 1 }
        #expect(announced, "\(fastnetmon.log)")
        flood.stop()
        #expect(await piped.routerHas("198.51.100.10/32", "192.0.2.66", "65001:666"))
        let gone = try await eventually(within: 30) { try await piped.daemon.rules().isEmpty }
        #expect(gone, "unbanned after its ban time")
        #expect(await piped.routerLacks("198.51.100.10/32"))
        #expect(!(try await piped.events()).contains { $0.hasPrefix("refused") })
    }
}
