/// The kinds of traffic that are counted and judged apart.
///
/// They overlap on purpose: a SYN packet counts as `total`, `tcp` and `tcpSYN`.
public enum TrafficClass: Int, Sendable, Hashable, CaseIterable {
    case total
    case tcp
    case udp
    /// ICMP and ICMPv6.
    case icmp
    /// TCP with SYN and without ACK.
    case tcpSYN
    /// Every fragment of a datagram, the first included.
    case fragments

    /// The name in configuration and output: `tcp_syn`.
    public var name: String {
        switch self {
        case .total: "total"
        case .tcp: "tcp"
        case .udp: "udp"
        case .icmp: "icmp"
        case .tcpSYN: "tcp_syn"
        case .fragments: "fragments"
        }
    }
}

/// Which way traffic flows, as the operator's own networks see it.
public enum TrafficDirection: String, Sendable, Hashable, CaseIterable {
    case incoming
    case outgoing
}
