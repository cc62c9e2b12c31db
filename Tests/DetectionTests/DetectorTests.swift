import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

@testable import Detection

@Test(arguments: [(10.0, 3), (5.0, 4), (2.0, 8), (1.2, 25)])
func floodsAreSeenSoonerTheHeavierTheyAre(_ factor: Double, _ ticks: Int) {
    // A threshold of 100,000 packets per second at 1:100 is a thousand samples a second.
    var bench = Bench(thresholds: limits(100_000))
    var owed = 0.0
    for _ in 0..<60 {
        owed += 100 * factor
        while owed >= 1 {
            bench.add(sample(rate: 100, at: bench.now))
            owed -= 1
        }
        bench.tick()
        if !bench.begun.isEmpty { break }
    }
    let first = bench.events.first?.tick ?? .max
    let delay = Int(first - bench.traffic.tickIndex(of: Bench.start)) + 1
    #expect(delay <= ticks, "\(factor) times the threshold was seen after \(delay) ticks")
    #expect(bench.begun.first?.kind == .udpFlood)
}

@Test func aLongFlowReportedAtOnceIsNoFlood() {
    // 300,000 packets over 60 s are 5,000 a second.
    var bench = Bench(thresholds: limits(20_000))
    bench.add(flow(packets: 300_000, seconds: 60, endingAt: Bench.start))
    for _ in 0..<700 { bench.tick() }
    #expect(bench.begun.isEmpty)
}

@Test func longFlowsThatOverlapAreAFlood() {
    var bench = Bench(thresholds: limits(20_000))
    for _ in 0..<5 { bench.add(flow(packets: 300_000, seconds: 60, endingAt: Bench.start)) }
    bench.tick()
    #expect(bench.begun.count == 1)
    let rate = bench.begun.first?.crossing.rate ?? 0
    #expect(abs(rate - 25_000) < 1500, "five flows of 5,000 a second, not 1.5 million: \(rate)")
}

