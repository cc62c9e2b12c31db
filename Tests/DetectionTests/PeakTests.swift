import NetworkTypes
import Telemetry
import Testing
import Traffic

@testable import Detection

/// What was highest in the past hours, and the thresholds that it proposes.
struct PeakTests {
    private func host(_ number: UInt8) -> IPAddress { IPAddress(198, 51, 100, number) }

    private func bench(_ threshold: Double = 20_000, groups: [DetectionConfiguration.Group] = []) -> Bench {
        Bench(thresholds: limits(threshold), groups: groups) { traffic, _ in traffic.tick = .seconds(1) }
    }

    /// So many packets a second, of a thousand octets, to each host.
    private func run(_ bench: inout Bench, seconds: Int, _ packets: [IPAddress: UInt64], rate: UInt32 = 1) {
        for _ in 0..<seconds {
            for (address, packets) in packets {
                var record = sample(to: address, rate: rate, at: bench.now)
                record.packets = packets
                record.bytes = packets * 1000
                bench.add(record)
            }
            bench.tick()
        }
    }

    private func isNear(_ rate: Double?, _ wanted: Double) -> Bool {
        rate.map { abs($0 / wanted - 1) < 0.01 } ?? false
    }

    /// The epoch's hour 278 is from 800 to 4,400 s after the start.
    @Test func anHourHasTheHighestSecondOfEachHostAndWhenItWas() throws {
        var bench = bench()
        run(&bench, seconds: 1000, [host(4): 10])
        #expect(bench.detector.takePeakHours().allSatisfy { $0.hour == 277 && $0.packets.isEmpty })
        run(&bench, seconds: 1000, [host(1): 2000, host(2): 700, host(3): 30])
        run(&bench, seconds: 1, [host(1): 9000, host(2): 700])
        run(&bench, seconds: 2399, [host(1): 2000, host(2): 700])
        #expect(bench.detector.takePeakHours().isEmpty)
        run(&bench, seconds: 400, [host(1): 3000])
        let hours = bench.detector.takePeakHours()
        let hour = try #require(hours.first { $0.subject == .hosts(group: nil) })
        #expect(hour.hour == 278 && hour.minutes >= 59)
        #expect(hour.packets.map(\.member) == [IPPrefix(host: host(1)), IPPrefix(host: host(2))])
        #expect(isNear(hour.packets.first?.rate, 9000) && isNear(hour.bits.first?.rate, 72e6))
        #expect(isNear(hour.packets.last?.rate, 700))
        #expect(hour.packets.first?.minute == 20)
        #expect(hour.packets.first?.minutes == 1 && (hour.packets.last?.minutes ?? 0) > 40)
        #expect(isNear(hour.beyond(.packets), 500))
        // The network has the sum of them.
        let network = try #require(hours.first { $0.subject == .networks(group: nil) })
        #expect(isNear(network.packets.first?.rate, 9700))
        #expect(bench.detector.takePeakHours().isEmpty)
        #expect(isNear(bench.detector.openPeakHours.first?.packets.first?.rate, 3000))
    }

    @Test func anAttackAndWhatComesJustBeforeAndAfterAreNotRecorded() throws {
        var bench = bench()
        run(&bench, seconds: 600, [host(1): 2000])
        // It rises for a minute before it is found.
        run(&bench, seconds: 30, [host(1): 15_000])
        run(&bench, seconds: 300, [host(1): 90_000])
        #expect(bench.begun.count == 1)
        run(&bench, seconds: 60, [host(1): 15_000])
        run(&bench, seconds: 400, [host(1): 2000])
        #expect(bench.ended.count == 1)
        run(&bench, seconds: 1800, [host(1): 2500])
        let before = try #require(bench.detector.takePeakHours().first { $0.subject == .hosts(group: nil) })
        #expect(isNear(before.packets.first?.rate, 2000))
        let hour = try #require(bench.detector.openPeakHours.first { $0.subject == .hosts(group: nil) })
        #expect(hour.packets.count == 1 && isNear(hour.packets.first?.rate, 2500))
        let network = try #require(bench.detector.openPeakHours.first { $0.subject == .networks(group: nil) })
        #expect(isNear(network.packets.first?.rate, 2500))
    }

