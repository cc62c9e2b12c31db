import Foundation
import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

@testable import Detection

/// What the lengths of samples tell of how sure a rate of bits is.
struct PacketLengthsTests {
    private static let rate: UInt32 = 1000

    private static func packet(octets: UInt64, packets: UInt64 = 1) -> TrafficSample {
        var sample = TrafficSample(
            source: IPAddress(192, 0, 2, 1),
            destination: victim,
            packets: packets * UInt64(rate),
            bytes: octets * UInt64(rate),
            sourcePort: 0,
            destinationPort: 0,
            ipProtocol: .udp,
            tcpFlags: [],
            icmpType: 0,
            icmpCode: 0,
            timeToLive: 64,
            isFragment: false
        )
        sample.noteCounted(packets)
        return sample
    }

    private static func typical(_ samples: [TrafficSample], in sum: Double? = nil) -> Double {
        let octets = samples.reduce(0) { $0 + Double($1.bytes) }
        return PacketLengths(samples, samplingRate: rate).typical(in: sum ?? octets)
    }

    @Test func aHandfulOfShortPacketsIsNoProofThatThereAreNoOthers() {
        func short(_ count: Int) -> Double { Self.typical(Array(repeating: Self.packet(octets: 64), count: count)) }
        #expect(Self.typical([]) == 1500)
        #expect(short(5) == 1500)
        #expect(short(100) > 1000)
        #expect(short(100_000) < 70 && short(100_000) >= 64)
    }

    @Test func anAverageOfSeveralPacketsSaysNothingOfTheLongest() {
        let flows = Array(repeating: Self.packet(octets: 20_000, packets: 100), count: 1000)
        #expect(Self.typical(flows) == 1500)
        let packets = Array(repeating: Self.packet(octets: 200), count: 1000)
        #expect(Self.typical(packets) < 250)
    }

    @Test func whatIsNotAmongTheSamplesIsTakenToBeOfTheLongestPackets() {
        let packets = Array(repeating: Self.packet(octets: 200), count: 1000)
        let known = 200.0 * 1000 * Double(Self.rate)
        #expect(abs(Self.typical(packets, in: known * 2) - (Self.typical(packets) + 1500) / 2) < 40)
        #expect(Self.typical(packets, in: known / 2) < 300, "more are known than came: their lengths are what counts")
    }

    @Test func packetsLongerThanOnAnOrdinaryLinkAreBelieved() {
        #expect(Self.typical(Array(repeating: Self.packet(octets: 9000), count: 1000)) == 9000)
    }

    // MARK: What is promised

    struct Mix: CustomTestStringConvertible {
        var lengths: [(octets: Double, share: Double)]
        var testDescription: String { lengths.map { "\($0.share) of \($0.octets)" }.joined(separator: ", ") }
        /// Mean of a power of the length, tilted.
        func mean(_ value: (Double) -> Double) -> Double { lengths.reduce(0) { $0 + $1.share * value($1.octets) } }
    }

    static let mixes = [
        Mix(lengths: [(388, 1)]),
        Mix(lengths: [(64, 0.5), (1500, 0.5)]),
        Mix(lengths: [(64, 0.58), (576, 0.33), (1500, 0.09)]),
        Mix(lengths: [(64, 0.98), (1500, 0.02)]),
        Mix(lengths: [(64, 0.9995), (1500, 0.0005)]),
    ]

