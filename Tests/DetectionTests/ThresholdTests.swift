import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

@testable import Detection

/// Each threshold there is, for both families and directions; groups, whitelists, and what few samples tell.
struct ThresholdTests {
    private static func host(isIPv6: Bool) -> IPAddress {
        isIPv6 ? IPAddress(high: 0x2001_0DB8_0100_0000, low: 7) : victim
    }

    /// A record of one class and nothing narrower.
    private static func record(_ trafficClass: TrafficClass, isIPv6: Bool, isIncoming: Bool, at time: Timestamp)
        -> FlowRecord
    {
        let own = host(isIPv6: isIPv6)
        let other = isIPv6 ? IPAddress(high: 0x2001_0DB8_0999_0000, low: 1) : IPAddress(192, 0, 2, 1)
        let number: IPProtocol
        switch trafficClass {
        case .total, .fragments: number = .gre
        case .tcp, .tcpSYN: number = .tcp
        case .udp: number = .udp
        case .icmp: number = IPProtocol(rawValue: isIPv6 ? 58 : 1)
        }
        var record = sample(
            to: isIncoming ? own : other,
            from: isIncoming ? other : own,
            rate: 1,
            protocol: number,
            at: time
        )
        if trafficClass == .tcpSYN { record.tcpFlags = .syn }
        if trafficClass == .tcp { record.tcpFlags = [.syn, .ack] }
        if trafficClass == .fragments { record.traits.insert(.isFragment) }
        // A flow, so that there is something to count for each unit.
        record.traits.remove(.isPacket)
        return record
    }

    @Test(arguments: TrafficClass.allCases, TrafficUnit.allCases)
    func eachThresholdIsJudgedForItsOwnTrafficAlone(_ trafficClass: TrafficClass, _ unit: TrafficUnit) {
        for isIPv6 in [false, true] {
            for isIncoming in [false, true] {
                // 50 records of 1000 octets in each tick.
                let rate: Double = unit == .bits ? 4_000_000 : 500
                for (share, expected) in [(0.9, 1), (1.0, 0)] {
                    var wanted = Thresholds()
                    wanted[trafficClass, unit] = rate * share
                    var never = Thresholds()
                    never[trafficClass, unit] = 1e12
                    var bench = Bench(thresholds: isIncoming ? wanted : never, outgoing: isIncoming ? never : wanted)
                    for _ in 0..<20 {
                        let record = Self.record(trafficClass, isIPv6: isIPv6, isIncoming: isIncoming, at: bench.now)
                        bench.add(record, times: 50)
                        // As much of all that it is not.
                        for other in TrafficClass.allCases
                        where trafficClass != .total && !Self.overlaps(other, trafficClass) {
                            bench.add(
                                Self.record(other, isIPv6: isIPv6, isIncoming: isIncoming, at: bench.now),
                                times: 50
                            )
                        }
                        bench.tick()
                    }
                    let found = bench.begun
                    let what = "\(trafficClass) \(unit) \(isIPv6) \(isIncoming) \(share)"
                    #expect(found.count == expected, "\(what): only above the threshold, not at it")
                    guard expected == 1 else { continue }
                    #expect(found.first?.direction == (isIncoming ? .incoming : .outgoing), "\(what)")
                    #expect(found.first?.target == .host(Self.host(isIPv6: isIPv6)), "\(what)")
                    #expect(found.first?.crossing.trafficClass == trafficClass, "\(what)")
                    #expect(found.first?.crossing.unit == unit, "\(what)")
                }
            }
        }
    }

    private static func overlaps(_ other: TrafficClass, _ wanted: TrafficClass) -> Bool {
        other == wanted || wanted == .tcp && other == .tcpSYN
    }

