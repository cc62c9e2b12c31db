import Simulation
import Testing

@testable import Telemetry

/// Running totals of hundreds of ports, told in any order.
struct DropCountersTests {
    @Test(arguments: 1...4)
    func eachSourceGrowsByItself(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func random(_ limit: UInt64) -> UInt64 { generator.next() % limit }
        var counters = DropCounters()
        var totals: [UInt64: UInt32] = [:]
        for _ in 0..<20_000 {
            let source = random(1500)
            let step = UInt32(truncatingIfNeeded: random(1000))
            let total = (totals[source] ?? 0xFFFF_F000) &+ step
            let growth = counters.growth(to: total, of: source)
            let isFollowed = totals[source] != nil
            #expect(growth == (isFollowed ? UInt64(step) : 0), "source \(source)")
            // No more sources than a switch has ports are followed; the first that come are.
            if isFollowed || totals.count < 1024 { totals[source] = total }
        }
        #expect(counters.count == 1024)
        #expect(counters.growth(to: 0, of: totals.keys.min() ?? 0) == 0, "a counter that ran backwards began anew")
    }
}
