import FlowSpec
import NetworkTypes
import TestSupport
import Testing

@testable import BGP

private func announcement(_ text: String) throws -> Announcement {
    guard case .announce(let announcement)? = try FlowSpecText.parse("flow route \(text)").first?.order else {
        throw FlowSpecError.matchesEverything
    }
    return announcement
}

@Test func longListsAreCutAndTheRestIsLeftAlone() throws {
    let short = try announcement("destination 192.0.2.1/32 port [ =1 =2 =3 =4 =5 ] discard")
    #expect(try CompatibilityProfile.compatible.fit(short) == [short])
    let long = try announcement("destination 192.0.2.1/32 port [ =1 >=10&<=20 =3 =4 >=30&<=40 =5 ] discard")
    #expect(
        try CompatibilityProfile.compatible.fit(long).map(\.description) == [
            "flow route destination 192.0.2.1/32 port [ =1 >=10&<=20 =3 =4 ] discard",
            "flow route destination 192.0.2.1/32 port [ >=30&<=40 =5 ] discard",
        ]
    )
    #expect(try CompatibilityProfile.unrestricted.fit(long) == [long])
    let both = try announcement("port [ =1 =2 =3 =4 =5 =6 ] packet-length [ =1 =2 =3 =4 =5 =6 =7 ] discard")
    #expect(try CompatibilityProfile.compatible.fit(both).count == 4)
    let route = try FlowSpecText.parse("route 192.0.2.1/32 next-hop self").first?.order
    if case .announce(let unicast)? = route { #expect(try CompatibilityProfile.compatible.fit(unicast) == [unicast]) }
}

@Test func whatCannotBeCutIsRefusedWithTheReason() throws {
    let chain = try announcement("port !=1&!=2&!=3&!=4&!=5&!=6 discard")
    #expect(throws: CompatibilityProfile.Refusal.indivisible(.port, terms: 6, limit: 5)) {
        try CompatibilityProfile.compatible.fit(chain)
    }
    let offset = try announcement("destination 2001:db8::/64/16 discard")
    #expect(throws: CompatibilityProfile.Refusal.ipv6Offset(.destinationPrefix)) {
        try CompatibilityProfile.compatible.fit(offset)
    }
    let ports = (1...400).map { "=\($0)" }.joined(separator: " ")
    #expect(throws: CompatibilityProfile.Refusal.tooManyPieces(80)) {
        try CompatibilityProfile.compatible.fit(announcement("port [ \(ports) ] discard"))
    }
    let far = try announcement("protocol udp redirect-to-nexthop-ietf 2001:db8::1")
    #expect(throws: CompatibilityProfile.Refusal.redirectFamily) {
        try CompatibilityProfile(redirects: .simpson).fit(far)
    }
    var rate = try announcement("protocol udp discard")
    rate.actions = [.rateLimitBytes(asn: 0, bytesPerSecond: -.infinity)]
    #expect(throws: CompatibilityProfile.Refusal.invalidAction(.invalidRate)) {
        try CompatibilityProfile.compatible.fit(rate)
    }
    let tight = CompatibilityProfile(maximumNLRI: 8)
    #expect(throws: CompatibilityProfile.Refusal.tooLong(octets: 9, limit: 8)) {
        try tight.fit(announcement("destination 192.0.2.1/32 protocol udp discard"))
    }
    // Lists are cut finer where the whole is too long.
    let wide = CompatibilityProfile(maximumTerms: nil, maximumNLRI: 30)
    let pieces = try wide.fit(
        announcement("destination 192.0.2.1/32 port [ =1000 =1001 =1002 =1003 =1004 =1005 =1006 =1007 ] discard")
    )
    #expect(pieces.count == 2)
    #expect(pieces.allSatisfy { $0.route.encodedNLRI.count <= 31 })
}

/// The pieces together match what the whole matches: packets on both sides of every value.
@Test func thePiecesMatchTheSameTraffic() {
    var random = RandomRules(seed: 99)
    var cut = 0
    var hits = 0
    for _ in 0..<1500 {
        guard let rule = random.rule() else { continue }
        let whole = Announcement(route: .flowSpec(rule), actions: [.discard])
        let profile = CompatibilityProfile(
            maximumTerms: Int.random(in: 1...5, using: &random.random),
            allowsIPv6Offsets: true
        )
        guard let pieces = try? profile.fit(whole), pieces.count > 1 else { continue }
        cut += 1
        let rules = pieces.compactMap { if case .flowSpec(let piece) = $0.route { piece } else { nil } }
        #expect(rules.count == pieces.count)
        for _ in 0..<60 {
            let packet = random.packet(of: rule.family, for: rule)
            let matches = rule.matches(packet)
            hits += matches ? 1 : 0
            #expect(rules.contains { $0.matches(packet) } == matches, "\(rule)")
        }
    }
    #expect(cut > 300)
    #expect(hits > 500)
}

@Test func redirectsAreToldInTheNeighborsForm() throws {
    func extended(_ text: String, _ redirects: RedirectEncoding) throws -> String {
        let packer = UpdatePacker(
            manner: .init(context: MessageContext(), isInternal: true, localAS: ASN(65001), redirects: redirects)
        )
        let message = try #require(packer.announce([announcement(text)]).first)
        let update = UpdateMessage(decoding: message.dropFirst(19), as: MessageContext())
        return
            "\(update.attributes?.actions.map(\.description) ?? []) \(update.attributes?.nextHop?.description ?? "-")"
    }
    let simpson = "protocol udp copy 192.0.2.1"
    #expect(try extended(simpson, .asWritten) == "[\"copy-to-nexthop\"] 192.0.2.1")
    #expect(try extended(simpson, .ietf) == "[\"extended-community 0x010cc00002010001\"] -")
    let ietf = "protocol udp redirect-to-nexthop-ietf 192.0.2.1"
    #expect(try extended(ietf, .asWritten) == "[\"redirect-to-nexthop-ietf 192.0.2.1\"] -")
    #expect(try extended(ietf, .simpson) == "[\"redirect-to-nexthop\"] 192.0.2.1")
}
