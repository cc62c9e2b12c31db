import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

@testable import Detection

/// Packets of one sort, so many a second.
private struct Stream {
    var rate: Int
    var number = IPProtocol.udp
    var port: UInt16?
    var destinationPort: UInt16?
    var flags: TCPFlags = []
    var lengths: ClosedRange<Int>
    var sources: Int
    var isFragment = false
    var to = victim

    func record(using random: inout SeededGenerator, sampling: UInt32, at time: Timestamp) -> FlowRecord {
        var record = FlowRecord()
        record.source = IPAddress(v4: 0xC612_0000 | UInt32.random(in: 0..<UInt32(sources), using: &random))
        record.destination = to
        record.packets = 1
        record.bytes = UInt64(Int.random(in: lengths, using: &random))
        record.samplingRate = sampling
        record.ipProtocol = number
        record.tcpFlags = flags
        if number == .udp || number == .tcp {
            record.sourcePort = port ?? .random(in: 1024...65_535, using: &random)
            record.destinationPort = destinationPort ?? .random(in: 1024...65_535, using: &random)
        }
        if isFragment { record.traits = [.isPacket, .isFragment] } else { record.traits = .isPacket }
        if isFragment, port == nil { (record.sourcePort, record.destinationPort) = (0, 0) }
        record.first = time
        record.last = time
        return record
    }
}

/// The usual traffic for a minute, then what comes beside it for two seconds; the attack as it was last told.
private func attack(
    _ streams: [Stream],
    beside usual: [Stream] = [],
    threshold: Double = 20_000,
    trafficClass: TrafficClass = .total,
    sampling: UInt32 = 10,
    seconds: Int = 60,
    lasting: Int = 2
) -> Attack? {
    var thresholds = Thresholds()
    thresholds[trafficClass, .packets] = threshold
    let traffic = TrafficConfiguration(networks: ["198.51.100.0/24"].compactMap { IPPrefix($0) })
    let detection = DetectionConfiguration(thresholds: thresholds)
    let start = Timestamp(seconds: 1_000_000)
    var merger = TrafficMerger(configuration: traffic, measures: detection.measures, seed: 1, at: start)
    var detector = Detector(configuration: detection)
    var table = DeltaTable(seed: 2)
    let view = NetworkView(traffic)
    var random = SeededGenerator(seed: 5)
    var found: Attack?
    let all = usual.map { ($0, 0) } + streams.map { ($0, seconds * 10) }
    var owed = all.map { _ in 0.0 }
    for tick in 0..<((seconds + lasting) * 10) {
        var batch = RecordBatch()
        for (index, (stream, begin)) in all.enumerated() where tick >= begin {
            owed[index] += Double(stream.rate) / 10 / Double(sampling)
            while owed[index] >= 1 {
                owed[index] -= 1
                _ = batch.append(stream.record(using: &random, sampling: sampling, at: merger.tickEnd))
            }
        }
        add(batch, into: &table, at: merger.tickEnd, view: view)
        merger.merge(table)
        table.removeAll()
        for event in detector.judge(&merger) { found = event.attack }
        merger.advance(to: merger.tick + 1)
    }
    return found ?? detector.activeAttacks.first
}

private func add(
    _ batch: borrowing RecordBatch,
    into table: inout DeltaTable,
    at end: Timestamp,
    view: NetworkView
) { table.add(batch.records, tickEnd: end, view: view) }

/// Web traffic to a server, with a little of everything else.
private let web = [
    Stream(rate: 3000, number: .tcp, destinationPort: 443, flags: .ack, lengths: 52...400, sources: 3000),
    Stream(rate: 100, number: .tcp, destinationPort: 443, flags: .syn, lengths: 60...60, sources: 3000),
    Stream(rate: 60, port: 53, lengths: 90...250, sources: 3),
    Stream(rate: 20, number: .icmp, lengths: 84...84, sources: 50),
]

private func amplification(_ port: UInt16, _ lengths: ClosedRange<Int>) -> Stream {
    Stream(rate: 80_000, port: port, lengths: lengths, sources: 800)
}

