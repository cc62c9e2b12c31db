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
        let settings = [
            "networks_list_path": try folder.write("198.51.100.0/24\n", to: "networks"),
            "white_list_path": try folder.write("", to: "whitelist"), "pid_path": folder.path("fastnetmon.pid"),
            "cli_stats_file_path": folder.path("stats"), "cli_stats_ipv6_file_path": folder.path("stats6"),
            "disable_usage_report": "on", "logging_level": "info", "process_incoming_traffic": "on",
            "process_outgoing_traffic": "off", "enable_ban": "on", "ban_time": "4", "average_calculation_time": "1",
            "unban_only_if_attack_finished": "off", "ban_for_pps": "on", "ban_for_bandwidth": "off",
            "ban_for_flows": "off", "threshold_pps": "20000", "threshold_mbps": "100000", "threshold_flows": "100000",
            "sflow": "on", "sflow_port": "\(port)", "sflow_host": "127.0.0.1", "netflow": "off",
            "notify_script_path": "/bin/true", "ban_details_records_count": "0", "exabgp": "on",
            "exabgp_command_pipe": piped.pipe, "exabgp_community": "65001:666", "exabgp_next_hop": "192.0.2.66",
            "exabgp_announce_host": "on", "exabgp_announce_whole_subnet": "off",
        ]
        let lines = settings.map { "\($0) = \($1)\n" }.sorted().joined()
        let file = try folder.write(lines, to: "fastnetmon.conf")
        let log = folder.path("fastnetmon.log")
        let fastnetmon = try ChildProcess(
            try #require(Self.program),
            ["--configuration_file", file, "--disable_pid_logic", "--log_file", log],
            log: folder.url.appending(path: "fastnetmon.out")
        )
        defer { fastnetmon.kill() }
        let isListening = try await eventually {
            try ChildProcess.output("/usr/bin/ss", ["-lun"]).contains("127.0.0.1:\(port) ")
        }
        #expect(isListening)
        let flood = try Flood(to: port, packetsPerSecond: 200_000)
        let announced = try await eventually(within: 30) { try await piped.daemon.rules().count == 1 }
        #expect(announced, "\((try? String(contentsOfFile: log, encoding: .utf8))?.suffix(1500) ?? "")")
        flood.stop()
        #expect(await piped.routerHas("198.51.100.10/32", "192.0.2.66", "65001:666"))
        let gone = try await eventually(within: 30) { try await piped.daemon.rules().isEmpty }
        #expect(gone, "unbanned after its ban time")
        #expect(await piped.routerLacks("198.51.100.10/32"))
        #expect(!(try await piped.events()).contains { $0.hasPrefix("refused") })
    }
}
