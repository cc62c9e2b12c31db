import Foundation
import TestSupport
import Testing

/// A real ExaBGP that is to announce what is written to its pipe.
enum DrivenExaBGP {
    /// - Parameter file: its configuration; its log lies beside.
    static func start(_ kind: RouterPeer.Kind, file: String) throws -> ChildProcess {
        try ChildProcess(
            try #require(kind.program),
            (kind == .exabgp5 ? ["server"] : []) + [file],
            environment: [
                "exabgp_daemon_user": "root", "exabgp_daemon_daemonize": "false", "exabgp_log_destination": "stdout",
                "exabgp_api_cli": "false", "exabgp_tcp_bind": "", "exabgp_api_ack": "false",
            ],
            log: URL(filePath: file).deletingLastPathComponent().appending(
                path: "exabgp-\(UUID().uuidString.prefix(4))"
            )
        )
    }
}
