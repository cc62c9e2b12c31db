import FlowSpec
import NetworkTypes
import Testing

@testable import BGP

private let marker = String(repeating: "ff", count: 16)

private func update(_ hex: String) throws -> UpdateMessage {
    let whole = octets(marker + hex)
    guard case .update(let update) = try BGPMessage.decode(whole[...], as: MessageContext()) else {
        throw BGPError.badMessageType(0)
    }
    return update
}

/// OPENs of real daemons: one parameter with all capabilities, or one for each; capabilities nobody here knows.
@Test(arguments: [
    (
        "gobgp",
        "006d0104fde9005a0aff000b50024e0200490402766d0001040001000101040002000101040001008501040002008541040000fde94012001e000101000002010000018500000285000512000100010002000100850002000200850002",
        90, 4
    ),
    (
        "bird",
        "00590104fde900f00aff000c3c023a01040001000101040001008501040002000101040002008502000600401200780001010000018500000201000002850041040000fde946004700",
        240, 4
    ),
    (
        "frr",
        "00ab0104fde900b40aff000d8e0206010400010001020601040001008502060104000200010206010400020085020280000202020002024600020641040000fde9020206000212451000010101000185010002010100028501020a4908066672726c61620002144012c07800010100000185000002010000028500021e471c00010180000000000185800000000002018000000000028580000000",
        180, 4
    ),
    ("openbgpd", "00390104fde9005a0aff000e1c021a01040001000101040002000102004002800041040000fde94600", 90, 2),
    (
        "exabgp",
        "00490104fde9005a0aff00012c0206010400010001020601040001008502060104000200010206010400020085020641040000fde902020600",
        90, 4
    ),
])
func opensOfRealDaemonsAreUnderstood(_ daemon: String, _ hex: String, _ holdTime: UInt16, _ families: Int) throws {
    let whole = octets(marker + hex)
    guard case .open(let open) = try BGPMessage.decode(whole[...], as: MessageContext()) else {
        Issue.record("\(daemon): no OPEN")
        return
    }
    #expect(open.asn == ASN(65001))
    #expect(open.holdTime == holdTime)
    #expect(open.capabilities.families?.count == families, "\(daemon)")
    #expect(open.capabilities.fourOctetAS == ASN(65001))
    #expect(open.capabilities.routeRefresh == (daemon != "exabgp"))
}

/// UPDATEs whose octets other implementations agree on (an internal neighbor, AS 65001).
@Test(arguments: [
    "004902000000324001010040020040050400000064c00804fde9029ac010088006fde947f42400800e0f0001850000090120c0000201038111",
    "004702000000304001010040020040050400000064c010088006fde900000000800e1400018500000e0120c0000203038106090102c210",
    "0051020000003a4001010040020040050400000064c010088006fde900000000800e1e0001850000180120c00002040381110501351303e8d507d006017b91076c",
    "0042020000002b4001010040020040050400000064c01008800900000000000a800e0f0001850000090120c0000210038111",
    "005902000000424001010040020040050400000064c010088006fde900000000800e2600028500002001800020010db80000000000000000000000040a1304b0d505dc0b812e0c8102",
    "003c02000000204001010040020040050400000064c00808ffff029afde9029a400304c00002fe20c0000264",
])
func updatesOfOthersAreReadAndWrittenAlike(_ hex: String) throws {
    let read = try update(hex)
    #expect(read.announced.count == 1)
    #expect(read.unreadableRules == 0)
    // The order of attributes and communities is free: as long, and with the same meaning.
    let written = BGPMessage.update(read).encoded(as: MessageContext())
    #expect(written.count == octets(marker + hex).count)
    guard case .update(let again) = try BGPMessage.decode(written[...], as: MessageContext()) else {
        Issue.record("no UPDATE")
        return
    }
    #expect(again.announced == read.announced)
    #expect(again.attributes?.actions == read.attributes?.actions)
    #expect(again.attributes?.nextHop == read.attributes?.nextHop)
    #expect(again.attributes?.communities == read.attributes?.communities.sorted())
}

