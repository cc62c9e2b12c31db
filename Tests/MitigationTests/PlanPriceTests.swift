import Detection
import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

/// What rules that match more of an attack, or are cheaper, may cost before they take the place of others.
struct PlanPriceTests {
    private typealias Part = (count: Int, make: PacketMix.Maker)

    private func time(_ seconds: Int) -> Timestamp { Timestamp(seconds: Double(1_000_000 + seconds)) }

    private func samples(_ parts: [Part], at seconds: Int) -> [TrafficSample] {
        var random = SeededGenerator(seed: UInt64(seconds + 1000))
        return parts.flatMap { part in
            (0..<part.count).map { _ in
                var sample = part.make(&random).sample(&random)
                sample.time = time(seconds)
                return sample
            }
        }
    }

    /// - Parameter isNamed: whether all of it is taken for the attack's.
    private func record(_ attack: [Part], normal: [Part], isNamed: Bool, at seconds: Int) -> Attack {
        let mixes = PacketMix.attacks.filter { $0.name == "udp_flood" }
        var record = SynthesisCase(service: PacketMix.services[0], attack: mixes[0], samples: 16, power: 1, seed: 1)
            .attackRecord()
        record.kind = .udpFlood
        record.vectors = isNamed ? [AttackVector(kind: .udpFlood, share: 1, samples: [])] : []
        record.samples = samples(attack, at: seconds)
        record.normal = samples(normal, at: -100)
        record.normalDuration = .zero
        return record
    }

    /// A ledger that goes on with a rule of before a restart, as though it had been found, and the routes of those that are
    /// in force after some seconds of the same attack.
    private func routes(
        after former: String,
        _ attack: [Part],
        normal: [Part],
        isNamed: Bool = false,
        _ change: (inout MitigationPolicy) -> Void = { _ in }
    ) throws -> [String] {
        let policy = synthesisPolicy(change)
        let text = "flow route destination 198.51.100.5/32 \(former) discard"
        guard case .announce(let announcement)? = try FlowSpecText.parse(text).first?.order else { return [] }
        let begun = record(attack, normal: normal, isNamed: isNamed, at: 0)
        let entry = LedgerEntry(
            id: LedgerEntry.ID(rawValue: 1),
            announcement: announcement,
            target: try #require(IPPrefix("198.51.100.5/32")),
            direction: .incoming,
            template: "udp_flood",
            reason: "a test",
            expectation: RuleExpectation(attackShare: 1, attackSamples: 64, normalShare: 0, normalSamples: 64),
            created: time(0),
            requesters: [.attack(begun.id)],
            announced: time(0),
            expires: time(1900),
            state: .announced
        )
        var ledger = Ledger(policy: policy)
        _ = ledger.restore([entry], attacks: [begun], overruled: [], highestID: entry.id, at: time(1))
        #expect(ledger.inForce.map { "\($0.announcement.route)" } == ["destination 198.51.100.5/32 \(former)"])
        for second in 2...8 {
            _ = ledger.handle(.updated(record(attack, normal: normal, isNamed: isNamed, at: second)), at: time(second))
        }
        return ledger.inForce.map { "\($0.announcement.route)" }
    }

    private func port(_ random: inout SeededGenerator) -> UInt16 { .random(in: 1024...65_535, using: &random) }
    private var web: PacketMix.Maker { { .tcp(port(&$0), 443, .ack, .random(in: 300...640, using: &$0)) } }
    private var game: PacketMix.Maker { { .udp(port(&$0), 27_015, .random(in: 300...640, using: &$0)) } }
    private var ntp: PacketMix.Maker { { .udp(123, port(&$0), 468) } }

    private let before = "protocol =udp source-port =19"

    /// An attack that now looks as what is usual does: rules for it would drop all of that.
    @Test func anAttackThatChangedIsNotAnsweredAtAnyPrice() throws {
        let dear = try routes(after: before, [(64, web)], normal: [(32, web), (32, game)])
        #expect(dear == ["destination 198.51.100.5/32 \(before)"], "half of the usual for all of the attack")
        let cheap = try routes(after: before, [(64, web)], normal: [(6, web), (58, game)])
        #expect(cheap.contains { $0.contains("destination-port =443") }, "a tenth of it is worth it: \(cheap)")
    }

    /// A twentieth of the attack is as before: the rule for that stays where it costs nothing, and goes where it drops a third
    /// of the usual traffic.
    @Test func aRuleThatStillMatchesSomeStaysOnlyWhereThatIsWorthItsPrice() throws {
        let former = "protocol =tcp destination-port =443"
        let attack: [Part] = [(122, ntp), (6, web)]
        func kept(_ normal: [Part]) throws -> [String] {
            try routes(after: former, attack, normal: normal) { $0.coverage = 0.85 }
        }
        let free = try kept([(64, game)])
        #expect(free.contains("destination 198.51.100.5/32 \(former)") && free.count == 2, "\(free)")
        let dear = try kept([(44, game), (20, web)])
        #expect(dear.count == 1 && dear.allSatisfy { $0.contains("source-port =123") }, "\(dear)")
    }

    /// A rule that holds all of an attack gives way to one that holds less than is asked for only where that spares much,
    /// and lets through little. So little is known of before that nobody can say that what is let through is usual.
    @Test func whatSparesMuchIsWorthAPartOfTheAttack() throws {
        // No port and no length tells them from what comes with the attack.
        let calls: PacketMix.Maker = { .udp(port(&$0), port(&$0), 468) }
        let former = "protocol =udp packet-length =468"
        func found(letThrough: Int, usual: Int) throws -> [String] {
            try routes(
                after: former,
                [(128 - letThrough, ntp), (letThrough, calls)],
                normal: [(usual, calls), (7 - usual, web)],
                isNamed: true
            ) { $0.maximumRulesPerAttack = 1 }
        }
        let cheaper = try found(letThrough: 5, usual: 3)
        #expect(cheaper.count == 1 && cheaper.allSatisfy { $0.contains("source-port =123") }, "\(cheaper)")
        let leaking = try found(letThrough: 12, usual: 3)
        #expect(leaking == ["destination 198.51.100.5/32 \(former)"], "a tenth of it is too much: \(leaking)")
    }

    /// As much as is asked for is held by a narrower rule as well: it takes the other's place only where that spares
    /// something.
    @Test func whatSparesNextToNothingChangesNothing() throws {
        // As long as what is usual there: only the port tells them apart.
        let calls: PacketMix.Maker = { .udp(port(&$0), 27_015, 468) }
        let former = "protocol =udp packet-length =468"
        func found(usual: Int) throws -> [String] {
            try routes(after: former, [(123, ntp), (5, calls)], normal: [(usual, calls), (128 - usual, web)]) {
                $0.coverage = 0.99
            }
        }
        let worthwhile = try found(usual: 40)
        #expect(worthwhile.count == 1 && worthwhile.allSatisfy { $0.contains("source-port =123") }, "\(worthwhile)")
        let pointless = try found(usual: 4)
        #expect(pointless == ["destination 198.51.100.5/32 \(former)"], "\(pointless)")
    }
}
