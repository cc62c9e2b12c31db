import FlowSpec
import NetworkTypes
import Testing

struct BuiltInTemplateTests {
    private func text(_ kind: AttackKind, _ target: String = "198.51.100.5/32") throws -> String {
        try #require(RuleTemplate.builtIn[kind.rawValue])
            .announcement(for: try #require(IPPrefix(target)), direction: .incoming).description
    }

    private func rule(_ kind: AttackKind) throws -> FlowSpecRule {
        let target = try #require(IPPrefix("198.51.100.5/32"))
        let made = try #require(RuleTemplate.builtIn[kind.rawValue]).announcement(for: target, direction: .incoming)
        guard case .flowSpec(let rule) = made.route else { throw FlowSpecError.invalidRate }
        return rule
    }

    private func packet(
        _ number: UInt8,
        port: UInt16? = nil,
        flags: UInt16? = nil,
        fragment: UInt16 = 0
    ) -> MatchedPacket {
        MatchedPacket(
            source: IPAddress(192, 0, 2, 1),
            destination: IPAddress(198, 51, 100, 5),
            ipProtocol: number,
            sourcePort: port,
            destinationPort: port == nil ? nil : 40_000,
            tcpFlags: flags,
            fragment: fragment
        )
    }

    @Test(
        arguments: [
            (AttackKind.synFlood, [0x02, 0xC2], [0x12, 0x10, 0x18]),
            (.synACKReflection, [0x12], [0x02, 0x10, 0x18, 0x04]),
            (.ackFlood, [0x10, 0x18], [0x12, 0x11, 0x14, 0x02]), (.rstFlood, [0x04, 0x14], [0x10, 0x02, 0x11]),
            (.tcpNullFlood, [0x00], [0x01, 0x02, 0x04, 0x08, 0x10, 0x20]),
            (.tcpXmasFlood, [0x29, 0x2B], [0x21, 0x18, 0x10]),
        ] as [(AttackKind, [UInt16], [UInt16])]
    )
    func flagsOfAKindAreMatchedAndOthersAreNot(_ kind: AttackKind, _ own: [UInt16], _ others: [UInt16]) throws {
        let rule = try rule(kind)
        for flags in own { #expect(rule.matches(packet(6, port: 443, flags: flags)), "\(flags)") }
        for flags in others { #expect(!rule.matches(packet(6, port: 443, flags: flags)), "\(flags)") }
        #expect(!rule.matches(packet(17, port: 443)))
    }

    @Test(
        arguments: [
            (AttackKind.dnsAmplification, [53]), (.ntpAmplification, [123]), (.netbiosAmplification, [137, 138]),
            (.memcachedAmplification, [11211]),
        ] as [(AttackKind, [UInt16])]
    )
    func answersOfAmplifiersAreMatchedByTheirPort(_ kind: AttackKind, _ ports: [UInt16]) throws {
        let rule = try rule(kind)
        for port in ports { #expect(rule.matches(packet(17, port: port))) }
        #expect(!rule.matches(packet(17, port: 443)))
        #expect(!rule.matches(packet(6, port: ports[0], flags: 0x10)))
    }

    @Test func fragmentsAndTunnelsAreMatchedAlone() throws {
        let fragments = try rule(.fragmentFlood)
        #expect(fragments.matches(packet(17, fragment: FragmentBits.isFragment)))
        #expect(fragments.matches(packet(17, port: 53, fragment: FragmentBits.firstFragment)))
        #expect(!fragments.matches(packet(17, port: 53)))
        #expect(try rule(.greFlood).matches(packet(47)) && !rule(.greFlood).matches(packet(50)))
    }

    @Test func eachKindHasOneForBothFamilies() throws {
        for kind in AttackKind.allCases {
            #expect(try !text(kind).isEmpty)
            #expect(try !text(kind, "2001:db8::1/128").isEmpty)
            guard kind != .flood else { continue }
            #expect(try text(kind) != text(.flood), "\(kind) is narrower than everything")
        }
    }

    @Test func anOperatorsTemplateServesForNarrowerKinds() throws {
        let own = RuleTemplate(components: [], actions: [.rateLimitBytes(asn: 0, bytesPerSecond: 1_000_000)])
        let templates = RuleTemplate.builtIn(replacedBy: ["udp_flood": own, "ntp_amplification": own])
        #expect(templates["udp_flood"] == own && templates["ntp_amplification"] == own)
        #expect(templates["dns_amplification"] == nil, "what is said of UDP is meant for this as well")
        #expect(templates["syn_flood"] == RuleTemplate.builtIn["syn_flood"])
        #expect(templates["gre_flood"] == RuleTemplate.builtIn["gre_flood"])
        #expect(RuleTemplate.builtIn(replacedBy: [:]) == RuleTemplate.builtIn)
    }
}
