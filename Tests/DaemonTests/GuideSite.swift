import Control
import Foundation
import TestSupport
import Testing

/// A machine with the guide's files in it, of which only addresses, ports and paths are replaced, and a gobgpd as its
/// router.
///
/// What the guide leaves to the machine (where the daemon keeps its state) and what a test cannot wait for (half an hour
/// of ban time) stands in a file of ours beside them.
final class GuideSite: RoutedDaemon {
    let router: RouterPeer
    let daemon: RunningDaemon
    var pipe: String { daemon.folder.path("exabgp.cmd") }

    /// - Parameters:
    ///   - main: which of the guide's `fastnetmon*.conf`.
    ///   - files: others of `etc` that lie beside it.
    ///   - change: what else is another in it.
    init(
        _ main: String = "fastnetmon.conf",
        beside files: [String] = ["networks_list"],
        overlay: [String] = [],
        _ change: (String) -> String = { $0 }
    ) async throws {
        router = try await RouterPeer(.gobgpd)
        daemon = try RunningDaemon(detection: ["window: 1s"])
        for name in files + ["exabgp/exabgp.conf"] { _ = try install("etc/\(name)") }
        try configure(change(try Self.text("etc/\(main)")))
        let settings = [
            "telemetry:", "  sflow: {listen: \"127.0.0.1:\(daemon.sFlowPort)\"}", "  workers: 1",
            "detection: {window: 1s, quiet_period: 1s}", "mitigation: {ban_time: 3s}",
            "store: \(daemon.folder.path("floodgate.db"))", "control_socket: \(daemon.folder.path("control.sock"))",
        ]
        _ = try daemon.folder.write((settings + overlay).joined(separator: "\n") + "\n", to: "floodgate.yaml")
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try SharedFiles.data("guide/\(path)"), as: UTF8.self)
    }

    /// Writes a `fastnetmon.conf`, whose paths are ours.
    func configure(_ text: String) throws { _ = try daemon.folder.write(replaced(text), to: "fastnetmon.conf") }

    /// Puts one of the guide's files into the folder; its path there.
    @discardableResult
    func install(_ path: String) throws -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let text = replaced(try Self.text(path))
        guard name.hasSuffix(".py") || name.hasSuffix(".sh") else { return try daemon.folder.write(text, to: name) }
        return try RecordingScript.write(text, to: name, in: daemon.folder)
    }

    private func replaced(_ text: String) -> String {
        let folder = daemon.folder.path("x").dropLast(1)
        return text.replacing("/etc/fastnetmon/scripts/", with: String(folder)).replacing("/etc/", with: String(folder))
            .replacing("/var/run/exabgp.cmd", with: pipe).replacing("/var/log/exabgp/", with: String(folder))
            .replacing("/var/log/", with: String(folder))
            .replacing("neighbor 192.0.2.1 {", with: "neighbor \(router.address) {\n    connect \(router.port);")
            .replacing("local-address 192.0.2.10", with: "local-address 127.0.0.1")
    }

    /// `floodgate run --fastnetmon F --exabgp F`.
    ///
    /// - Parameter speaks: with `--exabgp`; else rules are for an ExaBGP that reads the pipe.
    func start(speaks: Bool = true) async throws -> ChildProcess {
        let speaker = speaks ? ["--exabgp", daemon.folder.path("exabgp.conf")] : []
        let process = try await daemon.start(["--fastnetmon", daemon.folder.path("fastnetmon.conf")] + speaker)
        try #require(process.isRunning, "\((try? String(contentsOf: process.log, encoding: .utf8)) ?? "")")
        return process
    }

    func routerHas(_ route: String, _ parts: [String]) async -> Bool { await router.comesToHold([route] + parts) }
}
