import Detection
import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

private let host = IPAddress(198, 51, 100, 5)
private let target = IPPrefix(host: host)
private let alarm = Timestamp(seconds: 10_000)

/// A sample from one of the other end's hosts, which are numbered.
private func sample(
    from remote: UInt32,
    _ shape: PacketShape,
    packets: UInt64 = 1000,
    extraBytes: UInt64 = 0,
    before seconds: Double = 0,
    flowSeconds: UInt16 = 0
) -> TrafficSample {
    TrafficSample(
        source: IPAddress(v4: 0x0A00_0000 + remote),
        destination: host,
        packets: packets,
        bytes: packets * UInt64(shape.length) + extraBytes,
        time: alarm - .nanoseconds(Int64(seconds * 1e9)),
        sourcePort: shape.sourcePort,
        destinationPort: shape.destinationPort,
        ipProtocol: shape.ipProtocol,
        tcpFlags: shape.flags,
        icmpType: shape.icmpType,
        icmpCode: 0,
        timeToLive: 60,
        isFragment: shape.isFragment,
        flowSeconds: flowSeconds
    )
}

private func attack(
    _ kind: AttackKind,
    _ samples: [TrafficSample],
    in seconds: Double = 1,
    normal: [TrafficSample],
    in secondsBefore: Double = 100,
    over threshold: Double = 1
) -> Attack {
    var attack = Attack(
        id: Attack.ID(rawValue: 1),
        target: .host(host),
        direction: .incoming,
        began: alarm,
        kind: kind,
        kindShare: 1,
        crossing: ThresholdCrossing(
            trafficClass: .total,
            unit: .packets,
            threshold: threshold,
            rate: 2 * threshold,
            lowerBound: 2 * threshold,
            upperBound: 2 * threshold,
            window: .seconds(1),
            samples: UInt64(samples.count),
            group: nil
        ),
        rates: TrafficRates(),
        samples: samples,
        normal: normal,
        normalDuration: .seconds(secondsBefore)
    )
    attack.samplesDuration = .seconds(seconds)
    return attack
}

private func share(of samples: [TrafficSample], _ rules: [PlannedRule]) -> Double {
    let matched = samples.filter { sample in
        rules.contains { rule in
            guard case .flowSpec(let match) = rule.announcement.route else { return false }
            return match.matches(sample.matchedPacket)
        }
    }
    return Double(matched.reduce(0) { $0 + $1.packets }) / Double(max(1, samples.reduce(0) { $0 + $1.packets }))
}

/// Requests from many to a web server, over some time.
private func requests(_ count: Int) -> [TrafficSample] {
    var samples: [TrafficSample] = []
    for number in 0..<count {
        let port = UInt16(33_000 + number * 7)
        var shape = PacketShape.tcp(port, 443, .ack, 52)
        if number % 3 == 0 { shape = .tcp(port, 443, [.psh, .ack], UInt16(200 + number % 900)) }
        samples.append(sample(from: UInt32(1000 + number), shape, before: Double(5 + number % 90)))
    }
    return samples
}

/// Samples from many.
private func floods(_ count: Int, packets: UInt64 = 1000, flowSeconds: UInt16 = 0, _ shape: (Int) -> PacketShape)
    -> [TrafficSample]
{
    var samples: [TrafficSample] = []
    for number in 0..<count {
        let made = sample(from: UInt32(number * 77), shape(number), packets: packets, flowSeconds: flowSeconds)
        samples.append(made)
    }
    return samples
}

/// Samples of one at the other end, the latest first, some seconds apart.
private func repeated(_ count: Int, every seconds: Double, _ shape: PacketShape, packets: UInt64 = 1000)
    -> [TrafficSample]
{
    var samples: [TrafficSample] = []
    for number in 0..<count {
        samples.append(sample(from: 1, shape, packets: packets, before: Double(number) * seconds))
    }
    return samples
}

