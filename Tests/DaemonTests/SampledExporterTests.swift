import Control
import Foundation
import NetworkTypes
import TestSupport
import Testing

/// Packets on a cable, sampled by pmacct's sfprobe, to the daemon as sFlow.
struct SampledExporterTests {
    @Test func sfprobeTellsOfThreeFloods() async throws {
        guard let pmacctd = ChildProcess.find("pmacctd"), let tcpreplay = ChildProcess.find("tcpreplay") else {
            print("skipped: pmacctd or tcpreplay is not installed")
            return
        }
        guard let network = NetworkNamespace() else {
            print("skipped: network namespaces need root")
            return
        }
        defer { network.remove() }
        let daemon = try RunningDaemon(
            detection: ["thresholds: {total: {packets: 1k packets/s}}"],
            mitigation: ["mode: observe"]
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start(in: network)
        defer { process.stop() }

        let exporterFile = try daemon.folder.write(
            """
            daemonize: false
            pcap_interface: \(NetworkNamespace.far)
            plugins: sfprobe
            sampling_rate: 20
            sfprobe_receiver: 127.0.0.1:\(daemon.sFlowPort)
            sfprobe_agentip: 192.0.2.1
            sfprobe_ifspeed: 1000000000
            aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags

            """,
            to: "pmacctd.conf"
        )
        let exporterCommand = network.command(pmacctd, ["-f", exporterFile])
        let exporter = try ChildProcess(
            exporterCommand.path,
            exporterCommand.arguments,
            log: daemon.folder.url.appending(path: "pmacctd.log")
        )
        defer { exporter.stop(interrupting: true) }
        func exporterLog() throws -> String { try String(contentsOf: exporter.log, encoding: .utf8) }
        let isSampling = try await eventually { try exporterLog().contains("Sampling at: 1/20") }
        let exporterSaid = try exporterLog()
        #expect(isSampling, "\(exporterSaid)")

        let capture = daemon.folder.path("floods.pcap")
        try FloodCapture.write(to: capture, endingAt: Timestamp(seconds: Date().timeIntervalSince1970))
        let replay = network.command(tcpreplay, ["-q", "-i", NetworkNamespace.near, capture])
        let replayLog = try ChildProcess.output(replay.path, replay.arguments)
        let detected = try await eventually { try await daemon.attacks(includePast: true).count >= 3 }
        let attacks = try await daemon.attacks(includePast: true)
        let log = try String(contentsOf: process.log, encoding: .utf8)
        #expect(detected, "\(replayLog)\(log.suffix(3000))")
        let kinds = Dictionary(attacks.map { ($0.target, $0.kind) }, uniquingKeysWith: { first, _ in first })
        #expect(
            kinds == [
                "198.51.100.10": "udp_flood", "198.51.100.11": "syn_flood", "198.51.100.12": "icmp_flood",
            ]
        )
        // Three thousand packets a second each: as far as one in twenty tells, in the busiest of all windows, sent by a
        // machine that may have been busy. A factor of the sampling rate gone wrong would be twenty.
        for attack in attacks { #expect((2000...6000).contains(attack.peakPacketsPerSecond), "\(attack)") }
    }
}
