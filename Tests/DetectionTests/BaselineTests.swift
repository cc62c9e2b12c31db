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
        #expect(Baseline(minutes: 1, words: [1, 2, 3]) == nil)
        let wild = Baseline(minutes: .max, words: Array(repeating: .max, count: 336))
        let normal = wild?.normal(.packets, minute: -5) ?? .nan
        #expect(normal > 1e18 && normal.isFinite)
    }

    private func teach(_ baseline: inout Baseline, _ minutes: Range<Int64>, packets: Double) {
        for minute in minutes { teach(&baseline, minute: minute, packets: packets) }
    }

    private func teach(_ baseline: inout Baseline, minute: Int64, packets: Double) {
        baseline.learn(
            packets: .init(rate: packets),
            bits: .init(rate: packets * 8000),
            minutes: 1,
            hour: minute / 60
        )
    }

    /// Days and nights, learnt for three weeks: each hour has its own level, above most of what it gets.
    @Test func eachHourOfTheWeekHasItsOwn() throws {
        var random = SeededGenerator(seed: 3)
        var baseline = Baseline()
        func usual(_ minute: Int64) -> Double { (minute / 60) % 24 < 12 ? 100 : 1000 }
        for minute in 0..<(3 * Self.week) {
            teach(&baseline, minute: minute, packets: usual(minute) * Double.random(in: 0.5...1.5, using: &random))
        }
        let night = try #require(baseline.normal(.packets, minute: 3 * Self.week + 5 * 60))
        let day = try #require(baseline.normal(.packets, minute: 3 * Self.week + 17 * 60))
        #expect(night > 110 && night < 180, "\(night)")
        #expect(day > 1100 && day < 1800, "\(day)")
        #expect(abs((baseline.normal(.bits, minute: 17 * 60) ?? 0) / day / 8000 - 1) < 0.05)
    }

    /// An hour of an attack that nobody noticed teaches no more than twice the normal, and three minutes of it nothing.
    @Test func anHourOfAnAttackTeachesLittle() throws {
        var baseline = Baseline()
        teach(&baseline, 0..<Self.week, packets: 100)
        var brief = baseline
        for minute in 0..<Int64(60) {
            teach(&brief, minute: Self.week + minute, packets: (20..<23).contains(minute) ? 1e6 : 100)
        }
        brief.endHour()
        #expect(try #require(brief.normal(.packets, minute: Self.week + 30)) < 110)
        teach(&baseline, Self.week..<(Self.week + 60), packets: 1e6)
        baseline.endHour()
        let normal = try #require(baseline.normal(.packets, minute: Self.week + 30))
        #expect(normal > 190 && normal < 210, "\(normal)")
        // Nor does the first visit of an hour teach more than four times the highest, once a day is known.
        var young = Baseline()
        teach(&young, 0..<(24 * 60), packets: 100)
        teach(&young, (24 * 60)..<(25 * 60), packets: 1e6)
        young.endHour()
        let new = try #require(young.normal(.packets, minute: 24 * 60))
        #expect(new > 380 && new < 410, "\(new)")
    }

    /// Nor does an hour in which a host had next to nothing make its usual traffic an attack a week later.
    @Test func anHourOfMaintenanceTeachesNoMoreThanHalf() throws {
        var baseline = Baseline()
        teach(&baseline, 0..<(3 * Self.week), packets: 1000)
        teach(&baseline, (3 * Self.week)..<(3 * Self.week + 300), packets: 1)
        baseline.endHour()
        let normal = try #require(baseline.normal(.packets, minute: 4 * Self.week + 150))
        #expect(normal > 480 && normal < 520, "\(normal)")
    }

    /// Less than a third of an hour says nothing of it: then it is as on other days, if it is known of any.
    @Test func anHourIsKnownOnceItWasLookedAtForLongEnough() throws {
        var baseline = Baseline()
        teach(&baseline, 0..<60, packets: 1000)
        teach(&baseline, 60..<79, packets: 10)
        teach(&baseline, 120..<240, packets: 20)
        baseline.endHour()
        let unknown = try #require(baseline.normal(.packets, minute: 24 * 60 + 90))
        #expect(unknown > 980 && unknown < 1020, "the highest of all, \(unknown)")
        let known = try #require(baseline.normal(.packets, minute: 24 * 60 + 3 * 60))
        #expect(known > 19 && known < 21, "\(known)")
        #expect(Baseline().normal(.packets, minute: 5) == nil)
    }

    /// A backup on Monday at two is normal on Tuesday at two, although Tuesday's one is known and had none; after some
    /// weeks Tuesday is known well enough by itself.
    @Test func anUnknownHourIsThatOfOtherDays() throws {
        func packets(_ minute: Int64) -> Double { minute / 60 % 168 == 2 ? 14_000 : 1500 }
        var baseline = Baseline()
        for minute in 0..<Int64(26 * 60) { teach(&baseline, minute: minute, packets: packets(minute)) }
        baseline.endHour()
        let tuesday = try #require(baseline.normal(.packets, minute: 26 * 60 + 1))
        #expect(tuesday > 13_800 && tuesday < 14_200, "\(tuesday)")
        let morning = try #require(baseline.normal(.packets, minute: 33 * 60))
        #expect(morning > 1480 && morning < 1520, "\(morning)")
        for minute in (26 * 60)..<(2 * Self.week + 60) { teach(&baseline, minute: minute, packets: packets(minute)) }
        baseline.endHour()
        let later = try #require(baseline.normal(.packets, minute: 2 * Self.week + 26 * 60))
        #expect(later > 1480 && later < 1520, "\(later)")
        let monday = try #require(baseline.normal(.packets, minute: 2 * Self.week + 150))
        #expect(monday > 13_800 && monday < 14_200, "\(monday)")
    }

    /// What an earlier version kept is read; an hour that it took for silent from one look is not believed.
    @Test func rowsOfAnEarlierVersionAreRead() throws {
        var levels = [UInt16](repeating: 0, count: 336)
        for hour in 0..<26 {
            levels[hour * 2] = BaselineLevel(rate: hour == 25 ? 3 : 1000).rawValue
            levels[hour * 2 + 1] = BaselineLevel(rate: hour == 25 ? 23_200 : 8e6).rawValue
        }
        var old = try #require(Baseline(minutes: 26 * 60, words: levels))
        let normal = try #require(old.normal(.bits, minute: 26 * 60))
        #expect(normal > 7.9e6 && normal < 8.1e6, "\(normal)")
        teach(&old, (Self.week + 25 * 60)..<(Self.week + 26 * 60), packets: 1000)
        old.endHour()
        let again = try #require(Baseline(minutes: old.minutes, words: old.words))
        #expect(again == old && again.words.count == 357)
        #expect(abs(BaselineLevel(rawValue: again.words[50]).rate - 1000) < 10, "healed within an hour")
    }

    @Test func theTableIsBoundedAndTheOldGiveWay() {
        var table = BaselineTable()
        let start = Timestamp(seconds: 1_000_000)
        func key(_ index: Int) -> TrafficKey {
            TrafficKey(host: IPAddress(high: 1, low: UInt64(index)), isIncoming: true)
        }
        for index in 0..<(BaselineTable.maximumHosts + 100) { table.admit(key(index), at: start) }
        #expect(table.entries.count == BaselineTable.maximumHosts && table.unlearned == 100)
        let later = start + .seconds(8 * 86_400)
        table.admit(key(999_999), at: later)
        #expect(table.knows(key(999_999)) && table.entries.count == BaselineTable.maximumHosts)
    }

    @Test func whatWasSeenJustBeforeAnAttackIsNotLearnt() {
        var table = BaselineTable()
        let key = TrafficKey(host: victim, isIncoming: true)
        func at(_ second: Int64) -> Timestamp { Timestamp(seconds: Double(second)) }
        func watch(_ seconds: Range<Int64>, packets: Double) {
            for second in seconds {
                table.settle(at: 0, at: at(second))
                table.look(at: 0, packets: packets, bits: packets * 800, samplingRate: 1, seconds: 1, at: at(second))
            }
        }
        table.admit(key, at: at(0))
        watch(0..<1500, packets: 100)
        watch(1500..<1560, packets: 5000)
        table.distrust(key, at: at(1560))
        watch(1560..<2160, packets: 9000)
        #expect(table.entries.first?.baseline.minutes == 25)
        watch(2160..<3600, packets: 100)
        watch(3600..<3780, packets: 7)
        #expect(table.entries.first?.baseline.minutes == 51, "it goes on after ten minutes")
        let normal = table.entries.first?.baseline.normal(.packets, minute: 12) ?? 0
        #expect(normal > 98 && normal < 102, "\(normal)")
    }

    /// What one second of few samples says is nothing; a minute of bursts is as high as these.
    @Test func aLookLastsUntilItSaysEnough() {
        var sparse = BaselineLook()
        var seconds = 0
        while !sparse.isComplete {
            sparse.add(packets: seconds % 25 == 0 ? 10_000 : 0, bits: 0, samplingRate: 10_000, seconds: 1)
            seconds += 1
        }
        #expect(seconds > 350 && seconds < 410, "16 samples")
        #expect(abs(sparse.levels.packets.rate - 400) < 40, "\(sparse.levels.packets.rate)")
        var bursts = BaselineLook()
        for second in 0..<60 {
            let packets = second == 20 ? 5000.0 : 0
            bursts.add(packets: packets, bits: packets * 8000, samplingRate: 1, seconds: 1)
        }
        #expect(bursts.isComplete && abs(bursts.levels.packets.rate - 5000) < 30)
        #expect(abs(bursts.levels.bits.rate / 4e7 - 1) < 0.01)
        var silence = BaselineLook()
        for _ in 0..<60 { silence.add(packets: 0, bits: 0, samplingRate: 1, seconds: 1) }
        #expect(silence.isComplete && !silence.isOfTraffic)
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

    private func sampled(thresholds packets: Double = 1e6, factor: Double = 5) -> Bench {
        Bench(thresholds: limits(packets)) { traffic, detection in
            traffic.tick = .seconds(1)
            detection.baseline = BaselineConfiguration(
                factor: factor,
                packetsFloor: 1000,
                bitsFloor: 1e6,
                learningTime: .seconds(3 * 3600)
            )
        }
    }

    /// A day and some hours of a steady host with three samples in two seconds: no second of it is too far from normal.
    @Test func fewSamplesTeachWhatTheyTellOverMinutes() {
        var bench = sampled()
        var random = SeededGenerator(seed: 7)
        for _ in 0..<(30 * 3600) {
            bench.add(sample(rate: 10_000, at: bench.now), times: random.poisson(1.5))
            bench.tick()
        }
        #expect(bench.begun.isEmpty, "\(bench.begun.map(\.crossing.description))")
        let normal = bench.detector.baselineStandings(at: bench.now, group: { _ in nil }, where: { _, _ in true })
        let packets = normal.first { $0.target == .host(victim) }?.levels.first { $0.unit == .packets }?.normal ?? 0
        #expect(packets > 15_000 && packets < 22_000, "\(packets)")
    }

    /// Two minutes without any telemetry at the first minutes of an hour leave what is normal as it is.
    @Test func silenceOfTheExportersTeachesNothing() {
        var bench = sampled()
        // To a full hour.
        run(&bench, seconds: 3600 - 1_000_000 % 3600 + 5 * 3600, packets: 3000)
        for _ in 0..<125 { bench.tick() }
        run(&bench, seconds: 2 * 3600 - 125, packets: 3000)
        #expect(bench.begun.isEmpty, "\(bench.begun.map(\.crossing.description))")
        let standing = bench.detector.baselineStanding(of: .host(victim), at: bench.now)
        let packets = standing?.levels.first { $0.unit == .packets }?.normal ?? 0
        #expect(abs(packets / 3000 - 1) < 0.02, "\(packets)")
    }

    /// Half a minute of much, half a minute of nothing, at random.
    @Test func burstsAreAsNormalAsTheyAre() {
        var bench = sampled(factor: 4)
        var random = SeededGenerator(seed: 5)
        for _ in 0..<(8 * 120) {
            let isOn = Bool.random(using: &random)
            for _ in 0..<30 {
                bench.add(sample(rate: 1000, at: bench.now), times: isOn ? random.poisson(6) : 0)
                bench.tick()
            }
        }
        #expect(bench.begun.isEmpty, "\(bench.begun.map(\.crossing.description))")
    }

    /// Flows of a minute that are told of when they are over come to what they are, second by second.
    @Test(arguments: [UInt32(1), 100])
    func flowsThatAreToldOfLateAreLearntAsTheyFlowed(_ samplingRate: UInt32) {
        var bench = sampled()
        for second in 0..<(6 * 3600) {
            if second % 60 == 59 {
                var record = flow(packets: 3000 * 60 / UInt64(samplingRate), seconds: 60, endingAt: bench.now)
                record.samplingRate = samplingRate
                bench.add(record)
            }
            bench.tick()
        }
        #expect(bench.begun.isEmpty, "\(bench.begun.map(\.crossing.description))")
        let standing = bench.detector.baselineStanding(of: .host(victim), at: bench.now)
        let packets = standing?.levels.first { $0.unit == .packets }?.normal ?? 0
        #expect(abs(packets / 3000 - 1) < 0.1, "\(packets)")
    }
}
