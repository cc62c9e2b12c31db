import Control
import DaemonConfiguration
import Detection
import Foundation
import Logging
import NetworkTypes
import Store
import Telemetry
import TestSupport
import Testing
import Traffic

@testable import Daemon

/// A daemon that goes on with four hours of a past that is known: learnt in made-up time, kept in its store.
@Suite(.serialized)
struct BaselineEndToEndTests {
    private let web = IPAddress(198, 51, 100, 10)
    private let mail = IPAddress(198, 51, 100, 20)

    /// What one host gets or sends in a second, in packets of 100 octets.
    private struct Packets {
        var source = IPAddress(192, 0, 2, 1)
        var destination = IPAddress(192, 0, 2, 1)
        var ipProtocol = IPProtocol.udp
        var count: Int
    }

    /// Web has a steady 500 packets/s, and half an hour of an attack with 90,000; mail has 800, and once a second with 3,000.
    private func usual(_ second: Int) -> [Packets] {
        let isAttacked = (9000..<10_800).contains(second)
        return [
            Packets(destination: web, count: isAttacked ? 90_000 : 500),
            Packets(destination: mail, count: second == 5400 ? 3000 : 800),
        ]
    }

    /// Four hours up to a time, second by second.
    private func live(
        until end: Timestamp,
        _ configuration: DaemonConfiguration,
        _ packets: (_ second: Int) -> [Packets]
    ) -> (Detector, attacks: [Attack]) {
        var traffic = configuration.trafficConfiguration
        traffic.tick = .seconds(1)
        let detection = configuration.detectionConfiguration
        let start = end - .seconds(4 * 3600)
        var merger = TrafficMerger(configuration: traffic, measures: detection.measures, seed: 1, at: start)
        var detector = Detector(configuration: detection)
        var table = DeltaTable(seed: 2)
        let view = NetworkView(traffic)
        var attacks: [Attack.ID: Attack] = [:]
        for second in 0..<(4 * 3600) {
            var batch = RecordBatch(capacity: 8)
            for packets in packets(second) {
                var record = FlowRecord()
                (record.source, record.destination) = (packets.source, packets.destination)
                record.packets = UInt64(packets.count)
                record.bytes = UInt64(packets.count) * 100
                record.samplingRate = 1
                record.ipProtocol = packets.ipProtocol
                record.traits = .isPacket
                (record.first, record.last) = (merger.tickEnd, merger.tickEnd)
                _ = batch.append(record)
            }
            Self.count(batch, into: &table, at: merger.tickEnd, view: view)
            merger.merge(table)
            table.removeAll()
            for event in detector.judge(&merger) { attacks[event.attack.id] = event.attack }
            merger.advance(to: merger.tick + 1)
        }
        return (detector, attacks.values.sorted { $0.id < $1.id })
    }

