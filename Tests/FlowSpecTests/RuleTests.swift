import FlowSpec
import NetworkTypes
import TestSupport
import Testing

private func rule(_ text: String) throws -> FlowSpecRule {
    guard case .announce(let announcement)? = try FlowSpecText.parse("flow route \(text)").first?.order,
        case .flowSpec(let rule) = announcement.route
    else { throw FlowSpecError.matchesEverything }
    return rule
}

/// RFC 8955 section 4.3, RFC 8956 section 3.8: the octets as printed there.
@Test(arguments: [
    ("destination 192.0.2.0/24 protocol =6 port =25", "0b0118c00002038106048119"),
    (
        "destination 192.0.2.0/24 source 203.0.113.0/24 port [ >=137&<=139 =8080 ]",
        "120118c000020218cb0071040389458b911f90"
    ), ("destination 192.0.2.1/32 fragment dont-fragment+first-fragment", "090120c00002010c8005"),
    ("destination 2001:db8::/32 source ::1234:5678:9a00:0/104/65", "0f01200020010db80268412468acf134"),
])
func theExamplesOfTheRFCsAreReadAndWritten(_ text: String, _ hex: String) throws {
    let octets = VectorTests.octets(hex)
    let read = try rule(text)
    #expect(read.encodedNLRI == octets)
    let (decoded, _) = try FlowSpecRule.decodeNLRI(read.encodedNLRI[...], family: read.family)
    #expect(decoded == read)
    #expect(try rule(decoded.description) == read)
}

/// Each wrong in one way, and the error that says which.
@Test(arguments: [
    ("090381110120c0000242", FlowSpecError.wrongOrder(.destinationPrefix)),
    ("0c0120c0000242038111038111", .duplicateComponent(.ipProtocol)),
    ("090120c00002420e8101", .unknownComponent(14)), ("030d8101", .wrongFamily(.flowLabel)),
    ("090120c0000242030111", .missingEndOfList(.ipProtocol)), ("0a0121c000024200038111", .invalidPrefixLength(33)),
    ("280120c0000242038111", .truncated), ("00", .matchesEverything), ("f000", .matchesEverything),
    ("0a0120c000024203910011", .valueLength(.ipProtocol, octets: 2)),
    ("0a0120c00002420c910002", .valueLength(.fragment, octets: 2)),
    ("0407910008", .valueLength(.icmpType, octets: 2)), ("0408910008", .valueLength(.icmpCode, octets: 2)),
    ("040b91002e", .valueLength(.dscp, octets: 2)), ("0605a100000050", .valueLength(.destinationPort, octets: 4)),
    ("0609a100000002", .valueLength(.tcpFlags, octets: 4)), ("060aa100000050", .valueLength(.packetLength, octets: 4)),
    ("090119c0000242038111", .hostBits(.destinationPrefix)), ("030b8140", .valueRange(.dscp, value: 64, limit: 63)),
    ("0203", .truncated), ("0103", .truncatedComponent(.ipProtocol)), ("020381", .truncatedComponent(.ipProtocol)),
    ("030120c0", .truncatedComponent(.destinationPrefix)),
])
func malformedRulesAreRefusedWithTheRuleThatTheyBreak(_ hex: String, _ error: FlowSpecError) {
    let octets = VectorTests.octets(hex)
    let thrown = #expect(throws: FlowSpecError.self) { try FlowSpecRule.decodeNLRI(octets[...], family: .ipv4) }
    #expect(thrown == error)
    #expect(error.description.contains("RFC 895"))
}

