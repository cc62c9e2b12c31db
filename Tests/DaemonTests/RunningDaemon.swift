import Control
import Foundation
import NetworkTypes
import TestSupport

/// The real program in a process of its own, with a configuration of the test's.
final class RunningDaemon: Sendable {
    let folder: ScratchFolder
    let sFlowPort = FreePort.udp()
    let netFlowPort = FreePort.udp()
    let configuration: String

    /// Where the program lies: beside the test bundle.
    static let program: String = {
        let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let candidates = [
            bundle.appending(path: "floodgate"), bundle.deletingLastPathComponent().appending(path: "floodgate"),
            Bundle.main.bundleURL.appending(path: "floodgate"),
            URL(filePath: #filePath).appending(path: "../../../.build/debug/floodgate").standardizedFileURL,
        ]
        return candidates.map { $0.path() }.first { FileManager.default.isExecutableFile(atPath: $0) } ?? "floodgate"
    }()

    /// - Parameters:
    ///   - telemetry: lines under `telemetry:` beside the ports.
    ///   - mitigation: lines under `mitigation:`.
    ///   - bgp: lines under `bgp:`, if any.
    ///   - more: other lines; `$FOLDER` in them is the test's own.
    init(
        telemetry: [String] = [],
        detection: [String],
        mitigation: [String] = [],
        bgp: [String] = [],
        more: [String] = []
    ) throws {
        folder = try ScratchFolder()
        configuration = folder.path("floodgate.yaml")
        try configure(telemetry: telemetry, detection: detection, mitigation: mitigation, bgp: bgp, more: more)
    }

    /// Writes the configuration anew, for a reload.
    func configure(
        telemetry: [String] = [],
        detection: [String],
        mitigation: [String] = [],
        bgp: [String] = [],
        more: [String] = []
    ) throws {
        func section(_ name: String, _ lines: [String]) -> [String] {
            lines.isEmpty ? [] : ["\(name):"] + lines.map { "  \($0)" }
        }
        let listening = [
            "sflow: {listen: \"127.0.0.1:\(sFlowPort)\"}", "netflow: {listen: \"127.0.0.1:\(netFlowPort)\"}",
            "workers: 2",
        ]
        var lines = ["networks: [198.51.100.0/24, 2001:db8:100::/48]"]
        lines += section("telemetry", listening + telemetry) + section("detection", detection)
        lines += section("mitigation", mitigation) + section("bgp", bgp)
        lines += ["store: \(folder.path("floodgate.db"))", "control_socket: \(folder.path("control.sock"))"]
        lines.append("log: {level: debug}")
        lines += more.map { $0.replacing("$FOLDER", with: folder.url.path().trimmingSuffix("/")) }
        _ = try folder.write(lines.joined(separator: "\n") + "\n", to: "floodgate.yaml")
    }

    /// Starts the program and waits until it answers.
    func start(_ arguments: [String] = [], in network: NetworkNamespace? = nil) async throws -> ChildProcess {
        let log = folder.url.appending(path: "log-\(UUID().uuidString.prefix(4))")
        let all = ["run", "--config", configuration] + arguments
        let command = network?.command(Self.program, all) ?? (path: Self.program, arguments: all)
        let process = try ChildProcess(command.path, command.arguments, log: log)
        _ = await eventually { (try? await self.ask(.init(.status))) != nil || !process.isRunning }
        return process
    }

    func ask(_ request: ControlRequest) async throws -> ControlResponse {
        try await ControlClient(path: folder.path("control.sock")).send(request)
    }

    func attacks(includePast: Bool = false) async throws -> [AttackReport] {
        guard case .attacks(let reports) = try await ask(.init(.attacks, includePast: includePast)) else { return [] }
        return reports
    }

    func rules(includePast: Bool = false) async throws -> [RuleReport] {
        guard case .rules(let reports) = try await ask(.init(.rules, includePast: includePast)) else { return [] }
        return reports
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