    /// Puts what was learnt and found into the store that a daemon will open.
    private func keep(_ detector: Detector, _ attacks: [Attack], in configuration: DaemonConfiguration) throws {
        var detector = detector
        let store = try Store(path: configuration.store)
        try store.write(attacks.map { .attack($0) })
        let memory = BaselineMemory(store: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let peaks = detector.takePeakHours() + detector.openPeakHours
        memory.note(LearntTraffic(baselines: detector.learntBaselines(), peaks: peaks))
        _ = memory.flush(at: DaemonClock().now)
        memory.flushPeaks()
    }

    private static func count(
        _ batch: borrowing RecordBatch,
        into table: inout DeltaTable,
        at time: Timestamp,
        view: NetworkView
    ) { table.add(batch.records, tickEnd: time, view: view) }

    private func load(_ path: String) throws -> DaemonConfiguration {
        try DaemonConfiguration.load(yaml: String(contentsOfFile: path, encoding: .utf8), file: path) { _ in "" }
    }

    private func show(_ daemon: RunningDaemon, _ target: String?) async throws -> BaselineReport {
        guard case .baselines(let report) = try await daemon.ask(.init(.baselines, target: target)) else {
            throw UnexpectedReport()
        }
        return report
    }

    private func suggest(_ daemon: RunningDaemon, group: String? = nil, days: Int? = nil) async throws
        -> SuggestionReport
    {
        var request = ControlRequest(.suggestions)
        (request.group, request.days) = (group, days)
        guard case .suggestions(let report) = try await daemon.ask(request) else { throw UnexpectedReport() }
        return report
    }

    private struct UnexpectedReport: Error {}

    private func isNear(_ value: Double?, _ wanted: Double) -> Bool {
        value.map { abs($0 / wanted - 1) < 0.08 } ?? false
    }

    private func expectWhatIsNormal(_ daemon: RunningDaemon) async throws {
        let report = try await show(daemon, web.description)
        let entry = try #require(report.entries.first)
        #expect(report.total == 1 && entry.target == web.description && entry.kind == "host")
        // The attack of half an hour taught nothing, nor did the ten minutes after it.
        let packets = try #require(entry.levels.first { $0.unit == "packets" })
        #expect(isNear(packets.normal, 500), "\(packets)")
        #expect(isNear(packets.limit, 2500) && packets.threshold == 50_000)
        #expect(entry.learntMinutes > 150 && entry.learntMinutes < 210 && entry.neededMinutes == 60, "\(entry)")
        #expect(report.counts.held == 2 && report.counts.learnt == 2 && report.counts.refused == 0)
    }

    private func expectWhatIsProposed(_ daemon: RunningDaemon, attacks: [UInt64]) async throws {
        let report = try await suggest(daemon)
        let hosts = try #require(report.proposals.first { $0.measure == "host" && $0.unit == "packets" })
        #expect(hosts.hours >= 4 && hosts.hours <= 7 && hosts.group == nil)
        #expect(hosts.highest?.target == mail.description && isNear(hosts.highest?.peak, 3000))
        #expect(hosts.proposed == 4500 && hosts.present == 50_000, "\(hosts)")
        #expect(hosts.alarms.map(\.attack) == attacks.map { Optional($0) })
        #expect(hosts.alarms.first?.target == web.description && isNear(hosts.alarms.first?.peak, 90_000))
        #expect(hosts.presentAlarms.map(\.attack) == [1] && hosts.presentIsComplete && hosts.isComplete)
        let network = try #require(report.proposals.first { $0.measure == "network" && $0.unit == "packets" })
        #expect(network.present == nil && isNear(network.highest?.peak, 3500) && network.proposed == 5300, "\(network)")
        // What is proposed can be pasted.
        let yaml = (["networks: [198.51.100.0/24]"] + report.configuration).joined(separator: "\n")
        let pasted = try DaemonConfiguration.load(yaml: yaml, file: "pasted.yaml") { _ in "" }
        #expect(pasted.detectionConfiguration.thresholds[.total, .packets] == 4500)
        #expect(pasted.detectionConfiguration.networkThresholds[.total, .packets] == 5300)
        // All of it is UDP: a threshold of its own would say nothing, and is not among them.
        let udp = try #require(report.proposals.first { $0.measure == "host" && $0.traffic == "udp" })
        #expect(udp.proposed == 4500 && !udp.isWorthSetting)
        #expect(pasted.detectionConfiguration.thresholds[.udp, .packets] == nil)
    }

    /// Mail gets little UDP, once 2,000 packets/s; web sends; and a flood of UDP was found by the threshold for all
    /// traffic. What had been a threshold for UDP would have seen is told, and what is proposed can be pasted.
    @Test func aRecordedPeakOfUDPProposesAThresholdForIt() async throws {
        let daemon = try RunningDaemon(detection: [
            "thresholds: {total: {packets: 50k packets/s}, udp: {packets: 1500 packets/s}}"
        ])
        defer { daemon.folder.remove() }
        let configuration = try load(daemon.configuration)
        var before = configuration
        before.detection.thresholds[.udp, .packets] = nil
        let end = DaemonClock().now
        let (detector, attacks) = live(until: end, before) { second in
            [
                Packets(destination: mail, ipProtocol: .tcp, count: 9000),
                Packets(destination: mail, count: second == 5400 ? 2000 : 50),
                Packets(source: web, ipProtocol: .tcp, count: second == 6000 ? 4000 : 700),
                Packets(destination: web, count: (9000..<10_800).contains(second) ? 90_000 : 100),
            ]
        }
        #expect(attacks.map(\.crossing.trafficClass) == [.total])
        try keep(detector, attacks, in: configuration)
        let process = try await daemon.start()
        defer { process.stop() }
        let report = try await suggest(daemon)
        func proposal(_ direction: String, _ traffic: String) -> SuggestionReport.Proposal? {
            report.proposals.first {
                $0.measure == "host" && $0.direction == direction && $0.traffic == traffic && $0.unit == "packets"
            }
        }
        let udp = try #require(proposal("incoming", "udp"))
        #expect(udp.proposed == 3000 && udp.present == 1500 && udp.isWorthSetting && udp.isComplete, "\(udp)")
        #expect(udp.highest?.target == mail.description && isNear(udp.highest?.peak, 2000))
        #expect(udp.alarmCount == 1 && udp.alarms.map(\.attack) == [1] && isNear(udp.alarms.first?.peak, 90_000))
        #expect(udp.presentAlarmCount == 2 && udp.presentAlarms.map(\.target) == [mail, web].map(\.description))
        #expect(udp.presentAlarms.map(\.attack) == [nil, 1] && udp.presentAlarms.first?.minutes == 1)
        let minute = (end - .seconds(4 * 3600 - 5400)).description.prefix(16)
        #expect(udp.presentAlarms.first?.began.prefix(16) == minute, "\(udp.presentAlarms) for \(minute)")
        let sent = try #require(proposal("outgoing", "total"))
        #expect(sent.proposed == 6000 && sent.present == nil && sent.alarms.isEmpty && isNear(sent.highest?.peak, 4000))
        #expect(proposal("incoming", "tcp")?.isWorthSetting == false && proposal("incoming", "icmp") == nil)
        let yaml = (["networks: [198.51.100.0/24]"] + report.configuration).joined(separator: "\n")
        let pasted = try DaemonConfiguration.load(yaml: yaml, file: "pasted.yaml") { _ in "" }.detectionConfiguration
        #expect(pasted.thresholds[.udp, .packets] == 3000 && pasted.thresholds[.tcp, .packets] == nil)
        #expect(pasted.outgoingThresholds[.total, .packets] == 6000)
        #expect(pasted.outgoingNetworkThresholds[.total, .packets] == 6000)
        let socket = ["--socket", daemon.folder.path("control.sock")]
        let table = try ChildProcess.output(RunningDaemon.program, ["baseline", "suggest"] + socket)
        #expect(
            table.contains("udp: {packets: 3k packets/s}") && table.contains("outgoing_thresholds: {total: {"),
            "\(table)"
        )
        #expect(table.contains("(none) host, udp, present 1.5k packets/s would have raised:"), "\(table)")
        #expect(table.contains("more for parts of the traffic"), "\(table)")
    }

