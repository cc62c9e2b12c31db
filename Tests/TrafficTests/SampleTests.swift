import NetworkTypes
import Simulation
import Telemetry
import Testing

@testable import Traffic

/// Each packet goes with the sample that was read from it, through all that is chosen and thrown away on the way.
@Test func packetsStayWithTheirSamples() throws {
    let pattern = TrafficPattern(kind: .udpFlood, hosts: [victim], packetsPerSecond: 3_000_000)
    var exporter = SimulatedExporter(patterns: [pattern], startingAt: start)
    var counting = Counting()
    var decoder = TelemetryDecoder()
    var records = 0
    for datagram in exporter.datagrams(until: start + .milliseconds(100)) {
        var batch = RecordBatch()
        let span = datagram.span
        // Octets of an array, which lasts longer than the turn.
        let bytes = unsafe span.bytes
        decoder.decode(bytes, from: IPAddress(192, 0, 2, 1), port: 6343, receivedAt: start, into: &batch)
        records += batch.count
        counting.add(batch, in: bytes)
    }
    counting.tick()
    let key = TrafficKey(host: victim, isIncoming: true)
    let (samples, packets, _) = counting.merger.evidence(of: key, limit: 128)
    #expect(records > 1000 && (8...20).contains(samples.count), "\(samples.count) of \(records)")
    #expect(packets.count == samples.count)
    let sources = packets.map { packet in IPAddress(bytes: packet.octets[26..<30]) }
    #expect(Set(sources) == Set(samples.map(\.source)))
    let few = counting.merger.evidence(of: key, limit: 4)
    #expect(few.samples.count == 4 && few.packets.count == 4)
    let chosen = few.packets.map { packet in IPAddress(bytes: packet.octets[26..<30]) }
    #expect(Set(chosen) == Set(few.samples.map(\.source)))
    #expect(counting.merger.evidence(of: TrafficKey(host: victim, isIncoming: false), limit: 9).packets.isEmpty)
}

private let victim = IPAddress(198, 51, 100, 10)
private let start = Timestamp(seconds: 5000)

/// A worker's table and the merger behind it, with made-up time.
private struct Counting: ~Copyable {
    let configuration: TrafficConfiguration
    let view: NetworkView
    var table = DeltaTable(seed: 1)
    var merger: TrafficMerger

    init(group: IPPrefix? = nil) {
        configuration = TrafficConfiguration(
            networks: ["198.51.100.0/24", "10.0.0.0/8"].compactMap { IPPrefix($0) },
            groups: group.map { [.init(name: "all", prefixes: [$0])] } ?? []
        )
        view = NetworkView(configuration)
        merger = TrafficMerger(configuration: configuration, measures: [], seed: 3, at: start)
    }

    mutating func add(_ records: [FlowRecord]) {
        var rest = records[...]
        while !rest.isEmpty {
            var batch = RecordBatch()
            while batch.hasRoomForDatagram, let record = rest.popFirst() { _ = batch.append(record) }
            Self.add(batch, into: &table, at: merger.tickEnd, view: view)
        }
    }

    private static func add(
        _ batch: borrowing RecordBatch,
        into table: inout DeltaTable,
        at end: Timestamp,
        view: NetworkView
    ) { table.add(batch.records, tickEnd: end, view: view) }

    mutating func add(_ batch: borrowing RecordBatch, in memory: RawSpan) {
        table.add(batch, in: memory, tickEnd: merger.tickEnd, view: view)
    }

    mutating func tick() {
        merger.merge(table)
        table.removeAll()
    }

    mutating func next() { merger.advance(to: merger.tick + 1) }
}

private func record(
    from source: IPAddress,
    to destination: IPAddress = victim,
    protocol number: IPProtocol,
    port: UInt16,
    packets: UInt64 = 1,
    length: UInt64,
    rate: UInt32,
    isPacket: Bool = true,
    seconds: Double = 0,
    at time: Timestamp
) -> FlowRecord {
    var record = FlowRecord()
    record.source = source
    record.destination = destination
    record.packets = packets
    record.bytes = packets * length
    record.samplingRate = rate
    record.ipProtocol = number
    record.sourcePort = port
    record.traits = isPacket ? .isPacket : []
    record.last = time
    record.first = time - .milliseconds(Int64(seconds * 1000))
    return record
}

