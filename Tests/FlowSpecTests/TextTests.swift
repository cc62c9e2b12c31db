import FlowSpec
import NetworkTypes
import TestSupport
import Testing

private func hex(_ text: String) throws -> String {
    let commands = try FlowSpecText.parse(text)
    guard case .announce(let announcement)? = commands.first?.order, commands.count == 1,
        case .flowSpec(let rule) = announcement.route
    else { return "\(commands)" }
    return rule.encodedNLRI.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// One rule in every form.
@Test(arguments: [
    "announce flow route { match { destination 198.51.100.5/32; protocol udp; } then { discard; } }",
    "announce flow route {\n  match {\n    destination 198.51.100.5/32;\n    protocol udp;\n  }\n  then {\n    discard;\n  }\n}\n",
    "announce flow route {\\n match {\\n destination 198.51.100.5/32;\\n protocol udp;\\n }\\n then {\\n discard;\\n }\\n}\\n\n",
    "announce flow route {\r\n match { destination 198.51.100.5/32; protocol udp; }\r\n then { discard; }\r\n}\r\n",
    "announce flow route destination 198.51.100.5/32 protocol udp discard",
    "announce flow route \"a name\" { match { destination 198.51.100.5; protocol =17; } then { accept; } }",
    "announce ipv4 flow destination-ipv4 198.51.100.5/32 protocol =udp extended-community [rate-limit:0]",
    "neighbor 192.0.2.1 local-as 65001 , neighbor 192.0.2.2 announce flow route destination 198.51.100.5/32 protocol udp",
    "peer * announce ipv4 flow destination 198.51.100.5/32 protocol udp discard",
    "flow route destination 198.51.100.5/32 protocol udp # a comment",
    "# a comment\n\nflow {\n  route name {\n    match {destination 198.51.100.5/32;protocol udp;}\n    then{discard;}}\n}",
    "announce flow route { match { destination 198.51.100.5/32; protocol UDP; } then { discard; } } }",
    "\tannounce  flow\troute destination 198.51.100.5/32 protocol udp;",
])
func everyFormIsTheSameRule(_ text: String) throws { #expect(try hex(text) == "090120c6336405038111") }

@Test(arguments: [
    ("destination 198.51.100.5/32 then", 1, 46, "destination"), ("destination 198.51.100.5/33", 1, 32, "0 to 32"),
    ("destination 198.51.100.5/32 source 2001:db8::/32", 1, 55, "IPv6"),
    ("destination 198.51.100.5/32 destination-port =80 =443", 1, 69, "was expected"),
    ("destination 198.51.100.5/32 dscp 64", 1, 53, "0 to 63"),
    ("{ match { destination 198.51.100.5/32;\n  protocol tcp udp; } }", 2, 16, "brackets"),
    ("{ match { } then { discard; } }", 1, 15, "match all traffic"), ("discard", 1, 15, "match all traffic"),
    ("{ match { destination 198.51.100.5/32 } }", 1, 58, ";"),
    ("{ match { destination 198.51.100.5/32;", 1, 58, "text ends"),
    ("destination 198.51.100.5/32 port [ =80 =443", 1, 53, "]"), ("protocol udp rate-limit -1", 1, 45, "rate"),
    ("protocol udp rate-limit 1.5", 1, 45, "unit"), ("protocol udp mark 64", 1, 38, "63"),
    ("destination 198.51.100.5/32 destination 198.51.100.6/32", 1, 48, "only one"),
    ("destination 2001:db8::/32/32", 1, 32, "offset"), ("destination 192.0.2.0/24/8", 1, 32, "offset"),
    ("destination 2001:db8::1 fragment dont-fragment", 1, 15, "section 3.6"),
    ("protocol udp redirect-to-nexthop", 1, 15, "next-hop"), ("protocol udp discard rate-limit 5", 1, 42, "differ"),
    ("protocol udp redirect 65001:1 mark 1 redirect 65001:2", 1, 58, "differ"),
    ("protocol udp discard extended-community 0x8006000047742400", 1, 42, "differ"),
    ("protocol udp extended-community 0x8006000047742400 discard", 1, 72, "differ"),
    (
        "next-header udp redirect-to-nexthop-ietf 2001:db8::1 redirect-to-nexthop-ietf 2001:db8::2", 1, 74, "differ"
    ),
    ("protocol udp redirect [2001:db8::1]:5 destination 192.0.2.1", 1, 70, "IPv4"),
    ("protocol udp extended-community 0x800600007fc00000", 1, 52, "finite"),
    ("destination 198.51.100.5/32 traffic-class 4", 1, 48, "IPv6"), ("tcp-flags psh", 1, 30, "push"),
    ("destination-port 90-80", 1, 37, "port"), ("protocol udp copy 192.0.2.1 redirect 192.0.2.2", 1, 57, "next hop"),
    ("protocol udp \u{1}", 1, 33, "ASCII"), ("protocol udp \"unclosed", 1, 33, "quote"),
    ("rd 1:1 rd 1:2 protocol udp", 1, 30, "second rd"),
])
func whatIsWrongIsNamedWithItsPlace(_ text: String, _ line: Int, _ column: Int, _ reason: String) {
    let whole = "announce flow route \(text)"
    let error = #expect(throws: TextError.self) { try FlowSpecText.parse(whole) }
    #expect(error?.line == line, "\(whole)")
    #expect(error?.reason.contains(reason) == true, "\(error.map(\.description) ?? "")")
    // The column is where the caret stands under the excerpt; the argument counts as if nothing stood before the rule.
    #expect(error.map { abs($0.column - column) <= 6 } == true, "\(error?.description ?? ""): \(column)")
    if let error {
        let shown = Array(error.excerpt)
        let lines = whole.split(separator: "\n", omittingEmptySubsequences: false)
        let place = Array(lines[error.line - 1]).dropFirst(error.column - 1).first
        #expect(error.caret >= shown.count || place == nil || place == shown[error.caret] || shown[error.caret] == " ")
        #expect(error.description.hasSuffix("^"))
    }
}

@Test(arguments: [
    ("rate-limit 100mbps", TrafficAction.rateLimitBytes(asn: 0, bytesPerSecond: 12_500_000)),
    ("rate-limit 12.5 MB/s", .rateLimitBytes(asn: 0, bytesPerSecond: 12_500_000)),
    ("rate-limit 1 Gbit/s", .rateLimitBytes(asn: 0, bytesPerSecond: 125_000_000)),
    ("rate-limit 5000 packets", .rateLimitPackets(asn: 0, packetsPerSecond: 5000)),
    ("rate-limit 20kpps", .rateLimitPackets(asn: 0, packetsPerSecond: 20_000)),
    ("rate-limit 9600 bytes", .rateLimitBytes(asn: 0, bytesPerSecond: 9600)), ("rate-limit 0", .discard),
    ("redirect 192.0.2.1:7", .redirect(.ipv4(IPAddress(192, 0, 2, 1), 7))),
    ("redirect 65001L:7", .redirect(.fourOctetAS(ASN(65001), 7))),
    ("redirect-to-nexthop-ietf 192.0.2.1", .redirectToIP(IPAddress(192, 0, 2, 1), copy: false)),
    ("copy 192.0.2.1", .redirectToNextHop(copy: true)),
    ("next-hop 192.0.2.1 redirect-to-nexthop", .redirectToNextHop(copy: false)),
    ("extended-community [ 0x8009000000000005 ]", .markDSCP(5)), ("extended-community [ mark 5 ]", .markDSCP(5)),
    ("extended-community [ redirect-to-nexthop-ietf 1.2.3.4 ]", .redirectToIP(IPAddress(1, 2, 3, 4), copy: false)),
])
func actionsAreReadWithTheirUnits(_ text: String, _ action: TrafficAction) throws {
    let order = try FlowSpecText.parse("flow route protocol udp \(text)").first?.order
    guard case .announce(let announcement)? = order else { return }
    #expect(announcement.actions == [action])
}

@Test func routesHaveTheirAttributes() throws {
    let text =
        "announce route 198.51.100.5/32 next-hop 192.0.2.1 origin egp as-path [ 65001 65002 ] med 5 local-preference 200 "
        + "community [ blackhole no-export 65001:1 ] large-community 1:2:3 extended-community [ target:65001:1 ]"
    guard case .announce(let route)? = try FlowSpecText.parse(text).first?.order else { return }
    #expect(route.communities == [.blackhole, .noExport, Community(rawValue: 65001 << 16 | 1)])
    #expect(route.origin == .egp)
    #expect(route.asPath == [ASN(65001), ASN(65002)])
    #expect(route.metric == 5)
    #expect(route.localPreference == 200)
    #expect(route.extendedCommunities == [ExtendedCommunity(rawValue: 0x0002_FDE9_0000_0001)])
    #expect(try FlowSpecText.parse("announce \(route)").first?.order == .announce(route))
    #expect(try FlowSpecText.parse("static { \(route.block()) }").first?.order == .announce(route))
    let several = try FlowSpecText.parse("announce attributes next-hop self community 1:1 nlri 10.0.0.0/24 10.0.1.0/24")
    #expect(
        several.map(\.description) == [
            "announce route 10.0.0.0/24 next-hop self community [ 1:1 ]",
            "announce route 10.0.1.0/24 next-hop self community [ 1:1 ]",
        ]
    )
    for bad in [
        "announce route 10.0.0.0/24", "announce route 2001:db8::/32 next-hop 192.0.2.1", "announce route x",
        "announce route 10.0.0.0/24 next-hop self label 5", "withdraw", "announce eor ipv4 evpn", "hello",
        "announce ipv6 unicast 10.0.0.0/24 next-hop self", "announce ipv4 flow-vpn protocol udp",
        // One digit less in the length, and a blackhole takes the neighbors with it.
        "announce route 203.0.113.5/25 next-hop self community blackhole", "withdraw route 2001:db8::1/64",
    ] {
        #expect(throws: TextError.self, "\(bad)") { try FlowSpecText.parse(bad) }
    }
}

@Test func hostileTextsAreErrorsInTheirOwnTime() throws {
    let deep = "flow route " + String(repeating: "{ ", count: 100_000)
    let long = "flow route destination-port [ \(String(repeating: "=80 ", count: 100_000))] discard"
    let wide = "flow route protocol udp community [ \(String(repeating: "1:1 ", count: 100_000))]"
    let closers = "flow route protocol udp " + String(repeating: "} ", count: 100_000)
    let slashes = "flow route protocol udp " + String(repeating: "\\", count: 100_000)
    for text in [deep, long, wide, slashes] { #expect(throws: TextError.self) { try FlowSpecText.parse(text) } }
    #expect(try FlowSpecText.parse(closers).count == 1)
    let many = String(repeating: "announce flow route protocol udp discard\n", count: 20_000)
    #expect(try FlowSpecText.parse(many).count == 20_000)
}

@Test func mutatedTextsAreErrorsAndNoTraps() {
    var random = RandomRules(seed: 11)
    let letters = Array("{}[];#\"' \n\\n=!<>&+-./:0x159aeflowmatch".utf8)
    for _ in 0..<1500 {
        guard let announcement = random.announcement() else { continue }
        var octets = Array(
            (Bool.random(using: &random.random) ? "announce \(announcement)" : "flow { \(announcement.block()) }").utf8
        )
        for _ in 0..<Int.random(in: 1...4, using: &random.random) {
            let place = Int.random(in: 0..<octets.count, using: &random.random)
            let letter = letters.randomElement(using: &random.random) ?? 0
            switch Int.random(in: 0..<3, using: &random.random) {
            case 0: octets[place] = letter
            case 1: octets.insert(letter, at: place)
            default: octets.remove(at: place)
            }
        }
        guard let commands = try? FlowSpecText.parse(String(decoding: octets, as: UTF8.self)) else { continue }
        // What was understood says the same when it is said again.
        for command in commands {
            let again = try? FlowSpecText.parse(command.description)
            #expect(again?.count == 1)
            #expect(again?.first?.description == command.description)
        }
    }
}