    @Test func aHostFarFromNormalIsAlarmedAndThePastIsAskedForThresholds() async throws {
        let daemon = try RunningDaemon(detection: [
            "thresholds: {total: {packets: 50k packets/s}}",
            "baseline: {factor: 5, after: 1h, floor: {packets: 1k packets/s, bits: 50 Mbit/s}}", "quiet_period: 2s",
        ])
        defer { daemon.folder.remove() }
        let configuration = try load(daemon.configuration)
        let (detector, attacks) = live(until: DaemonClock().now, configuration, usual)
        #expect(attacks.count == 1 && attacks.allSatisfy { $0.ended != nil })
        try keep(detector, attacks, in: configuration)

        let first = try await daemon.start()
        try await expectWhatIsNormal(daemon)
        try await expectWhatIsProposed(daemon, attacks: [1])
        // Forty times the normal, and less than half of the threshold.
        let flood = try Flood(to: daemon.sFlowPort, packetsPerSecond: 20_000, victim: web)
        #expect(await eventually { (try? await daemon.attacks())?.isEmpty == false })
        let isHigh = await eventually {
            (try? await daemon.attacks(includePast: true))?.first.map { $0.peakPacketsPerSecond > 6000 } ?? false
        }
        #expect(isHigh, "above what is proposed as well")
        let attack = try #require(try await daemon.attacks(includePast: true).first)
        #expect(attack.target == web.description && attack.reason.contains("is normal at this hour"), "\(attack)")
        flood.stop()
        #expect(await eventually { (try? await daemon.attacks())?.isEmpty == true })
        first.stop()

        let second = try await daemon.start()
        defer { second.stop() }
        try await expectWhatIsNormal(daemon)
        try await expectWhatIsProposed(daemon, attacks: [1, 2])
        guard case .status(let status) = try await daemon.ask(.init(.status)) else {
            Issue.record("no status")
            return
        }
        #expect(status.baselines?.held == 2 && status.baselines?.refused == 0)
    }

