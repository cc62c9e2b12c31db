/// What sort of flood it is. The raw value names its template.
public enum AttackKind: String, Sendable, Hashable, CaseIterable {
    // Floods by protocol.
    case udpFlood = "udp_flood"
    case icmpFlood = "icmp_flood"
    case greFlood = "gre_flood"
    case fragmentFlood = "fragment_flood"

    // Floods by TCP flags.
    case synFlood = "syn_flood"
    /// SYN with ACK from services that were sent SYNs with the target's address.
    case synACKReflection = "syn_ack_reflection"
    case ackFlood = "ack_flood"
    case rstFlood = "rst_flood"
    /// No flag at all.
    case tcpNullFlood = "tcp_null_flood"
    /// FIN, PSH and URG.
    case tcpXmasFlood = "tcp_xmas_flood"

    // Answers of services that were asked with the target's address.
    case dnsAmplification = "dns_amplification"
    case ntpAmplification = "ntp_amplification"
    case ssdpAmplification = "ssdp_amplification"
    case memcachedAmplification = "memcached_amplification"
    case cldapAmplification = "cldap_amplification"
    case chargenAmplification = "chargen_amplification"
    case snmpAmplification = "snmp_amplification"
    case portmapAmplification = "portmap_amplification"
    case qotdAmplification = "qotd_amplification"
    case mdnsAmplification = "mdns_amplification"
    case wsDiscoveryAmplification = "ws_discovery_amplification"
    case armsAmplification = "arms_amplification"
    case coapAmplification = "coap_amplification"
    case tftpAmplification = "tftp_amplification"
    case ripAmplification = "rip_amplification"
    case sipAmplification = "sip_amplification"
    case netbiosAmplification = "netbios_amplification"

    /// No single protocol accounts for it.
    case flood

    /// The wider kind whose template and settings serve where there are none for this one: `udp_flood` for what rides on
    /// UDP. Nil for kinds that are the widest themselves.
    public var family: AttackKind? {
        switch self {
        case .dnsAmplification, .ntpAmplification, .ssdpAmplification, .memcachedAmplification, .cldapAmplification,
            .chargenAmplification, .snmpAmplification, .portmapAmplification, .qotdAmplification, .mdnsAmplification,
            .wsDiscoveryAmplification, .armsAmplification, .coapAmplification, .tftpAmplification, .ripAmplification,
            .sipAmplification, .netbiosAmplification:
            .udpFlood
        case .synACKReflection, .ackFlood, .rstFlood, .tcpNullFlood, .tcpXmasFlood, .greFlood, .fragmentFlood: .flood
        case .udpFlood, .icmpFlood, .synFlood, .flood: nil
        }
    }
}
