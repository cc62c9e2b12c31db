import Detection
import FlowSpec
import NetworkTypes
import Traffic

@testable import Mitigation

/// What the tests of the ladder, of its effect and of letting go have in common.
enum Fixture {
    static func time(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1_000_000 + seconds) }

    static func policy(_ change: (inout MitigationPolicy) -> Void = { _ in }) -> MitigationPolicy {
        let networks = ["198.51.100.0/24", "203.0.113.0/24", "2001:db8:100::/48"].compactMap { IPPrefix($0) }
        var policy = MitigationPolicy(mode: .enforce, networks: networks, banTime: .seconds(100))
        // What is done with the traffic is at stake, not which of it is matched.
        policy.synthesizes = false
        change(&policy)
        return policy
    }

    /// A ledger that was restarted in the midst of an attack, number 2, on a host that had one before; at 120 s.
    static func restartedWhenAnAttackCameBack(_ change: (inout MitigationPolicy) -> Void) -> Ledger {
        var first = Ledger(policy: policy(change))
        _ = first.handle(.began(attack(1)), at: time(0))
        _ = first.handle(.ended(attack(1)), at: time(15))
        _ = first.advance(to: time(100))
        _ = first.handle(.began(attack(2)), at: time(110))
        var second = Ledger(policy: first.policy)
        _ = second.restore(
            first.inForce,
            attacks: [attack(2)],
            overruled: [],
            highestID: .init(rawValue: 2),
            at: time(120)
        )
        return second
    }

    static let limited = RuleTemplate(
        components: [],
        actions: [.rateLimitBytes(asn: 0, bytesPerSecond: 12_500_000)]
    )
    static let discarded = RuleTemplate(components: [], actions: [.discard])

    static func attack(
        _ id: UInt64,
        _ host: String = "198.51.100.5",
        kind: AttackKind = .udpFlood,
        bits: Double = 1e9,
        direction: TrafficDirection = .incoming,
        on target: AttackTarget? = nil,
        samples: [TrafficSample] = []
    ) -> Attack {
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
        var rates = TrafficRates()
        rates[.total, .bits] = bits
        rates[.total, .packets] = bits / 8000
        var attack = Attack(
            id: Attack.ID(rawValue: id),
            target: target ?? .host(IPAddress(host) ?? .unspecified),
            direction: direction,
            began: time(0),
            kind: kind,
            kindShare: 1,
            crossing: crossing,
            rates: rates,
            samples: samples
        )
        attack.present = PresentTraffic(samples: samples)
        attack.exceeded = bits > crossing.threshold ? [crossing] : []
        return attack
    }

    /// Samples of one packet each.
    static func samples(
        _ count: Int,
        of ipProtocol: IPProtocol = .udp,
        to host: String = "198.51.100.5",
        from exporter: IPAddress = IPAddress(192, 0, 2, 1),
        at seconds: Double
    ) -> [TrafficSample] {
        (0..<count).map { index in
            TrafficSample(
                source: IPAddress(203, 0, 113, UInt8(truncatingIfNeeded: index)),
                destination: IPAddress(host) ?? .unspecified,
                packets: 1000,
                bytes: 1_000_000,
                time: time(seconds),
                exporter: exporter,
                sourcePort: 53,
                destinationPort: 80,
                ipProtocol: ipProtocol,
                tcpFlags: [],
                icmpType: 0,
                icmpCode: 0,
                timeToLive: 60,
                isFragment: false
            )
        }
    }
}

extension [LedgerEffect] {
    var announcements: [Announcement] {
        compactMap { if case .announce(let entry) = $0 { entry.announcement } else { nil } }
    }
    var withdrawals: [AnnouncedRoute] {
        compactMap { if case .withdraw(let entry) = $0 { entry.announcement.route } else { nil } }
    }
    var notes: [String] { compactMap { if case .note(_, let text) = $0 { text } else { nil } } }
    var reasons: [Refusal.Reason] {
        compactMap { if case .refuse(let refusal) = $0 { refusal.reason } else { nil } }
    }
}
