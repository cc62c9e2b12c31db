import Detection
import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

private func time(_ seconds: Double) -> Timestamp { Fixture.time(seconds) }

/// An attack that is called one thing after the other has a template's rule for each vector, not for each name.
@Suite struct RenamingTests {
    /// A ledger, and what it has in force as the attack is called one thing a second.
    private func rules(
        _ kinds: [AttackKind],
        samples: Int = 0,
        _ change: (inout MitigationPolicy) -> Void = { _ in }
    ) -> [[String]] {
        var ledger = Ledger(policy: Fixture.policy(change))
        return kinds.enumerated().map { second, kind in
            let attack = Fixture.attack(1, kind: kind, samples: Fixture.samples(samples, at: Double(second)))
            _ = ledger.handle(second == 0 ? .began(attack) : .updated(attack), at: time(Double(second)))
            return ledger.inForce.map {
                $0.announcement.route.description.replacing("destination 198.51.100.5/32", with: "*")
            }
        }
    }

    /// Whether a match is looked for or not.
    @Test(arguments: [false, true]) func whatLiesInTheNewRuleGoesAndWhatTheOldHoldsAddsNone(synthesizes: Bool) {
        let dns = "* protocol =udp source-port =53"
        let (udp, icmp) = ("* protocol =udp", "* protocol =icmp")
        let found = rules([.dnsAmplification, .udpFlood, .ntpAmplification, .icmpFlood, .udpFlood, .icmpFlood]) {
            $0.synthesizes = synthesizes
        }
        #expect(found == [[dns], [udp], [udp], [udp, icmp], [udp, icmp], [udp, icmp]])
        let all = rules([.dnsAmplification, .icmpFlood, .synFlood, .flood, .ackFlood, .udpFlood]) {
            $0.synthesizes = synthesizes
        }
        #expect(all.map(\.count) == [1, 2, 3, 1, 1, 1] && all.last == ["*"], "\(all)")
    }

    @Test func aNameWhoseRuleMatchesNoMoreOfTheAttackAddsNone() {
        let found = rules([.udpFlood, .synFlood, .ackFlood, .rstFlood, .icmpFlood], samples: 60)
        #expect(found.allSatisfy { $0 == ["* protocol =udp"] }, "\(found)")
    }

    @Test func thereAreNoMoreThanOfAnyAttack() {
        let kinds = AttackKind.allCases.filter { $0.family == .udpFlood && $0 != .udpFlood }
        let found = rules(kinds)
        #expect(kinds.count > 10 && found.allSatisfy { $0.count <= 4 }, "\(found)")
        #expect(found.last?.last?.contains("source-port") == true)
    }

    /// An attack of more vectors than there may be rules: those that stand match as much as the ones that would come.
    @Test func rulesDoNotTakeTurns() {
        let services: [(AttackKind, UInt16)] = [
            (.dnsAmplification, 53), (.ntpAmplification, 123), (.ssdpAmplification, 1900), (.snmpAmplification, 161),
            (.chargenAmplification, 19), (.cldapAmplification, 389),
        ]
        var ledger = Ledger(policy: Fixture.policy())
        var random = SeededGenerator(seed: 1)
        var changes = 0
        for second in 0..<60 {
            let at = Double(second)
            var samples = Fixture.samples(100, at: at)
            for place in samples.indices { samples[place].sourcePort = random.element(of: services).1 }
            let attack = Fixture.attack(1, kind: random.element(of: services).0, samples: samples)
            let effects = ledger.handle(second == 0 ? .began(attack) : .updated(attack), at: time(at))
            changes += effects.announcements.count + effects.withdrawals.count
        }
        #expect(ledger.inForce.count == 4)
        #expect(changes <= 6)
    }

    /// The former rule goes when the new one is in force, not before.
    @Test func thereIsNoMomentWithoutARule() {
        var ledger = Ledger(policy: Fixture.policy { $0.maximumChangesPerMinute = 1 })
        _ = ledger.handle(.began(Fixture.attack(1, kind: .dnsAmplification)), at: time(0))
        let renamed = ledger.handle(.updated(Fixture.attack(1, kind: .udpFlood)), at: time(1))
        #expect(renamed.announcements.isEmpty && renamed.withdrawals.isEmpty)
        #expect(ledger.advance(to: time(61)).announcements.count == 1)
        let after = ledger.handle(.updated(Fixture.attack(1, kind: .udpFlood)), at: time(62))
        #expect(after.withdrawals.count == 1 && ledger.inForce.count == 1)
    }

    /// What stood before a restart counts as what stood.
    @Test(arguments: [false, true]) func theNamesOfBeforeARestartLeaveNothingBehind(synthesizes: Bool) {
        func restarted(_ kinds: [AttackKind], then kind: AttackKind) -> [String] {
            var first = Ledger(policy: Fixture.policy { $0.synthesizes = synthesizes })
            for (second, kind) in kinds.enumerated() {
                let attack = Fixture.attack(1, kind: kind)
                _ = first.handle(second == 0 ? .began(attack) : .updated(attack), at: time(Double(second)))
            }
            var second = Ledger(policy: first.policy)
            _ = second.restore(
                first.inForce,
                attacks: [Fixture.attack(1, kind: kinds[kinds.count - 1])],
                overruled: [],
                highestID: .init(rawValue: 9),
                at: time(20)
            )
            _ = second.handle(.updated(Fixture.attack(1, kind: kind)), at: time(21))
            return second.inForce.map {
                $0.announcement.route.description.replacing("destination 198.51.100.5/32", with: "*")
            }
        }
        #expect(
            restarted([.dnsAmplification, .icmpFlood], then: .udpFlood) == ["* protocol =icmp", "* protocol =udp"]
        )
        #expect(restarted([.udpFlood], then: .dnsAmplification) == ["* protocol =udp"])
        #expect(restarted([.dnsAmplification, .icmpFlood], then: .flood) == ["*"])
    }

    /// What an operator has written against a kind stands whenever the attack is of that.
    @Test func theOperatorsOwnIsAnnouncedWhateverStands() {
        let own = RuleTemplate(
            components: [.ipProtocol([NumericTerm(.equal, 17)])],
            actions: [.rateLimitBytes(asn: 0, bytesPerSecond: 1000)]
        )
        let found = rules([.flood, .ntpAmplification], samples: 60) {
            $0.templates["ntp_amplification"] = own
            $0.fixedTemplates = ["ntp_amplification"]
        }
        #expect(found.last == ["*", "* protocol =udp"], "\(found)")
    }
}