    /// How likely a window alarms that holds `packets` sampled packets on average, at `share` of the limit.
    ///
    /// Windows are drawn from a distribution that alarms about every second time (each length's rate tilted by e^(θ·length)),
    /// and each counts for how much likelier or less likely it truly is: one in ten million is seen in a thousand draws.
    private static func alarmProbability(
        _ mix: Mix,
        packets: Double,
        share: Double,
        deviations: Double,
        seed: UInt64,
        typical: ([TrafficSample]) -> Double
    ) -> Double {
        let mean = packets * mix.mean { $0 }
        let wanted = mean + deviations * (packets * mix.mean { $0 * $0 }).squareRoot()
        func tilted(_ tilt: Double) -> Double { packets * mix.mean { $0 * exp(tilt * $0) } }
        var (low, high) = (0.0, 1e-6)
        while tilted(high) < wanted { high *= 2 }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if tilted(middle) < wanted { low = middle } else { high = middle }
        }
        let rates = mix.lengths.map { packets * $0.share * exp(low * $0.octets) }
        var generator = SeededGenerator(seed: seed)
        var probability = 0.0
        let draws = 1000
        for _ in 0..<draws {
            var samples: [TrafficSample] = []
            var sum = 0.0
            for (length, rate) in zip(mix.lengths, rates) {
                let count = generator.poisson(rate)
                sum += Double(count) * length.octets
                samples += Array(repeating: Self.packet(octets: UInt64(length.octets)), count: count)
            }
            let bits = sum * 8 * Double(Self.rate)
            let known = SampledRate.samples(bits: bits, samplingRate: Self.rate, typical: typical(samples))
            if SampledRate.isSure(samples: known, of: sum, above: mean / share) {
                probability += exp(rates.reduce(0, +) - packets - low * sum)
            }
        }
        return probability / Double(draws)
    }

    /// One in a thousand at the limit, one in ten million at 0.8 of it.
    @Test(arguments: mixes, [10.0, 40, 200])
    func noMoreFalseAlarmsThanPromised(_ mix: Mix, _ packets: Double) {
        let atLimit = Self.alarmProbability(mix, packets: packets, share: 1, deviations: 3.1, seed: 1) {
            Self.typical($0)
        }
        #expect(atLimit < 1.05e-3)
        let ordinary = Self.alarmProbability(mix, packets: packets, share: 0.8, deviations: 5.2, seed: 2) {
            Self.typical($0)
        }
        #expect(ordinary < 1.05e-7)
    }

    /// That the promise is none that anything keeps.
    @Test func packetsTakenToBeAllOfTheirAverageLengthWouldBreakIt() {
        func average(_ samples: [TrafficSample]) -> Double {
            Double(samples.reduce(0) { $0 + $1.bytes }) / Double(max(1, samples.reduce(0) { $0 + $1.packets }))
        }
        let mix = Self.mixes[2]
        #expect(
            Self.alarmProbability(mix, packets: 200, share: 1, deviations: 3.1, seed: 1, typical: average) > 3e-3
        )
    }

    // MARK: The whole

    /// 1.5 times a threshold of bits by packets of 400 octets, nine sampled a second: were they taken to be of 1500 it would
    /// take 34 s to be sure.
    @Test func packetsOfOneLengthAreJudgedAsThose() throws {
        var thresholds = Thresholds()
        thresholds[.udp, .bits] = 200e6
        var generator = SeededGenerator(seed: 5)
        for octets: UInt64 in [400, 1500] {
            let packetsPerSecond = 1.5 * 200e6 / 8 / Double(octets)
            var bench = Bench(thresholds: thresholds)
            for _ in 0..<300 {
                for _ in 0..<generator.poisson(packetsPerSecond / 10_000 / 10) {
                    var record = sample(rate: 10_000, at: bench.now)
                    record.bytes = octets
                    bench.add(record)
                    // Of another class, whatever its length.
                    record.ipProtocol = .tcp
                    record.bytes = 1500
                    bench.add(record)
                }
                bench.tick()
            }
            #expect(bench.begun.isEmpty == (octets == 1500), "\(octets) octets")
            guard let crossing = bench.begun.first?.crossing else { continue }
            #expect(crossing.unit == .bits && crossing.lowerBound > crossing.threshold)
        }
    }

    /// The same by flow records: their averages do not say it.
    @Test func averagesOfFlowsAreJudgedWithCaution() {
        var thresholds = Thresholds()
        thresholds[.udp, .bits] = 200e6
        var bench = Bench(thresholds: thresholds)
        var generator = SeededGenerator(seed: 6)
        for _ in 0..<300 {
            for _ in 0..<generator.poisson(1.5 * 200e6 / 8 / 400 / 10_000 / 10 / 3) {
                var record = flow(packets: 3, seconds: 0, endingAt: bench.now)
                record.samplingRate = 10_000
                record.bytes = 1200
                bench.add(record)
            }
            bench.tick()
        }
        #expect(bench.begun.isEmpty)
    }
}
