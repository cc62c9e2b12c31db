import NetworkTypes
import Simulation
import Telemetry
import Testing

@testable import Traffic

/// Flows that are told of late count in the seconds in which they flowed, each for the part that it was flowing.
struct HistorySpreadTests {
    private static let end = Timestamp(seconds: 5000)

    /// Of a flow that ended so many 64ths of a second before the end of a second, and lasted so many.
    private func ages(endedAgo last: Int64, lasting units: Int64) -> FlowAgeRange {
        let unit: Int64 = 1_000_000_000 / 64
        var record = FlowRecord()
        record.last = Timestamp(nanoseconds: Self.end.nanoseconds - last * unit)
        record.first = Timestamp(nanoseconds: Self.end.nanoseconds - (last + units) * unit)
        return FlowAgeRange(of: record, in: FlowAgeRange.Tick(ending: Self.end))
    }

    @Test(arguments: 1...3)
    func everySecondHasTheShareOfTheFlowsThatFlowedInIt(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func random(_ limit: UInt64) -> Int64 { Int64(generator.next() % limit) }
        let second: Int64 = 4999
        let limit = 300.0
        var pool = HistoryPool(limits: [.infinity, limit])
        let slot = pool.allocate(at: second, for: 0)
        var expected = Array(repeating: 0.0, count: 600)
        var (isHigh, quiet) = (false, 0)
        for step in 0..<300 {
            let (last, units) = (random(step % 3 == 0 ? 4200 : 640), 64 + random(step % 5 == 0 ? 6000 : 900))
            let (amount, elapsed) = (Double(1 + random(60)), Double(1 + random(9)) / 10)
            let ages = ages(endedAgo: last, lasting: units)
            for unit in ages.unitsToLast..<(ages.unitsToLast + ages.units) where unit / 64 < 600 {
                expected[Int(unit / 64)] += amount / Double(ages.units)
            }
            let stretch = HistoryPool.Stretch(ages)
            let found = pool.spread(amount, over: stretch, to: slot, measure: 1, elapsedOfSecond: Float(elapsed))
            _ = pool.spread(1, over: stretch.end, to: slot, measure: 0, elapsedOfSecond: 1)
            isHigh = isHigh || expected.prefix(64).contains { $0 > limit }
            let isNow = ages.secondsToLast == 0 && expected[0] > limit * elapsed
            // Not where rounding decides.
            if expected.prefix(64).allSatisfy({ abs($0 / limit - 1) > 1e-4 }),
                abs(expected[0] / limit / elapsed - 1) > 1e-4
            {
                #expect(found == (isHigh || isNow), "\(step)")
            }
            quiet += found ? 0 : 1
        }
        #expect(isHigh && quiet > 30, "both are tried: \(quiet)")
        var sum = 0.0
        for count in 1...64 {
            sum += expected[count - 1]
            #expect(abs(pool.sum(slot, measure: 1, lastSeconds: count) / sum - 1) < 1e-4, "\(count)")
        }
    }

    /// Where hosts have to give way for others the entries of a tick are gone through one by one.
    @Test func lateFlowsCountOnceHoweverManyHostsGiveWay() throws {
        let networks = [try #require(IPPrefix("10.0.0.0/8"))]
        let configuration = TrafficConfiguration(networks: networks, maximumHosts: 40)
        let view = NetworkView(configuration)
        let measure = TrafficMeasure(trafficClass: .total, unit: .packets, lowestLimit: 16)
        var merger = TrafficMerger(configuration: configuration, measures: [measure], seed: 3, at: Self.end)
        var table = DeltaTable(seed: 4)
        for tick in 0..<40 {
            var batch = RecordBatch()
            func add(_ destination: IPAddress, packets: UInt64, bytes: UInt64, seconds: Int64) {
                var record = FlowRecord()
                record.source = IPAddress(203, 0, 113, 9)
                (record.destination, record.packets, record.bytes) = (destination, packets, bytes)
                (record.first, record.last) = (merger.tickEnd - .seconds(seconds), merger.tickEnd)
                _ = batch.append(record)
            }
            // The first hosts are the heaviest and stay; of the others each comes once.
            for number in 0..<120 as Range<UInt8> {
                if number % 6 == 0 {
                    add(IPAddress(10, 0, 0, number), packets: 200, bytes: 300_000, seconds: 0)
                    add(IPAddress(10, 0, 0, number), packets: 5000, bytes: 500_000, seconds: 5)
                } else {
                    add(IPAddress(10, 1, UInt8(tick), number), packets: 10, bytes: 1000, seconds: Int64(number % 2) * 5)
                }
            }
            table.add(batch.records, tickEnd: merger.tickEnd, view: view)
            merger.merge(table)
            table.removeAll()
            merger.advance(to: merger.tick + 1)
        }
        let evicted = merger.evictedHosts
        #expect(evicted > 100)
        for number in stride(from: 0, to: 120, by: 6) {
            let found = merger.position(of: TrafficKey(host: IPAddress(10, 0, 0, UInt8(number)), isIncoming: true))
            let position = try #require(found)
            let sum = merger.historySum(at: position, measure: 0, lastSeconds: 64)
            let isOnce = abs(sum / (40 * 5200) - 1) < 0.03
            #expect(isOnce, "\(number): \(sum)")
        }
    }

    @Test func aFlowAsSuchCountsWhereItEnded() {
        var pool = HistoryPool(limits: [1000])
        let slot = pool.allocate(at: 4999, for: 0)
        let stretch = HistoryPool.Stretch(ages(endedAgo: 130, lasting: 640)).end
        _ = pool.spread(3, over: stretch, to: slot, measure: 0, elapsedOfSecond: 1)
        #expect(pool.sum(slot, measure: 0, lastSeconds: 2) == 0 && pool.sum(slot, measure: 0, lastSeconds: 3) == 3)
        #expect(pool.sum(slot, measure: 0, lastSeconds: 64) == 3)
    }

    @Test func whatFlowedLongerAgoThanAMinuteIsInTheLongHistory() {
        var pool = HistoryPool(limits: [1000])
        let slot = pool.allocate(at: 4999, for: 0)
        pool.lengthen(slot)
        // 200 to 100 seconds ago at 2000 a second.
        let stretch = HistoryPool.Stretch(ages(endedAgo: 6400, lasting: 6400))
        let isHigh = pool.spread(200_000, over: stretch, to: slot, measure: 0, elapsedOfSecond: 1)
        #expect(isHigh)
        #expect(pool.sum(slot, measure: 0, lastSeconds: 64) == 0)
        #expect(abs(pool.longPeak(slot, measure: 0) / 2000 - 1) < 0.01)
    }
}