    @Test func groupsInheritWhatTheyDoNotSetAndSayWhoseThresholdItWas() throws {
        var defaults = limits(10_000)
        defaults[.udp, .bits] = 40e6
        let group = DetectionConfiguration.Group(
            name: "web",
            prefixes: [try #require(IPPrefix("198.51.100.0/28"))],
            thresholds: limits(30_000)
        )
        func attacks(packets: Int, octets: UInt64) -> [ThresholdCrossing] {
            var bench = Bench(thresholds: defaults, groups: [group])
            for _ in 0..<20 {
                var record = sample(rate: 1, at: bench.now)
                record.packets = UInt64(packets / 10)
                record.bytes = octets / 10
                bench.add(record)
                bench.tick()
            }
            return bench.begun.map(\.crossing)
        }
        #expect(attacks(packets: 20_000, octets: 1_000_000).isEmpty, "its own is higher than the default")
        #expect(attacks(packets: 40_000, octets: 1_000_000).map(\.group) == ["web"])
        let inherited = attacks(packets: 1_000, octets: 10_000_000)
        #expect(inherited.map(\.trafficClass) == [.udp] && inherited.first?.unit == .bits)
        #expect(inherited.first?.group == nil, "the default's")
    }

    @Test(arguments: [false, true])
    func whitelistedSourcesNeverCountAndOwnOnesAlwaysDo(isIPv6: Bool) throws {
        let own = Self.host(isIPv6: isIPv6)
        let trusted = isIPv6 ? IPAddress(high: 0x2001_0DB8_0999_0000, low: 1) : IPAddress(192, 0, 2, 1)
        let neighbor = isIPv6 ? IPAddress(high: 0x2001_0DB8_0100_0000, low: 99) : IPAddress(198, 51, 100, 99)
        for (source, expected) in [(trusted, 0), (neighbor, 1)] {
            var bench = Bench(thresholds: limits(1000)) { traffic, _ in
                traffic.ignoredSources = [IPPrefix(host: trusted), IPPrefix(host: neighbor)]
            }
            for _ in 0..<20 {
                bench.add(sample(to: own, from: source, rate: 100, at: bench.now), times: 10)
                bench.tick()
            }
            #expect(bench.begun.count == expected, "\(source)")
        }
    }

    /// Poisson traffic in 100 windows of 10 minutes each, at 0.8 of thresholds that are worth 0.5 to 200 samples a
    /// second.
    @Test(arguments: [0.5, 2, 10, 200])
    func ordinaryTrafficDoesNotAlarmHoweverFewSamplesThereAre(_ samplesPerSecond: Double) {
        var generator = SeededGenerator(seed: UInt64(samplesPerSecond * 10))
        var alarms = 0
        let windows = samplesPerSecond > 100 ? 10 : 100
        for _ in 0..<windows {
            var bench = Bench(thresholds: limits(samplesPerSecond * 10_000)) { traffic, _ in traffic.tick = .seconds(1)
            }
            for _ in 0..<600 {
                let count = generator.poisson(samplesPerSecond * 0.8)
                bench.add(sample(rate: 10_000, at: bench.now), times: count)
                bench.tick()
            }
            alarms += bench.begun.count
        }
        #expect(alarms == 0, "of \(windows) times ten minutes")
    }

    @Test(arguments: [2.0, 10, 200])
    func oneAndAHalfTimesTheThresholdIsSurelySeen(_ samplesPerSecond: Double) {
        var generator = SeededGenerator(seed: UInt64(samplesPerSecond * 10))
        var delays: [Double] = []
        for _ in 0..<20 {
            var bench = Bench(thresholds: limits(samplesPerSecond * 10_000))
            for _ in 0..<3000 where bench.events.isEmpty {
                let count = generator.poisson(samplesPerSecond * 0.15)
                bench.add(sample(rate: 10_000, at: bench.now), times: count)
                bench.tick()
            }
            delays.append(bench.firstAlarm ?? .infinity)
        }
        // How long it takes depends on the samples alone: about a hundred have to come.
        let longest = delays.max() ?? .infinity
        #expect(longest <= max(2, 400 / samplesPerSecond), "\(longest) s")
    }
}
