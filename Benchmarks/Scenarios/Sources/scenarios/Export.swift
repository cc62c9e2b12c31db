import Capture
import Foundation
import NetworkTypes
import ScenarioSupport
import Simulation

/// Scenarios side by side, each in a network of its own, as a capture of their telemetry and a file that says what is true
/// of them: to be played to other programs.
struct Export {
    private struct Truth: Encodable {
        var network: String
        var kind: String
        var form: String
        /// The greatest share of a threshold that the victim (or without an attack the heaviest host) reaches.
        var factor: Double
        var victim: String?
        var begins: Double?
        var provable: Double?
        var packetsPerSecond: Double
        var bitsPerSecond: Double
        var hosts: Int
        var duration: Double
    }

    private static let sFlowKinds: [AttackKind?] = [
        .udpFlood, .synFlood, .dnsAmplification, .ntpAmplification, .icmpFlood, .ackFlood, nil, nil, nil,
    ]
    private static let flowKinds: [AttackKind?] = [.udpFlood, .memcachedAmplification, .synFlood, .greFlood, nil, nil]

    static func write(to folder: String, seed: UInt64) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write(sFlowKinds, .sFlow(1000), port: 6343, to: folder + "/sflow", seed: seed)
        try write(flowKinds, .netFlow9(1000), port: 2055, to: folder + "/netflow", seed: seed)
    }

    private static func write(
        _ kinds: [AttackKind?],
        _ telemetry: ScenarioExporter.Telemetry,
        port: UInt16,
        to path: String,
        seed: UInt64
    ) throws {
        var datagrams: [ScenarioExporter.Datagram] = []
        var truths: [Truth] = []
        let forms: [Scenario.TrueAttack.Form] = [.steady, .pulses, .ramp, .steady, .multiVector, .steady]
        for (index, kind) in kinds.enumerated() {
            guard let network = IPPrefix(IPAddress(10, 20, UInt8(index), 0), length: 24) else { continue }
            let setting = Scenario.Setting(
                telemetry: telemetry,
                network: network,
                form: forms[index % forms.count],
                judgesTotalOnly: true
            )
            // Normal ones have even numbers, and one in five of those is near its thresholds.
            let scenario = Scenario(number: index * 4, seed: seed, kind: kind, setting: setting)
            truths.append(truth(of: scenario, kind))
            var exporter = ScenarioExporter(telemetry, number: UInt32(index + 1), startingAt: Scenario.start)
            var stream = scenario.stream()
            while let next = stream.next() {
                exporter.receive(next.packet, at: Scenario.time(next.time)) { datagrams.append($0) }
            }
            exporter.advance(to: Scenario.time(scenario.duration)) { datagrams.append($0) }
        }
        datagrams.sort { $0.time < $1.time }
        var capture = Data(PcapWriter.fileHeader)
        for datagram in datagrams {
            let frame = PcapWriter.frame(
                of: datagram.octets,
                from: ScenarioExporter.address,
                port: 50_000,
                to: IPAddress(192, 0, 2, 254),
                port: port
            )
            capture.append(contentsOf: PcapWriter.packet(frame, at: datagram.time))
        }
        try capture.write(to: URL(filePath: path + ".pcap"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(truths).write(to: URL(filePath: path + ".json"))
        print("\(path).pcap: \(datagrams.count) datagrams of \(truths.count) scenarios")
    }

    private static func truth(of scenario: Scenario, _ kind: AttackKind?) -> Truth {
        let outcome = ScenarioRun.result(of: scenario).outcomes.first
        var truth = Truth(
            network: scenario.networks[0].description,
            kind: kind?.rawValue ?? "normal, \(scenario.event)",
            form: outcome?.truth.form.rawValue ?? "",
            factor: outcome?.truth.factor ?? 0,
            victim: outcome?.truth.victims.first?.description,
            begins: outcome?.truth.begins,
            provable: outcome?.provable,
            packetsPerSecond: scenario.thresholds[.total, .packets] ?? 0,
            bitsPerSecond: scenario.thresholds[.total, .bits] ?? 0,
            hosts: scenario.hosts.count,
            duration: scenario.duration
        )
        if case .normal(let load) = scenario.purpose { truth.factor = load }
        return truth
    }
}
