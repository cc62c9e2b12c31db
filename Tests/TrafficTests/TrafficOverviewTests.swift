import NetworkTypes
import Telemetry
import Testing
import Traffic

/// The heaviest hosts are found whatever the stretches that they are looked for in.
@Test(arguments: [1, 7, 100_000])
func theHeaviestHostsAreFound(stretch: Int) throws {
    let start = Timestamp(seconds: 5000)
    let configuration = TrafficConfiguration(networks: [try #require(IPPrefix("198.51.100.0/24"))])
    let view = NetworkView(configuration)
    var merger = TrafficMerger(configuration: configuration, measures: [], seed: 3, at: start)
    var batch = RecordBatch()
    for host in 0..<200 {
        // Each second one sends more than it gets.
        for isIncoming in [true, false] {
            var record = FlowRecord()
            let inside = IPAddress(198, 51, 100, UInt8(host))
            record.source = isIncoming ? IPAddress(203, 0, 113, 1) : inside
            record.destination = isIncoming ? inside : IPAddress(203, 0, 113, 1)
            record.packets = 1
            record.bytes = UInt64((host * 37) % 200 + 1) * (isIncoming == (host % 2 == 0) ? 1000 : 1)
            record.first = merger.tickEnd
            record.last = merger.tickEnd
            _ = batch.append(record)
        }
    }
    var table = DeltaTable(seed: 5)
    table.add(batch.records, tickEnd: merger.tickEnd, view: view)
    merger.merge(table)
    for _ in 0..<2 {
        var top = TopHosts(limit: 5)
        while !top.look(into: merger, atMost: stretch) {}
        let overview = merger.overview(of: top.busiest(5))
        let wanted = (0..<200).sorted { ($0 * 37) % 200 > ($1 * 37) % 200 }.prefix(5)
        #expect(overview.hosts.map(\.name) == wanted.map { IPAddress(198, 51, 100, UInt8($0)) })
        let first = try #require(overview.hosts.first)
        #expect(first.incoming[.total, .bits] + first.outgoing[.total, .bits] == 200_000 * 8 + 200 * 8)
        #expect(overview.networks.map(\.name) == configuration.networks)
        #expect(overview.networks[0].incoming[.total, .packets] == 200)
        #expect(overview.trackedHosts == 400)
        #expect(top.busiest(0).isEmpty)
    }
}
