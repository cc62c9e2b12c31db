import NetworkTypes
import Simulation
import Telemetry
import Testing

/// What the simulated exporter says is what the decoder hears.
@Test(arguments: [TrafficPattern.Kind.udpFlood, .synFlood, .icmpFlood])
func simulatedSFlowDecodesToItsTraffic(_ kind: TrafficPattern.Kind) {
    for victim in [IPAddress(198, 51, 100, 10), IPAddress(high: 0x2001_0DB8_0100_0000, low: 7)] {
        let start = Timestamp(seconds: 1000)
        let pattern = TrafficPattern(kind: kind, hosts: [victim], packetsPerSecond: 100_000)
        var exporter = SimulatedExporter(patterns: [pattern], samplingRate: 50, startingAt: start)
        var decoder = TelemetryDecoder()
        var batch = RecordBatch()
        let datagrams = exporter.datagrams(until: start + .milliseconds(100))
        for datagram in datagrams {
            let octets = datagram.span
            unsafe decoder.decode(
                octets.bytes,
                from: IPAddress(192, 0, 2, 1),
                receivedAt: start,
                into: &batch
            )
        }
        check(batch, kind, victim)
        #expect(decoder.report(at: Timestamp(seconds: 0)).first?.malformedDatagrams == 0)
        #expect(decoder.report(at: Timestamp(seconds: 0)).first?.lost == 0)
    }
}

private func check(_ batch: borrowing RecordBatch, _ kind: TrafficPattern.Kind, _ victim: IPAddress) {
    let records = batch.records
    #expect(records.count == 200, "100,000 a second, a tenth of a second, one in 50")
    for index in records.indices {
        let record = records[index]
        #expect(record.destination == victim && record.samplingRate == 50)
        switch kind {
        case .udpFlood: #expect(record.ipProtocol == .udp && record.bytes == (victim.isIPv4 ? 1228 : 1248))
        case .synFlood: #expect(record.tcpFlags.isConnectionAttempt && record.destinationPort == 443)
        default: #expect(record.ipProtocol.isICMP && record.icmpType == (victim.isIPv4 ? 8 : 128))
        }
    }
}

@Test func theSameSeedGivesTheSameOctets() {
    func run() -> [[UInt8]] {
        let pattern = TrafficPattern(kind: .ordinary, hosts: [IPAddress(198, 51, 100, 1)], packetsPerSecond: 10_000)
        var exporter = SimulatedExporter(patterns: [pattern], seed: 5, startingAt: Timestamp(seconds: 1))
        return exporter.datagrams(until: Timestamp(seconds: 2))
    }
    #expect(run() == run())
    #expect(!run().isEmpty)
}