private func sums(_ samples: [TrafficSample]) -> (packets: Double, bytes: Double) {
    (samples.reduce(0) { $0 + Double($1.packets) }, samples.reduce(0) { $0 + Double($1.bytes) })
}

/// 70 % of one kind of packet, 20 of another and 10 of a third come in a pattern that repeats, as does 1 % of TCP.
@Test(arguments: [(1, true), (1000, true), (1, false)] as [(UInt32, Bool)])
func sharesOfSamplesAreThoseOfTheTraffic(_ rate: UInt32, _ isPacket: Bool) {
    var counting = Counting()
    var random = SeededGenerator(seed: 7)
    var truth = (total: 0.0, ntp: 0.0, dns: 0.0, tcp: 0.0, bytes: 0.0, ntpBytes: 0.0)
    for _ in 0..<10 {
        var records: [FlowRecord] = []
        for index in 0..<2000 {
            let source = IPAddress(v4: 0xC612_0000 | UInt32.random(in: 0..<65_536, using: &random))
            // Flows are of very different sizes.
            let packets: UInt64 = isPacket ? 1 : 1 << UInt64.random(in: 0..<10, using: &random)
            let seconds = isPacket ? 0 : Double.random(in: 0..<30, using: &random)
            func one(_ number: IPProtocol, _ port: UInt16, _ length: UInt64) -> FlowRecord {
                record(
                    from: source,
                    protocol: number,
                    port: port,
                    packets: packets,
                    length: length,
                    rate: rate,
                    isPacket: isPacket,
                    seconds: seconds,
                    at: counting.merger.tickEnd
                )
            }
            let made = pattern(index, one)
            let weight = Double(packets) * Double(rate)
            truth.total += weight
            truth.bytes += Double(made.bytes) * Double(rate)
            if made.sourcePort == 123 {
                truth.ntp += weight
                truth.ntpBytes += Double(made.bytes) * Double(rate)
            }
            if made.sourcePort == 53 { truth.dns += weight }
            if made.ipProtocol == .tcp { truth.tcp += weight }
            records.append(made)
        }
        counting.add(records)
        counting.tick()
        if counting.merger.tick < counting.configuration.tickIndex(of: start) + 9 { counting.next() }
    }
    let samples = counting.merger.samples(of: TrafficKey(host: victim, isIncoming: true), limit: 128)
    #expect(samples.count <= 128 && samples.count > 64)
    let all = sums(samples)
    func share(_ keep: (TrafficSample) -> Bool) -> Double { sums(samples.filter(keep)).packets / all.packets }
    #expect(abs(all.packets / truth.total - 1) < 0.1, "\(all.packets) for \(truth.total)")
    #expect(abs(all.bytes / truth.bytes - 1) < 0.15, "\(all.bytes) for \(truth.bytes)")
    #expect(abs(share { $0.sourcePort == 123 } - truth.ntp / truth.total) < 0.12)
    #expect(abs(share { $0.sourcePort == 53 } - truth.dns / truth.total) < 0.12)
    #expect(abs(share { $0.ipProtocol == .tcp } - truth.tcp / truth.total) < 0.05)
    let ntp = samples.filter { $0.sourcePort == 123 }
    #expect(ntp.allSatisfy { $0.packetLength == 468 }, "the length stays, whatever a sample stands for")
    #expect(abs(sums(ntp).bytes / all.bytes - truth.ntpBytes / truth.bytes) < 0.15)
}

private func pattern(_ index: Int, _ one: (IPProtocol, UInt16, UInt64) -> FlowRecord) -> FlowRecord {
    switch index % 10 {
    case 0..<7: one(.udp, 123, 468)
    case 7, 8: index % 200 == 7 ? one(.tcp, 443, 1400) : one(.udp, 53, 120)
    default: one(.udp, 9999, 60)
    }
}

@Test func aHeavyAndALightHostBothHaveSamplesThatAddUp() {
    var counting = Counting()
    let light = IPAddress(198, 51, 100, 20)
    let time = counting.merger.tickEnd
    let source = IPAddress(192, 0, 2, 1)
    var records = (0..<50_000).map { _ in
        record(from: source, protocol: .udp, port: 53, length: 100, rate: 10, at: time)
    }
    records += (0..<3).map { _ in
        record(from: source, to: light, protocol: .udp, port: 53, length: 100, rate: 10, at: time)
    }
    counting.add(records)
    counting.tick()
    let heavy = counting.merger.samples(of: TrafficKey(host: victim, isIncoming: true), limit: 128)
    #expect(heavy.count >= 4 && heavy.count <= 40)
    #expect(abs(sums(heavy).packets - 500_000) <= 1)
    let few = counting.merger.samples(of: TrafficKey(host: light, isIncoming: true), limit: 128)
    #expect(few.count == 3)
    #expect(few.allSatisfy { $0.packets == 10 && $0.bytes == 1000 })
}

