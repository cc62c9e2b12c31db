import NetworkTypes
import Telemetry
import Testing
import Traffic

@testable import Detection

/// FastNetMon's moving average in place of the average over the window.
struct SmoothingTests {
    private func bench(_ seconds: Int64, threshold: Double = 20_000) -> Bench {
        Bench(thresholds: limits(threshold)) { traffic, _ in
            traffic.smoothing = ExponentialSmoothing(timeConstant: .seconds(seconds))
        }
    }

    /// The time that FastNetMon takes is -T ln(1 - threshold / rate), and up to a second for its step.
    @Test(arguments: [(5, 2.0, 3.47), (5, 1.5, 5.49), (5, 5.0, 1.12), (15, 2.0, 10.4)])
    func aStepIsSeenWhenTheAverageGetsThere(_ constant: Int64, _ factor: Double, _ delay: Double) throws {
        var bench = bench(constant)
        for _ in 0..<200 {
            bench.add(sample(rate: 1, at: bench.now), times: Int(2000 * factor))
            bench.tick()
            if !bench.begun.isEmpty { break }
        }
        let alarm = bench.firstAlarm
        let seen = try #require(alarm)
        #expect(abs(seen - delay) <= 1, "after \(seen) s instead of \(delay)")
        let crossing = try #require(bench.begun.first?.crossing)
        #expect(crossing.rate > 20_000 && crossing.rate < 21_000 * factor && crossing.window == .seconds(constant))
    }

    @Test func aBurstOfASecondDoesNotCount() {
        var smoothed = bench(5)
        var plain = Bench(thresholds: limits(20_000))
        for step in 0..<600 {
            let packets = step % 100 < 10 ? 6000 : 200
            smoothed.add(sample(rate: 1, at: smoothed.now), times: packets)
            plain.add(sample(rate: 1, at: plain.now), times: packets)
            smoothed.tick()
            plain.tick()
        }
        #expect(smoothed.begun.isEmpty, "three times the threshold for a second, every ten")
        #expect(!plain.begun.isEmpty)
    }

    @Test func trafficBelowTheThresholdNeverReachesIt() {
        var bench = bench(5)
        for _ in 0..<1200 {
            bench.add(sample(rate: 1, at: bench.now), times: 1800)
            bench.tick()
        }
        #expect(bench.begun.isEmpty)
    }

    /// At 1:10000 and twice the threshold there are four samples a second.
    @Test func fewSamplesAreWeakEvidenceHere() throws {
        var bench = bench(5)
        for step in 0..<1200 {
            if step % 5 < 2 { bench.add(sample(rate: 10_000, at: bench.now)) }
            bench.tick()
            if !bench.begun.isEmpty { break }
        }
        let crossing = try #require(bench.begun.first?.crossing)
        #expect(crossing.samples >= 20 && crossing.samples <= 100)
        #expect(crossing.lowerBound > 20_000 && crossing.lowerBound < crossing.rate)
        let alarm = bench.firstAlarm ?? 0
        #expect(alarm > 4)
    }

    @Test func flowsReportedLateAreSmoothedInTheirOwnTime() {
        var bench = bench(5)
        // 15,000 packets a second for 60 s each: one is no attack, two are.
        bench.add(flow(packets: 900_000, seconds: 60, endingAt: Bench.start))
        for _ in 0..<10 { bench.tick() }
        #expect(bench.begun.isEmpty)
        bench.add(flow(packets: 900_000, seconds: 60, endingAt: Bench.start))
        bench.tick()
        #expect(bench.begun.count == 1)
        // One that lasts for two seconds only is a burst.
        var burst = self.bench(5)
        burst.add(flow(packets: 60_000, seconds: 2, endingAt: Bench.start - .seconds(5)))
        for _ in 0..<10 { burst.tick() }
        #expect(burst.begun.isEmpty)
    }
}