/// The stragglers of an export come seconds after the rest, and are too few to say what the whole was made of.
@Test func stragglersDoNotRenameAnAttack() {
    var bench = Bench(thresholds: limits(20_000))
    func connectionAttempts(_ packets: UInt64) -> FlowRecord {
        var record = flow(packets: packets, seconds: 2, endingAt: bench.now - .seconds(2))
        record.ipProtocol = .tcp
        record.tcpFlags = .syn
        record.bytes = packets &* 40
        return record
    }
    bench.add(connectionAttempts(1000), times: 200)
    bench.tick()
    #expect(bench.begun.map(\.kind) == [.synFlood])
    for step in 1...40 {
        if step % 10 == 0 { bench.add(connectionAttempts(10)) }
        bench.tick()
    }
    for (_, event) in bench.events {
        if case .updated(let attack) = event { #expect(attack.kind == .synFlood) }
    }
}

@Test func longFlowsThatFollowEachOtherAreNone() {
    var bench = Bench(thresholds: limits(20_000))
    for step in 0..<6 {
        bench.add(flow(packets: 150_000, seconds: 10, endingAt: Bench.start - .seconds(Int64(step * 10))))
    }
    for _ in 0..<20 { bench.tick() }
    #expect(bench.begun.isEmpty, "15,000 a second, one after another")
}

@Test func twoSamplesInASecondAreNoAttack() {
    var bench = Bench(thresholds: limits(10_000))
    for step in 0..<600 {
        if step % 5 == 0 { bench.add(sample(rate: 10_000, at: bench.now)) }
        if step % 50 == 0 { bench.tick() } else { bench.tick() }
        if step == 10 { #expect(bench.begun.isEmpty, "three samples stand for 30,000 but prove nothing") }
    }
    // Two a second for a minute are 20,000 packets a second: by then it is certain.
    #expect(!bench.begun.isEmpty)
}

/// Poisson traffic at nine tenths of the threshold, sampled: hardly ever an attack.
@Test func trafficBelowTheThresholdHardlyEverAlarms() {
    var generator = SeededGenerator(seed: 99)
    var alarms = 0
    for _ in 0..<100 {
        var bench = Bench(thresholds: limits(20_000))
        for _ in 0..<50 {
            for _ in 0..<generator.poisson(18) { bench.add(sample(rate: 100, at: bench.now)) }
            bench.tick()
        }
        if !bench.begun.isEmpty { alarms += 1 }
    }
    #expect(alarms == 0, "of 100 times 5 seconds at 0.9 of the threshold")
}

/// Traffic that sets in at 0.78 of the threshold is no more than that when the next second begins, whenever within
/// a second it set in.
@Test(arguments: 0..<10)
func whatTheWindowHoldsCountsOnceInTheHistory(_ phase: Int) {
    var bench = Bench(thresholds: limits(100_000))
    for _ in 0..<phase { bench.tick() }
    for _ in 0..<60 {
        for _ in 0..<78 { bench.add(sample(rate: 100, at: bench.now)) }
        bench.tick()
    }
    #expect(bench.begun.isEmpty)
}

@Test func anAttackEndsWhenItHasBeenQuietAndDoesNotBeginAgain() {
    var bench = Bench(thresholds: limits(20_000))
    for step in 0..<400 {
        if step < 50 { for _ in 0..<200 { bench.add(sample(rate: 100, at: bench.now)) } }
        bench.tick()
    }
    #expect(bench.begun.count == 1)
    #expect(bench.ended.count == 1)
    let last = bench.ended.first
    let quiet = last.flatMap { attack in attack.ended.map { ($0 - attack.lastActive).inSeconds } } ?? 0
    #expect(quiet >= 10 && quiet < 10.5)
}

@Test func kindsAreToldApart() {
    for (number, kind) in [
        (IPProtocol.udp, AttackKind.udpFlood), (.icmp, .icmpFlood), (.gre, .greFlood), (.esp, .flood),
    ] {
        var bench = Bench(thresholds: limits(1000))
        for _ in 0..<500 { bench.add(sample(rate: 100, protocol: number, at: bench.now)) }
        bench.tick()
        #expect(bench.begun.first?.kind == kind)
    }
    var bench = Bench(thresholds: limits(1000))
    for _ in 0..<500 {
        var syn = sample(rate: 100, protocol: .tcp, at: bench.now)
        syn.tcpFlags = .syn
        bench.add(syn)
    }
    bench.tick()
    #expect(bench.begun.first?.kind == .synFlood)
}

@Test func whatOurHostsSendIsJudgedByItsOwnThresholds() {
    var bench = Bench(thresholds: Thresholds(), outgoing: limits(1000))
    for _ in 0..<500 {
        bench.add(sample(to: IPAddress(192, 0, 2, 1), from: victim, rate: 100, at: bench.now))
        bench.add(sample(to: IPAddress(198, 51, 100, 99), rate: 100, at: bench.now))
    }
    bench.tick()
    #expect(bench.begun.map(\.direction) == [.outgoing])
    #expect(bench.begun.first?.target == .host(victim))
}

@Test func aGroupIsJudgedAsAWhole() throws {
    let prefix = try #require(IPPrefix("198.51.100.0/26"))
    let group = DetectionConfiguration.Group(
        name: "office",
        prefixes: [prefix],
        measure: .group,
        thresholds: limits(50_000)
    )
    var bench = Bench(thresholds: limits(20_000), groups: [group])
    for index in 0..<1200 {
        bench.add(sample(to: IPAddress(198, 51, 100, UInt8(index % 60)), rate: 100, at: bench.now))
    }
    bench.tick()
    #expect(bench.begun.map(\.target) == [.group(name: "office", prefixes: [prefix])])
}

@Test func atTheLimitTheHeaviestHostsStayAndMemoryIsBounded() {
    var bench = Bench(thresholds: limits(20_000), maximumHosts: 1000)
    for step in 0..<30 {
        for index in 0..<3000 {
            let host = IPAddress(high: 0x2001_0DB8_0100_0000, low: UInt64(step * 3000 + index))
            bench.add(sample(to: host, rate: 1, at: bench.now))
        }
        if step > 10 { for _ in 0..<100 { bench.add(sample(rate: 100, at: bench.now)) } }
        bench.tick()
    }
    #expect(bench.merger.trackedHosts <= 1000)
    #expect(bench.begun.map(\.target) == [.host(victim)], "the flood is seen in the midst of a scan")
    let total = bench.merger.totalRates(.incoming)[.total, .packets]
    #expect(total > 3000 * 9 + 100_000 * 0.8, "networks count everything")
}

@Test func afterARestartAttacksGoOnUnlessTheirGroupIsGone() {
    let groups = ["web", "mail"].map { name in
        DetectionConfiguration.Group(
            name: name,
            prefixes: [IPPrefix(name == "web" ? "198.51.100.0/26" : "198.51.100.64/26")].compactMap { $0 },
            measure: .group,
            thresholds: limits(10_000)
        )
    }
    func attack(_ id: UInt64, _ target: AttackTarget) -> Attack {
        Attack(
            id: Attack.ID(rawValue: id),
            target: target,
            direction: .incoming,
            began: Bench.start - .seconds(60),
            kind: .udpFlood,
            kindShare: 1,
            crossing: ThresholdCrossing(
                trafficClass: .total,
                unit: .packets,
                threshold: 10_000,
                rate: 20_000,
                lowerBound: 19_000,
                upperBound: 21_000,
                window: .seconds(1),
                samples: 200,
                group: nil
            ),
            rates: TrafficRates(),
            samples: []
        )
    }
    var bench = Bench(thresholds: limits(10_000), groups: groups)
    let gone = bench.detector.resume(
        [
            attack(3, .host(IPAddress(198, 51, 100, 200))), attack(4, .group(name: "web", prefixes: [])),
            attack(9, .group(name: "sold", prefixes: [])),
        ],
        at: Bench.start
    )
    #expect(gone.map(\.attack.id.rawValue) == [9])
    #expect(gone.first?.attack.ended == Bench.start)
    #expect(bench.detector.activeAttacks.map(\.id.rawValue) == [3, 4])
    #expect(bench.detector.nextID.rawValue == 10)
    bench.tick()
    #expect(bench.events.isEmpty, "quiet counts from the restart")
    for _ in 0..<110 { bench.tick() }
    #expect(bench.detector.activeAttacks.isEmpty)
}

@Test func valuesThatCannotBeAreBoundedAndDoNotTrap() {
    var bench = Bench(thresholds: limits(20_000))
    let extremes: [Int64] = [.min, -1, 0, 1, .max]
    for first in extremes {
        for last in extremes {
            var record = flow(packets: .max, seconds: 0, endingAt: bench.now)
            record.bytes = .max
            record.samplingRate = .max
            record.first = Timestamp(nanoseconds: first)
            record.last = Timestamp(nanoseconds: last)
            bench.add(record)
        }
    }
    for _ in 0..<700 { bench.tick() }
    bench.merger.advance(to: .max / 1_000_000_000)
    #expect(bench.merger.records == 25)
}

/// Thousands that begin at once are each looked at once a second, and not all in the same tick.
@Test func manyAttacksAreLookedAtInTurn() {
    var bench = Bench(thresholds: limits(1000))
    for _ in 0..<40 {
        for number in 0..<200 {
            var record = sample(rate: 1, at: bench.now)
            record.destination = IPAddress(198, 51, 100, UInt8(number))
            record.packets = 1000
            bench.add(record)
        }
        bench.tick()
    }
    var updates: [Int64: Int] = [:]
    for (tick, event) in bench.events {
        guard case .updated = event, tick >= bench.merger.tick - 20 else { continue }
        updates[tick, default: 0] += 1
    }
    #expect(bench.begun.count == 200)
    #expect(updates.values.reduce(0, +) == 400, "twice in two seconds")
    #expect(updates.values.allSatisfy { $0 <= 120 }, "\(updates.values.sorted())")
}

/// More attacks than may begin in a tick: the strongest do, the others in the next, and the network that they are in is not
/// taken for attacked by what is theirs.
@Test func ofVeryManyAttacksTheStrongestBeginFirstAndTheNetworkWaitsForTheOthers() throws {
    var bench = Bench(thresholds: limits(10_000)) { _, detection in
        detection.networkThresholds = limits(1_000_000)
    }
    let count = AttackBeginnings.perTick + 300
    func host(_ number: Int) -> IPAddress { IPAddress(high: 0x2001_0DB8_0100_0000, low: UInt64(number + 1)) }
    for _ in 0..<20 {
        for number in 0..<count {
            var record = sample(to: host(number), rate: 1, at: bench.now)
            // The last hundred have twice as much.
            record.packets = number >= count - 100 ? 24_000 : 12_000
            record.bytes = record.packets * 100
            bench.add(record)
        }
        bench.tick()
    }
    let begun = bench.events.compactMap { tick, event -> (tick: Int64, attack: Attack)? in
        if case .began(let attack) = event { (tick, attack) } else { nil }
    }
    let first = try #require(begun.first?.tick)
    let early = begun.filter { $0.tick == first }
    #expect(early.count == AttackBeginnings.perTick && begun.count == count)
    #expect(begun.dropFirst(early.count).allSatisfy { $0.tick == first + 1 })
    let targets = Set(early.map(\.attack.target))
    #expect((count - 100..<count).allSatisfy { targets.contains(.host(host($0))) })
    #expect(Set(begun.map(\.attack.target)).count == count)
    #expect(begun.allSatisfy { if case .host = $0.attack.target { true } else { false } }, "none on the network")
}
