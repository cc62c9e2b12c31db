import NetworkTypes
import Simulation
import Telemetry
import Testing

/// What goes into the flow cache comes out of the decoder.
struct FlowExportTests {
    private static let telemetries: [ScenarioExporter.Telemetry] = [
        .netFlow9(1), .netFlow9(1000), .ipfix(1), .ipfix(500),
    ]

    @Test(arguments: telemetries)
    func packetsAndOctetsAreAllReported(_ telemetry: ScenarioExporter.Telemetry) {
        for network in ["198.51.100.0/24", "2001:db8:100::/48"] {
            let setting = Scenario.Setting(telemetry: telemetry, network: IPPrefix(network))
            let scenario = Scenario(number: 3, seed: 9, kind: .fragmentFlood, setting: setting)
            var exporter = ScenarioExporter(telemetry, startingAt: Scenario.start)
            var stream = scenario.stream()
            var decoded = Decoded()
            var sent = (packets: 0, octets: 0, fragments: 0)
            for _ in 0..<20_000 {
                guard let next = stream.next() else { break }
                sent.packets += 1
                sent.octets += next.packet.ipLength
                if next.packet.fragment?.offset ?? 0 > 0 { sent.fragments += 1 }
                exporter.receive(next.packet, at: Scenario.time(next.time)) { decoded.take($0) }
            }
            exporter.advance(to: Scenario.time(scenario.duration + 100)) { decoded.take($0) }
            #expect(sent.packets > 500)
            #expect(decoded.packets == sent.packets && decoded.octets == sent.octets)
            #expect(decoded.fragments == sent.fragments)
            #expect(decoded.rates == [telemetry.samplingRate])
            #expect(decoded.longest <= 60.6, "the active time-out, and a look at the cache twice a second")
            #expect(decoded.faults == 0)
        }
    }

    /// What a decoder made of the datagrams.
    private struct Decoded: ~Copyable {
        var packets = 0
        var octets = 0
        var fragments = 0
        var longest = 0.0
        var rates: Set<UInt32> = []
        private var decoder = TelemetryDecoder()
        private var batch = RecordBatch()

        mutating func take(_ datagram: ScenarioExporter.Datagram) {
            let octets = datagram.octets.span
            unsafe decoder.decode(
                octets.bytes,
                from: ScenarioExporter.address,
                receivedAt: datagram.time,
                into: &batch
            )
            for index in 0..<batch.count {
                let record = batch.records[index]
                packets += Int(record.packets)
                self.octets += Int(record.bytes)
                if record.traits.contains(.isFragment) { fragments += Int(record.packets) }
                longest = max(longest, (record.last - record.first).inSeconds)
                rates.insert(record.samplingRate)
            }
            batch.removeAll()
        }

        /// Of the last datagrams: lost, malformed or without a template.
        var faults: UInt64 {
            decoder.report(at: Scenario.start).reduce(0) { $0 + $1.malformedDatagrams + $1.lost + $1.missingTemplates }
        }
    }
}
