public import Detection
public import NetworkTypes

/// Something that FastNetMon tells a script: a host is banned, here is how the attack looks, it is let go.
public struct BanCall: Sendable, Hashable {
    public enum Action: String, Sendable, Hashable, CaseIterable {
        case ban
        case attackDetails = "attack_details"
        case unban
    }

    public var action: Action
    /// A host, or with carpet bombing a prefix.
    public var target: IPPrefix
    /// Nil where an operator banned it.
    public var direction: TrafficDirection?
    /// Packets per second when it was banned.
    public var power: UInt64
    /// Nil where an operator banned it.
    public var attack: Attack?
    /// The target's traffic in the other direction.
    public var opposite: TrafficRates
    public var banned: Timestamp
    public var time: Timestamp

    public init(
        action: Action,
        target: IPPrefix,
        direction: TrafficDirection?,
        power: UInt64,
        attack: Attack?,
        opposite: TrafficRates,
        banned: Timestamp,
        time: Timestamp
    ) {
        self.action = action
        self.target = target
        self.direction = direction
        self.power = power
        self.attack = attack
        self.opposite = opposite
        self.banned = banned
        self.time = time
    }
}

extension BanCall {
    /// `198.51.100.10`; a prefix with its length. IPv6 as RFC 5952 has it, where FastNetMon writes all 32 digits.
    public var targetText: String { target.isHost ? "\(target.address)" : "\(target)" }

    /// `incoming`, `outgoing`, or what FastNetMon says of a ban by hand.
    public var directionText: String { direction?.rawValue ?? "other" }

    /// The kinds that FastNetMon tells apart, which are those that scripts know.
    public var typeText: String {
        guard let kind = attack?.kind else { return "unknown" }
        switch kind {
        case .synFlood, .synACKReflection: return "syn_flood"
        case .icmpFlood: return "icmp_flood"
        case .fragmentFlood: return "ip_fragmentation"
        default: return kind == .udpFlood || kind.family == .udpFlood ? "udp_flood" : "unknown"
        }
    }

    /// The protocol that most packets are of.
    public var protocolText: String {
        guard let rates = attack?.rates else { return "unknown" }
        let found = [(TrafficClass.tcp, "tcp"), (.udp, "udp"), (.icmp, "icmp")]
            .max { rates[$0.0, .packets] < rates[$1.0, .packets] }
        return found.flatMap { rates[$0.0, .packets] > 0 ? $0.1 : nil } ?? "unknown"
    }

    /// Whole megabits per second, of the direction that the attack is in: the most that it had so far.
    public var megabits: UInt64 { BanList.whole((attack?.peak[.total, .bits] ?? 0) / 1e6) }

    /// Packets per second, as `megabits`; of a ban by hand what FastNetMon says.
    private var highest: UInt64 { attack.map { BanList.whole($0.peak[.total, .packets]) } ?? power }

    /// The traffic of a direction.
    func rates(_ direction: TrafficDirection) -> TrafficRates {
        guard let attack else { return TrafficRates() }
        return attack.direction == direction ? attack.rates : opposite
    }

    // MARK: What a script gets

    /// `IP direction pps action`.
    public var arguments: [String] { [targetText, directionText, "\(power)", action.rawValue] }

    /// What guides write scripts for: `IP type Mbps`, and to let go `IP protocol`. Nil for what those know nothing of.
    public var guideArguments: [String]? {
        switch action {
        case .ban: return [targetText, typeText, "\(megabits)"]
        case .attackDetails: return nil
        case .unban:
            let protocols = ["udp_flood": "udp", "syn_flood": "tcp_syn", "icmp_flood": "icmp"]
            return [targetText, protocols[typeText] ?? "all"]
        }
    }

    /// Variables of the environment, by name.
    public var environment: [String: String] {
        var variables = [
            "ATTACK_ACTION": action.rawValue, "ATTACK_TARGET_IP": targetText, "ATTACK_TARGET_PREFIX": "\(target)",
            "ATTACK_DIRECTION": directionText, "ATTACK_TYPE": typeText, "ATTACK_PROTOCOL": protocolText,
            "ATTACK_POWER": "\(megabits)", "ATTACK_PPS": "\(highest)",
        ]
        guard let attack else { return variables }
        variables["ATTACK_ID"] = "\(attack.id)"
        variables["ATTACK_KIND"] = attack.kind.rawValue
        variables["ATTACK_GROUP"] = attack.crossing.group ?? ""
        variables["ATTACK_BEGAN"] = "\(attack.began)"
        variables["ATTACK_FLOWS"] = "\(BanList.whole(attack.rates[.total, .flows]))"
        variables["ATTACK_PEAK_PPS"] = "\(highest)"
        variables["ATTACK_PEAK_POWER"] = "\(megabits)"
        return variables
    }
}