/// More hosts than there is room for samples: the heavy one late in the tick has its samples all the same, and those of
/// the group stand for all.
@Test func hostsThatComeLateHaveSamplesToo() throws {
    let network = try #require(IPPrefix("10.0.0.0/8"))
    var counting = Counting(group: network)
    let time = counting.merger.tickEnd
    let source = IPAddress(192, 0, 2, 1)
    var records = (0..<120_000).map { index in
        record(
            from: source,
            to: IPAddress(v4: 0x0A00_0000 | UInt32(index)),
            protocol: .tcp,
            port: 443,
            length: 100,
            rate: 1,
            at: time
        )
    }
    let late = IPAddress(10, 9, 9, 9)
    records += (0..<30_000).map { _ in
        record(from: source, to: late, protocol: .udp, port: 123, length: 468, rate: 1, at: time)
    }
    counting.add(records)
    counting.tick()
    let own = counting.merger.samples(of: TrafficKey(host: late, isIncoming: true), limit: 128)
    #expect(own.count >= 4)
    #expect(abs(sums(own).packets - 30_000) < 1)
    let group = counting.merger.samples(of: TrafficKey(group: 0, isIncoming: true), limit: 4096)
    let all = sums(group)
    #expect(abs(all.packets / 150_000 - 1) < 0.05, "\(all.packets)")
    let ntp = sums(group.filter { $0.sourcePort == 123 })
    #expect(abs(ntp.packets / all.packets - 0.2) < 0.03)
    let kept = counting.merger.samples(of: TrafficKey(group: 0, isIncoming: true), limit: .max)
    #expect(kept.count <= SampleChoice.maximum)
}

@Test func samplesAreOfTheTimeAskedFor() {
    var counting = Counting()
    let source = IPAddress(192, 0, 2, 1)
    for step in 0..<40 {
        counting.add([
            record(from: source, protocol: .udp, port: UInt16(step), length: 100, rate: 1, at: counting.merger.tickEnd)
        ])
        counting.tick()
        if step < 39 { counting.next() }
    }
    let key = TrafficKey(host: victim, isIncoming: true)
    #expect(counting.merger.samples(of: key, limit: 128).map(\.sourcePort) == (30..<40).reversed())
    #expect(counting.merger.samples(of: key, limit: 128, over: .seconds(3)).map(\.sourcePort) == (10..<40).reversed())
    let thinned = counting.merger.samples(of: key, limit: 10, over: .seconds(4))
    #expect(thinned.count == 10)
    #expect(sums(thinned).packets == 40)
    for _ in 0..<2000 { counting.next() }
    #expect(counting.merger.samples(of: key, limit: 128, over: .seconds(64)).isEmpty)
}

/// One that stands for most of the traffic is chosen once, and the others share the rest of the places.
@Test func aHeavySampleTakesOnePlace() {
    func sample(_ packets: UInt64, _ port: UInt16) -> TrafficSample {
        TrafficSample(
            source: IPAddress(192, 0, 2, 1),
            destination: victim,
            packets: packets,
            bytes: packets * 512,
            sourcePort: port,
            destinationPort: 80,
            ipProtocol: .udp,
            tcpFlags: [],
            icmpType: 0,
            icmpCode: 0,
            timeToLive: 60,
            isFragment: false
        )
    }
    let light = (0..<1000).map { sample(10, UInt16($0)) }
    let all = light + [sample(50_000, 5000), sample(2000, 6000)] + light
    let chosen = TrafficSample.fairChoice(of: all, limit: 64)
    #expect((63...64).contains(chosen.count), "\(chosen.count)")
    #expect(chosen.filter { $0.sourcePort == 5000 }.map(\.packets) == [50_000])
    #expect(chosen.filter { $0.sourcePort == 6000 }.map(\.packets) == [2000])
    let rest = chosen.filter { $0.sourcePort < 1000 }.reduce(0) { $0 + Double($1.packets) }
    #expect(abs(rest / 20_000 - 1) < 0.03, "\(rest)")
}
