import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

/// Samples of one packet in a thousand.
private func samples(_ count: Int, seed: UInt64 = 3, _ shape: (Int, inout SeededGenerator) -> PacketShape)
    -> [TrafficSample]
{
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { shape($0, &random).sample(&random) }
}

private func rules(_ attack: [TrafficSample], normal: [TrafficSample]) -> [RuleSynthesis.Rule] {
    let evidence = SampleEvidence(attack: attack, normal: normal, unit: .packets, direction: .incoming)
    return RuleSynthesis(evidence: evidence, settings: .init()).rules().rules
}

private func match(_ packet: PacketShape, _ rules: [RuleSynthesis.Rule]) throws -> Bool {
    let sample = try #require(samples(1) { _, _ in packet }.first)
    return try rules.contains { rule in
        let components = rule.conditions.map { $0.component(.incoming) }
        return try FlowSpecRule(family: .ipv4, components: components).matches(sample.matchedPacket)
    }
}

/// That none of a hundred normal samples was UDP does not say that the next is not: several narrow rules go before a wide
/// one that costs nothing as far as samples tell.
@Test func noRuleIsWiderThanTheAttackForWantOfNormalSamples() throws {
    let attack = samples(120) { number, random in
        switch number % 3 {
        case 0: .udp(161, .random(in: 1024...65_000, using: &random), 1500)
        case 1: .fragment(.random(in: 200...1500, using: &random))
        default: .tcp(.random(in: 1024...65_000, using: &random), 80, .syn, 40)
        }
    }
    let normal = samples(150) { number, _ in .tcp(UInt16(33_000 + number), 873, .ack, UInt16(1400 + number % 90)) }
    let found = rules(attack, normal: normal)
    #expect(try match(.udp(161, 4000, 1500), found) && match(.fragment(700), found), "\(found.map(\.conditions))")
    #expect(try match(.tcp(4000, 80, .syn, 40), found), "\(found.map(\.conditions))")
    #expect(try !match(.udp(53, 4000, 300), found), "an answer to the target: \(found.map(\.conditions))")
    #expect(try !match(.udp(53, 4000, 1500), found), "\(found.map(\.conditions))")
}

