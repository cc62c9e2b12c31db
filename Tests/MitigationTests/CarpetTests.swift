import Detection
import FlowSpec
import NetworkTypes
import Testing
import Traffic

@testable import Mitigation

/// Attacks on a whole network or group, and on hosts within it at the same time.
struct CarpetTests {
    private func time(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1_000_000 + seconds) }

    private func policy(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> MitigationPolicy {
        let networks = ["198.51.100.0/24", "10.0.0.0/16", "2001:db8::/32"].compactMap { IPPrefix($0) }
        var policy = MitigationPolicy(mode: .enforce, networks: networks, banTime: .seconds(10))
        // What is answered is at stake here, not how narrowly.
        policy.synthesizes = false
        change(&policy)
        return policy
    }

    private func attack(_ id: UInt64, _ target: AttackTarget, hitting hosts: [String] = []) -> Attack {
        let crossing = ThresholdCrossing(
            trafficClass: .total,
            unit: .packets,
            threshold: 1e5,
            rate: 2e5,
            lowerBound: 2e5,
            upperBound: 2e5,
            window: .seconds(1),
            samples: 100,
            group: nil
        )
        return Attack(
            id: Attack.ID(rawValue: id),
            target: target,
            direction: .incoming,
            began: time(0),
            kind: .udpFlood,
            kindShare: 1,
            crossing: crossing,
            rates: TrafficRates(),
            samples: hosts.compactMap { IPAddress($0) }.map(sample)
        )
    }

    private func sample(to host: IPAddress) -> TrafficSample {
        TrafficSample(
            source: IPAddress(192, 0, 2, 1),
            destination: host,
            packets: 100,
            bytes: 100_000,
            sourcePort: 53,
            destinationPort: 4000,
            ipProtocol: .udp,
            tcpFlags: [],
            icmpType: 0,
            icmpCode: 0,
            timeToLive: 60,
            isFragment: false
        )
    }

    private func network(_ text: String) throws -> AttackTarget { .network(try #require(IPPrefix(text))) }

    private func announced(_ effects: [LedgerEffect]) -> [String] {
        effects.compactMap { if case .announce(let entry) = $0 { entry.announcement.route.description } else { nil } }
    }

    private func withdrawn(_ effects: [LedgerEffect]) -> [String] {
        effects.compactMap { if case .withdraw(let entry) = $0 { entry.announcement.route.description } else { nil } }
    }

    private func refused(_ effects: [LedgerEffect]) -> [Refusal.Reason] {
        effects.compactMap { if case .refuse(let refusal) = $0 { refusal.reason } else { nil } }
    }

    private let whole = "destination 198.51.100.0/24 protocol =udp"
    private let single = "destination 198.51.100.7/32 protocol =udp"

    /// What `attacks` shows is what an operator names; the rules are for the parts that are hit.
    @Test func anUnbanOfALargeNetworkLetsTheRulesOfItsPartsGo() throws {
        var ledger = Ledger(policy: policy())
        let carpet = attack(1, try network("10.0.0.0/16"), hitting: ["10.0.5.1", "10.0.5.2", "10.0.5.3"])
        #expect(announced(ledger.handle(.began(carpet), at: time(0))) == ["destination 10.0.5.0/24 protocol =udp"])
        let other = attack(2, .host(IPAddress(198, 51, 100, 7)))
        _ = ledger.handle(.began(other), at: time(0))
        let target = try #require(IPPrefix("10.0.0.0/16"))
        #expect(withdrawn(ledger.unban(target, at: time(1))) == ["destination 10.0.5.0/24 protocol =udp"])
        #expect(ledger.inForce.map(\.announcement.route.description) == [single], "the others' stay")
        #expect(announced(ledger.handle(.updated(carpet), at: time(2))).isEmpty, "and no new one comes")
    }

    @Test func aNetworkAndAHostInItAreEachAnsweredAndLetGoByThemselves() throws {
        let carpet = attack(1, try network("198.51.100.0/24"))
        let host = attack(2, .host(IPAddress(198, 51, 100, 7)))
        var ledger = Ledger(policy: policy())
        #expect(announced(ledger.handle(.began(carpet), at: time(0))) == [whole])
        #expect(announced(ledger.handle(.began(host), at: time(0))) == [single])
        #expect(withdrawn(ledger.handle(.ended(carpet), at: time(20))) == [whole])
        #expect(ledger.inForce.map(\.announcement.route.description) == [single])
        #expect(announced(ledger.handle(.began(carpet), at: time(21))) == [whole])
        #expect(withdrawn(ledger.handle(.ended(host), at: time(40))) == [single])
        #expect(ledger.inForce.map(\.announcement.route.description) == [whole])
    }

    @Test(arguments: [true, false])
    func theBlackholeThatBothAskForStaysUntilTheLastIsOver(endsWithCarpet: Bool) throws {
        let carpet = attack(1, try network("198.51.100.0/24"))
        let host = attack(2, .host(IPAddress(198, 51, 100, 7)))
        var ledger = Ledger(
            policy: policy {
                $0.announcesRules = false
                $0.blackholes.networks = [.ipv4]
            }
        )
        #expect(announced(ledger.handle(.began(carpet), at: time(0))) == ["198.51.100.0/24"])
        #expect(announced(ledger.handle(.began(host), at: time(0))).isEmpty, "it is there")
        let (first, last) = endsWithCarpet ? (host, carpet) : (carpet, host)
        #expect(withdrawn(ledger.handle(.ended(first), at: time(20))).isEmpty)
        #expect(ledger.inForce.count == 1)
        #expect(withdrawn(ledger.handle(.ended(last), at: time(21))) == ["198.51.100.0/24"])
    }

    @Test func ofAWidePrefixThePartsThatAreHitAreAnswered() throws {
        let hosts = (0..<40).map { "10.0.\($0 % 2).\($0)" } + ["10.0.9.1"]
        var ledger = Ledger(policy: policy())
        let effects = ledger.handle(.began(attack(1, try network("10.0.0.0/16"), hitting: hosts)), at: time(0))
        #expect(
            announced(effects) == [
                "destination 10.0.0.0/24 protocol =udp", "destination 10.0.1.0/24 protocol =udp",
            ],
            "one sample of 41 is not worth a rule"
        )
        #expect(refused(effects).isEmpty)
        var protecting = Ledger(policy: policy { $0.whitelist = [IPPrefix(host: IPAddress(10, 0, 1, 200))] })
        let guarded = protecting.handle(.began(attack(1, try network("10.0.0.0/16"), hitting: hosts)), at: time(0))
        #expect(announced(guarded) == ["destination 10.0.0.0/24 protocol =udp"])
        #expect(refused(guarded) == [.whitelisted(IPPrefix(host: IPAddress(10, 0, 1, 200)))])
    }

    @Test func aWidePrefixIsNotDroppedPartByPart() throws {
        let target = try network("10.0.0.0/16")
        var ledger = Ledger(policy: policy())
        let spread = attack(1, target, hitting: (0..<120).map { "10.0.\($0).1" })
        #expect(refused(ledger.handle(.began(spread), at: time(0))) == [.tooShort(allowed: 24)])
        #expect(ledger.entries.isEmpty)
        // One that wanders gets no further than one that is spread.
        for step in 0..<100 {
            let moved = attack(2, target, hitting: ["10.0.\(step).1"])
            _ = ledger.handle(step == 0 ? .began(moved) : .updated(moved), at: time(Double(step)))
        }
        #expect(ledger.entries.count == MitigationPolicy.maximumParts)
        _ = ledger.handle(.ended(attack(2, target)), at: time(100))
        _ = ledger.advance(to: time(200))
        #expect(ledger.entries.isEmpty)
    }

    @Test func partsOfIPv6NetworksAreAnsweredToo() throws {
        var ledger = Ledger(policy: policy())
        let carpet = attack(1, try network("2001:db8::/32"), hitting: ["2001:db8:1::1", "2001:db8:1::2"])
        #expect(
            announced(ledger.handle(.began(carpet), at: time(0))) == ["destination 2001:db8:1::/48 next-header =udp"]
        )
    }

    @Test func anOperatorLetsGoOfAPart() throws {
        var ledger = Ledger(policy: policy())
        let carpet = attack(1, try network("10.0.0.0/16"), hitting: ["10.0.1.1"])
        _ = ledger.handle(.began(carpet), at: time(0))
        let effects = ledger.unban(try #require(IPPrefix("10.0.1.0/24")), at: time(1))
        #expect(withdrawn(effects) == ["destination 10.0.1.0/24 protocol =udp"])
        #expect(announced(ledger.handle(.updated(carpet), at: time(2))).isEmpty, "he said so")
    }
}
