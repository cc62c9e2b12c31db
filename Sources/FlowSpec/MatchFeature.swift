/// What routers of some platforms cannot match on, though the standard has it.
public enum MatchFeature: String, Sendable, Hashable, CaseIterable {
    case packetLength = "packet-length"
    case tcpFlags = "tcp-flags"
    case fragment
    /// Types and codes.
    case icmp
    case sourcePort = "source-port"
    case destinationPort = "destination-port"
    /// Ranges of ports; single ones can be matched.
    case portRange = "port-range"
    /// Prefixes of those at the other end: sources of incoming traffic.
    case remotePrefix = "remote-prefix"
}
