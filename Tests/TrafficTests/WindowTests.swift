import NetworkTypes
import Telemetry
import Testing
import Traffic

/// Random packets and short flows for hosts inside and outside, a few of them huge: the windows hold what adding up by
/// hand gives, at every tick.
@Test(arguments: 1...5)
func windowsAreExactSums(_ seed: UInt64) throws {
    var state = seed
    func random(_ limit: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % limit
    }
    let start = Timestamp(seconds: 5000)
    let configuration = TrafficConfiguration(
        networks: [try #require(IPPrefix("198.51.100.0/24"))],
        ignoredSources: [try #require(IPPrefix("192.0.2.99/32"))]
    )
    let view = NetworkView(configuration)
    var merger = TrafficMerger(configuration: configuration, measures: [], seed: seed, at: start)
    var tables = 0
    var history: [[(key: TrafficKey, packets: UInt64, bytes: UInt64, flows: UInt32, isUDP: Bool)]] = []
    for _ in 0..<60 {
        var batch = RecordBatch()
        var tick: [(key: TrafficKey, packets: UInt64, bytes: UInt64, flows: UInt32, isUDP: Bool)] = []
        // Now and then more flows than eight bits hold.
        let records = random(10) == 0 ? 4000 : random(200)
        for _ in 0..<records {
            var record = FlowRecord()
            let inside = IPAddress(198, 51, 100, UInt8(random(5)))
            let outside = random(10) == 0 ? IPAddress(192, 0, 2, 99) : IPAddress(203, 0, 113, UInt8(random(5)))
            let kind = random(4)
            record.source = kind == 1 || kind == 2 ? inside : outside
            record.destination =
                kind == 0 || kind == 2 ? IPAddress(198, 51, 100, UInt8(random(5))) : IPAddress(203, 0, 113, 9)
            record.packets = 1
            // Now and then more than 32 bits hold.
            record.bytes = (64 + random(1400)) << (random(50) == 0 ? 22 : 0)
            record.samplingRate = UInt32(random(3) * 50)
            record.ipProtocol = random(2) == 0 ? .udp : .tcp
            record.traits = random(2) == 0 ? .isPacket : []
            record.first = merger.tickEnd
            record.last = merger.tickEnd
            _ = batch.append(record)
            let rate = UInt64(max(1, record.samplingRate))
            let flows: UInt32 = record.traits.contains(.isPacket) ? 0 : 1
            let isIgnored = record.source == IPAddress(192, 0, 2, 99)
            let entry = { (key: TrafficKey) in (key, rate, record.bytes * rate, flows, record.ipProtocol == .udp) }
            if kind == 0 || kind == 2, !isIgnored {
                tick.append(entry(TrafficKey(host: record.destination, isIncoming: true)))
            }
            if kind == 1 || kind == 2 { tick.append(entry(TrafficKey(host: record.source, isIncoming: false))) }
        }
        history.append(tick)
        var table = DeltaTable(seed: random(1 << 30))
        count(batch, into: &table, at: merger.tickEnd, view: view)
        merger.merge(table)
        tables += 1
        let window = history.suffix(10).flatMap { $0 }
        for key in Set(window.map(\.key)) {
            let wanted = window.filter { $0.key == key }
            let position = try #require(merger.position(of: key))
            let counters = merger.state(at: position).counters
            #expect(counters[.total].packets == wanted.reduce(0) { $0 + $1.packets })
            #expect(counters[.total].bytes == wanted.reduce(0) { $0 + $1.bytes })
            #expect(counters[.total].flows == wanted.reduce(0) { $0 + $1.flows })
            #expect(counters[.udp].packets == wanted.filter(\.isUDP).reduce(0) { $0 + $1.packets })
        }
        merger.advance(to: merger.tick + 1)
    }
    for _ in 0..<20 { merger.advance(to: merger.tick + 1) }
    #expect(merger.totalRates(.incoming)[.total, .packets] == 0, "all has left the window")
    for _ in 0..<700 { merger.advance(to: merger.tick + 1) }
    #expect(merger.trackedHosts == 0, "idle hosts are let go")
}

private func count(
    _ batch: borrowing RecordBatch,
    into table: inout DeltaTable,
    at time: Timestamp,
    view: NetworkView
) { table.add(batch.records, tickEnd: time, view: view) }
