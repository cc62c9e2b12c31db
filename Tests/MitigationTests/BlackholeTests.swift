import Detection
import FlowSpec
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

/// Attacks that are answered with routes for the host or its whole network, or not at all.
struct BlackholeTests {
    private func time(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1_000_000 + seconds) }

    private func ledger(_ change: (inout MitigationPolicy) -> Void) -> Ledger {
        let networks = ["198.51.100.0/24", "198.51.100.128/25", "203.0.113.0/24", "2001:db8:100::/48"].compactMap {
            IPPrefix($0)
        }
        var policy = MitigationPolicy(mode: .enforce, networks: networks, banTime: .seconds(100))
        policy.announcesRules = false
        policy.blackholes.communities = [.blackhole]
        policy.blackholes.networkCommunities = [.noExport]
        policy.blackholes.nextHop = IPAddress(192, 0, 2, 254)
        policy.blackholes.nextHopIPv6 = IPAddress("100::1")
        change(&policy)
        return Ledger(policy: policy)
    }

    private func attack(_ id: UInt64, _ host: String, kind: AttackKind = .udpFlood) -> Attack {
        let crossing = ThresholdCrossing(
            trafficClass: .total,
            unit: .bits,
            threshold: 1e8,
            rate: 1e9,
            lowerBound: 1e9,
            upperBound: 1e9,
            window: .seconds(1),
            samples: 100,
            group: nil
        )
        return Attack(
            id: Attack.ID(rawValue: id),
            target: .host(IPAddress(host) ?? .unspecified),
            direction: .incoming,
            began: time(0),
            kind: kind,
            kindShare: 1,
            crossing: crossing,
            rates: TrafficRates(),
            samples: []
        )
    }

    private func announced(_ effects: [LedgerEffect]) -> [Announcement] {
        effects.compactMap { if case .announce(let entry) = $0 { entry.announcement } else { nil } }
    }

    private func withdrawn(_ effects: [LedgerEffect]) -> [AnnouncedRoute] {
        effects.compactMap { if case .withdraw(let entry) = $0 { entry.announcement.route } else { nil } }
    }

    private func route(_ prefix: String) throws -> AnnouncedRoute { .unicast(try #require(IPPrefix(prefix))) }

    @Test func theHostIsAnnouncedWithItsNextHopAndCommunities() throws {
        var ledger = ledger { $0.blackholes.hosts = [.ipv4, .ipv6] }
        let four = announced(ledger.handle(.began(attack(1, "198.51.100.5")), at: time(0)))
        #expect(four.map(\.route) == [try route("198.51.100.5/32")])
        #expect(four[0].nextHop == IPAddress(192, 0, 2, 254) && four[0].communities == [.blackhole])
        let six = announced(ledger.handle(.began(attack(2, "2001:db8:100::5")), at: time(0)))
        #expect(six.map(\.route) == [try route("2001:db8:100::5/128")])
        #expect(six[0].nextHop == IPAddress("100::1"))
    }

    @Test func aRuleAndARouteGoTogether() throws {
        var ledger = ledger {
            $0.announcesRules = true
            $0.blackholes.hosts = [.ipv4]
        }
        #expect(announced(ledger.handle(.began(attack(1, "198.51.100.5")), at: time(0))).count == 2)
        #expect(
            announced(ledger.handle(.began(attack(2, "2001:db8:100::5")), at: time(0))).count == 1,
            "IPv6: the rule alone"
        )
        #expect(withdrawn(ledger.handle(.ended(attack(1, "198.51.100.5")), at: time(200))).count == 2)
    }

    /// FastNetMon withdraws the network with the first of its hosts.
    @Test func aNetworkStaysUntilTheLastOfItsHostsIsDone() throws {
        var ledger = ledger { $0.blackholes.networks = [.ipv4] }
        let network = try route("198.51.100.0/24")
        #expect(announced(ledger.handle(.began(attack(1, "198.51.100.50")), at: time(0))).map(\.route) == [network])
        #expect(announced(ledger.handle(.began(attack(2, "198.51.100.51")), at: time(1))).isEmpty, "it is there")
        for second in stride(from: 20.0, to: 300, by: 20) {
            if second < 200 { _ = ledger.handle(.updated(attack(1, "198.51.100.50")), at: time(second)) }
            if second == 200 {
                #expect(withdrawn(ledger.handle(.ended(attack(1, "198.51.100.50")), at: time(second))).isEmpty)
            }
            #expect(withdrawn(ledger.handle(.updated(attack(2, "198.51.100.51")), at: time(second))).isEmpty)
            #expect(withdrawn(ledger.advance(to: time(second))).isEmpty)
        }
        #expect(withdrawn(ledger.handle(.ended(attack(2, "198.51.100.51")), at: time(300))) == [network])
    }

    @Test func anOperatorsUnbanLetsGoOfTheNetworkAsWell() throws {
        var ledger = ledger {
            $0.blackholes.hosts = [.ipv4]
            $0.blackholes.networks = [.ipv4]
        }
        _ = ledger.handle(.began(attack(1, "198.51.100.50")), at: time(0))
        _ = ledger.handle(.began(attack(2, "198.51.100.51")), at: time(1))
        let first = try #require(IPPrefix("198.51.100.50/32"))
        #expect(withdrawn(ledger.unban(first, at: time(2))) == [.unicast(first)], "another host needs the network")
        let second = try #require(IPPrefix("198.51.100.51/32"))
        #expect(Set(withdrawn(ledger.unban(second, at: time(3)))) == [.unicast(second), try route("198.51.100.0/24")])
        #expect(announced(ledger.handle(.updated(attack(1, "198.51.100.50")), at: time(4))).isEmpty)
    }

    @Test func ofSeveralNetworksTheNarrowestIsAnnounced() throws {
        var ledger = ledger { $0.blackholes.networks = [.ipv4] }
        let announced = announced(ledger.handle(.began(attack(1, "198.51.100.200")), at: time(0)))
        #expect(announced.map(\.route) == [try route("198.51.100.128/25")])
        #expect(announced[0].communities == [.noExport])
    }

    @Test func guardRailsHoldForRoutes() throws {
        var ledger = ledger {
            $0.blackholes.hosts = [.ipv4]
            $0.blackholes.networks = [.ipv4]
            $0.shortestIPv4Length = 25
            $0.whitelist = [IPPrefix("203.0.113.7/32")].compactMap { $0 }
        }
        #expect(
            announced(ledger.handle(.began(attack(1, "198.51.100.5")), at: time(0))).map(\.route) == [
                try route("198.51.100.5/32")
            ]
        )
        #expect(announced(ledger.handle(.began(attack(2, "203.0.113.7")), at: time(0))).isEmpty)
        let manual = ledger.ban(try #require(IPPrefix("192.0.2.1/32")), reason: "test", at: time(1))
        #expect(announced(manual).isEmpty, "not ours: FastNetMon announces it, and a default route beside it")
    }

    @Test func kindsThatAreNotActedOnAreToldOnce() throws {
        var ledger = ledger {
            $0.announcesRules = true
            $0.kinds = [.synFlood]
        }
        let first = ledger.handle(.began(attack(1, "198.51.100.5")), at: time(0))
        guard case .refuse(let refusal)? = first.first, first.count == 1 else {
            Issue.record("\(first)")
            return
        }
        #expect(refusal.reason == .kindNotActedOn(.udpFlood))
        #expect(refusal.description.contains("udp_flood is none of the kinds that are acted on"))
        #expect(ledger.handle(.updated(attack(1, "198.51.100.5")), at: time(1)).isEmpty)
        // It turns out to be of a kind that is.
        #expect(announced(ledger.handle(.updated(attack(1, "198.51.100.5", kind: .synFlood)), at: time(2))).count == 1)
    }
}
