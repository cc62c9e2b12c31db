import Simulation
import Testing

@testable import Traffic

/// What is judged of those that are followed second by second: none is left out that any stretch shows above a limit.
struct HistoryLimitTests {
    @Test(arguments: 1...4)
    func noStretchAboveALimitIsPassedOver(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func random(_ limit: UInt64) -> UInt64 { generator.next() % limit }
        let limits = [1000.0, 50_000.0]
        var pool = HistoryPool(limits: limits)
        let slots = (0..<4).map { pool.allocate(at: 1000, for: $0) }
        #expect(pool.owners(part: 1, of: 2) == [1, 3])
        var (passed, judged) = (0, 0)
        var second: Int64 = 1000
        for step in 0..<1500 {
            if random(6) == 0 { second += Int64(random(30) == 0 ? random(90) : 1) }
            let elapsed = Double(1 + random(10)) / 10
            let slot = slots[Int(random(4))]
            pool.advance(slot, to: second)
            // Bursts now and then, so that there is much for a while and then little.
            let share = step % 500 < 100 ? 900 : 60 + UInt64(slot) * 60
            for measure in 0..<2 {
                let amount = Double(random(share)) * limits[measure] / 1000
                if random(3) == 0 {
                    let back = Int64(1 + random(random(9) == 0 ? 200 : 20))
                    if back > 64 { pool.lengthen(slot) }
                    pool.add(amount / Double(back), to: slot, measure: measure, second: second - 1, back: back)
                } else {
                    let age = Int64(random(8))
                    pool.add(amount / 4, to: slot, measure: measure, second: second - age)
                }
            }
            let mayExceed = pool.mayExceedLimits(slot, elapsedOfSecond: elapsed)
            let exceeds = (0..<2).contains { measure in
                pool.peak(slot, measure: measure) > limits[measure]
                    || pool.longPeak(slot, measure: measure) > limits[measure]
                    || (1..<64).contains { count in
                        pool.peak(slot, measure: measure, over: count) / Double(count) > limits[measure]
                            || pool.sum(slot, measure: measure, lastSeconds: count) / (Double(count - 1) + elapsed)
                                > limits[measure]
                    }
            }
            #expect(mayExceed || !exceeds)
            passed += mayExceed ? 0 : 1
            judged += exceeds ? 1 : 0
        }
        #expect(passed > 300 && judged > 50, "both are tried: \(passed), \(judged)")
        let slot = slots[1]
        pool.release(slot)
        #expect(pool.owners(part: 1, of: 2) == [3])
        #expect(!pool.mayExceedLimits(pool.allocate(at: second, for: 9), elapsedOfSecond: 0.1))
        #expect(pool.owners(part: 1, of: 2) == [9, 3])
    }
}
