import Detection
import FlowSpec
import Foundation
import GRDB
import Mitigation
import NetworkTypes
import Testing
import Traffic

@testable import Store

private func temporaryPath() -> String {
    FileManager.default.temporaryDirectory.appending(path: "floodgate-store-\(UUID().uuidString)/floodgate.db").path()
}

private func entry(
    _ id: UInt64,
    _ host: String,
    state: LedgerEntry.State = .announced,
    saying other: Announcement? = nil,
    because reason: String = "because",
    expecting expectation: RuleExpectation? = nil,
    probesFailed: UInt8 = 0
) throws -> LedgerEntry {
    let target = try #require(IPPrefix(host))
    var announcement = try #require(RuleTemplate.builtIn["syn_flood"]).announcement(
        for: target,
        direction: .incoming,
        communities: [.blackhole]
    )
    announcement.actions = [.rateLimitBytes(asn: 65001, bytesPerSecond: 9600), .markDSCP(3)]
    return LedgerEntry(
        id: LedgerEntry.ID(rawValue: id),
        announcement: other ?? announcement,
        target: target,
        direction: .incoming,
        template: "syn_flood",
        reason: reason,
        expectation: expectation,
        created: Timestamp(seconds: 10),
        requesters: [.attack(Attack.ID(rawValue: 3)), .operator],
        terms: [.operator: Timestamp(seconds: 90)],
        announced: Timestamp(seconds: 11),
        expires: Timestamp(seconds: 100),
        state: state,
        failedProbes: probesFailed
    )
}

private func attack(_ id: UInt64, ended: Timestamp? = nil) -> Attack {
    let sample = TrafficSample(
        source: IPAddress(192, 0, 2, 1),
        destination: IPAddress(198, 51, 100, 5),
        packets: 100,
        bytes: 6000,
        sourcePort: 1,
        destinationPort: 2,
        ipProtocol: .tcp,
        tcpFlags: .syn,
        icmpType: 0,
        icmpCode: 0,
        timeToLive: 60,
        isFragment: false
    )
    var other = sample
    (other.time, other.exporter, other.inputInterface) = (Timestamp(seconds: 4), IPAddress(192, 0, 2, 9), 5)
    (other.ipProtocol, other.sourcePort) = (.udp, 53)
    (other.isPartOfAverage, other.flowSeconds) = (true, 61)
    var rates = TrafficRates()
    rates[.tcpSYN, .packets] = 1.5
    var attack = Attack(
        id: Attack.ID(rawValue: id),
        target: .group(name: "web", prefixes: [IPPrefix("198.51.100.0/26")].compactMap { $0 }),
        direction: .incoming,
        began: Timestamp(seconds: 5),
        kind: .synFlood,
        kindShare: 0.9,
        crossing: ThresholdCrossing(
            trafficClass: .tcpSYN,
            unit: .packets,
            threshold: 1,
            rate: 2,
            lowerBound: 1.5,
            upperBound: 2.5,
            window: .seconds(2),
            samples: 7,
            group: "web"
        ),
        rates: rates,
        vectors: [
            AttackVector(kind: .synFlood, share: 0.9, samples: [sample]),
            AttackVector(kind: .dnsAmplification, share: 0.1, samples: [other]),
        ],
        samples: [sample, other],
        normal: [other],
        normalDuration: .seconds(90)
    )
    attack.ended = ended
    attack.peakTime = Timestamp(seconds: 6)
    attack.peakSamplingRate = 100
    attack.profile.add([sample, other], direction: .incoming, unit: .packets)
    attack.packets = AttackPackets([
        SampledPacket([0x45, 0, 1, 2], link: .ip, originalLength: 1500, time: Timestamp(nanoseconds: 4_000_000_001)),
        SampledPacket(0..<140, link: .mpls, originalLength: 140, time: Timestamp(seconds: 5)),
    ])
    return attack
}