/// That a flow's average is no multiple of a length says that its packets do not have it.
@Test func ruleOfOneLengthHoldsNoFlowsOfAverageLength() throws {
    var oneLength: [TrafficSample] = []
    for number in 0..<90 {
        let shape = PacketShape.udp(UInt16(1024 + number * 301), UInt16(5000 + number * 500), 844)
        oneLength.append(sample(from: UInt32(number * 77), shape))
    }
    var averages: [TrafficSample] = []
    for number in 0..<38 {
        // Straying as the averages of packets of any length do.
        let extra = UInt64(number * 1201 + 7)
        averages.append(sample(from: UInt32(9000 + number), .udp(5353, 22, 350), packets: 3000, extraBytes: extra))
    }
    let record = attack(.udpFlood, oneLength + averages, normal: requests(200))
    let rules = try synthesisPolicy().plan(against: record, for: target).get()
    #expect(rules.allSatisfy { $0.isSynthesized })
    #expect(share(of: averages, rules) == 1, "\(rules.map(\.announcement))")
    #expect(share(of: oneLength, rules) == 1, "\(rules.map(\.announcement))")

    let evidence = synthesisPolicy().evidence(of: record, for: target)
    let length = try #require(ValueRanges(values: [844]))
    let range = ValueRanges(300...900)
    #expect(evidence.attackShare(of: evidence.members(of: .length(length), within: evidence.all)) < 0.8)
    let ofRange = evidence.attackShare(of: evidence.members(of: .length(range), within: evidence.all))
    #expect(ofRange > 0.6 && ofRange < 0.95, "an average of 350 has packets below 300 beside it: \(ofRange)")
}

/// Flow records tell of the octets of all packets and of the flags of any: no packet of a connection is of its average
/// length and has the flags of its handshake and its end at once.
@Test func aConnectionStandsForItsPackets() {
    let ofAll: TCPFlags = [.syn, .psh, .ack, .fin]
    var connections: [TrafficSample] = []
    for number in 0..<60 {
        let shape = PacketShape.tcp(UInt16(33_000 + number), 443, ofAll, 851)
        let extra = UInt64(number % 19 + 1)
        connections.append(
            sample(from: UInt32(number * 77), shape, packets: 20, extraBytes: extra, before: 10, flowSeconds: 12)
        )
    }
    let flood = floods(60) { .tcp(UInt16(2000 + $0 * 900), 443, .ack, 40) }
    let evidence = SampleEvidence(attack: flood, normal: connections, unit: .packets, direction: .incoming)
    func spared(_ condition: RuleCondition) -> Double {
        1 - evidence.normalShare(of: evidence.members(of: condition, within: evidence.all))
    }
    let acknowledged = RuleCondition.tcpFlags(set: TCPFlags.ack.rawValue, unset: ~TCPFlags.ack.rawValue & 0x3F)
    #expect(spared(acknowledged) < 0.5, "most of their packets acknowledge")
    let long = spared(.length(ValueRanges(800...900)))
    #expect(long > 0.8 && long < 1, "\(long)")
    #expect(
        spared(.length(ValueRanges(0...100))) == 1,
        "with an average of 851 none is as short, if others are to be shorter"
    )
    let half = spared(.length(ValueRanges(851...1500)))
    #expect(half > 0.4 && half < 0.6, "\(half)")
}

/// What lies under way for a minute is told of all at once, beside the first second of an attack.
@Test func flowsOfAMinuteDoNotHideThatTheyGoOn() {
    let tunnel = PacketShape.udp(4500, 4500, 700)
    var before: [TrafficSample] = []
    for minute in 0..<3 {
        let seconds = Double(20 + minute * 60)
        before.append(sample(from: 1, tunnel, packets: 1500, before: seconds, flowSeconds: 60))
    }
    let now = sample(from: 1, tunnel, packets: 2400, flowSeconds: 60)
    let flood = floods(40, packets: 20) { _ in .udp(123, 9000, 468) }
    func goesOn(rate: Double) -> Bool {
        ContinuedConversations(attack: [now] + flood, 61, normal: before, 180, rate: rate).contains(now)
    }
    #expect(goesOn(rate: 850))
    #expect(!goesOn(rate: 28), "where no more comes than a little, it may as well be that")
}

/// By the mean of packets and octets nine in a hundred small packets beside large ones are less than what need not be held.
@Test func smallPacketsBesideLargeOnesAreHeld() throws {
    let large = floods(110) { .udp(389, UInt16(1024 + $0 * 401), 1500) }
    let small = floods(11) { _ in PacketShape(ipProtocol: .icmp, length: 46, icmpType: 8) }
    let record = attack(.cldapAmplification, large + small, normal: requests(200))
    let rules = try synthesisPolicy().plan(against: record, for: target).get()
    #expect(share(of: small, rules) == 1, "\(rules.map(\.announcement))")
    #expect(share(of: requests(300), rules) == 0)
}

