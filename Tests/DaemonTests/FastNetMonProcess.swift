import Foundation
import TestSupport
import Testing

/// A real FastNetMon on loopback.
struct FastNetMonProcess {
    let process: ChildProcess
    private let logPath: String
    private let sFlowPort: UInt16

    /// - Parameters:
    ///   - details: packets that it waits for before it tells of an attack in detail.
    ///   - more: settings in place of these.
    init(
        in folder: ScratchFolder,
        sFlowPort: UInt16,
        notify: String = "/bin/true",
        details: Int = 0,
        more: [String: String] = [:]
    ) throws {
        let settings = [
            "networks_list_path": try folder.write("198.51.100.0/24\n", to: "networks"),
            "white_list_path": try folder.write("", to: "whitelist"), "pid_path": folder.path("fastnetmon.pid"),
            "cli_stats_file_path": folder.path("stats"), "cli_stats_ipv6_file_path": folder.path("stats6"),
            "disable_usage_report": "on", "logging_level": "info", "process_incoming_traffic": "on",
            "process_outgoing_traffic": "off", "enable_ban": "on", "ban_time": "4", "average_calculation_time": "1",
            "unban_only_if_attack_finished": "off", "ban_for_pps": "on", "ban_for_bandwidth": "off",
            "ban_for_flows": "off", "threshold_pps": "20000", "threshold_mbps": "100000", "threshold_flows": "100000",
            "sflow": "on", "sflow_port": "\(sFlowPort)", "sflow_host": "127.0.0.1", "netflow": "off",
            "notify_script_path": notify, "ban_details_records_count": "\(details)",
        ]
        let lines = settings.merging(more) { $1 }.map { "\($0) = \($1)\n" }.sorted().joined()
        let file = try folder.write(lines, to: "fastnetmon.conf")
        logPath = folder.path("fastnetmon.log")
        self.sFlowPort = sFlowPort
        process = try ChildProcess(
            try #require(ChildProcess.find("fastnetmon")),
            ["--configuration_file", file, "--disable_pid_logic", "--log_file", logPath],
            log: folder.url.appending(path: "fastnetmon.out")
        )
    }

    func isListening() throws -> Bool {
        try ChildProcess.output("/usr/bin/ss", ["-lun"]).contains("127.0.0.1:\(sFlowPort) ")
    }

    /// The end of its log.
    var log: String { String((try? String(contentsOfFile: logPath, encoding: .utf8))?.suffix(1500) ?? "") }
}
