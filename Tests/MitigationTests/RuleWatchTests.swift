import Detection
import FlowSpec
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }

/// What a rule is said to do rests on what comes now, and on what there was before it could do anything.
struct RuleWatchTests {
    private static let exporter = IPAddress(192, 0, 2, 1)

    /// A flood of SYNs beside the customer's connections, by 100 samples.
    private static func attack(
        syn: Double,
        usual: Double = 150_000,
        udp: Double = 0,
        peak: Double? = nil,
        threshold: Double = 20_000,
        at seconds: Double
    ) -> Attack {
        let crossing = ThresholdCrossing(
            trafficClass: .tcpSYN,
            unit: .packets,
            threshold: threshold,
            rate: syn,
            lowerBound: syn,
            upperBound: syn,
            window: .seconds(1),
            samples: 100,
            group: nil
        )
        var rates = TrafficRates()
        rates[.total, .packets] = syn + usual + udp
        rates[.tcp, .packets] = syn + usual
        rates[.udp, .packets] = udp
        rates[.tcpSYN, .packets] = syn
        let each = max(1, (syn + usual + udp) / 100)
        let samples =
            packets(Int(syn / each), .syn, each, at: seconds) + packets(Int(usual / each), .ack, each, at: seconds)
            + packets(Int(udp / each), nil, each, at: seconds)
        var attack = Attack(
            id: Attack.ID(rawValue: 1),
            target: .host(IPAddress(198, 51, 100, 5)),
            direction: .incoming,
            began: time(0),
            kind: .synFlood,
            kindShare: 1,
            crossing: crossing,
            rates: rates,
            samples: samples
        )
        attack.present = PresentTraffic(samples: samples)
        attack.peak[.total, .packets] = peak ?? (syn + usual + udp)
        if syn > threshold { attack.exceeded.append(crossing) }
        if syn + usual + udp > 300_000 {
            var total = crossing
            total.trafficClass = .total
            total.threshold = 300_000
            attack.exceeded.append(total)
        }
        return attack
    }

    private static func packets(
        _ count: Int,
        _ flags: TCPFlags?,
        _ each: Double,
        at seconds: Double
    ) -> [TrafficSample] {
        (0..<count).map { number in
            TrafficSample(
                source: IPAddress(203, 0, 113, UInt8(truncatingIfNeeded: number)),
                destination: IPAddress(198, 51, 100, 5),
                packets: UInt64(each),
                bytes: UInt64(each) * 60,
                time: time(seconds),
                exporter: exporter,
                sourcePort: 1234,
                destinationPort: 80,
                ipProtocol: flags == nil ? .udp : .tcp,
                tcpFlags: flags ?? [],
                icmpType: 0,
                icmpCode: 0,
                timeToLive: 60,
                isFragment: false
            )
        }
    }

    private static func ledger(_ action: TrafficAction = .discard) -> Ledger {
        Ledger(
            policy: Fixture.policy {
                $0.templates["syn_flood"]?.actions = [action]
                if let all = IPPrefix("192.0.2.0/24") { $0.samplesBeforeFilter = PrefixTable([(all, false)]) }
                $0.ladder = EscalationLadder(steps: [
                    .init(.init(), .actions(RuleTemplate(components: [], actions: [action]))),
                    .init(.init(after: .seconds(10)), .blackhole([])),
                ])
            }
        )
    }

    /// What is said of the only rule, and what was told, when each second the attack looks like this.
    private static func follow(
        _ ledger: inout Ledger,
        seconds: ClosedRange<Int> = 1...40,
        _ attack: (Double) -> Attack
    ) -> (effect: RuleEffect?, notes: [String]) {
        var notes: [String] = []
        for second in seconds {
            notes += ledger.handle(.updated(attack(Double(second))), at: time(Double(second))).notes
        }
        return (ledger.inForce.first.flatMap { ledger.effect(of: $0.id) }, notes)
    }

    @Test func aLimitThatIsKeptBesideUsualTrafficHolds() {
        var ledger = Self.ledger(.rateLimitPackets(asn: 0, packetsPerSecond: 40_000))
        _ = ledger.handle(.began(Self.attack(syn: 1_000_000, at: 0)), at: time(0))
        let found = Self.follow(&ledger) { Self.attack(syn: 38_000, at: $0) }
        #expect(found.effect?.verdict == .holding, "150k packets/s of ACKs are no SYN flood")
        #expect(found.notes.filter { $0.contains("ladder") }.isEmpty, "\(found.notes)")
    }

    @Test func whatIsAboveALimitBesideTheRuleIsAnotherShape() {
        var ledger = Self.ledger()
        _ = ledger.handle(.began(Self.attack(syn: 1_000_000, at: 0)), at: time(0))
        let found = Self.follow(&ledger, seconds: 1...9) { Self.attack(syn: 0, udp: 400_000, at: $0) }
        #expect(found.effect?.verdict == .changedShape, "the limit of all traffic is exceeded by UDP")
    }

    @Test func aFloodIsMoreThanItsFirstTenthOfASecond() {
        var ledger = Self.ledger()
        _ = ledger.handle(.began(Self.attack(syn: 100_000, at: 0)), at: time(0))
        let found = Self.follow(&ledger) { second in
            // All of it for two seconds, then what the rule cannot tell from the rest.
            Self.attack(syn: second <= 2 ? 1_000_000 : 30_000, peak: 1_150_000, at: second)
        }
        #expect(found.effect?.verdict == .holding, "30k of 1M packets/s are a thirtieth")
        #expect(found.notes.filter { $0.contains("leaking") || $0.contains("ladder") }.isEmpty, "\(found.notes)")
    }

