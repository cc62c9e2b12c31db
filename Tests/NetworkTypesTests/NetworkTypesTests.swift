import NetworkTypes
import Testing

@Test(arguments: [
    ("2001:db8::1", "2001:db8::1"), ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("::", "::"),
    ("::1", "::1"),
    ("1::", "1::"), ("::ffff:192.0.2.1", "192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("192.0.2.1", "192.0.2.1"),
])
func addressesAreReadAndWrittenAsRFC5952Says(_ text: String, _ canonical: String) {
    #expect(IPAddress(text)?.description == canonical)
}

@Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", ":::", "1::2::3", "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9", "g::", "fe80::1%eth0", "::1.2.3", "12345::",
])
func whatIsNoAddressIsRefused(_ text: String) { #expect(IPAddress(text) == nil) }

@Test func prefixesRefuseHostBitsAndLengthsBeyondTheFamily() {
    #expect(IPPrefix("198.51.100.0/24")?.description == "198.51.100.0/24")
    #expect(IPPrefix("198.51.100.7")?.length == 32)
    #expect(IPPrefix("198.51.100.1/24") == nil)
    #expect(IPPrefix("198.51.100.0/33") == nil)
    #expect(IPPrefix("2001:db8::/129") == nil)
    #expect(IPPrefix("198.51.100.0/") == nil)
    #expect(IPPrefix("0.0.0.0/0")?.lastAddress == IPAddress("255.255.255.255"))
    #expect(IPPrefix("::/0")?.contains(IPAddress(1, 2, 3, 4)) == false, "families are apart")
}

/// Against the plainest search there is.
@Test func theLongestPrefixIsFound() throws {
    var state: UInt64 = 42
    func random(_ limit: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % limit
    }
    for _ in 0..<200 {
        var prefixes: [(IPPrefix, Int)] = []
        for index in 0..<Int(random(30)) {
            let isIPv4 = random(2) == 0
            let address =
                isIPv4
                ? IPAddress(v4: UInt32(random(4) << 30 | random(256) << 8))
                : IPAddress(high: random(4) << 62, low: random(8) << 61)
            if let prefix = IPPrefix(address, length: Int(random(isIPv4 ? 33 : 129))) {
                prefixes.append((prefix, index))
            }
        }
        let table = PrefixTable(prefixes)
        for _ in 0..<50 {
            let address =
                random(2) == 0
                ? IPAddress(v4: UInt32(random(4) << 30 | random(1 << 16)))
                : IPAddress(high: random(4) << 62, low: random(8) << 61 | random(3))
            let expected = prefixes.filter { $0.0.contains(address) }.map(\.0.length).max()
            #expect(table.match(address)?.prefix.length == expected, "\(address) in \(prefixes)")
        }
    }
}

@Test func timesAreWrittenInUTC() {
    #expect(Timestamp(seconds: 0).description == "1970-01-01T00:00:00.000Z")
    #expect(Timestamp(nanoseconds: 1_795_489_200_250_000_000).description == "2026-11-24T03:00:00.250Z")
    #expect(Timestamp(seconds: 951_782_400).description == "2000-02-29T00:00:00.000Z")
    #expect(Timestamp(seconds: -1).description == "1969-12-31T23:59:59.000Z")
    #expect(Timestamp(nanoseconds: .max) + .seconds(1) == Timestamp(nanoseconds: .max), "saturates")
}

@Test func ratesAreWrittenForPeople() {
    #expect(RateText.describe(41_325, .packets) == "41.3k packets/s")
    #expect(RateText.describe(1_250_000_000, .bits) == "1.25 Gbit/s")
    #expect(RateText.describe(0, .flows) == "0 flows/s")
    #expect(RateText.describe(999.6, .packets) == "1k packets/s")
    #expect(RateText.describe(.nan, .bits) == "0 bit/s")
}

@Test func namesOfProtocolsFlagsAndNumbers() {
    #expect(IPProtocol(name: "UDP") == .udp)
    #expect(IPProtocol(name: "253")?.description == "253")
    #expect(TCPFlags(rawValue: 0x12).description == "syn+ack")
    #expect(TCPFlags.syn.isConnectionAttempt && !TCPFlags([.syn, .ack]).isConnectionAttempt)
    #expect(ASN("1.10")?.rawValue == 65_546)
    #expect(ASN("0") == nil && ASN("4294967296") == nil)
}

@Test func groupsInheritThresholds() {
    var parent = Thresholds()
    parent[.total, .bits] = 1
    parent[.udp, .packets] = 2
    var child = Thresholds()
    child[.total, .bits] = 5
    let all = child.inheriting(from: parent)
    #expect(all[.total, .bits] == 5 && all[.udp, .packets] == 2 && all[.icmp, .flows] == nil)
}
