import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

/// The busiest hosts are those that sorting them all gives, looked at at once or in parts.
@Suite
struct TopTests {
    private static let configuration = TrafficConfiguration(
        networks: [IPPrefix("198.51.0.0/16"), IPPrefix("203.0.113.0/24")].compactMap { $0 }
    )
    private static let start = Timestamp(seconds: 6400)

    /// A host for each amount, with as many packets, in each direction; more packets, fewer flows.
    private static func merger(_ amounts: [UInt64]) -> TrafficMerger {
        var merger = TrafficMerger(configuration: configuration, measures: [], seed: 3, at: start)
        var batch = RecordBatch()
        for (index, packets) in amounts.enumerated() {
            let host = IPAddress(198, 51, UInt8(index / 256), UInt8(index % 256))
            for isIncoming in [true, false] {
                var record = FlowRecord()
                record.source = isIncoming ? IPAddress(192, 0, 2, 1) : host
                record.destination = isIncoming ? host : IPAddress(192, 0, 2, 1)
                record.ipProtocol = .udp
                record.packets = isIncoming ? packets : packets * 2
                record.bytes = record.packets * 1000
                record.first = merger.tickEnd
                record.last = merger.tickEnd
                _ = batch.append(record)
            }
        }
        var table = DeltaTable(seed: 5)
        table.add(batch.records, tickEnd: merger.tickEnd, view: NetworkView(configuration))
        merger.merge(table)
        return merger
    }

    @Test func theBusiestAreThoseThatSortingGives() {
        var random = SeededGenerator(seed: 9)
        let amounts = (0..<3000).map { _ in UInt64.random(in: 1...1_000_000, using: &random) }
        let merger = Self.merger(amounts)
        let wanted = amounts.sorted(by: >).prefix(50).map { Double($0) }
        let top = merger.topHosts(limit: 50)
        #expect(top.ranking(.incoming, by: .packets).map(\.packets) == wanted)
        #expect(top.ranking(.incoming, by: .bits).map(\.bits) == wanted.map { $0 * 8000 })
        #expect(top.ranking(.outgoing, by: .packets).map(\.packets) == wanted.map { $0 * 2 })
        #expect(top.ranking(.incoming, by: .flows).allSatisfy { $0.flows == 1 && $0.key.direction == .incoming })
        #expect(top.ranking(.incoming, by: .flows).count == 50)

        var parts = TopHosts(limit: 50)
        var looks = 1
        while !parts.look(into: merger, atMost: 1000) { looks += 1 }
        #expect(looks >= 6, "6000 states by a thousand")
        #expect(parts.ranking(.incoming, by: .bits) == top.ranking(.incoming, by: .bits))
    }

    /// Of each class, and of hosts of a group apart from the others.
    @Test func thePeaksAreThoseOfTheirGroup() throws {
        var configuration = Self.configuration
        configuration.groups = [.init(name: "web", prefixes: [try #require(IPPrefix("198.51.0.0/24"))])]
        var merger = TrafficMerger(configuration: configuration, measures: [], seed: 3, at: Self.start)
        var batch = RecordBatch()
        for (host, packets, ipProtocol) in [(5, 100, IPProtocol.udp), (6, 300, .tcp), (261, 200, .udp)] {
            var record = FlowRecord()
            record.source = IPAddress(192, 0, 2, 1)
            record.destination = IPAddress(198, 51, UInt8(host / 256), UInt8(host % 256))
            record.ipProtocol = ipProtocol
            record.packets = UInt64(packets)
            record.bytes = 1000
            record.first = merger.tickEnd
            record.last = merger.tickEnd
            _ = batch.append(record)
        }
        var table = DeltaTable(seed: 5)
        table.add(batch.records, tickEnd: merger.tickEnd, view: NetworkView(configuration))
        merger.merge(table)
        let peaks = merger.topHosts(limit: 1).peaks
        #expect(peaks.peak(ofGroup: 0, .incoming, .total, .packets) == .init(host: IPAddress(198, 51, 0, 6), rate: 300))
        #expect(peaks.peak(ofGroup: 0, .incoming, .udp, .packets) == .init(host: IPAddress(198, 51, 0, 5), rate: 100))
        #expect(peaks.peak(ofGroup: nil, .incoming, .udp, .packets) == .init(host: IPAddress(198, 51, 1, 5), rate: 200))
        #expect(peaks.peak(ofGroup: nil, .incoming, .tcp, .packets) == nil)
        #expect(peaks.peak(ofGroup: nil, .outgoing, .udp, .packets) == nil)
        #expect(peaks.peak(ofGroup: 7, .outgoing, .udp, .packets) == nil)
    }

    @Test func nothingIsRankedWhereNothingFlows() {
        let empty = TrafficMerger(configuration: Self.configuration, measures: [], seed: 3, at: Self.start)
        #expect(empty.topHosts(limit: 10).ranking(.incoming, by: .packets).isEmpty)
        #expect(empty.networkEntries(.incoming).map(\.packets) == [0, 0])
        var merger = Self.merger([10])
        merger.advance(to: merger.tick + 20)
        #expect(merger.topHosts(limit: 10).ranking(.incoming, by: .packets).isEmpty, "the window has passed")
    }

    @Test func networksHaveTheSumOfTheirHosts() {
        let merger = Self.merger([10, 20, 30])
        #expect(merger.networkPrefixes.map(\.description) == ["198.51.0.0/16", "203.0.113.0/24"])
        #expect(merger.networkEntries(.incoming).map(\.packets) == [60, 0])
        #expect(merger.networkEntries(.outgoing).map(\.packets) == [120, 0])
    }

    /// A steady flow of a host below all limits, reported every half minute, is told at its mean.
    @Test func flowsReportedLateCountAtTheirMean() throws {
        let limit = TrafficMeasure(trafficClass: .total, unit: .packets, lowestLimit: 1e9)
        var merger = TrafficMerger(configuration: Self.configuration, measures: [limit], seed: 3, at: Self.start)
        for _ in 0..<40 {
            var batch = RecordBatch()
            var record = FlowRecord()
            record.source = IPAddress(192, 0, 2, 1)
            record.destination = IPAddress(198, 51, 0, 7)
            record.ipProtocol = .udp
            record.packets = 3000
            record.bytes = 300_000
            record.last = merger.tickEnd
            record.first = Timestamp(nanoseconds: merger.tickEnd.nanoseconds - 30_000_000_000)
            _ = batch.append(record)
            var table = DeltaTable(seed: 5)
            table.add(batch.records, tickEnd: merger.tickEnd, view: NetworkView(Self.configuration))
            merger.merge(table)
            if merger.tick < merger.configuration.tickIndex(of: Self.start) + 300 * 39 {
                merger.advance(to: merger.tick + 300)
            }
        }
        let entry = try #require(merger.topHosts(limit: 10).ranking(.incoming, by: .packets).first)
        #expect((60...140).contains(entry.packets), "100 packets/s, and not \(entry.packets)")
        #expect((48_000...112_000).contains(entry.bits))
    }
}