    /// A host that is one of the networks, and has a baseline as that: asked for as either, both are shown.
    @Test func aHostThatIsANetworkIsFoundByItsAddress() async throws {
        let daemon = try RunningDaemon(detection: [
            "baseline: {factor: 5, after: 1h, floor: {packets: 1k packets/s, bits: 50 Mbit/s}}", "groups:",
            "  - {name: single, measure: network, prefixes: [\(web)/32],",
            "     baseline: {factor: 5, after: 1h, floor: {packets: 1k packets/s, bits: 50 Mbit/s}}}",
        ])
        defer { daemon.folder.remove() }
        let text = try String(contentsOfFile: daemon.configuration, encoding: .utf8)
            .replacing("networks: [", with: "networks: [\(web)/32, ")
        _ = try daemon.folder.write(text, to: "floodgate.yaml")
        let configuration = try load(daemon.configuration)
        let prefix = try #require(IPPrefix("\(web)/32"))
        let levels = [UInt16](repeating: 2300, count: 2 * 7 * 24)
        do {
            let store = try Store(path: configuration.store)
            let memory = BaselineMemory(store: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let learnt = [AttackTarget.host(web), .network(prefix), .host(mail)].map {
                Detector.LearntBaseline(target: $0, minutes: 600, levels: levels)
            }
            memory.note(LearntTraffic(baselines: learnt, peaks: []))
            #expect(memory.flush(at: DaemonClock().now))
        }
        let process = try await daemon.start()
        defer { process.stop() }
        for name in [web.description, prefix.description] {
            let report = try await show(daemon, name)
            #expect(Set(report.entries.map(\.kind)) == ["host", "network"], "\(name): \(report)")
        }
        #expect(try await show(daemon, "\(mail)/32").entries.map(\.kind) == ["host"])
        #expect(try await show(daemon, "single").entries.map(\.kind) == ["network"])
    }

    @Test func whatIsNotKnownIsSaid() async throws {
        let daemon = try RunningDaemon(detection: [
            "thresholds: {total: {packets: 50k packets/s}}", "groups:",
            "  - {name: web, prefixes: [198.51.100.0/26], thresholds: {total: {bits: 1 Gbit/s}}}",
        ])
        defer { daemon.folder.remove() }
        let process = try await daemon.start()
        defer { process.stop() }
        let nothing = try await show(daemon, nil)
        #expect(nothing.entries.isEmpty && nothing.remark == "nothing is learnt: set detection.baseline")
        guard case .refused(let why) = try await daemon.ask(.init(.baselines, target: "nowhere")) else {
            Issue.record("nowhere is something")
            return
        }
        #expect(why.contains("no group's name"))
        await #expect(throws: UnexpectedReport.self) { _ = try await self.suggest(daemon, group: "nobody") }
        await #expect(throws: UnexpectedReport.self) { _ = try await self.suggest(daemon, days: 29) }
        // The hour under way is on record, without a baseline too; as there was nothing in it, nothing is proposed.
        let web = try await suggest(daemon, group: "web")
        #expect(web.proposals.map(\.group) == ["web", "web"] && web.proposals.allSatisfy { $0.alarms.isEmpty })
        #expect(web.proposals.allSatisfy { $0.proposed == nil && $0.unknown?.hasPrefix("no peak above ") == true })
        #expect(web.configuration.isEmpty)
        func run(_ arguments: [String]) throws -> String {
            let socket = ["--socket", daemon.folder.path("control.sock")]
            return try ChildProcess.output(RunningDaemon.program, arguments + socket)
        }
        let table = try run(["baseline", "suggest", "--group", "web"])
        #expect(table.contains("PROPOSED") && !table.contains("thresholds:"), "\(table)")
        #expect(table.contains("nothing is proposed where HIGHEST is -"), "\(table)")
        #expect(table.contains("  web host, total: no peak above 500 packets/s is on record"), "\(table)")
        #expect(try run(["baseline", "suggest", "--json"]).contains("\"alarm_count\" : 0"))
        #expect(try run(["baseline", "show"]).contains("set detection.baseline"))
    }
}