/// All that an announcement can say.
@Test func announcementsComeBackWhole() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(at: URL(filePath: path).deletingLastPathComponent()) }
    let texts = [
        "flow route rd 65001:100 destination 198.51.100.5/32 copy 192.0.2.1 community 1:1 large-community 1:2:3 "
            + "extended-community target:65001:1",
        "ipv6 flow tcp-flags =syn redirect [2001:db8::1]:5 redirect-to-nexthop-ietf 2001:db8::2",
        "route 198.51.100.5/32 next-hop 192.0.2.1 origin egp as-path [ 65001 65002 ] med 5 local-preference 200 community 1:1",
    ]
    var entries: [LedgerEntry] = []
    for (index, text) in texts.enumerated() {
        guard case .announce(var announcement)? = try FlowSpecText.parse(text).first?.order else { continue }
        // A rule for one neighbor must not become one for all.
        if index == 0 { announcement.neighbors = [IPAddress(192, 0, 2, 1), IPAddress(192, 0, 2, 2)] }
        entries.append(try entry(UInt64(index + 1), "198.51.100.5/32", saying: announcement))
    }
    do {
        let store = try Store(path: path)
        try store.write(entries.map { .entry($0) })
    }
    let read = try Store(path: path).entries(limit: 10).sorted { $0.id.rawValue < $1.id.rawValue }
    #expect(read.map(\.announcement) == entries.map(\.announcement))
    #expect(read.count == texts.count)
}

/// Rows of former releases have none.
@Test func expectationsComeBackWhole() throws {
    let store = try Store(path: ":memory:")
    let together = RuleExpectation.Together(rules: 3, attackShare: 1 / 3, normalShare: 1e-5)
    let expectations = [
        nil, RuleExpectation(attackShare: 0.97, attackSamples: 118, normalShare: nil, normalSamples: 0),
        RuleExpectation(attackShare: 1, attackSamples: 9, normalShare: 0.1, normalSamples: 64, together: together),
    ]
    for (number, expectation) in expectations.enumerated() {
        let written = try entry(UInt64(number + 1), "198.51.100.5/32", expecting: expectation)
        try store.write([.entry(written)])
        #expect(try store.entry(written.id)?.expectation == expectation)
    }
}

/// A reason may be any text.
@Test func textsComeBackWhole() throws {
    let store = try Store(path: ":memory:")
    let control = String(String.UnicodeScalarView((0..<0x20).compactMap { Unicode.Scalar(UInt32($0)) }))
    for (number, text) in ["", "a \"quote\"", "back\\slash\\", "é€😀\u{7F}\u{2028}", control].enumerated() {
        let written = try entry(UInt64(number + 1), "198.51.100.5/32", because: text)
        try store.write([.entry(written)])
        #expect(try store.entry(written.id) == written)
    }
}

@Test func whatWasWrittenIsThereForTheNextProcess() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(at: URL(filePath: path).deletingLastPathComponent()) }
    let first = try entry(7, "198.51.100.5/32", probesFailed: 2)
    let climb = Climb(step: 1, since: Timestamp(seconds: 8), taken: 3, relapses: 2, lastLeft: 1)
    let lower = Climb(step: 0, since: Timestamp(seconds: 7), taken: 1, relapses: 0, lastLeft: nil)
    let second = try entry(8, "2001:db8::5/128", state: .withdrawn)
    do {
        let store = try Store(path: path)
        try store.write([
            .entry(first), .entry(second), .attack(attack(3)), .attack(attack(4, ended: Timestamp(seconds: 9))),
            .event(.init(time: Timestamp(seconds: 5), attack: Attack.ID(rawValue: 3), text: "began")),
            .overruled(Attack.ID(rawValue: 3)), .overruled(Attack.ID(rawValue: 3)), .overruled(Attack.ID(rawValue: 5)),
            .climb(Attack.ID(rawValue: 3), lower), .climb(Attack.ID(rawValue: 3), climb),
            .climb(Attack.ID(rawValue: 5), climb),
        ])
        try store.write([.attack(attack(5, ended: Timestamp(seconds: 9)))])
    }
    let store = try Store(path: path)
    let remains = try store.load()
    #expect(remains.entries == [first])
    #expect(remains.attacks == [attack(3)])
    #expect(remains.overruled == [Attack.ID(rawValue: 3)], "that of an attack that is over is forgotten")
    #expect(remains.climbs == [Attack.ID(rawValue: 3): climb])
    #expect(remains.highestAttack.rawValue == 5 && remains.highestEntry.rawValue == 8)
    #expect(try store.entry(second.id) == second)
    #expect(try store.attacks(limit: 10).map(\.id.rawValue) == [5, 4, 3])
    #expect(try store.events(attack: Attack.ID(rawValue: 3), entries: []).map(\.text) == ["began"])
}