/// Tunnels of packets of any length beside a flood of nearly one.
@Test func rulesEndWhereTheLengthsOfTheAttackDo() throws {
    func gre(_ lengths: ClosedRange<UInt16>, _ count: Int, seed: UInt64) -> [TrafficSample] {
        samples(count, seed: seed) { _, random in
            PacketShape(ipProtocol: .gre, length: .random(in: lengths, using: &random))
        }
    }
    let found = rules(gre(540...560, 80, seed: 1), normal: gre(100...1450, 60, seed: 2))
    let ranges = found.flatMap(\.conditions).compactMap { condition in
        if case .length(let ranges) = condition { ranges } else { nil }
    }
    #expect(found.count == 1 && ranges.count == 1, "\(found.map(\.conditions))")
    for length in UInt16(541)...559 { #expect(ranges.allSatisfy { $0.contains(length) }, "\(length) of \(ranges)") }
    // Where normal traffic is known to be of these lengths as well, there is no room for what was not sampled.
    for length: UInt16 in [535, 539, 561, 565, 700] {
        #expect(!ranges.contains { $0.contains(length) }, "\(length) of \(ranges)")
    }
}

private func flows(_ count: Int, packets: Int, isWhole: Bool = true, _ length: (inout SeededGenerator) -> UInt16)
    -> [TrafficSample]
{
    var random = SeededGenerator(seed: 8)
    return (0..<count).map { _ in
        var sample = PacketShape(ipProtocol: .gre, length: 1).sample(&random)
        sample.packets = UInt64(packets)
        sample.bytes = (0..<packets).reduce(0) { sum, _ in sum + UInt64(length(&random)) }
        sample.flowSeconds = 20
        sample.isPartOfAverage = !isWhole
        return sample
    }
}

/// How far packets stray from the average of their flow is seen by how far the averages of many flows stray from each other.
@Test func averagesOfManyFlowsTellHowLengthsAreSpread() throws {
    func room(_ samples: [TrafficSample], rate: UInt32 = 1) throws -> Double? {
        FlowLengths(samples[...], samplingRate: rate).room(of: try #require(samples.first))
    }
    let narrow = try #require(try room(flows(100, packets: 18) { .random(in: 540...560, using: &$0) }))
    #expect(narrow > 6 && narrow < 16, "10 to either side: \(narrow)")
    let two = try #require(try room(flows(100, packets: 18) { .random(in: 0...1, using: &$0) * 1020 + 40 }))
    #expect(two > 350, "some of 40, some of 1060, 550 on average: \(two)")
    let sampled = flows(100, packets: 18) { .random(in: 540...560, using: &$0) }.map { sample in
        var sample = sample
        (sample.packets, sample.bytes) = (sample.packets * 1000, sample.bytes * 1000)
        return sample
    }
    #expect(try room(sampled, rate: 1000) == narrow)
    // A part of a flow of twenty seconds has the average of all of it.
    let parts = try #require(try room(flows(100, packets: 18, isWhole: false) { .random(in: 540...560, using: &$0) }))
    #expect(parts > 3 * narrow, "\(parts)")
    #expect(try room(flows(15, packets: 18) { .random(in: 540...560, using: &$0) }) == nil, "too few")
}

/// What stands for ten times as much has no more packets to tell by.
@Test func whatSamplesStandForDoesNotBlurTheirLengths() throws {
    let few = flows(100, packets: 16) { .random(in: 540...560, using: &$0) }.map { sample in
        var sample = sample
        sample.noteCounted(16)
        return sample
    }
    func scaled(_ factor: UInt64) -> [TrafficSample] {
        few.map { sample in
            var sample = sample
            (sample.packets, sample.bytes) = (sample.packets * factor, sample.bytes * factor)
            return sample
        }
    }
    let narrow = try #require(FlowLengths(few[...], samplingRate: 1).room(of: few[0]))
    #expect(narrow > 6 && narrow < 16, "\(narrow)")
    let many = scaled(100)
    #expect(FlowLengths(many[...], samplingRate: 1).room(of: many[0]) == narrow)
    for (packets, most): (UInt64, UInt64) in [(0, 1), (1, 1), (2, 2), (3, 4), (16, 16), (17, 32), (.max, 1 << 62)] {
        var sample = few[0]
        sample.noteCounted(packets)
        #expect(sample.mostCounted == most && sample.isOfOnePacket == (packets <= 1), "\(packets)")
        #expect(!sample.isFragment && !sample.isPartOfAverage)
    }
}

/// A download of which chance has three packets of one length, beside a flood.
@Test func lengthsThatChanceBroughtTwiceOrThriceAreNotNamed() throws {
    func download(_ count: Int, seed: UInt64) -> [TrafficSample] {
        samples(count, seed: seed) { _, random in
            var shape = PacketShape.tcp(443, 11_082, .ack, .random(in: 1400...1500, using: &random))
            shape.sources = 1
            return shape
        }
    }
    for seed: UInt64 in 1...8 {
        let syn = samples(34, seed: seed) { _, random in .tcp(.random(in: 1024...65_000, using: &random), 22, .syn, 60)
        }
        let udp = samples(34, seed: seed) { _, random in
            .udp(.random(in: 1024...65_000, using: &random), .random(in: 1024...65_000, using: &random), 831)
        }
        let before = download(150, seed: seed + 20) + samples(60, seed: seed) { _, _ in .udp(4000, 123, 76) }
        let found = rules(download(60, seed: seed + 10) + syn + udp, normal: before)
        #expect(try match(.tcp(3000, 22, .syn, 60), found) && match(.udp(3000, 4000, 831), found))
        for length: UInt16 in 1400...1500 {
            #expect(try !match(.tcp(443, 11_082, .ack, length), found), "\(seed): \(found.map(\.conditions))")
        }
    }
}

/// Bounds can be drawn about any four pings.
@Test func aHandfulOfOneProtocolIsNoVectorForItsLengthsAlone() {
    func pings(_ count: Int, _ lengths: ClosedRange<UInt16>, seed: UInt64) -> [TrafficSample] {
        samples(count, seed: seed) { _, random in
            PacketShape(ipProtocol: .icmp, length: .random(in: lengths, using: &random))
        }
    }
    func usual(_ count: Int, from port: Int) -> [TrafficSample] {
        samples(count, seed: 1) { number, _ in .tcp(UInt16(port + number), 873, .ack, 52) }
    }
    let normal = usual(240, from: 33_000) + pings(160, 60...90, seed: 2)
    let flood = samples(70, seed: 4) { _, random in .tcp(.random(in: 1024...65_000, using: &random), 53, [], 40) }
    let attack = flood + usual(20, from: 34_000) + pings(4, 92...99, seed: 5)
    let evidence = SampleEvidence(attack: attack, normal: normal, unit: .packets, direction: .incoming)
    let all = evidence.members(of: .ipProtocol(IPProtocol.icmp.rawValue), within: evidence.all)
    let handful = evidence.members(of: .length(ValueRanges(91...65_535)), within: all)
    #expect(evidence.isNotable(handful) && !evidence.isNotable(handful, chosenFrom: all))
    let protocols = rules(attack, normal: normal).compactMap { rule in
        if case .ipProtocol(let value)? = rule.conditions.first { value } else { nil }
    }
    #expect(protocols == [IPProtocol.tcp.rawValue], "\(protocols)")
}

/// Where two flows are half of what comes, the other half is no less there.
@Test func manyLightSamplesCountBesideTwoHeavyOnes() {
    var random = SeededGenerator(seed: 9)
    var attack = (0..<60).map { _ in PacketShape.udp(137, 443, 200).sample(&random) }
    for _ in 0..<2 {
        var heavy = PacketShape.fragment(1480).sample(&random)
        (heavy.packets, heavy.bytes) = (heavy.packets * 15, heavy.bytes * 15)
        attack.append(heavy)
    }
    let normal = (0..<100).map { PacketShape.tcp(UInt16(33_000 + $0), 443, .ack, 52).sample(&random) }
    let evidence = SampleEvidence(attack: attack, normal: normal, unit: .packets, direction: .incoming)
    let light = evidence.members(of: .sourcePort(ValueRanges(137...137)), within: evidence.all)
    #expect(evidence.attackCount < 10, "\(evidence.attackCount)")
    #expect(evidence.isNotable(light))
    let one = evidence.members(of: .remote(IPPrefix(host: attack[0].source)), within: evidence.all)
    #expect(!evidence.isNotable(one))
}

@Test func narrowerComponentsAreKnownForIt() {
    func lengths(_ range: ClosedRange<UInt64>) -> MatchComponent {
        .packetLength([
            NumericTerm(.greaterOrEqual, range.lowerBound), NumericTerm(.lessOrEqual, range.upperBound, and: true),
        ])
    }
    #expect(lengths(540...560).isWithin(lengths(520...580)))
    #expect(lengths(540...560).isWithin(lengths(540...560)))
    #expect(!lengths(520...580).isWithin(lengths(540...560)))
    #expect(!lengths(540...600).isWithin(lengths(520...580)))
    let ports = [MatchComponent.destinationPort([NumericTerm(.equal, 53)])]
    let wide = [MatchComponent.destinationPort([NumericTerm(.lessOrEqual, 1023)])]
    #expect(ports[0].isWithin(wide[0]) && !wide[0].isWithin(ports[0]))
    #expect(!ports[0].isWithin(.sourcePort([NumericTerm(.lessOrEqual, 1023)])), "of the other end")
    let hole = MatchComponent.packetLength([NumericTerm(.lessOrEqual, 72), NumericTerm(.greaterOrEqual, 77)])
    #expect(!lengths(60...80).isWithin(hole))
}