    /// A host that gets a steady 3,000 packets a second, of which 1 in 1000 is seen: over a second that is certain of
    /// nothing, over 64 of nearly all.
    @Test func fewSamplesCountAsFarAsTheyAreCertain() throws {
        var bench = bench()
        for _ in 0..<1500 {
            for _ in 0..<3 { bench.add(sample(to: host(1), rate: 1000, at: bench.now)) }
            bench.tick()
        }
        let rate = try #require(bench.detector.openPeakHours.first?.packets.first?.rate)
        #expect(rate > 1800 && rate < 3000, "\(rate)")
        // Of two samples in one second and no more nothing is certain.
        var lone = self.bench()
        for _ in 0..<2 { lone.add(sample(to: host(1), rate: 1000, at: lone.now)) }
        for _ in 0..<300 { lone.tick() }
        #expect((lone.detector.openPeakHours.first?.packets.first?.rate ?? 0) < 500)
    }

    @Test func flowsThatAreReportedLateCountAsTheyFlowed() throws {
        var bench = bench()
        for _ in 0..<10 {
            for _ in 0..<60 { bench.tick() }
            bench.add(flow(packets: 300_000, seconds: 60, endingAt: bench.now))
            bench.tick()
        }
        let rate = try #require(bench.detector.openPeakHours.first?.packets.first?.rate)
        #expect(abs(rate / 5000 - 1) < 0.1, "\(rate)")
    }

    @Test func theHighestStayWhereThereIsNoRoomForAll() throws {
        var record = PeakRecord([(name: .hosts(group: nil), least: (packets: 10, bits: 1e9))])
        record.turn(to: 60)
        for index in 0..<5000 {
            let key = TrafficKey(host: IPAddress(high: 1, low: UInt64(index)), isIncoming: true)
            let rates = PeakRates(packets: Double(100 + index * 7919 % 5000), bits: 0)
            record.note(key, nil, subject: 0, certain: rates, estimate: rates)
        }
        #expect(record.members.count <= 1024)
        record.turn(to: 62)
        let hour = try #require(record.openHours.first)
        #expect(hour.packets.count == PeakHour.kept)
        #expect(isNear(hour.packets.first?.rate, 5099) && isNear(hour.packets.last?.rate, 5092))
        #expect(hour.beyond(.packets) < 5092 * 1.01 && hour.beyond(.packets) > 1000)
    }

    /// A thousand times as many as there is room for, all alike: some of them are known, and that the others have as much.
    @Test func ofManyThatAreAlikeSomeStay() throws {
        var record = PeakRecord([(name: .hosts(group: nil), least: (packets: 10, bits: 1e9))])
        record.turn(to: 60)
        let rates = PeakRates(packets: 700, bits: 0)
        for index in 0..<20_000 {
            let key = TrafficKey(host: IPAddress(high: 1, low: UInt64(index)), isIncoming: true)
            record.note(key, nil, subject: 0, certain: rates, estimate: rates)
        }
        #expect(record.subjects[0].floor.packets > 700, "no more of them are looked at")
        record.turn(to: 62)
        let hour = try #require(record.openHours.first)
        #expect(hour.packets.count == PeakHour.kept && isNear(hour.packets.first?.rate, 700))
        #expect(hour.beyond(.packets) >= 700 && hour.beyond(.packets) < 720)
    }

    @Test func anHourGoesOnAfterARestart() throws {
        let web = DetectionConfiguration.Group(
            name: "web",
            prefixes: ["198.51.100.0/30"].compactMap { IPPrefix($0) },
            thresholds: Thresholds()
        )
        var first = bench(groups: [web])
        run(&first, seconds: 600, [host(1): 4000, host(9): 6000])
        let kept = first.detector.openPeakHours
        var second = bench(groups: [web])
        second.detector.restore(kept, at: Bench.start)
        #expect(second.detector.openPeakHours == kept)
        run(&second, seconds: 3000, [host(1): 1000])
        let hours = second.detector.takePeakHours()
        #expect(isNear(hours.first { $0.subject == .hosts(group: "web") }?.packets.first?.rate, 4000))
        #expect(isNear(hours.first { $0.subject == .hosts(group: nil) }?.packets.first?.rate, 6000))
        // What is of another hour, or of a group that is gone, is not taken up.
        var third = bench()
        third.detector.restore(kept, at: Bench.start + .seconds(7200))
        #expect(third.detector.openPeakHours.allSatisfy { $0.packets.isEmpty })
    }

    @Test func attacksThatThereWasNoRoomToFollowAreNotRecordedEither() {
        var bench = Bench(thresholds: limits(20_000)) { traffic, detection in
            traffic.tick = .seconds(1)
            detection.maximumActiveAttacks = 1
        }
        run(&bench, seconds: 300, [host(1): 90_000, host(2): 90_000])
        #expect(bench.begun.count == 1)
        #expect(bench.detector.openPeakHours.first?.packets.isEmpty ?? false)
    }
}
