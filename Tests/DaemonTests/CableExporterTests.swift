import Control
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// Floods on a cable, in a network namespace of the test's own; a real exporter at its end tells the daemon, or the daemon
/// itself looks.
@Suite(.serialized)
struct CableExporterTests {
    enum Source: String, CaseIterable, CustomTestStringConvertible {
        case sfprobe, nfprobe5, nfprobe9, nfprobe10, fprobe, softflowdOverTCP, packetSections, mirror
        var testDescription: String { rawValue }

        /// The program that exports; nil where the daemon itself looks.
        var program: String? {
            switch self {
            case .sfprobe, .nfprobe5, .nfprobe9, .nfprobe10: "pmacctd"
            case .fprobe: "fprobe"
            case .softflowdOverTCP, .packetSections: "softflowd"
            case .mirror: nil
            }
        }

        /// Lines under `telemetry:` beside the daemon's own UDP ports.
        func telemetry(tcpPort: UInt16) -> [String] {
            switch self {
            case .softflowdOverTCP: ["ipfix_tcp: {listen: \"127.0.0.1:\(tcpPort)\"}"]
            // softflowd says nothing of how it samples.
            case .packetSections: ["exporters: {settings: [{prefix: 127.0.0.1, sampling_rate: 20}]}"]
            case .mirror: ["mirror: {interfaces: [\(NetworkNamespace.far)]}"]
            default: []
            }
        }

        func arguments(for daemon: RunningDaemon, tcpPort: UInt16) throws -> [String] {
            let timeouts = ["tcp", "tcp.rst", "tcp.fin", "udp", "icmp", "general"].map { "\($0)=2" }
            let softflowd =
                ["-d", "-i", NetworkNamespace.far, "-m", "400000", "-p", daemon.folder.path("exporter.pid")]
                + ["-c", daemon.folder.path("exporter.ctl")]
            switch self {
            case .sfprobe:
                return try pmacct(
                    daemon,
                    [
                        "plugins: sfprobe", "sampling_rate: 20", "sfprobe_receiver: 127.0.0.1:\(daemon.sFlowPort)",
                        "sfprobe_agentip: 192.0.2.1", "sfprobe_ifspeed: 1000000000",
                    ]
                )
            case .nfprobe5, .nfprobe9, .nfprobe10:
                return try pmacct(
                    daemon,
                    [
                        "plugins: nfprobe", "nfprobe_receiver: 127.0.0.1:\(daemon.netFlowPort)",
                        "nfprobe_version: \(rawValue.drop { !$0.isNumber })",
                        "nfprobe_timeouts: \(timeouts.joined(separator: ":")):maxlife=5:expint=1",
                    ]
                )
            case .fprobe:
                return ["-i", NetworkNamespace.far, "-n", "5", "-e", "5", "-d", "2", "-s", "1", "-q", "1000"]
                    + ["-B", "16384", "-b", "100000", "-l2:\(daemon.sFlowPort)", "127.0.0.1:\(daemon.netFlowPort)"]
            case .softflowdOverTCP:
                return softflowd + ["-n", "127.0.0.1:\(tcpPort)", "-v", "10", "-P", "tcp"]
                    + (timeouts + ["maxlife=5", "expint=1"]).flatMap { ["-t", $0] }
            case .packetSections:
                return softflowd + ["-n", "127.0.0.1:\(daemon.netFlowPort)", "-v", "psamp", "-C", "128", "-s", "20"]
            case .mirror:
                return []
            }
        }

        private func pmacct(_ daemon: RunningDaemon, _ lines: [String]) throws -> [String] {
            let all =
                ["daemonize: false", "pcap_interface: \(NetworkNamespace.far)"] + lines
                + ["aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags"]
            return ["-f", try daemon.folder.write(all.joined(separator: "\n") + "\n", to: "pmacctd.conf")]
        }
    }

    @Test(arguments: Source.allCases)
    func threeFloodsAreSeenForWhatTheyAre(_ source: Source) async throws {
        let program = source.program.flatMap { ChildProcess.find($0) }
        guard let tcpreplay = ChildProcess.find("tcpreplay"), program != nil || source.program == nil else {
            print("skipped: tcpreplay or \(source.program ?? "nothing else") is not installed")
            return
        }
        guard let network = NetworkNamespace() else {
            print("skipped: network namespaces need root")
            return
        }
        defer { network.remove() }
        let tcpPort = FreePort.tcp()
        let daemon = try RunningDaemon(
            telemetry: source.telemetry(tcpPort: tcpPort),
            detection: ["thresholds: {total: {packets: 1k packets/s}}"],
            mitigation: ["mode: observe"]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start(in: network)
        defer { process.stop() }

        var exporter: ChildProcess?
        if let program {
            let sheltered = ChildProcess.sheltered(program, try source.arguments(for: daemon, tcpPort: tcpPort))
            let command = network.command(sheltered.path, sheltered.arguments)
            let log = daemon.folder.url.appending(path: "exporter.log")
            exporter = try ChildProcess(command.path, command.arguments, log: log)
            try await waitUntilListening(network)
        }
        defer { exporter?.stop(interrupting: true) }

        let capture = daemon.folder.path("floods.pcap")
        try FloodCapture.write(to: capture, endingAt: Timestamp(seconds: Date().timeIntervalSince1970))
        let replay = network.command(tcpreplay, ["-q", "-T", "nano", "-i", NetworkNamespace.near, capture])
        let replayLog = try ChildProcess.output(replay.path, replay.arguments)
        let detected = try await eventually(within: 40) { try await daemon.attacks(includePast: true).count >= 3 }
        let attacks = try await daemon.attacks(includePast: true)
        let log = try String(contentsOf: process.log, encoding: .utf8)
        let exporterLog = try exporter.map { try String(contentsOf: $0.log, encoding: .utf8) } ?? ""
        #expect(detected, "\(exporterLog)\(replayLog)\(log.suffix(3000))")
        let kinds = Dictionary(attacks.map { ($0.target, $0.kind) }, uniquingKeysWith: { first, _ in first })
        #expect(
            kinds == [
                "198.51.100.10": "udp_flood", "198.51.100.11": "syn_flood", "198.51.100.12": "icmp_flood",
            ]
        )
        // Three thousand packets a second each: as far as one in twenty tells, in the busiest of all windows, sent by a
        // machine that may have been busy. A factor of the sampling rate gone wrong would be twenty.
        for attack in attacks { #expect((1800...6000).contains(attack.peakPacketsPerSecond), "\(attack)") }
    }

    /// A sampler has opened the interface when a packet socket is there that was not.
    private func waitUntilListening(_ network: NetworkNamespace) async throws {
        let command = network.command("/bin/cat", ["/proc/net/packet"])
        let isListening = try await eventually {
            try ChildProcess.output(command.path, command.arguments).split(separator: "\n").count > 1
        }
        #expect(isListening, "the exporter listens on its interface")
    }
}
