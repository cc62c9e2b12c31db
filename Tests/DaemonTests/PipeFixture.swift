import Control
import Foundation
import TestSupport

/// A daemon that takes commands from a pipe, with a gobgpd behind it.
final class PipedDaemon: RoutedDaemon {
    let router: RouterPeer
    let daemon: RunningDaemon
    var pipe: String { daemon.folder.path("exabgp.cmd") }

    init(
        detection: [String] = ["quiet_period: 1s"],
        mitigation: [String] = [],
        more: [String] = ["exabgp_pipe: {path: $FOLDER/exabgp.cmd}"]
    ) async throws {
        router = try await RouterPeer(.gobgpd)
        daemon = try RunningDaemon(
            detection: detection,
            mitigation: mitigation,
            bgp: Self.bgp(router),
            more: more
        )
    }

    static func bgp(_ router: RouterPeer) -> [String] {
        let neighbor =
            "address: \(router.address), port: \(router.port), local_address: 127.0.0.1, remote_as: 65001, "
            + "families: [ipv4-unicast, ipv4-flowspec, ipv6-flowspec]"
        return ["router_id: 192.0.2.10", "local_as: 65001", "neighbors: [{\(neighbor)}]"]
    }

    func start() async throws -> ChildProcess {
        let process = try await daemon.start()
        _ = await eventually { await self.isUp }
        return process
    }

    private var isUp: Bool {
        get async {
            guard case .neighbors(let reports)? = try? await daemon.ask(.init(.neighbors)) else { return false }
            return reports.allSatisfy { $0.state == "Established" }
        }
    }

    func write(_ text: String) throws { try PipeWriting.write(text, to: pipe) }
}

enum PipeWriting {
    /// As a shell does: opened, written at once, closed.
    static func write(_ text: String, to path: String) throws {
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }
}
