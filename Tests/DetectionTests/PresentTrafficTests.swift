import NetworkTypes
import Testing
import Traffic

@testable import Detection

/// What is left of an attack is looked at as well, though it is not what the attack is known by.
struct PresentTrafficTests {
    /// A flood of UDP for three seconds beside 88,000 packets of TCP a second, with a threshold of 100,000.
    private static func bench(sampling: UInt32, leaving rest: Int = 0) -> Bench {
        var bench = Bench(thresholds: limits(100_000))
        for tick in 0..<130 {
            let time = bench.merger.tickEnd
            bench.add(sample(rate: sampling, protocol: .tcp, at: time), times: 8800 / Int(sampling))
            if (30..<60).contains(tick) { bench.add(sample(rate: sampling, at: time), times: 40_000 / Int(sampling)) }
            if tick >= 60, rest > 0 { bench.add(sample(rate: sampling, at: time), times: rest / Int(sampling)) }
            bench.tick()
        }
        return bench
    }

    @Test func whatComesNowIsSeenBelowTheThreshold() throws {
        let bench = Self.bench(sampling: 100)
        let attack = try #require(
            bench.events.last { if case .updated = $0.event { true } else { false } }?.event.attack
        )
        #expect(attack.samples.contains { $0.ipProtocol == .udp }, "it is known by what it was")
        #expect(!attack.present.samples.isEmpty)
        #expect(attack.present.samples.allSatisfy { $0.ipProtocol == .tcp }, "nothing of the flood comes any more")
        let sum = attack.present.samples.reduce(0.0) { $0 + Double($1.packets) } / attack.present.duration.inSeconds
        #expect(abs(sum - 88_000) < 5000, "\(sum)")
        #expect(attack.present.samples.count <= Attack.maximumSamples)
        #expect(attack.rates[.total, .packets] < 100_000, "a limit is exceeded by the mean of a longer time at most")
        #expect(attack.samplingRate == 100 && attack.rateWindow == .seconds(1))
    }

    @Test func whereFewComeTheTimeIsLonger() throws {
        let bench = Self.bench(sampling: 4400)
        let attack = try #require(
            bench.events.last { if case .updated = $0.event { true } else { false } }?.event.attack
        )
        #expect(attack.present.duration > .seconds(2) && attack.present.duration <= .seconds(4))
        let oldest = attack.present.samples.map(\.time).min() ?? .distantFuture
        #expect((attack.present.samples.first?.time ?? oldest) - oldest <= .seconds(4))
    }

    @Test func eachLimitThatIsExceededIsTold() throws {
        var thresholds = limits(100_000)
        thresholds[.udp, .packets] = 10_000
        thresholds[.icmp, .packets] = 10_000
        var bench = Bench(thresholds: thresholds)
        for _ in 0..<30 {
            bench.add(sample(rate: 100, at: bench.merger.tickEnd), times: 400)
            bench.tick()
        }
        let attack = try #require(bench.events.last?.event.attack)
        #expect(Set(attack.exceeded.map(\.trafficClass)) == [.total, .udp])
    }
}