/// However long ago: by the events of the attack, or by who asks for the rule.
@Test func theRulesOfAnAttackAreFound() throws {
    let store = try Store(path: ":memory:")
    let attack = Attack.ID(rawValue: 3)
    // Entry 1 has lost its requesters with its end; 2000 others came since.
    var first = try entry(1, "198.51.100.5/32", state: .withdrawn)
    first.requesters = []
    try store.write([
        .entry(first),
        .event(
            .init(time: Timestamp(seconds: 1), attack: attack, entry: LedgerEntry.ID(rawValue: 1), text: "announced")
        ),
        .event(.init(time: Timestamp(seconds: 1), attack: attack, text: "began")),
    ])
    var others: [Store.Change] = []
    for number in 2...2001 {
        var other = try entry(UInt64(number), "198.51.100.6/32")
        other.requesters = [.operator, .attack(Attack.ID(rawValue: 33))]
        others.append(.entry(other))
    }
    try store.write(others)
    try store.write([.entry(try entry(2002, "198.51.100.7/32"))])
    #expect(try store.entries(of: attack, limit: 1000).entries.map(\.id.rawValue) == [1, 2002])
    let many = try store.entries(of: Attack.ID(rawValue: 33), limit: 1000)
    #expect(
        many.entries.map(\.id.rawValue) == Array(1002...2001) && many.total == 2000,
        "the latest, and how many there are"
    )
    let none = try store.entries(of: Attack.ID(rawValue: 4), limit: 1000)
    #expect(none.entries.isEmpty && none.total == 0)
}

/// A store of before it was kept apart which attacks asked.
@Test func theRulesOfAnAttackAreFoundInAnOlderStore() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(at: URL(filePath: path).deletingLastPathComponent()) }
    do {
        let store = try Store(path: path)
        var both = try entry(1, "198.51.100.5/32")
        both.requesters = [.operator, .attack(Attack.ID(rawValue: 3)), .attack(Attack.ID(rawValue: 44))]
        var other = try entry(2, "198.51.100.6/32")
        other.requesters = [.client("attack 3 is what I call my pipe"), .attack(Attack.ID(rawValue: 5))]
        try store.write([.entry(both), .entry(other)])
        try store.database.write { database in
            try database.execute(sql: "DROP TABLE asked; DELETE FROM grdb_migrations WHERE identifier = 'asked'")
            // Damage keeps nobody from the rest.
            try database.execute(sql: "INSERT INTO entry VALUES (3, 0, '198.51.100.7/32', 'attack 3')")
        }
    }
    let store = try Store(path: path)
    func rules(of attack: UInt64) throws -> [UInt64] {
        try store.entries(of: Attack.ID(rawValue: attack), limit: 10).entries.map(\.id.rawValue)
    }
    #expect(try rules(of: 3) == [1])
    #expect(try rules(of: 44) == [1])
    #expect(try rules(of: 5) == [2])
    #expect(try rules(of: 4).isEmpty)
}

@Test func aDamagedFileIsAnErrorThatNamesIt() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(at: URL(filePath: path).deletingLastPathComponent()) }
    try FileManager.default.createDirectory(
        at: URL(filePath: path).deletingLastPathComponent(),
        withIntermediateDirectories: true
    )
    try Data((0..<8192).map { UInt8($0 % 251) }).write(to: URL(filePath: path))
    let failure = #expect(throws: Store.Failure.self) { _ = try Store(path: path).load() }
    #expect(failure?.description.contains(path) == true)
    #expect(throws: Store.Failure.self) { _ = try Store(path: "/proc/floodgate/floodgate.db") }
}

