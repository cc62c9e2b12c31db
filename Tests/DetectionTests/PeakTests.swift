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
        #expect(isNear(hour[PeakAspect(.incoming, .total, .packets)]?.beyondRate, 500))
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
        var record = PeakRecord([.hosts(group: nil)]) { _, _, _ in PeakRates(packets: 10, bits: 1e9, flows: 1e9) }
        record.turn(to: 60)
        for index in 0..<5000 {
            let key = TrafficKey(host: IPAddress(high: 1, low: UInt64(index)), isIncoming: true)
            let rates = PeakRates(packets: Double(100 + index * 7919 % 5000), bits: 0, flows: 0)
            record.note(key, nil, lane: 0, certain: rates, estimate: rates)
        }
        #expect(record.members.count <= 1024)
        record.turn(to: 62)
        let hour = try #require(record.openHours.first)
        #expect(hour.packets.count == 8)
        #expect(isNear(hour.packets.first?.rate, 5099) && isNear(hour.packets.last?.rate, 5092))
        #expect(hour.packetsBeyond < 5092 * 1.01 && hour.packetsBeyond > 1000)
    }

    /// A thousand times as many as there is room for, all alike: some of them are known, and that the others have as much.
    @Test func ofManyThatAreAlikeSomeStay() throws {
        var record = PeakRecord([.hosts(group: nil)]) { _, _, _ in PeakRates(packets: 10, bits: 1e9, flows: 1e9) }
        record.turn(to: 60)
        let rates = PeakRates(packets: 700, bits: 0, flows: 0)
        for index in 0..<20_000 {
            let key = TrafficKey(host: IPAddress(high: 1, low: UInt64(index)), isIncoming: true)
            record.note(key, nil, lane: 0, certain: rates, estimate: rates)
        }
        #expect(record.lanes[0].floor[.packets] > 700, "no more of them are looked at")
        record.turn(to: 62)
        let hour = try #require(record.openHours.first)
        #expect(hour.packets.count == 8 && isNear(hour.packets.first?.rate, 700))
        #expect(hour.packetsBeyond >= 700 && hour.packetsBeyond < 720)
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

    // MARK: Directions and classes

    private func record(
        from source: IPAddress,
        to destination: IPAddress,
        _ number: IPProtocol,
        packets: UInt64,
        at time: Timestamp,
        flags: TCPFlags = []
    ) -> FlowRecord {
        var record = sample(to: destination, from: source, rate: 1, protocol: number, at: time)
        (record.packets, record.bytes) = (packets, packets * 1000)
        record.tcpFlags = flags
        return record
    }

    @Test func eachDirectionAndClassHasPeaksOfItsOwn() throws {
        var bench = bench()
        let outside = IPAddress(192, 0, 2, 1)
        for second in 0..<600 {
            let udp: UInt64 = second == 300 ? 3000 : 900
            bench.add(record(from: outside, to: host(1), .udp, packets: udp, at: bench.now))
            bench.add(record(from: outside, to: host(1), .tcp, packets: 5000, at: bench.now))
            bench.add(record(from: outside, to: host(2), .tcp, packets: 800, at: bench.now, flags: .syn))
            bench.add(record(from: outside, to: host(2), .icmp, packets: 300, at: bench.now))
            bench.add(record(from: host(3), to: outside, .udp, packets: 2000, at: bench.now))
            bench.tick()
        }
        let hours = bench.detector.openPeakHours
        let hosts = try #require(hours.first { $0.subject == .hosts(group: nil) })
        func peaks(_ direction: TrafficDirection, _ trafficClass: TrafficClass, _ unit: TrafficUnit = .packets)
            -> [TrafficPeak]
        { hosts[PeakAspect(direction, trafficClass, unit)]?.peaks ?? [] }
        #expect(isNear(peaks(.incoming, .total).first?.rate, 8000))
        #expect(peaks(.incoming, .udp).map(\.member) == [IPPrefix(host: host(1))])
        #expect(
            isNear(peaks(.incoming, .udp).first?.rate, 3000) && isNear(peaks(.incoming, .udp, .bits).first?.rate, 24e6)
        )
        #expect(peaks(.incoming, .udp).first?.minutes == 1, "of the others none came near it")
        #expect(isNear(peaks(.incoming, .tcp).first?.rate, 5000) && peaks(.incoming, .tcp).count == 2)
        #expect(peaks(.incoming, .tcpSYN).map(\.member) == [IPPrefix(host: host(2))])
        #expect(isNear(peaks(.incoming, .tcpSYN).first?.rate, 800))
        // 300 a second are nothing to be alarmed about, nor what there is none of.
        #expect(peaks(.incoming, .icmp).isEmpty && peaks(.incoming, .fragments).isEmpty)
        #expect(peaks(.outgoing, .udp).map(\.member) == [IPPrefix(host: host(3))])
        #expect(isNear(peaks(.outgoing, .total).first?.rate, 2000) && peaks(.outgoing, .tcp).isEmpty)
        let network = try #require(hours.first { $0.subject == .networks(group: nil) })
        #expect(isNear(network[PeakAspect(.outgoing, .udp, .packets)]?.peaks.first?.rate, 2000))
        #expect(isNear(network[PeakAspect(.incoming, .tcp, .packets)]?.peaks.first?.rate, 5800))
    }

    /// Two hundred hosts with thousands of packets a second of TCP do not hide the one with a tenth of it, of SYN.
    @Test func whatIsLittleOfAllMayBeMuchOfItsClass() throws {
        let outside = IPAddress(192, 0, 2, 1)
        // So that there is room for few: 256 subjects.
        let groups = (0..<255).map { index in
            DetectionConfiguration.Group(name: "g\(index)", prefixes: [], thresholds: Thresholds())
        }
        var bench = bench(groups: groups)
        for _ in 0..<300 {
            for number in 0..<200 as Range<UInt8> {
                bench.add(record(from: outside, to: host(number), .tcp, packets: 9000, at: bench.now, flags: .ack))
            }
            bench.add(record(from: outside, to: host(250), .tcp, packets: 600, at: bench.now, flags: .syn))
            bench.tick()
        }
        let hour = try #require(bench.detector.openPeakHours.first)
        #expect(hour.packets.count == 8 && !hour.packets.contains { $0.member == IPPrefix(host: host(250)) })
        let lane = bench.detector.peaks.lanes[0]
        #expect(lane.capacity == 32 && lane.floor[.packets] > 600, "there was no room for all")
        let syn = hour[PeakAspect(.incoming, .tcpSYN, .packets)]?.peaks ?? []
        #expect(syn.map(\.member) == [IPPrefix(host: host(250))] && isNear(syn.first?.rate, 600))
    }

    @Test func neitherWhatAnAttackedHostAnswersNorAnAttackItSendsIsRecorded() throws {
        var bench = Bench(thresholds: limits(20_000), outgoing: limits(20_000)) { traffic, _ in
            traffic.tick = .seconds(1)
        }
        let outside = IPAddress(192, 0, 2, 1)
        for second in 0..<1500 {
            let isAttacked = (300..<600).contains(second)
            bench.add(record(from: outside, to: host(1), .tcp, packets: isAttacked ? 90_000 : 700, at: bench.now))
            bench.add(record(from: host(1), to: outside, .tcp, packets: isAttacked ? 15_000 : 800, at: bench.now))
            bench.add(record(from: host(2), to: outside, .udp, packets: isAttacked ? 50_000 : 900, at: bench.now))
            bench.tick()
        }
        #expect(bench.begun.count == 2 && bench.ended.count == 2)
        let all = bench.detector.takePeakHours() + bench.detector.openPeakHours
        func highest(_ subject: PeakSubject, _ trafficClass: TrafficClass) -> Double? {
            all.filter { $0.subject == subject }
                .compactMap { $0[PeakAspect(.outgoing, trafficClass, .packets)]?.peaks.first?.rate }.max()
        }
        #expect(isNear(highest(.hosts(group: nil), .tcp), 800) && isNear(highest(.hosts(group: nil), .udp), 900))
        #expect(isNear(highest(.networks(group: nil), .total), 1700))
    }

    /// Where no threshold is set for UDP, of flow records it is not known how much flowed in a second: nothing is said then,
    /// rather than too little.
    @Test func ofFlowsThatAreToldLateOnlyWhatIsJudgedIsKnown() throws {
        for isJudged in [false, true] {
            var thresholds = limits(20_000)
            if isJudged { thresholds[.udp, .packets] = 20_000 }
            var bench = Bench(thresholds: thresholds) { traffic, _ in traffic.tick = .seconds(1) }
            for _ in 0..<10 {
                for _ in 0..<60 { bench.tick() }
                bench.add(flow(packets: 300_000, seconds: 60, endingAt: bench.now))
                bench.tick()
            }
            let hour = try #require(bench.detector.openPeakHours.first)
            #expect(abs((hour.packets.first?.rate ?? 0) / 5000 - 1) < 0.1)
            let udp = hour[PeakAspect(.incoming, .udp, .packets)]
            #expect((udp == nil) == !isJudged)
            if isJudged { #expect(abs((udp?.peaks.first?.rate ?? 0) / 5000 - 1) < 0.1) }
            #expect(hour[PeakAspect(.outgoing, .udp, .packets)]?.peaks.isEmpty ?? false, "nothing was told of those")
        }
    }

    @Test func flowsArePeaksOfTheirOwnAndNeedNoSamples() throws {
        var thresholds = limits(20_000)
        thresholds[.udp, .flows] = 20_000
        var bench = Bench(thresholds: thresholds) { traffic, _ in traffic.tick = .seconds(1) }
        for _ in 0..<300 {
            var record = flow(packets: 1, seconds: 0, endingAt: bench.now)
            record.samplingRate = 1
            bench.add(record, times: 400)
            bench.tick()
        }
        let hour = try #require(bench.detector.openPeakHours.first)
        let udp = try #require(hour[PeakAspect(.incoming, .udp, .flows)])
        #expect(isNear(udp.peaks.first?.rate, 400) && isNear(udp.beyondRate, 200))
        #expect(hour[PeakAspect(.incoming, .udp, .packets)] == nil, "of packets none is judged")
    }

    @Test func membersStayWithinTheirBoundsHoweverManyGroups() {
        for count in [1, 2, 20, 256, 1000] {
            let record = PeakRecord((0..<count).map { .hosts(group: "\($0)") }) { _, _, _ in PeakRates(repeating: 1) }
            let capacity = record.lanes.map(\.capacity).reduce(0, +)
            #expect(
                capacity <= 57_344 && (count > 60 || capacity <= PeakRecord.maximumMembers),
                "\(count): \(capacity)"
            )
            // A quarter stays when room is made: no less than is kept of an hour.
            #expect(record.lanes.allSatisfy { $0.capacity / 4 >= ($0.trafficClass == .total ? 8 : 4) })
        }
        #expect(MemoryLayout<PeakMember>.stride <= 176)
    }
}

extension PeakHour {
    fileprivate var packets: [TrafficPeak] { self[PeakAspect(.incoming, .total, .packets)]?.peaks ?? [] }
    fileprivate var bits: [TrafficPeak] { self[PeakAspect(.incoming, .total, .bits)]?.peaks ?? [] }
    fileprivate var packetsBeyond: Double { self[PeakAspect(.incoming, .total, .packets)]?.beyondRate ?? 0 }
}
