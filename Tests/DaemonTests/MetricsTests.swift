import Control
import Foundation
import TestSupport
import Testing

/// Figures of the traffic to collectors that listen on loopback.
@Suite(.serialized, .enabled(if: ChildProcess.find("python3") != nil, "no python3 here"))
struct MetricsTests {
    /// A collector that writes down what it gets. It answers as InfluxDB does where HTTP is spoken to it.
    private struct Collector {
        let port = FreePort.tcp()
        let process: ChildProcess
        private let path: String

        init(in folder: ScratchFolder, _ name: String, status: String = "204 No Content") throws {
            path = folder.path("\(name).got")
            let script = """
                import re, socket
                listener = socket.socket()
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", \(port)))
                listener.listen(20)
                while True:
                    peer, _ = listener.accept()
                    peer.settimeout(5)
                    data = b""
                    try:
                        while True:
                            more = peer.recv(65536)
                            data += more
                            head, end, body = data.partition(b"\\r\\n\\r\\n")
                            length = re.search(rb"Content-Length: (\\d+)", head)
                            if end and length and len(body) >= int(length.group(1)):
                                peer.sendall(b"HTTP/1.1 \(status)\\r\\nContent-Length: 0\\r\\n\\r\\n")
                                break
                            if not more:
                                break
                    except OSError:
                        pass
                    open("\(path)", "ab").write(data + b"\\n")
                    peer.close()

                """
            let file = try folder.write(script, to: "\(name).py")
            process = try ChildProcess(
                ChildProcess.find("python3") ?? "",
                [file],
                log: folder.url.appending(path: "\(name).out")
            )
        }

        var got: String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

        /// First words of lines, without figures.
        var names: Set<String> {
            let lines = got.split(whereSeparator: \.isNewline).filter { line in
                line.first?.isLetter == true && !line.contains(": ") && !line.hasPrefix("POST")
            }
            return Set(lines.map { String($0.split(separator: " ")[0]) })
        }
    }

    private func daemon(_ metrics: String) throws -> RunningDaemon {
        try RunningDaemon(
            detection: ["thresholds: {total: {packets: 20k packets/s}}", "quiet_period: 1s"],
            more: ["metrics: {\(metrics)}"]
        )
    }

    @Test func bothGetFiguresAndADeadOneCostsACounter() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let graphite = try Collector(in: folder, "graphite")
        defer { graphite.process.kill() }
        let dead = FreePort.tcp()
        let daemon = try daemon(
            "graphite: {port: \(graphite.port), period: 1s}, influxdb: {port: \(dead), user: u, password: p, period: 1s}"
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 200_000)
        let isTold = await eventually {
            graphite.got.contains(#/fastnetmon\.hosts\.198_51_100_10\.incoming\.average\.pps [0-9]{5,} /#)
        }
        #expect(isTold, "\(graphite.got.suffix(600))")
        flood.stop()
        #expect(graphite.got.contains("fastnetmon.networks.198_51_100_0_24.incoming.bps "))
        let isCounted = try await eventually {
            guard case .status(let status) = try await daemon.ask(.init(.status)) else { return false }
            let influx = status.metrics.first { $0.kind == "influxdb" }
            return influx?.failed ?? 0 > 1 && status.metrics.first { $0.kind == "graphite" }?.failed == 0
                && status.warnings.contains { $0.hasPrefix("influxdb at 127.0.0.1:\(dead) gets no figures: ") }
        }
        #expect(isCounted)
    }

    @Test(arguments: ["user: u, password: p", "bucket: b, organization: o, token: secret"])
    func influxIsWrittenTo(place: String) async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let influx = try Collector(in: folder, "influx")
        defer { influx.process.kill() }
        let daemon = try daemon("influxdb: {port: \(influx.port), period: 1s, \(place)}")
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 200_000)
        let isTold = await eventually { influx.got.contains("hosts_traffic,host=198.51.100.10 bits_incoming=") }
        #expect(isTold, "\(influx.got.suffix(600))")
        flood.stop()
        let isNew = place.hasPrefix("bucket")
        let target = isNew ? "/api/v2/write?org=o&bucket=b&" : "/write?db=fastnetmon&u=u&p=p "
        #expect(influx.got.hasPrefix("POST \(target)"))
        #expect(influx.got.contains("\r\nAuthorization: Token secret\r\n") == isNew)
        let isWell = try await eventually {
            guard case .status(let status) = try await daemon.ask(.init(.status)) else { return false }
            return status.metrics.allSatisfy { $0.sent > 0 && $0.failed == 0 }
        }
        #expect(isWell)
    }

    @Test func aRefusalIsSaid() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let influx = try Collector(in: folder, "influx", status: "401 Unauthorized")
        defer { influx.process.kill() }
        let daemon = try daemon("influxdb: {port: \(influx.port), period: 1s}")
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let isSaid = try await eventually {
            guard case .status(let status) = try await daemon.ask(.init(.status)) else { return false }
            return status.metrics.first?.problem == "it answered 401 Unauthorized"
        }
        #expect(isSaid)
    }

    /// Whatever a real FastNetMon names in its figures, there is here too.
    @Test(.enabled(if: ChildProcess.find("fastnetmon") != nil, "no fastnetmon here"))
    func theNamesAreThoseOfARealFastNetMon() async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let theirs = (try Collector(in: folder, "graphite1"), try Collector(in: folder, "influx1"))
        let ours = (try Collector(in: folder, "graphite2"), try Collector(in: folder, "influx2"))
        defer { for collector in [theirs.0, theirs.1, ours.0, ours.1] { collector.process.kill() } }
        let port = FreePort.udp()
        let fastnetmon = try FastNetMonProcess(
            in: folder,
            sFlowPort: port,
            more: [
                "graphite": "on", "graphite_host": "127.0.0.1", "graphite_port": "\(theirs.0.port)",
                "graphite_prefix": "fastnetmon", "graphite_push_period": "1", "influxdb": "on",
                "influxdb_host": "127.0.0.1", "influxdb_port": "\(theirs.1.port)", "influxdb_database": "fastnetmon",
                "influxdb_auth": "off", "influxdb_push_period": "1", "enable_ban": "off",
                "monitor_local_ip_addresses": "off",
            ]
        )
        defer { fastnetmon.process.kill() }
        #expect(try await eventually { try fastnetmon.isListening() })
        let daemon = try daemon(
            "graphite: {port: \(ours.0.port), period: 1s}, influxdb: {port: \(ours.1.port), period: 1s}"
        )
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let floods = [
            try Flood(to: port, packetsPerSecond: 50_000), try Flood(to: daemon.sFlowPort, packetsPerSecond: 50_000),
        ]
        for (their, our) in [(theirs.0, ours.0), (theirs.1, ours.1)] {
            let isThere = await eventually(within: 30) {
                [their, our].allSatisfy { collector in
                    collector.names.contains { $0.hasPrefix("fastnetmon.hosts.") || $0.hasPrefix("hosts_") }
                }
            }
            #expect(isThere, "\(fastnetmon.log)")
            // Flows of sampled packets are none here, and what is internal counts for both of its ends.
            let missing = their.names.subtracting(our.names).filter { name in
                !name.contains("internal") && !name.hasSuffix(".flows")
                    && name != "total_traffic_ipv6,direction=other"
            }
            #expect(missing.isEmpty, "\(missing)")
        }
        for flood in floods { flood.stop() }
    }
}