/// A backup that went on before the attack and goes on is most of what flow records have told of so far.
@Test func whatGoesOnAsItWasIsNoPartOfTheAttack() throws {
    let backup = PacketShape.tcp(50_000, 873, .ack, 1450)
    var before = requests(120)
    for minute in 0..<4 {
        let seconds = Double(10 + minute * 60)
        before.append(sample(from: 1, backup, packets: 30_000, before: seconds, flowSeconds: 60))
    }
    var now = [sample(from: 1, backup, packets: 30_000, flowSeconds: 60)]
    now += requests(20).map { request in
        var request = request
        request.source = IPAddress(v4: request.source.v4 + 500)
        return request
    }
    var flood = floods(60) { .tcp(UInt16(2000 + $0 * 900), 53, .ack, 40) }
    for index in flood.indices { flood[index].source = IPAddress(10, 0, 0, 5) }
    let record = attack(.ackFlood, now + flood, in: 60, normal: before, in: 240)
    let rules = try synthesisPolicy().plan(against: record, for: target).get()
    #expect(rules.contains { $0.isSynthesized })
    #expect(share(of: flood, rules) == 1, "\(rules.map(\.announcement))")
    #expect(share(of: now, rules) == 0, "\(rules.map(\.announcement))")
}

@Test func conversationsGoOnOnlyAsTheyWere() {
    let call = PacketShape.udp(4000, 5004, 200)
    let before = repeated(10, every: 5, call) + requests(60)
    func goesOn(packets: UInt64, _ others: [TrafficSample], before earlier: [TrafficSample]) -> Bool {
        let now = sample(from: 1, call, packets: packets)
        return ContinuedConversations(attack: [now] + others, 1, normal: earlier, 60).contains(now)
    }
    let flood = floods(40) { _ in .udp(123, 9000, 468) }
    #expect(goesOn(packets: 200, flood, before: before))
    #expect(!goesOn(packets: 2000, flood, before: before), "it has grown tenfold")
    #expect(
        !goesOn(packets: 500, [], before: Array(before.prefix(10))),
        "nothing else explains what is more than usual"
    )
    #expect(!goesOn(packets: 200, flood, before: Array(before.prefix(3)) + requests(60)), "seen for ten seconds")
    let part = sample(from: 1, .fragment(1480))
    let parts = repeated(10, every: 5, .fragment(1480))
    #expect(!ContinuedConversations(attack: [part] + flood, 1, normal: parts, 60).contains(part), "of whatever packets")
}

/// What one alone did before may be over; what many did goes on.
@Test func aTransferThatIsOverSaysNothingOfTheOthers() {
    let before = repeated(60, every: 1.5, .tcp(50_000, 445, .ack, 900)) + requests(100)
    let now = requests(60) + floods(60) { _ in .udp(123, 9000, 400) }
    let evidence = SampleEvidence(attack: now, normal: before, unit: .flows, direction: .incoming)
    let background = SampleEvidence.background(
        evidence.attack,
        evidence.compared,
        evidence.traits,
        evidence.count,
        evidence.comparedCount
    )
    #expect(background > 0.4 && background < 0.6, "\(background)")
}

/// Flow records tell of a part of an attack first, and rates are of its fullest second: what is usual is held against what
/// the samples are of.
@Test func whatIsUsualIsHeldAgainstWhatFlowsHaveToldOf() throws {
    let before = requests(100)
    let now = floods(80, packets: 750, flowSeconds: 5) { _ in .udp(123, 9000, 150) }
    var record = attack(.ntpAmplification, now, in: 60, normal: before, in: 100)
    record.rates[.total, .packets] = 100_000
    record.rates[.total, .bits] = 100_000 * 8 * 150
    let usual = try #require(synthesisPolicy().evidence(of: record, for: target).usualShare)
    #expect(usual > 0.8 && usual < 2.5, "\(usual)")
    record.samplesDuration = .zero
    let ofRates = try #require(synthesisPolicy().evidence(of: record, for: target).usualShare)
    #expect(ofRates < 0.05, "after a restart rates are all there is")
}

