import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

@testable import Detection

/// What is normal, and what is too far from it.
struct BaselineTests {
    private static let week: Int64 = 7 * 24 * 60

    @Test(arguments: [0.0, 1, 100, 12_345, 1e6, 4e9, 1e14])
    func levelsAreRatesToAPartInTwoHundred(_ rate: Double) {
        let back = BaselineLevel(rate: rate).rate
        #expect(abs(back - rate) <= max(0.01, rate * 0.005), "\(rate) became \(back)")
        #expect(BaselineLevel(rate: rate) != .unknown)
    }

    @Test func levelsOfWhatCannotBeAreBounded() {
        for rate in [Double.infinity, .nan, -5, 1e300] { #expect(BaselineLevel(rate: rate).rate <= 2e18) }
        #expect(Baseline(minutes: 1, levels: [1, 2, 3]) == nil)
        let wild = Baseline(minutes: .max, levels: Array(repeating: .max, count: 336))
        let normal = wild?.normal(.packets, minute: -5) ?? .nan
        #expect(normal > 1e18 && normal.isFinite)
    }

    /// Days and nights, learnt for three weeks: each hour has its own level, above most of what it gets.
    @Test func eachHourOfTheWeekHasItsOwn() throws {
        var random = SeededGenerator(seed: 3)
        var baseline = Baseline()
        func usual(_ minute: Int64) -> Double { (minute / 60) % 24 < 12 ? 100 : 1000 }
        for minute in 0..<(3 * Self.week) {
            let rate = usual(minute) * Double.random(in: 0.5...1.5, using: &random)
            baseline.learn(packets: .init(rate: rate), bits: .init(rate: rate * 8000), minute: minute)
        }
        let night = try #require(baseline.normal(.packets, minute: 3 * Self.week + 5 * 60))
        let day = try #require(baseline.normal(.packets, minute: 3 * Self.week + 17 * 60))
        #expect(night > 110 && night < 180, "\(night)")
        #expect(day > 1100 && day < 1800, "\(day)")
        #expect(abs((baseline.normal(.bits, minute: 17 * 60) ?? 0) / day / 8000 - 1) < 0.05)
    }

    /// An hour of an attack that nobody noticed teaches no more than twice the normal.
    @Test func anHourOfAnAttackTeachesLittle() throws {
        var baseline = Baseline()
        for minute in 0..<Self.week {
            baseline.learn(packets: .init(rate: 100), bits: .init(rate: 1e6), minute: minute)
        }
        for minute in Self.week..<(Self.week + 60) {
            baseline.learn(packets: .init(rate: 1e6), bits: .init(rate: 1e10), minute: minute)
        }
        let normal = try #require(baseline.normal(.packets, minute: Self.week + 30))
        #expect(normal < 210, "\(normal)")
        // Nor does the first visit of an hour, once others are known.
        var young = Baseline()
        for minute in 0..<Int64(120) { young.learn(packets: .init(rate: 100), bits: .init(rate: 1e6), minute: minute) }
        young.learn(packets: .init(rate: 1e6), bits: .init(rate: 1e10), minute: 121)
        #expect(try #require(young.normal(.packets, minute: 121)) < 410)
    }

    @Test func theTableIsBoundedAndTheOldGiveWay() {
        var table = BaselineTable()
        let start = Timestamp(seconds: 1_000_000)
        func key(_ index: Int) -> TrafficKey {
            TrafficKey(host: IPAddress(high: 1, low: UInt64(index)), isIncoming: true)
        }
        for index in 0..<(BaselineTable.maximumHosts + 100) {
            table.observe(key(index), packets: 1, bits: 1, at: start)
        }
        #expect(table.entries.count == BaselineTable.maximumHosts && table.unlearned == 100)
        let later = start + .seconds(8 * 86_400)
        table.observe(key(999_999), packets: 1, bits: 1, at: later)
        #expect(table.knows(key(999_999)) && table.entries.count == BaselineTable.maximumHosts)
    }

    @Test func whatWasSeenJustBeforeAnAttackIsNotLearnt() {
        var table = BaselineTable()
        let key = TrafficKey(host: victim, isIncoming: true)
        func at(_ minute: Int64) -> Timestamp { Timestamp(seconds: Double(60 * minute)) }
        for minute in 0..<Int64(10) { table.observe(key, packets: 100, bits: 1e5, at: at(minute)) }
        table.observe(key, packets: 5000, bits: 1e7, at: at(10))
        table.distrust(key, at: at(11))
        for minute in 11..<Int64(20) { table.observe(key, packets: 9000, bits: 1e7, at: at(minute)) }
        #expect(table.entries.first?.baseline.minutes == 10)
        let normal = table.entries.first?.baseline.normal(.packets, minute: 12) ?? 0
        #expect(normal < 110, "\(normal)")
        for minute in 21..<Int64(30) { table.observe(key, packets: 100, bits: 1e5, at: at(minute)) }
        #expect(table.entries.first?.baseline.minutes == 18, "it goes on after ten minutes")
    }

    private func bench(factor: Double = 5, learning: Duration = .seconds(3600)) -> Bench {
        Bench(thresholds: limits(1e6)) { traffic, detection in
            traffic.tick = .seconds(1)
            detection.baseline = BaselineConfiguration(
                factor: factor,
                packetsFloor: 1000,
                bitsFloor: 1e9,
                learningTime: learning
            )
        }
    }

    private func run(_ bench: inout Bench, seconds: Int, packets: Int) {
        for _ in 0..<seconds {
            var record = sample(rate: 1, at: bench.now)
            record.packets = UInt64(packets)
            record.bytes = UInt64(packets * 100)
            bench.add(record)
            bench.tick()
        }
    }

    @Test func whatIsFarFromNormalIsAnAttackAndSaysSo() throws {
        var bench = bench()
        run(&bench, seconds: 2 * 3600, packets: 500)
        #expect(bench.begun.isEmpty)
        run(&bench, seconds: 60, packets: 2000)
        #expect(bench.begun.isEmpty, "four times the normal")
        run(&bench, seconds: 30, packets: 4000)
        let attack = try #require(bench.begun.first)
        let normal = try #require(attack.crossing.normal)
        #expect(normal > 480 && normal < 650, "\(normal)")
        #expect(abs(attack.crossing.threshold - 5 * normal) < 1)
        #expect(attack.crossing.description.contains("is normal at this hour"))
        #expect(attack.target == .host(victim))
        // It goes on after a restart, and ends when its rate is back.
        run(&bench, seconds: 30, packets: 500)
        #expect(bench.ended.count == 1)
        var again = self.bench()
        #expect(again.detector.resume([attack], at: Bench.start).isEmpty)
        run(&again, seconds: 30, packets: 4000)
        #expect(again.ended.isEmpty && again.begun.isEmpty)
    }

    @Test func nobodyIsJudgedBeforeEnoughIsLearntNorBelowTheFloor() {
        var young = bench()
        run(&young, seconds: 1800, packets: 500)
        run(&young, seconds: 30, packets: 4000)
        #expect(young.begun.isEmpty)
        var small = bench()
        run(&small, seconds: 2 * 3600, packets: 30)
        run(&small, seconds: 30, packets: 900)
        #expect(small.begun.isEmpty, "thirty times its normal, and still nothing")
        run(&small, seconds: 30, packets: 1500)
        #expect(small.begun.first?.crossing.threshold == 1000)
    }

    /// An attack that lasts for hours does not become normal while it is one.
    @Test func nothingIsLearntOfAnAttack() {
        var bench = bench()
        run(&bench, seconds: 2 * 3600, packets: 500)
        run(&bench, seconds: 2 * 3600, packets: 10_000)
        #expect(bench.begun.count == 1 && bench.ended.isEmpty)
        run(&bench, seconds: 1200, packets: 500)
        run(&bench, seconds: 30, packets: 10_000)
        #expect(bench.begun.count == 2)
        let normal = bench.begun.last?.crossing.normal ?? 0
        #expect(normal > 400 && normal < 650, "\(normal)")
    }

    @Test func whatWasLearntIsKeptOverARestart() {
        var first = bench()
        run(&first, seconds: 2 * 3600, packets: 500)
        var learnt = first.detector.learntBaselines()
        #expect(Set(learnt.map(\.target.description)) == ["198.51.100.10"])
        #expect(learnt.count == (0..<7).flatMap { first.detector.learntBaselines(part: $0, of: 7) }.count)
        learnt.append(.init(target: .host(victim), minutes: 5, levels: []))
        learnt.append(.init(target: .group(name: "sold", prefixes: []), minutes: 5, levels: learnt[0].levels))
        var second = bench()
        #expect(second.detector.restore(learnt, at: Bench.start) == 2, "damaged, and of what is no more")
        run(&second, seconds: 10, packets: 4000)
        #expect(second.begun.first?.crossing.normal != nil)
    }
}