@Test(arguments: [
    ("06014050038111", FlowSpecError.invalidOffset(.destinationPrefix)),
    ("03014040", .invalidOffset(.destinationPrefix)), ("03018100", .invalidPrefixLength(129)),
    ("060da100100000", .valueRange(.flowLabel, value: 0x10_0000, limit: 0xF_FFFF)),
    ("0a0db10000000000000001", .valueLength(.flowLabel, octets: 8)),
])
func malformedIPv6RulesAreRefused(_ hex: String, _ error: FlowSpecError) {
    let octets = VectorTests.octets(hex)
    let thrown = #expect(throws: FlowSpecError.self) { try FlowSpecRule.decodeNLRI(octets[...], family: .ipv6) }
    #expect(thrown == error)
}

/// What the RFCs have a receiver overlook, and the form that it is sent in.
@Test(arguments: [
    ("0303c111", "03038111", AddressFamily.ipv4), ("03038911", "03038111", .ipv4), ("0405910050", "03058150", .ipv4),
    ("030c8182", "030c8102", .ipv4), ("030c8103", "030c8102", .ipv6), ("040991f002", "03098102", .ipv4),
    ("f003038111", "03038111", .ipv4), ("060da100003039", "040d913039", .ipv6), ("0401040021", "0401040020", .ipv6),
    ("03058700", "03058700", .ipv4),
])
func whatIsToBeOverlookedIsAndIsNotSentOn(_ hex: String, _ canonical: String, _ family: AddressFamily) throws {
    let octets = VectorTests.octets(hex)
    let (rule, consumed) = try FlowSpecRule.decodeNLRI(octets[...], family: family)
    #expect(consumed == octets.count)
    #expect(rule.encodedNLRI == VectorTests.octets(canonical))
}