    /// The first rule is given up for one found anew when it has held the flood for a second already.
    @Test func aRuleThatTakesAnothersPlaceIsHeldAgainstWhatThatHolds() throws {
        var ledger = Self.ledger()
        _ = ledger.handle(.began(Self.attack(syn: 100_000, at: 0)), at: time(0))
        let entry = try #require(ledger.inForce.first)
        var most = StrongestTraffic()
        most.note(Self.attack(syn: 100_000, at: 0), isResumed: false)
        most.note(Self.attack(syn: 1_000_000, peak: 1_150_000, at: 2), isResumed: false)
        let left = Self.attack(syn: 30_000, peak: 1_150_000, at: 3)
        most.note(left, isResumed: false)
        var watch = RuleWatch(entry, against: left, most: most, at: time(3))
        for second in 4...20 {
            _ = watch.judge(
                entry.announcement,
                against: Self.attack(syn: 30_000, peak: 1_150_000, at: Double(second)),
                most: most,
                among: [entry.announcement.route],
                samplesBeforeFilter: ledger.policy.samplesBeforeFilter,
                at: time(Double(second))
            )
        }
        #expect(watch.effect.verdict == .holding)
    }

    /// The peak of another attack long before is not what the rule has to be held against.
    @Test func aPeakOfBeforeTheRuleIsNoneOfIt() {
        var ledger = Self.ledger()
        _ = ledger.handle(.began(Self.attack(syn: 200_000, peak: 10_000_000, at: 0)), at: time(0))
        let found = Self.follow(&ledger, seconds: 1...9) { second in
            Self.attack(syn: second <= 2 ? 200_000 : 80_000, peak: 10_000_000, at: second)
        }
        #expect(found.effect?.verdict == .leaking, "80k of 200k packets/s")
    }

    /// The flood is gone; the samples that the attack is known by are still those of the flood.
    @Test func whatIsLeftIsJudgedByWhatComesNow() {
        var ledger = Self.ledger()
        let flood = Self.attack(syn: 400_000, usual: 0, at: 0)
        _ = ledger.handle(.began(flood), at: time(0))
        let found = Self.follow(&ledger) { second in
            var now = Self.attack(syn: 0, usual: 88_000, at: second)
            now.samples = flood.samples + Self.packets(50, .syn, 1000, at: second - 4)
            return now
        }
        #expect(found.effect?.verdict == .holding)
        #expect(found.effect?.arriving == 0)
        #expect(found.notes == ["holding, 0 packets/s arrive"])
    }

    @Test func aRuleThatNoRouterHasIsNotJudged() throws {
        var ledger = Self.ledger()
        _ = ledger.handle(.began(Self.attack(syn: 400_000, at: 0)), at: time(0))
        let id = try #require(ledger.inForce.first?.id)
        ledger.tell(id, isHeld: false)
        let without = Self.follow(&ledger) { Self.attack(syn: 400_000, at: $0) }
        #expect(without.effect?.why == "no router has it")
        #expect(without.notes == ["unknown: no router has it"], "and no step is taken: nothing has been tried")
        ledger.tell(id, isHeld: true)
        let early = Self.follow(&ledger, seconds: 41...44) { Self.attack(syn: 400_000, at: $0) }
        #expect(early.effect?.verdict == .unknown, "routers get five seconds")
        #expect(early.effect?.why != "no router has it")
        let late = Self.follow(&ledger, seconds: 45...80) { Self.attack(syn: 400_000, at: $0) }
        #expect(late.notes.contains { $0.hasPrefix("leaking at 192.0.2.1") })
        #expect(late.notes.contains { $0.contains("the ladder goes up to step 2") })
    }

    /// One rule leaks, but the step's other rule has not come to a router yet.
    @Test func aStepThatNoRouterHasAllOfHasNotFailed() throws {
        var ledger = Self.ledger()
        _ = ledger.handle(.began(Self.attack(syn: 400_000, at: 0)), at: time(0))
        let first = try #require(ledger.inForce.first?.id)
        let found = Self.follow(&ledger, seconds: 1...20) { Self.attack(syn: 400_000, at: $0) }
        #expect(found.notes.contains { $0.contains("the ladder goes up to step 2") })
        let route = try #require(ledger.inForce.last?.id)
        #expect(route != first)
        ledger.tell(route, isHeld: false)
        _ = Self.follow(&ledger, seconds: 21...40) { Self.attack(syn: 400_000, at: $0) }
        #expect(ledger.effect(of: route)?.why == "no router has it")
        #expect(ledger.effect(of: first)?.verdict == .leaking)
    }

    @Test func silenceIsNoProofThatARuleHolds() {
        var ledger = Self.ledger()
        ledger.hear(at: time(0))
        _ = ledger.handle(.began(Self.attack(syn: 400_000, at: 0)), at: time(0))
        var notes: [String] = []
        for second in 1...20 {
            // The only exporter falls silent in the midst of the judgement.
            if Double(second) < 5.5 { ledger.hear(at: time(Double(second))) }
            let now = Self.attack(syn: 0, usual: second < 6 ? 1000 : 0, at: Double(second))
            notes += ledger.handle(.updated(now), at: time(Double(second))).notes
        }
        #expect(notes.allSatisfy { !$0.hasPrefix("holding") }, "\(notes)")
        #expect(ledger.inForce.first.flatMap { ledger.effect(of: $0.id) }?.why == "nothing was heard")
    }
}
