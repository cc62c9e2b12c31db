import Detection
import FlowSpec
import NetworkTypes
import Simulation
import Testing
import Traffic

@testable import Mitigation

/// Every way to the ledger against every guard rail: what is refused to one is refused to all.
struct GuardRailWaysTests {
    /// Who may try.
    enum Way: CaseIterable {
        case configuration, `operator`, pipe, process, ban, blackholeOfAnAttack, attackOnAHost, attackOnAGroup
    }

    private static let prefixes = ["198.51.100.0/24", "2001:db8:100::/48"].compactMap { IPPrefix($0) }
    private static let start = Timestamp(seconds: 1_000_000)

    private static func policy(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> MitigationPolicy {
        let whitelist = ["198.51.100.53/32", "2001:db8:100:53::/64"].compactMap { IPPrefix($0) }
        var policy = MitigationPolicy(mode: .enforce, networks: prefixes, whitelist: whitelist, banTime: .seconds(100))
        change(&policy)
        return policy
    }

    private static func attack(_ id: UInt64, _ target: AttackTarget, bits: Double = 1e9) -> Attack {
        var rates = TrafficRates()
        rates[.total, .bits] = bits
        let crossing = ThresholdCrossing(
            trafficClass: .total,
            unit: .bits,
            threshold: 1e8,
            rate: bits,
            lowerBound: bits,
            upperBound: bits,
            window: .seconds(1),
            samples: 100,
            group: nil
        )
        return Attack(
            id: Attack.ID(rawValue: id),
            target: target,
            direction: .incoming,
            began: start,
            kind: .udpFlood,
            kindShare: 1,
            crossing: crossing,
            rates: rates,
            samples: []
        )
    }

    private static func announcement(_ text: String) throws -> Announcement {
        guard case .announce(let read)? = try FlowSpecText.parse(text).first?.order else {
            throw FlowSpecError.invalidRate
        }
        return read
    }

    /// Tries the way with a rule in text, or with the prefix that it names.
    private static func attempt(
        _ way: Way,
        _ text: String,
        _ prefix: IPPrefix,
        _ ledger: inout Ledger,
        at time: Timestamp = start
    ) throws -> [LedgerEffect] {
        let long = Duration.seconds(100)
        switch way {
        case .configuration: return ledger.adopt(configured: [try announcement(text)], at: time).effects
        case .operator:
            return ledger.announce(try announcement(text), for: long, by: .operator, reason: "", at: time).effects
        case .pipe:
            let client = LedgerEntry.Requester.client("pipe /p")
            return ledger.announce(try announcement(text), for: long, by: client, reason: "", at: time).effects
        case .process:
            let client = LedgerEntry.Requester.client("process p")
            return ledger.announce(try announcement(text), for: long, by: client, reason: "", at: time).effects
        case .ban: return ledger.ban(prefix, reason: "", at: time)
        case .blackholeOfAnAttack, .attackOnAHost:
            return ledger.handle(.began(attack(1, .host(prefix.address))), at: time)
        case .attackOnAGroup:
            return ledger.handle(.began(attack(2, .group(name: "g", prefixes: [prefix]))), at: time)
        }
    }

    /// Each with the prefix that it tries to reach.
    private static let hostile: [(text: String, prefix: String)] = [
        // The default route, in all its clothes.
        ("flow route destination 0.0.0.0/0 discard", "0.0.0.0/0"), ("route 0.0.0.0/0 next-hop self", "0.0.0.0/0"),
        ("flow route destination ::/0 discard", "::/0"), ("route ::/0 next-hop self", "::/0"),
        ("flow route source 0.0.0.0/0 discard", "0.0.0.0/0"), ("route 0.0.0.0/1 next-hop self", "0.0.0.0/1"),
        // Everybody's traffic.
        ("flow route protocol udp discard", "0.0.0.0/0"), ("flow route destination-port =53 discard", "0.0.0.0/0"),
        ("flow route packet-length >=0 discard", "0.0.0.0/0"),
        // Somebody else's.
        ("flow route destination 192.0.2.1/32 discard", "192.0.2.1/32"),
        ("flow route source 192.0.2.1/32 discard", "192.0.2.1/32"),
        ("route 192.0.2.1/32 next-hop self community blackhole", "192.0.2.1/32"),
        ("flow route destination 2001:db8:101::1/128 discard", "2001:db8:101::1/128"),
        ("flow route rd 65001:7 destination 192.0.2.1/32 discard", "192.0.2.1/32"),
        // Ours and the neighbors' together.
        ("flow route destination 198.51.100.0/23 discard", "198.51.100.0/23"),
        ("route 198.51.0.0/16 next-hop self", "198.51.0.0/16"),
        ("flow route destination 2001:db8:100::/47 discard", "2001:db8:100::/47"),
        ("flow route destination 2001:db8:100::1/128/32 discard", "2001:db8::/32"),
        // What is protected, and what holds it.
        ("flow route destination 198.51.100.53/32 discard", "198.51.100.53/32"),
        ("route 198.51.100.53/32 next-hop self", "198.51.100.53/32"),
        ("flow route destination 198.51.100.0/24 discard", "198.51.100.0/24"),
        ("flow route destination 198.51.100.52/31 discard", "198.51.100.52/31"),
        ("flow route destination 2001:db8:100:53::1/128 discard", "2001:db8:100:53::1/128"),
        // The same as the other end of traffic of ours.
        ("flow route destination 198.51.100.5/32 source 198.51.100.53/32 discard", "198.51.100.53/32"),
        ("flow route source 198.51.100.5/32 destination 198.51.96.0/19 discard", "198.51.96.0/19"),
        ("flow route destination 192.0.2.1/32 source 198.51.100.53/32 discard", "198.51.100.53/32"),
        ("flow route destination 2001:db8:100::5/128 source 2001:db8:100:53::/64 discard", "2001:db8:100:53::/64"),
        ("flow route destination 2001:db8:100::5/128 source 0:0:100:53::/64/32 discard", "2001:db8:100:53::/64"),
    ]

    /// All the world as the other end says nothing of anybody.
    @Test func aRuleAgainstAllSourcesNamesNobody() throws {
        var ledger = Ledger(policy: Self.policy())
        for text in ["destination 198.51.100.5/32 source 0.0.0.0/0", "destination 198.51.100.6/32 source 192.0.2.0/24"]
        {
            let target = try #require(IPPrefix("198.51.100.5/32"))
            _ = try Self.attempt(.operator, "flow route \(text) discard", target, &ledger)
        }
        #expect(ledger.entries.count == 2)
    }

    /// A group that is only observed is so as the other end, too.
    @Test func whatNamesAnObservedGroupIsOnlyObserved() throws {
        let group = MitigationPolicy.Group(
            name: "g",
            prefixes: [try #require(IPPrefix("198.51.100.64/26"))],
            mode: .observe
        )
        let texts = [
            "destination 198.51.100.5/32 source 198.51.100.70/32",
            "source 198.51.100.5/32 destination 198.51.100.64/27",
            "source 198.51.100.5/32 destination 198.51.100.0/25",
        ]
        for text in texts {
            var ledger = Ledger(
                policy: Self.policy { policy in
                    policy.groups = [group]
                    policy.whitelist = []
                }
            )
            let target = try #require(IPPrefix("198.51.100.5/32"))
            let effects = try Self.attempt(.operator, "flow route \(text) discard", target, &ledger)
            #expect(ledger.inForce.map(\.state) == [.observed], "\(text)")
            #expect(!effects.contains { if case .announce = $0 { true } else { false } })
        }
    }

    @Test(arguments: Way.allCases) func nothingHostileGetsIn(by way: Way) throws {
        for (text, prefix) in Self.hostile {
            var ledger = Ledger(
                policy: Self.policy { policy in
                    guard way == .blackholeOfAnAttack else { return }
                    policy.blackholes.hosts = [.ipv4, .ipv6]
                    policy.blackholes.networks = [.ipv4, .ipv6]
                    policy.announcesRules = false
                }
            )
            let target = try #require(IPPrefix(prefix))
            // Detection speaks of hosts: that of a prefix which holds protected ones may be harmless.
            let isHost = target == IPPrefix(host: target.address)
            if way == .attackOnAHost, !isHost { continue }
            let effects = try Self.attempt(way, text, target, &ledger)
            let isOnlyOurs = ledger.inForce.allSatisfy { entry in
                Self.prefixes.contains { $0.contains(entry.target) } && entry.target.length >= 24
                    && !Self.policy().whitelist.contains { $0.overlaps(entry.target) }
            }
            if way == .blackholeOfAnAttack, !isHost {
                #expect(isOnlyOurs, "\(text)")
            } else {
                #expect(ledger.entries.isEmpty, "\(text): \(ledger.inForce.map(\.announcement))")
                #expect(!effects.contains { if case .announce = $0 { true } else { false } }, "\(text)")
            }
        }
    }

    @Test(arguments: Way.allCases) func whatIsOursGetsIn(by way: Way) throws {
        var ledger = Ledger(policy: Self.policy())
        let target = try #require(IPPrefix("198.51.100.5/32"))
        _ = try Self.attempt(way, "flow route destination 198.51.100.5/32 discard", target, &ledger)
        #expect(ledger.inForce.map(\.target) == [target], "else nothing above proves anything")
    }

    /// A prefix of ours that is too short for the policy.
    @Test(arguments: Way.allCases.filter { $0 != .attackOnAHost && $0 != .blackholeOfAnAttack })
    func noPrefixIsShorterThanAllowed(by way: Way) throws {
        for (text, prefix) in [
            ("flow route destination 198.51.0.0/23 discard", "198.51.0.0/23"),
            ("flow route destination 2001:db8::/47 discard", "2001:db8::/47"),
        ] {
            let wide = ["198.51.0.0/16", "2001:db8::/32"].compactMap { IPPrefix($0) }
            var ledger = Ledger(
                policy: Self.policy {
                    $0.networks = wide
                    $0.whitelist = []
                }
            )
            _ = try Self.attempt(way, text, try #require(IPPrefix(prefix)), &ledger)
            #expect(ledger.entries.isEmpty, "\(text)")
        }
    }

    /// However shorter prefixes are allowed: never the default route.
    @Test(arguments: Way.allCases) func noPolicyAllowsTheDefaultRoute(by way: Way) throws {
        for (text, prefix) in Self.hostile.prefix(5) {
            let all = ["0.0.0.0/0", "::/0"].compactMap { IPPrefix($0) }
            var ledger = Ledger(
                policy: Self.policy {
                    $0.networks = all
                    $0.whitelist = []
                    $0.shortestIPv4Length = 0
                    $0.shortestIPv6Length = 0
                    $0.blackholes.networks = way == .blackholeOfAnAttack ? [.ipv4, .ipv6] : []
                }
            )
            _ = try Self.attempt(way, text, try #require(IPPrefix(prefix)), &ledger)
            #expect(!ledger.inForce.contains { $0.target.length == 0 }, "\(text): \(ledger.inForce.map(\.target))")
        }
    }

    @Test func noTemplateReachesBeyondItsTarget() throws {
        let everything = try #require(IPPrefix("0.0.0.0/0"))
        let lying = RuleTemplate(components: [.destination(PrefixPattern(everything))], actions: [.discard])
        var ledger = Ledger(policy: Self.policy { $0.templates = ["default": lying, "udp_flood": lying] })
        _ = ledger.ban(try #require(IPPrefix("198.51.100.5/32")), reason: "", at: Self.start)
        _ = ledger.handle(.began(Self.attack(1, .host(IPAddress(198, 51, 100, 6)))), at: Self.start)
        for entry in ledger.inForce {
            guard case .flowSpec(let rule) = entry.announcement.route else { continue }
            #expect(rule.destination.map { entry.target.contains($0) } == true)
        }
    }

    // MARK: Bounds

    /// Rules and changes stay within their bounds whoever asks, in whatever order; operators and worse attacks come first.
    @Test(arguments: [1, 2, 3] as [UInt64]) func boundsHoldForAllWaysTogether(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let limits = (rules: 12, changes: 40)
        var ledger = Ledger(
            policy: Self.policy {
                $0.maximumRules = limits.rules
                $0.maximumChangesPerMinute = limits.changes
            }
        )
        var announced: [Timestamp] = []
        var time = Self.start
        for step in 0..<3000 {
            time = time + .milliseconds(Int64.random(in: 0...400, using: &random))
            let number = UInt8.random(in: 1...40, using: &random)
            let host = IPAddress(198, 51, 100, number)
            let rate = Int.random(in: 1...3, using: &random) * 1000
            let text = "flow route destination \(host)/32 protocol =udp rate-limit \(rate)"
            var effects: [LedgerEffect]
            switch Int.random(in: 0..<8, using: &random) {
            case 0: effects = try Self.attempt(.pipe, text, IPPrefix(host: host), &ledger, at: time)
            case 1: effects = try Self.attempt(.operator, text, IPPrefix(host: host), &ledger, at: time)
            case 2: effects = try Self.attempt(.configuration, text, IPPrefix(host: host), &ledger, at: time)
            case 3: effects = ledger.ban(IPPrefix(host: host), for: .seconds(5), reason: "", at: time)
            case 4: effects = ledger.unban(IPPrefix(host: host), at: time)
            case 5:
                let bits = Double.random(in: 1e8...1e10, using: &random)
                effects = ledger.handle(.began(Self.attack(UInt64(step), .host(host), bits: bits)), at: time)
            case 6:
                let past = UInt64.random(in: 0...UInt64(step), using: &random)
                effects = ledger.handle(.ended(Self.attack(past, .host(host))), at: time)
            default: effects = []
            }
            effects += ledger.advance(to: time)
            for case .announce(_) in effects { announced.append(time) }
            announced.removeAll { time - $0 >= .seconds(60) }
            #expect(announced.count <= limits.changes, "at step \(step)")
            #expect(ledger.entries.count <= limits.rules, "at step \(step)")
            guard announced.count <= limits.changes, ledger.entries.count <= limits.rules else { return }
        }
    }
}