/// From the first to the last.
@Test func rulesAreOrderedAsTheRFCsHaveIt() throws {
    let ordered = try [
        "destination 192.0.2.0/24 source 198.51.100.1/32", "destination 192.0.2.0/24 source 198.51.100.0/24",
        "destination 192.0.2.0/24 source 198.51.101.0/24", "destination 192.0.2.0/24 protocol =6 port =25",
        // memcmp: the operator octet is compared first, and there 0x04 (a list that goes on) is less than 0x81.
        "destination 192.0.2.0/24 protocol =6", "destination 192.0.2.0/24 protocol =17",
        "destination 192.0.2.0/24 port [ =25 =80 ]", "destination 192.0.2.0/24 port =25",
        "destination 192.0.2.0/24", "destination 192.0.0.0/16 protocol =6", "destination 192.0.0.0/16",
        "destination 198.51.100.0/24 protocol =6", "source 192.0.2.1/32", "protocol =6",
        // IPv6 after IPv4; the lower offset first.
        "destination 2001:db8::/64", "destination 2001:db8::/32", "destination 2001:db9::/32",
        "destination 0:0:0:5::/64/32", "destination 0:0:0:5::/64/40", "source 2001:db8::/32",
        "rd 1:1 destination 192.0.2.0/24", "rd 1:2 destination 10.0.0.0/8",
    ].map(rule)
    let inFamilies = ordered.sorted { $0.precedes($1) }
    let expected = Array(ordered[..<14]) + ordered[20...] + ordered[14..<20]
    #expect(inFamilies.map(\.description) == expected.map(\.description))
    for (index, one) in expected.enumerated() {
        for (other, two) in expected.enumerated() { #expect(one.precedes(two) == (index < other), "\(one) / \(two)") }
    }
}

@Test func theOrderIsAStrictWeakOne() {
    var random = RandomRules(seed: 7)
    let rules = (0..<60).compactMap { _ in random.rule() }
    for one in rules {
        #expect(!one.precedes(one))
        for two in rules {
            if one == two { continue }
            #expect(one.precedes(two) != two.precedes(one), "\(one) / \(two)")
            guard one.precedes(two) else { continue }
            for three in rules where two.precedes(three) { #expect(one.precedes(three)) }
        }
    }
}

@Test func randomRulesSurviveWireAndText() throws {
    var random = RandomRules(seed: 42)
    var seen = 0
    for _ in 0..<1500 {
        guard let announcement = random.announcement(), case .flowSpec(let rule) = announcement.route else { continue }
        seen += 1
        let (decoded, consumed) = try FlowSpecRule.decodeNLRI(
            rule.encodedNLRI[...],
            family: rule.family,
            isVPN: rule.routeDistinguisher != nil
        )
        #expect(consumed == rule.encodedNLRI.count)
        #expect(decoded == rule)
        #expect(decoded.components == rule.components, "\(rule)")
        for action in announcement.actions {
            if let community = action.extendedCommunity { #expect(TrafficAction(community) == action) }
            if let octets = action.ipv6ExtendedCommunity { #expect(TrafficAction(extendedCommunity: octets) == action) }
        }
        for text in ["announce \(announcement)", "flow { \(announcement.block(name: "r")) }"] {
            guard case .announce(let read)? = try FlowSpecText.parse(text).first?.order else {
                Issue.record("\(text)")
                continue
            }
            #expect(read.route == announcement.route, "\(text)")
            #expect(Set(read.actions) == Set(announcement.actions), "\(text)")
            #expect(read.communities == announcement.communities)
            #expect(read.largeCommunities == announcement.largeCommunities)
            #expect(read.extendedCommunities == announcement.extendedCommunities)
            #expect(read.nextHop == announcement.nextHop)
        }
    }
    #expect(seen > 1200)
}

@Test func ofAllThatMatchesTheANDBindsTighter() throws {
    let ports = try rule("destination-port [ >=100&<=200&!=150 =7 ]")
    func packet(_ port: UInt16) -> MatchedPacket {
        MatchedPacket(
            source: IPAddress(192, 0, 2, 1),
            destination: IPAddress(192, 0, 2, 2),
            ipProtocol: 17,
            destinationPort: port
        )
    }
    for (port, matches) in [(99, false), (100, true), (150, false), (200, true), (201, false), (7, true)] {
        #expect(ports.matches(packet(UInt16(port))) == matches)
    }
    let offset = try rule("destination 0:0:0:5::/64/32 next-header =17")
    var wide = packet(1)
    wide.destination = IPAddress(high: 0x2001_0DB8_0000_0005, low: 9)
    wide.source = IPAddress(high: 1, low: 1)
    #expect(offset.matches(wide))
    wide.destination.high = 0x2001_0DB8_0000_0006
    #expect(!offset.matches(wide))
}

@Test func mutatedNLRIAreErrorsAndNoTraps() {
    var random = RandomRules(seed: 3)
    for _ in 0..<400 {
        guard let rule = random.rule() else { continue }
        for length in 0..<rule.encodedNLRI.count {
            #expect(throws: FlowSpecError.self) {
                try FlowSpecRule.decodeNLRI(rule.encodedNLRI.prefix(length), family: rule.family)
            }
        }
        for _ in 0..<40 {
            var octets = rule.encodedNLRI
            octets[Int.random(in: 0..<octets.count, using: &random.random)] = .random(
                in: 0...255,
                using: &random.random
            )
            let isVPN = Bool.random(using: &random.random)
            guard let (read, _) = try? FlowSpecRule.decodeNLRI(octets[...], family: rule.family, isVPN: isVPN) else {
                continue
            }
            // What was understood says the same when it is said again.
            let again = try? FlowSpecRule.decodeNLRI(read.encodedNLRI[...], family: rule.family, isVPN: isVPN)
            #expect(again?.rule == read)
        }
    }
}

/// Components are named as they are written, not as the program's types are.
@Test func whatIsWrongIsSaidInTheWordsOfRules() {
    for type in MatchComponentType.allCases {
        #expect("\(FlowSpecError.wrongOrder(type))".hasPrefix("\(type) after"))
        #expect("\(type)".allSatisfy { $0.isLowercase || $0 == "-" }, "\(type)")
    }
    #expect("\(FlowSpecError.duplicateComponent(.destinationPort))".hasPrefix("destination-port twice"))
}
