internal import NetworkTypes

extension RuleTemplate {
    /// The templates that there are without any configuration: the narrowest match that is right for its kind of
    /// attack, discarded. `default` serves where no template has the kind's name.
    public static let builtIn: [String: RuleTemplate] = {
        var templates = [
            "udp_flood": discarding(.udp),
            "icmp_flood": discarding(.icmp),
            "gre_flood": discarding(.gre),
            "fragment_flood": RuleTemplate(
                components: [
                    .fragment([BitmaskTerm(FragmentBits.isFragment), BitmaskTerm(FragmentBits.firstFragment)])
                ],
                actions: [.discard]
            ),
            // SYN set and ACK not: established connections go on.
            "syn_flood": discarding(flags: [BitmaskTerm(0x02), BitmaskTerm(0x10, not: true, and: true)]),
            // Connections that the target opens are answered with the same flags, and fail meanwhile.
            "syn_ack_reflection": discarding(flags: [BitmaskTerm(0x12, match: true)]),
            // Those of a connection that only go on; handshakes and ends pass.
            "ack_flood": discarding(flags: [BitmaskTerm(0x10), BitmaskTerm(0x07, not: true, and: true)]),
            "rst_flood": discarding(flags: [BitmaskTerm(0x04)]),
            "tcp_null_flood": discarding(flags: [BitmaskTerm(0x3F, not: true)]),
            "tcp_xmas_flood": discarding(flags: [BitmaskTerm(0x29, match: true)]),
            "flood": RuleTemplate(components: [], actions: [.discard]),
            "default": RuleTemplate(components: [], actions: [.discard]),
        ]
        for (kind, ports) in amplifierPorts {
            templates[kind.rawValue] = RuleTemplate(
                components: [
                    .ipProtocol([NumericTerm(.equal, 17)]), .sourcePort(ports.map { NumericTerm(.equal, $0) }),
                ],
                actions: [.discard]
            )
        }
        return templates
    }()

    /// Where the answers come from.
    private static let amplifierPorts: [(AttackKind, [UInt64])] = [
        (.dnsAmplification, [53]), (.ntpAmplification, [123]), (.ssdpAmplification, [1900]),
        (.memcachedAmplification, [11211]), (.cldapAmplification, [389]), (.chargenAmplification, [19]),
        (.snmpAmplification, [161]), (.portmapAmplification, [111]), (.qotdAmplification, [17]),
        (.mdnsAmplification, [5353]), (.wsDiscoveryAmplification, [3702]), (.armsAmplification, [3283]),
        (.coapAmplification, [5683]), (.tftpAmplification, [69]), (.ripAmplification, [520]),
        (.sipAmplification, [5060]), (.netbiosAmplification, [137, 138]),
    ]

    private static func discarding(_ number: IPProtocol) -> RuleTemplate {
        RuleTemplate(components: [.ipProtocol([NumericTerm(.equal, UInt64(number.rawValue))])], actions: [.discard])
    }

    private static func discarding(flags: [BitmaskTerm]) -> RuleTemplate {
        RuleTemplate(components: [.ipProtocol([NumericTerm(.equal, 6)]), .tcpFlags(flags)], actions: [.discard])
    }

    /// The built-in templates with an operator's in their place. A narrower kind's gives way to his for the wider, such as
    /// `udp_flood` for what rides on UDP: he has said what is to be done with it.
    public static func builtIn(replacedBy own: [String: RuleTemplate]) -> [String: RuleTemplate] {
        let kept = builtIn.filter { name, _ in
            guard let family = AttackKind(rawValue: name)?.family else { return true }
            return own[family.rawValue] == nil
        }
        return kept.merging(own) { _, own in own }
    }
}