/// BIRD writes MP_REACH_NLRI first, with a two-octet length.
@Test func theReachabilityMayStandFirst() throws {
    let read = try update(
        "00480200000031900e001400018500000e0120cb007102038106090102c2104001010040020040050400000064c010088006fde947f42400"
    )
    #expect(read.announced.count == 1)
    #expect(read.attributes?.actions == [.rateLimitBytes(asn: 65001, bytesPerSecond: 125_000)])
}

@Test(arguments: [
    ("00170200000000", BGPFamily.ipv4Unicast), ("001d0200000006800f03000201", .ipv6Unicast),
    ("001e0200000007900f0003000185", .ipv4FlowSpec), ("001d0200000006800f03000285", .ipv6FlowSpec),
])
func endOfRIBIsTheSameToAll(_ hex: String, _ family: BGPFamily) throws {
    #expect(try update(hex) == UpdateMessage(endOfRIB: family))
    let written = BGPMessage.update(UpdateMessage(endOfRIB: family)).encoded(as: MessageContext())
    #expect(try BGPMessage.decode(written[...], as: MessageContext()) == .update(UpdateMessage(endOfRIB: family)))
}

/// RFC 9072: parameters with two-octet lengths; the one-octet length before them counts for nothing unless it is 0.
@Test(arguments: ["ff", "01", "1d"])
func extendedOptionalParametersAreRead(_ oneOctetLength: String) throws {
    let parameters = "02000c" + "010400010085" + "41040000fde9"
    let whole = octets(marker + "002f" + "01" + "04fde9005a0aff000b" + oneOctetLength + "ff000f" + parameters)
    guard case .open(let open) = try BGPMessage.decode(whole[...], as: MessageContext()) else {
        Issue.record("no OPEN")
        return
    }
    #expect(open.capabilities.families == [.ipv4FlowSpec])
    #expect(open.asn == ASN(65001))
}

/// A neighbor's rule with a component that we do not know must not cost us the session and with it all our rules.
@Test func aRuleThatCannotBeReadIsPassedOver() throws {
    // Component 14, then a rule that is sound: destination 192.0.2.1/32.
    let rules = "09" + "0120c0000202" + "0e8101" + "06" + "0120c0000201"
    let reachable = "800e16" + "000185" + "0000" + rules
    let read = try update("003e" + "02" + "0000" + "0027" + "400101004002004005" + "0400000064" + reachable)
    #expect(read.unreadableRules == 1)
    #expect(read.announced.map(\.description) == ["destination 192.0.2.1/32"])
    #expect(read.endOfRIB == nil)
    // A length that leads beyond the message leaves no place to go on from.
    let broken = "800e0c" + "000185" + "0000" + "28" + "0120c0000202"
    let cut = try update("0026" + "02" + "0000" + "000f" + broken)
    #expect(cut.faults.contains { $0.handling == .disableFamily(.ipv4FlowSpec) })
    #expect(cut.announced.isEmpty)
}

@Test func aPathIsWrittenForNeighborsWithTwoOctetASNumbersToo() throws {
    let attributes = PathAttributes(asPath: [ASN(4_200_000_010)], nextHop: IPAddress(192, 0, 2, 254))
    let prefix = try #require(IPPrefix("198.51.100.0/24"))
    let message = BGPMessage.update(UpdateMessage(attributes: attributes, announced: [.unicast(prefix)]))
    let old = MessageContext(usesFourOctetAS: false)
    guard case .update(let read) = try BGPMessage.decode(message.encoded(as: old)[...], as: old) else {
        Issue.record("no UPDATE")
        return
    }
    #expect(read.attributes?.asPath == [ASN(4_200_000_010)], "from AS4_PATH")
    #expect(message.encoded(as: old).contains([0x40, 2, 4, 2, 1, 0x5B, 0xA0]), "AS_TRANS")
    #expect(message.encoded(as: old).contains([0xC0, 17, 6, 2, 1, 0xFA, 0x56, 0xEA, 0x0A]), "AS4_PATH")
    #expect(try BGPMessage.decode(message.encoded(as: MessageContext())[...], as: MessageContext()) == message)
}