@Test func anAttackOfAnEarlierVersionIsRead() throws {
    let whole = try StoredAttack(attack(3)).encoded()
    var row = try #require(try JSONSerialization.jsonObject(with: whole) as? [String: Any])
    for key in ["peakTime", "peakSamplingRate", "vectors", "normal", "normalNanoseconds", "profile"] {
        #expect(row.removeValue(forKey: key) != nil)
    }
    row["samples"] = try #require(row["samples"] as? [[String: Any]]).map { sample in
        sample.filter {
            !["time", "exporter", "inputInterface", "vector", "isPartOfAverage", "flowSeconds"].contains($0.key)
        }
    }
    let read = try StoredAttack.decode(JSONSerialization.data(withJSONObject: row)).attack()
    #expect(read.kind == .synFlood && read.vectors.map(\.kind) == [.synFlood])
    #expect(read.samples.count == 2 && read.peakTime == read.began && read.normal.isEmpty)
    #expect(read.samples.allSatisfy { $0.isOfOneLength && $0.flowSeconds == 0 })
}

/// A flow of 61 s whose packets are of several lengths must not become packets of one length at a restart: a rule would be
/// made for a length that none has.
@Test func whatIsPartOfAnAverageStaysSo() throws {
    let read = try StoredAttack.decode(StoredAttack(attack(3)).encoded()).attack()
    #expect(
        read.samples.map(\.isPartOfAverage) == [false, true] && read.samples.map(\.isOfOneLength) == [true, false]
    )
    #expect(read.samples.map(\.flowSeconds) == [0, 61] && read.normal.map(\.isPartOfAverage) == [true])
    #expect(read.vectors.last?.samples.map(\.isPartOfAverage) == [true])
    #expect(read.samples.map(\.isFragment) == [false, false])
}

/// A second daemon on the same store would number its rules alike.
@Test func aStoreIsForOneDaemonAtATime() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(at: URL(filePath: path).deletingLastPathComponent()) }
    var first: StoreLock? = try StoreLock(path: path)
    let refused = #expect(throws: Store.Failure.self) { try StoreLock(path: path) }
    #expect(refused?.description.contains("another daemon has it") == true)
    #expect(throws: Never.self) { try StoreLock(path: path + ".other") }
    withExtendedLifetime(first) {}
    first = nil
    #expect(throws: Never.self) { try StoreLock(path: path) }
}

/// Rules in force stay however old they are, and however many there are they are not searched for past ones.
@Test func onlyThePastIsForgotten() throws {
    let store = try Store(path: ":memory:")
    let past: [UInt64] = [2, 99_990, 100_010, 150_000]
    let inForce: [UInt64] = [1, 100_000, 200_000]
    try store.write(past.map { .entry(try entry($0, "198.51.100.1/32", state: .withdrawn)) })
    try store.write(inForce.map { .entry(try entry($0, "198.51.100.2/32")) })
    try store.database.write { database in try Store.forgetOldest(in: database) }
    let left = try store.database.read { try UInt64.fetchAll($0, sql: "SELECT id FROM entry ORDER BY id") }
    #expect(left == [1, 100_000, 100_010, 150_000, 200_000])
    for statement in Store.forgettingStatements {
        let plan = try store.database.read { database in
            try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN \(statement.sql)", arguments: [statement.kept])
                .map { $0["detail"] as String }
        }
        #expect(!plan.contains { $0.contains("SCAN entry") }, "\(plan)")
        let isOfEntries = statement.sql.contains("FROM entry INDEXED BY") || statement.sql.contains("DELETE FROM entry")
        #expect(!isOfEntries || plan.contains { $0.contains("entry_is_past (id<?)") }, "\(plan)")
    }
}