@Test(
    arguments: [
        (AttackKind.udpFlood, Stream(rate: 80_000, lengths: 60...1400, sources: 60_000)),
        (.icmpFlood, Stream(rate: 80_000, number: .icmp, lengths: 84...84, sources: 60_000)),
        (.greFlood, Stream(rate: 80_000, number: .gre, lengths: 500...500, sources: 60_000)),
        (.fragmentFlood, Stream(rate: 80_000, lengths: 1500...1500, sources: 60_000, isFragment: true)),
        (
            .synFlood,
            Stream(rate: 80_000, number: .tcp, destinationPort: 443, flags: .syn, lengths: 40...60, sources: 60_000)
        ),
        (
            .synACKReflection,
            Stream(rate: 80_000, number: .tcp, port: 443, flags: [.syn, .ack], lengths: 44...60, sources: 5000)
        ),
        (
            .ackFlood,
            Stream(rate: 80_000, number: .tcp, destinationPort: 443, flags: .ack, lengths: 40...60, sources: 60_000)
        ),
        (.rstFlood, Stream(rate: 80_000, number: .tcp, flags: .rst, lengths: 40...40, sources: 60_000)),
        (.tcpNullFlood, Stream(rate: 80_000, number: .tcp, flags: [], lengths: 40...40, sources: 60_000)),
        (
            .tcpXmasFlood,
            Stream(rate: 80_000, number: .tcp, flags: [.fin, .psh, .urg], lengths: 40...40, sources: 60_000)
        ),
        (.flood, Stream(rate: 80_000, number: .esp, lengths: 500...500, sources: 60_000)),
        (.dnsAmplification, amplification(53, 1000...1500)),
        (.ntpAmplification, amplification(123, 468...468)),
        (.ssdpAmplification, amplification(1900, 280...350)),
        (.memcachedAmplification, amplification(11211, 1400...1400)),
        (.cldapAmplification, amplification(389, 1300...1500)),
        (.chargenAmplification, amplification(19, 100...1400)),
        (.snmpAmplification, amplification(161, 600...1400)),
        (.portmapAmplification, amplification(111, 100...500)),
        (.qotdAmplification, amplification(17, 60...500)),
        (.mdnsAmplification, amplification(5353, 100...400)),
        (.wsDiscoveryAmplification, amplification(3702, 600...1200)),
        (.armsAmplification, amplification(3283, 1034...1060)),
        (.coapAmplification, amplification(5683, 100...900)),
        (.tftpAmplification, amplification(69, 544...544)),
        (.ripAmplification, amplification(520, 532...532)),
        (.sipAmplification, amplification(5060, 400...600)),
        (.netbiosAmplification, amplification(137, 200...240)),
    ] as [(AttackKind, Stream)]
)
private func eachKindIsRecognised(_ kind: AttackKind, _ stream: Stream) {
    for usual in [[], web] {
        let found = attack([stream], beside: usual)
        #expect(found?.kind == kind)
        #expect(found?.vectors.map(\.kind) == [kind], "the target's own traffic is no vector")
        let share = usual.isEmpty ? 1 : 80_000.0 / 83_180
        #expect(abs((found?.kindShare ?? 0) - share) < 0.06, "\(found?.kindShare ?? 0)")
        if kind != .fragmentFlood {
            let samples = found?.vectors.first?.samples ?? []
            #expect(samples.count > 60 && samples.allSatisfy { $0.ipProtocol == stream.number })
        }
        #expect(found?.normal.isEmpty == usual.isEmpty)
    }
}

