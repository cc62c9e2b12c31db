internal import NetworkTypes

/// A threshold of FastNetMon's with its switch.
struct FastNetMonThreshold {
    var trafficClass: TrafficClass
    var unit: TrafficUnit
    /// `threshold_tcp_mbps`.
    var key: String
    /// `ban_for_tcp_bandwidth`.
    var toggle: String

    /// As FastNetMon has it, in our words.
    func text(_ number: Int) -> String {
        switch unit {
        case .packets: "\(number) packets/s"
        case .bits: "\(number) Mbit/s"
        case .flows: "\(number) flows/s"
        }
    }

    /// What no traffic reaches: FastNetMon's groups inherit nothing, ours what they do not set.
    var never: String {
        switch unit {
        case .packets: "1000T packets/s"
        case .bits: "1000 Tbit/s"
        case .flows: "1000T flows/s"
        }
    }

    /// As large as our own thresholds may be.
    var range: ClosedRange<Int> { unit == .bits ? 0...1_000_000_000 : 0...1_000_000_000_000_000 }

    static let all: [FastNetMonThreshold] = {
        let classes: [(TrafficClass, String)] = [
            (.total, ""), (.tcp, "tcp_"), (.udp, "udp_"), (.icmp, "icmp_"), (.tcpSYN, "tcp_syn_"),
        ]
        return classes.flatMap { trafficClass, name in
            var units: [(TrafficUnit, String, String)] = [(.packets, "pps", "pps"), (.bits, "mbps", "bandwidth")]
            if trafficClass == .total { units.append((.flows, "flows", "flows")) }
            return units.map { unit, key, toggle in
                FastNetMonThreshold(
                    trafficClass: trafficClass,
                    unit: unit,
                    key: "threshold_\(name)\(key)",
                    toggle: "ban_for_\(name)\(toggle)"
                )
            }
        }
    }()
}
