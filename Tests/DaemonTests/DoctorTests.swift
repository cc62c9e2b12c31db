import Control
import FlowSpec
import Foundation
import NetworkTypes
import TestSupport
import Testing

@testable import Daemon

/// What the doctor makes of facts, made up here; and of a real daemon.
@Suite(.serialized)
struct DoctorTests {
    private typealias Level = DoctorReport.Level

    private func findings(_ subject: String, _ change: (inout DoctorFacts) -> Void) -> [DoctorReport.Finding] {
        var facts = DoctorFacts()
        change(&facts)
        return Doctor.diagnose(facts).filter { $0.subject == subject }
    }

    private func pipe(_ change: (inout DoctorFacts.Pipe) -> Void) -> DoctorReport.Finding {
        var pipe = DoctorFacts.Pipe(path: "/run/exabgp.cmd", kind: .pipe, owner: "floodgate", group: "scripts")
        pipe.mode = 0o660
        change(&pipe)
        return Doctor.pipe(pipe)
    }

    @Test func pipes() {
        let well = pipe { $0.commands = 7 }
        #expect(
            well.level == .ok && well.text.contains("floodgate and the group scripts may write; 7 commands, 0 refused")
        )
        #expect(well.remedies.isEmpty)
        #expect(pipe { $0.kind = .missing }.level == .fail)
        let file = pipe { $0.kind = .file }
        #expect(file.level == .fail && file.remedies[0].hasPrefix("mv /run/exabgp.cmd /run/exabgp.cmd.old"))
        #expect(pipe { $0.problem = "it is closed" }.level == .fail)
        let other = pipe { $0.mode = 0o600 }
        #expect(other.level == .warn && other.remedies == ["chmod 0660 /run/exabgp.cmd"])
        let open = pipe { pipe in (pipe.mode, pipe.wantedMode) = (0o666, 0o666) }
        #expect(open.level == .warn && open.text.contains("everybody may write"))
        #expect(pipe { pipe in (pipe.commands, pipe.refused) = (10, 6) }.remedies[0].hasPrefix("floodgate events"))
    }

    @Test func files() {
        func file(_ kind: DoctorFacts.FileKind, _ isWritable: Bool, mode: UInt16 = 0o640, free: UInt64 = 1 << 40)
            -> Level
        {
            Doctor.file(
                .init(
                    role: "store",
                    key: "store",
                    path: "/var/lib/floodgate/floodgate.db",
                    kind: kind,
                    isWritable: isWritable,
                    mode: mode,
                    freeBytes: free
                )
            ).level
        }
        #expect(file(.file, true) == .ok && file(.missing, true) == .ok)
        #expect(file(.file, false) == .fail && file(.missing, false) == .fail)
        #expect(file(.file, true, mode: 0o666) == .fail)
        #expect(file(.file, true, free: 20 << 20) == .warn && file(.file, true, free: 1000) == .fail)
        let taken = Doctor.port(.init(transport: "udp", place: "0.0.0.0:6343", holder: "fastnetmon (process 7)"))
        #expect(taken.level == .fail && taken.text == "0.0.0.0:6343/udp is taken by fastnetmon (process 7)")
        #expect(Doctor.port(.init(transport: "udp", place: "0.0.0.0:6343")).level == .ok)
    }

    private func telemetry(
        _ exporters: [ExporterReport] = [],
        _ change: (inout DoctorFacts.Telemetry) -> Void = { _ in }
    ) -> [DoctorReport.Finding] {
        findings("telemetry") { facts in
            var telemetry = DoctorFacts.Telemetry(listens: ["0.0.0.0:2055"], exporters: exporters)
            change(&telemetry)
            facts.telemetry = telemetry
        }
    }

    private func exporter(_ change: (inout ExporterReport) -> Void) -> [DoctorReport.Finding] {
        var report = ExporterReport(address: "192.0.2.7")
        report.formats = ["NetFlow v9"]
        report.datagrams = 10_000
        report.records = 100_000
        report.silentSeconds = 2
        change(&report)
        return telemetry([report])
    }

    @Test func telemetryThatComesAndThatDoesNot() {
        let none = telemetry()
        #expect(none.map(\.level) == [.fail] && none[0].remedies[0].hasPrefix("tcpdump -ni any udp and port 2055"))
        #expect(telemetry { $0.uptime = 10 }.map(\.level) == [.warn], "it may have to be waited for")
        #expect(telemetry { $0.refusedDatagrams = 3 }.contains { $0.text.hasPrefix("3 datagrams came from addresses") })
        let well = exporter { $0.sampling = [.init(rate: 1000, source: "options", records: 5)] }
        #expect(well.map(\.level) == [.ok])
        #expect(
            well[0].text == "192.0.2.7 (NetFlow v9): 10000 datagrams, the last 2 s ago, sampling 1:1000, nothing lost"
        )
        func domain(_ missing: [UInt16]) -> ExporterReport.Domain {
            .init(
                format: "NetFlow v9",
                id: 1,
                agent: nil,
                port: nil,
                lost: 0,
                dropped: 0,
                templates: 0,
                missingTemplates: missing,
                countsRecords: false
            )
        }
        let faults: [((inout ExporterReport) -> Void, String)] = [
            ({ $0.silentSeconds = 300 }, "the last datagram came 300 s ago"),
            ({ $0.lost = 500 }, "500 datagrams were lost on the way"), ({ $0.exporterDrops = 9 }, "dropped 9 itself"),
            ({ $0.domains = [domain([259, 256])] }, "data of templates 256, 259 cannot be read"),
            ({ $0.clockOffsetSeconds = -90 }, "its clock is 90 s behind of ours"),
            ({ $0.hints = ["set telemetry.default_sampling_rate"] }, "set telemetry.default_sampling_rate"),
        ]
        for (change, words) in faults {
            let found = exporter(change)
            #expect(found.map(\.level) == [.warn] && found[0].text.contains(words), "\(found)")
        }
        #expect(exporter { $0.lost = 5 }.map(\.level) == [.ok], "one in two thousand is no loss to speak of")
    }

    @Test func networksThatAreCoveredAndAddressesThatAreNot() {
        func networks(_ all: [(Double, Double)], other: Double) -> [Level] {
            findings("networks") { facts in
                var report = ExporterReport(address: "192.0.2.7")
                report.records = 1
                facts.telemetry = .init(listens: [], exporters: [report])
                facts.traffic = .init(
                    networks: all.map { .init(prefix: "198.51.100.0/24", incoming: $0.0, outgoing: $0.1) },
                    other: other
                )
            }.map(\.level)
        }
        #expect(networks([(5, 0), (0, 1)], other: 3) == [.ok, .ok])
        #expect(networks([(5, 0), (0, 0)], other: 3) == [.ok, .warn])
        #expect(networks([(5, 0)], other: 30) == [.ok, .warn])
        #expect(networks([(0, 0)], other: 30) == [.warn, .fail])
    }

    @Test func sessionsAndTheirFamilies() throws {
        var report = NeighborReport(address: "192.0.2.1", remoteAS: 65002, state: "Active")
        report.lastError = "sent NOTIFICATION: OPEN message error: bad peer AS"
        var session = DoctorFacts.Session(report: report, wantedFamilies: ["ipv4-flowspec", "ipv6-flowspec"])
        (session.localAS, session.localAddress) = (65001, "192.0.2.10")
        let down = try #require(Doctor.session(session).first)
        #expect(down.level == .fail && down.text.contains("bad peer AS"))
        for vendor in ["IOS XR: ", "Junos: ", "SR OS: ", "EOS: ", "FRR: ", "BIRD: "] {
            let line = try #require(down.remedies.first { $0.hasPrefix(vendor) })
            #expect(line.contains("192.0.2.10") && line.contains("65001"), "\(line)")
        }
        session.report.state = "Established"
        session.report.families = ["ipv4-flowspec"]
        session.report.hints = ["the neighbor does not offer ipv6-flowspec", "Junos: set …"]
        let half = Doctor.session(session)
        #expect(half.map(\.level) == [.fail] && half[0].text.contains("without ipv6-flowspec"))
        #expect(half[0].remedies == ["Junos: set …"])
        session.report.families = session.wantedFamilies
        #expect(Doctor.session(session).map(\.level) == [.ok])
        session.report.quarantined = [.init(match: "destination 198.51.100.5/32", error: "malformed", since: "now")]
        #expect(Doctor.session(session).map(\.level) == [.warn])
    }

    @Test func rulesThatWereSentAndWhereToLookForThem() throws {
        let rule = try #require(RuleTemplate.builtIn["udp_flood"]).announcement(
            for: try #require(IPPrefix("198.51.100.5/32")),
            direction: .incoming
        ).route
        func rules(_ wanted: [String], _ holders: [String]) -> [DoctorReport.Finding] {
            findings("rules") { facts in
                facts.rules = [
                    .init(id: "r1", route: "\(rule)", glass: LookingGlass(rule), wanted: wanted, holders: holders)
                ]
            }
        }
        let sent = rules(["192.0.2.1"], ["192.0.2.1"])
        #expect(sent.map(\.level) == [.ok])
        #expect(sent[0].remedies.count == 4 && sent[0].remedies.allSatisfy { $0.contains("198.51.100.5") })
        #expect(sent[0].remedies[1].hasPrefix("r1 Junos: show route table inetflow.0"))
        #expect(rules(["192.0.2.1"], []).map(\.level) == [.fail])
        #expect(rules(["192.0.2.1", "192.0.2.2"], ["192.0.2.2"]).map(\.level) == [.warn, .ok])
        #expect(rules([], []).map(\.level) == [.fail], "nobody has its family")
        let route = LookingGlass(.unicast(try #require(IPPrefix("2001:db8:100::5/128"))))
        #expect(route.commands[0] == "IOS XR: show bgp ipv6 unicast 2001:db8:100::5/128")
    }

    @Test func thresholdsNearWhatIsUsual() {
        func level(_ rate: Double, isUnderAttack: Bool = false) -> [Level] {
            findings("thresholds") { facts in
                facts.thresholds = [
                    .init(
                        subject: "198.51.100.5",
                        direction: .incoming,
                        unit: .packets,
                        limit: 20_000,
                        rate: rate,
                        isUnderAttack: isUnderAttack
                    )
                ]
            }.map(\.level)
        }
        #expect(level(10_000) == [.ok] && level(10_001) == [.warn] && level(90_000, isUnderAttack: true) == [.ok])
        #expect(findings("thresholds") { $0.hasThresholds = false }.map(\.level) == [.fail])
    }

    @Test func clockAndKernel() {
        #expect(Doctor.clock(.init(isSynchronized: true, errorSeconds: 0.004)).level == .ok)
        #expect(Doctor.clock(.init(isSynchronized: false, errorSeconds: 16)).level == .warn)
        func kernel(largest: UInt64, granted: UInt64?, dropped: UInt64 = 0) -> [Level] {
            Doctor.kernel(
                .init(
                    largestBuffer: largest,
                    wantedBuffer: 64 << 20,
                    grantedBuffer: granted,
                    droppedDatagrams: dropped
                )
            ).map(\.level)
        }
        #expect(kernel(largest: 212_992, granted: 128 << 20) == [.ok, .ok], "it may exceed the limit")
        #expect(kernel(largest: 212_992, granted: 425_984) == [.warn, .ok])
        #expect(kernel(largest: 212_992, granted: nil) == [.warn] && kernel(largest: 64 << 20, granted: nil) == [.ok])
        #expect(kernel(largest: 212_992, granted: 128 << 20, dropped: 3) == [.ok, .warn])
    }

    @Test func tablesOfSocketsAreRead() {
        let text = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
              5: 0100007F:18C7 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 777 2 ffff 0
              6: 00000000000000000000000001000000:0807 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 888 2 f 0
              7: 0100007F:00B3 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 999 1 f 0
              nonsense
              8: XX:YY
            """
        let table = SocketTable(text)
        #expect(table.sockets.map(\.inode) == [777, 888, 999])
        let loopback = IPAddress(127, 0, 0, 1)
        #expect(table.holder(of: loopback, port: 6343)?.inode == 777)
        #expect(table.holder(of: IPAddress(0, 0, 0, 0), port: 6343)?.inode == 777)
        #expect(table.holder(of: IPAddress(192, 0, 2, 1), port: 6343) == nil)
        #expect(table.holder(of: IPAddress(high: 0, low: 1), port: 2055)?.inode == 888)
        #expect(table.holder(of: loopback, port: 179) == nil, "that is a connection")
    }

    @Test func aRealDaemonIsLookedAt() async throws {
        let daemon = try RunningDaemon(
            detection: ["thresholds: {total: {packets: 100000 packets/s}}"],
            more: ["exabgp_pipe: {path: $FOLDER/a.cmd}"]
        )
        defer { daemon.folder.remove() }
        func doctor() async throws -> (report: DoctorReport, status: Int32) {
            let log = daemon.folder.url.appending(path: "doctor-\(UUID().uuidString.prefix(4))")
            let process = try ChildProcess(
                RunningDaemon.program,
                ["doctor", "--config", daemon.configuration, "--json"],
                log: log
            )
            let status = process.wait()
            let text = try String(contentsOf: log, encoding: .utf8)
            let json = try #require(text.firstIndex(of: "{").map { text[$0...] }, "\(text)")
            return (try ControlCoding.decoder().decode(DoctorReport.self, from: Data(json.utf8)), status)
        }
        let before = try await doctor()
        #expect(before.status == 2 && !before.report.isRunning)
        #expect(before.report.findings.contains { $0.subject == "pipe" && $0.level == .fail })
        #expect(before.report.findings.count { $0.subject == "ports" && $0.level == .ok } == 2)
        let process = try await daemon.start()
        defer { process.stop() }
        let report = try await doctor()
        #expect(report.report.isRunning && report.status == 0, "\(report)")
        #expect(report.report.findings.contains { $0.subject == "pipe" && $0.level == .ok })
        #expect(report.report.findings.contains { $0.subject == "files" && $0.text.hasPrefix("store") })
        #expect(report.report.findings.contains { $0.text.hasPrefix("no telemetry has come to") })
        #expect(report.report.findings.contains { $0.subject == "clock" })
    }

    /// Of hosts, networks and groups, and of classes of traffic as well as of all: each threshold that is set.
    @Test func everyThresholdIsHeldAgainstTheTraffic() async throws {
        let daemon = try RunningDaemon(detection: [
            "thresholds: {total: {packets: 10M packets/s}, udp: {packets: 9M packets/s}}",
            "network_thresholds: {total: {bits: 900 Gbit/s}, udp: {packets: 8M packets/s}}", "groups:",
            "  - {name: web, prefixes: [198.51.100.0/25], measure: group, thresholds: {udp: {packets: 200k packets/s}}}",
            "  - {name: net, prefixes: [\"2001:db8:100::/48\"], measure: network, thresholds: {tcp: {packets: 7M packets/s}}}",
        ])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 150_000)
        defer { flood.stop() }
        var texts: [String] = []
        let isSeen = try await eventually {
            guard case .diagnosis(let report) = try await daemon.ask(.init(.doctor)) else { return false }
            let found = report.findings.filter { $0.subject == "thresholds" }
            texts = found.map { "\($0.level.rawValue) \($0.text)" }
            return texts.contains { $0.hasPrefix("warn group web has ") && $0.contains(" of udp, ") }
        }
        #expect(isSeen, "\(texts)")
        func has(_ beginning: String, _ part: String) -> Bool {
            texts.contains { $0.hasPrefix("ok \(beginning) has ") && $0.contains(part) && !$0.contains("has 0 ") }
        }
        #expect(has("198.51.100.10", " incoming, "), "\(texts)")
        #expect(has("198.51.100.10", " of udp, "), "\(texts)")
        #expect(has("network 198.51.100.0/24", " of udp, "), "\(texts)")
        #expect(has("network 198.51.100.0/24", " of its threshold of 900 Gbit/s"), "\(texts)")
        #expect(
            texts.contains { $0.contains("network 2001:db8:100::/48 has 0 ") && $0.contains(" of tcp, ") },
            "\(texts)"
        )
    }

    @Test func theBusiestHostsAreAskedFor() async throws {
        let daemon = try RunningDaemon(detection: ["thresholds: {total: {packets: 100000 packets/s}}"])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 300_000)
        defer { flood.stop() }
        var last: TopReport?
        let isSeen = await eventually {
            guard case .top(let report)? = try? await daemon.ask(.init(.top, limit: 3, sort: "bits")) else {
                return false
            }
            last = report
            // The window fills within a second.
            return report.incomingHosts.first?.attack != nil && report.networks[0].incoming.packetsPerSecond > 100_000
        }
        #expect(isSeen, "\(String(describing: last))")
        let report = try #require(last)
        #expect(report.networks.map(\.prefix) == ["198.51.100.0/24", "2001:db8:100::/48"])
        #expect(report.networks[0].attacks == 1)
        #expect(report.incomingHosts.count <= 3 && report.outgoingHosts.isEmpty && report.sort == "bits")
        guard case .refused(let why) = try await daemon.ask(.init(.top, sort: "colour")) else {
            Issue.record("sorted by colour")
            return
        }
        #expect(why.contains("packets, bits or flows"))
    }
}