@Test func everyKindHasATestAbove() { #expect(AttackKind.allCases.count == 28) }

@Test(
    arguments: [
        // A resolver that is asked more than usual: answers of many servers, and some of them long.
        (
            [Stream(rate: 15_000, port: 53, lengths: 90...1400, sources: 4000)],
            [Stream(rate: 15_000, port: 53, lengths: 90...1400, sources: 4000)]
        ),
        // One of which nothing is known gets answers of ordinary length.
        ([Stream(rate: 30_000, port: 53, lengths: 80...300, sources: 4000)], []),
        // A forwarder that asks two resolvers.
        ([Stream(rate: 30_000, port: 53, lengths: 400...1200, sources: 2)], []),
        // A download over QUIC.
        ([Stream(rate: 40_000, port: 443, destinationPort: 50_000, lengths: 1250...1250, sources: 1)], web),
        // Clients of an NTP server, and its peers.
        ([Stream(rate: 40_000, port: 123, destinationPort: 123, lengths: 76...96, sources: 20_000)], []),
        // SIP trunks.
        ([Stream(rate: 25_000, port: 5060, destinationPort: 5060, lengths: 500...900, sources: 3)], []),
    ] as [([Stream], [Stream])]
)
private func portsAloneMakeNoAmplification(_ streams: [Stream], _ usual: [Stream]) {
    let found = attack(streams, beside: usual)
    #expect(found?.kind == .udpFlood)
    #expect(found?.vectors.map(\.kind) == [.udpFlood])
}

@Test func aSpeedTestIsNoACKFlood() {
    let test = Stream(
        rate: 50_000,
        number: .tcp,
        port: 8080,
        destinationPort: 50_001,
        flags: .ack,
        lengths: 1400...1500,
        sources: 4
    )
    #expect(attack([test], beside: web)?.kind == .flood)
}

@Test func flagsThatAreNotToldAreNoNullFlood() {
    let usual = [Stream(rate: 3000, number: .tcp, destinationPort: 443, flags: [], lengths: 52...60, sources: 3000)]
    let flood = Stream(rate: 80_000, number: .tcp, destinationPort: 443, flags: [], lengths: 40...60, sources: 60_000)
    #expect(attack([flood], beside: usual)?.kind == .flood)
}

@Test func aTunnelThatIsUsualIsNoVector() {
    let tunnel = Stream(rate: 15_000, number: .gre, lengths: 200...1400, sources: 2)
    let flood = Stream(rate: 30_000, lengths: 60...1400, sources: 60_000)
    let found = attack([flood], beside: [tunnel])
    #expect(found?.vectors.map(\.kind) == [.udpFlood])
    #expect(abs((found?.kindShare ?? 0) - 2.0 / 3) < 0.1, "the share is of all traffic")
}

@Test func severalVectorsAreToldApart() {
    let found = attack(
        [
            amplification(53, 1000...1500), Stream(rate: 40_000, port: 123, lengths: 468...468, sources: 500),
            Stream(rate: 20_000, number: .tcp, destinationPort: 443, flags: .syn, lengths: 40...60, sources: 60_000),
        ],
        beside: web
    )
    #expect(found?.vectors.map(\.kind) == [.dnsAmplification, .ntpAmplification, .synFlood])
    let shares = found?.vectors.map(\.share) ?? []
    for (share, rate) in zip(shares, [80_000.0, 40_000, 20_000]) { #expect(abs(share - rate / 143_180) < 0.08) }
    #expect(found?.kindShare == shares.first)
    let samples = found?.vectors.flatMap(\.samples) ?? []
    #expect(Set(samples).isSubset(of: Set(found?.samples ?? [])))
}

@Test func theClassThatWasCrossedNamesTheAttack() {
    let syn = Stream(rate: 12_000, number: .tcp, destinationPort: 443, flags: .syn, lengths: 40...60, sources: 60_000)
    let udp = Stream(rate: 30_000, lengths: 60...1400, sources: 60_000)
    let found = attack([syn, udp], threshold: 5000, trafficClass: .tcpSYN)
    #expect(found?.vectors.map(\.kind) == [.synFlood, .udpFlood])
    #expect(abs((found?.kindShare ?? 0) - 12.0 / 42) < 0.1)
}

@Test func fewSamplesOfALongTimeAreEnough() {
    // Eight samples a second: the samples reach back as far as the evidence does.
    let found = attack(
        [amplification(123, 468...468)],
        threshold: 50_000,
        sampling: 10_000,
        seconds: 0,
        lasting: 40
    )
    #expect(found?.kind == .ntpAmplification)
    #expect((found?.samples.count ?? 0) > 12)
}

@Test func theProfileSaysWhoTakesPart() {
    let flood = Stream(rate: 80_000, port: 123, destinationPort: 80, lengths: 468...468, sources: 4)
    let profile = attack([flood], beside: web)?.profile
    #expect((profile?.samples ?? 0) > 100)
    let total = profile?.total ?? 0
    #expect(profile?.sourcePorts.top.first?.value == 123)
    #expect(profile?.destinationPorts.top.first?.value == 80)
    #expect(profile?.lengths.top.first?.value == 468)
    #expect(profile?.networks.top.first?.value == IPPrefix("198.18.0.0/24"))
    let peers = profile?.peers.top.prefix(4) ?? []
    #expect(peers.allSatisfy { $0.amount / total > 0.12 && $0.amount / total < 0.35 })
    #expect((profile?.peers.top.count ?? 99) <= 16)
}

@Test func heavyHittersAreFoundAmongMany() {
    var hitters = HeavyHitters<Int>(capacity: 16)
    for number in 0..<10_000 {
        hitters.add(1_000_000 + number, 1)
        if number % 5 == 0 { hitters.add(7, 1) }
    }
    #expect(hitters.entries.count == 16)
    #expect(hitters.top.first?.value == 7)
    #expect((hitters.top.first?.amount ?? 0) <= 2000)
    #expect(hitters.top.dropFirst().allSatisfy { $0.amount < 200 }, "nothing is said of those that come once")
}