/// A length that one or two samples have is no length of the attack's.
@Test(arguments: [(2, false), (4, true)])
func lengthsSeenOnceOrTwiceAreNotNamed(times: Int, areNamed: Bool) {
    let own = (0..<(24 / times)).map { UInt16(1450 + 3 * $0) }
    let others = (1440...1500).filter { !own.contains($0) }
    let fragments = floods(24) { .fragment(own[$0 % own.count]) }
    let usual = floods(60) { .fragment(others[$0 % others.count]) } + requests(140)
    let evidence = SampleEvidence(attack: fragments, normal: usual, unit: .packets, direction: .incoming)
    let rules = RuleSynthesis(evidence: evidence, settings: .init()).rules().rules
    let lengths = rules.flatMap(\.conditions).compactMap { condition in
        if case .length(let ranges) = condition { ranges } else { nil }
    }
    #expect(lengths.contains { $0.areSingle } == areNamed, "\(lengths)")
}

/// What came before in bursts comes in bursts during an attack: that rules miss it is nothing against them.
@Test func aBurstOfTheUsualIsNoPartOfTheAttack() throws {
    /// Of a service whose users come in turns: for some seconds four times as many as at other times.
    func answers(_ count: Int, before seconds: (Int) -> Double) -> [TrafficSample] {
        (0..<count).map { number in
            let shape = PacketShape.udp(53, UInt16(33_000 + number * 11), UInt16(300 + number % 600))
            return sample(from: UInt32(2000 + number % 40), shape, before: seconds(number))
        }
    }
    let quiet = answers(60) { Double($0) * 3 }
    let busy = answers(100) { 60 + Double($0) * 0.2 }
    let flood = floods(100) { .tcp(UInt16(2000 + $0 * 600), 25, .rst, 600) }
    func isUsual(_ rest: [TrafficSample], before: [TrafficSample]) throws -> Bool {
        // On average a third of what is left of this second.
        let usual = before.map { sample in
            var sample = sample
            (sample.packets, sample.bytes) = (sample.packets * 8, sample.bytes * 8)
            return sample
        }
        // The flood alone is above it.
        let threshold = Double(flood.reduce(0) { $0 + $1.packets }) * 0.9
        var record = attack(.rstFlood, flood + rest, in: 1, normal: usual, in: 180, over: threshold)
        record.rates[.total, .packets] = Double(record.samples.reduce(0) { $0 + $1.packets })
        record.rates[.total, .bits] = Double(record.samples.reduce(0) { $0 + $1.bytes }) * 8
        let evidence = synthesisPolicy().evidence(of: record, for: target)
        let held = evidence.members(of: .ipProtocol(6), within: evidence.all)
        return evidence.isRestUsual(held, 0.95)
    }
    let rest = answers(25) { _ in 0 }
    #expect(try isUsual(rest, before: quiet + busy))
    let even = answers(160) { Double($0) * 1.1 }
    #expect(try !isUsual(rest, before: even), "never so many before")
    let other = floods(25) { .udp(UInt16(3000 + $0), 9000, 400) }
    #expect(try !isUsual(other, before: quiet + busy), "new, and of several")
}

/// Backups and downloads begin at any time; one that is no heavier than others were is none of the attack.
@Test func aTransferThatBeginsIsNoPartOfTheAttack() {
    let backup = PacketShape.tcp(50_000, 873, .ack, 1450)
    let before = repeated(12, every: 5, backup, packets: 500) + requests(60)
    let flood = floods(60, packets: 50) { .tcp(UInt16(2000 + $0 * 900), 22, .ack, 40) }
    func isLeftOut(packets: UInt64, _ shape: PacketShape, _ others: [TrafficSample]) -> Bool {
        let now = sample(from: 7, shape, packets: packets)
        return ContinuedConversations(attack: [now] + others, 1, normal: before, 60).contains(now)
    }
    let other = PacketShape.tcp(41_000, 22, .ack, 1450)
    #expect(isLeftOut(packets: 120, other, flood))
    #expect(!isLeftOut(packets: 1200, other, flood), "heavier than any before")
    #expect(!isLeftOut(packets: 120, .udp(41_000, 22, 1450), flood), "no other of its protocol was as long")
    #expect(!isLeftOut(packets: 50, .tcp(41_000, 22, .ack, 40), flood), "too light to have a rule of its own")
}
