import NetworkTypes
import Simulation
import Testing

@testable import Traffic

/// Whether sums are above limits, which is answered by the sum of all traffic where it can be.
struct CounterLimitsTests {
    @Test(arguments: 1...5)
    func theShortWayAnswersAsTheLongOne(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func random(_ limit: UInt64) -> UInt64 { generator.next() % limit }
        var found = 0
        for _ in 0..<5000 {
            var limits = TrafficCounters.Limits()
            var plain: [TrafficClass: TrafficAmount] = [:]
            for trafficClass in TrafficClass.allCases where random(3) == 0 {
                let limit = TrafficAmount(packets: random(60), bytes: 500 + random(40_000), flows: UInt32(random(30)))
                limits[trafficClass] = limit
                plain[trafficClass] = limit
            }
            var counters = TrafficCounters()
            var all = TrafficClassSet.total
            for _ in 0..<random(12) {
                var classes = TrafficClassSet.total
                for trafficClass in TrafficClass.allCases { classes = classes.union(trafficClass, random(4) == 0) }
                all = TrafficClassSet(bits: all.bits | classes.bits)
                let amount = TrafficAmount(packets: random(12), bytes: random(8000), flows: UInt32(random(6)))
                counters.add(amount, to: classes)
            }
            let expected = plain.contains { trafficClass, limit in
                let sum = counters[trafficClass]
                return all.contains(trafficClass)
                    && (sum.packets > limit.packets || sum.bytes > limit.bytes || sum.flows > limit.flows)
            }
            found += expected ? 1 : 0
            #expect(limits.areExceeded(by: counters, in: all) == expected)
        }
        #expect((500..<4500).contains(found), "both answers are tried")
    }
}
