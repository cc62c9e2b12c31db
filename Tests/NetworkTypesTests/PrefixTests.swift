import NetworkTypes
import Simulation
import Testing

struct PrefixTests {
    @Test(arguments: [
        ("198.51.100.0/24", "198.51.100.0/24", "198.51.100.255"),
        ("198.51.100.7", "198.51.100.7/32", "198.51.100.7"),
        ("0.0.0.0/0", "0.0.0.0/0", "255.255.255.255"),
        ("198.51.100.128/25", "198.51.100.128/25", "198.51.100.255"),
        ("2001:DB8:100::/48", "2001:db8:100::/48", "2001:db8:100:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::1", "2001:db8::1/128", "2001:db8::1"),
        ("2001:db8::/64", "2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff"),
        ("2001:db8::/65", "2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff"),
        ("::/0", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ])
    func prefixesAreReadAndWritten(text: String, canonical: String, last: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.description == canonical)
        #expect(prefix.lastAddress == IPAddress(last))
    }

    /// Host bits that are set are refused: the writer may have meant another length.
    @Test(arguments: [
        "", "/", "/24", "198.51.100.0/", "198.51.100.0/33", "198.51.100.1/24", "198.51.100.0/024/1", "198.51.100.0/-1",
        "198.51.100.0/+24", "198.51.100.0/24 ", "198.51.100.0/٢٤", "2001:db8::/129", "2001:db8::1/64",
        "198.51.100.0/9999999999999999999999", "198.51.100.0/255.255.255.0", "::ffff:192.0.2.0/120",
    ])
    func otherTextIsRefused(text: String) { #expect(IPPrefix(text) == nil) }

    @Test func lengthsOutsideTheFamilyAreRefused() {
        #expect(IPPrefix(IPAddress(192, 0, 2, 1), length: 33) == nil)
        #expect(IPPrefix(IPAddress(192, 0, 2, 1), length: -1) == nil)
        #expect(IPPrefix(IPAddress.unspecified, length: 129) == nil)
        #expect(IPPrefix(IPAddress(192, 0, 2, 77), length: 24)?.description == "192.0.2.0/24")
    }

    @Test func containmentKeepsTheFamiliesApart() throws {
        let all4 = try #require(IPPrefix("0.0.0.0/0"))
        let all6 = try #require(IPPrefix("::/0"))
        let address4 = IPAddress(192, 0, 2, 1)
        let address6 = try #require(IPAddress("2001:db8::1"))
        #expect(all4.contains(address4) && !all4.contains(address6))
        #expect(all6.contains(address6) && !all6.contains(address4))
        #expect(!all4.overlaps(all6))
    }

    @Test func containmentAgreesWithTheBits() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<5000 {
            let (one, other) = (generator.prefix(), generator.prefix())
            let expected =
                one.family == other.family && one.length <= other.length
                && zip(one.address.bits.prefix(one.length), other.address.bits).allSatisfy(==)
            #expect(one.contains(other) == expected, "\(one) \(other)")
            #expect(one.overlaps(other) == (one.contains(other) || other.contains(one)))
            #expect(one.contains(one.address))
            // The numerically last address of a short IPv6 prefix may be an IPv4-mapped one, which is IPv4.
            #expect(one.contains(one.lastAddress) || one.lastAddress.family != one.family)
        }
    }

    @Test func tableFindsTheLongestPrefixAsASearchThroughAllDoes() {
        var generator = SeededGenerator(seed: 4)
        for size in [0, 1, 2, 5, 20, 60, 60, 60] {
            let prefixes = (0..<size).map { _ in generator.prefix() }
            let table = PrefixTable(prefixes.enumerated().map { ($1, $0) })
            let edges = prefixes.flatMap { [$0.address, $0.lastAddress] }
            let near = edges.flatMap { edge in
                [edge, IPAddress(high: edge.high, low: edge.low &+ 1), IPAddress(high: edge.high, low: edge.low &- 1)]
            }
            for address in near + (0..<500).map({ _ in generator.address() }) {
                let expected = prefixes.filter { $0.contains(address) }.max { $0.length < $1.length }
                #expect(table.match(address)?.prefix == expected, "\(address) in \(prefixes)")
                #expect(table.contains(address) == (expected != nil))
            }
            for _ in 0..<200 {
                let wanted = generator.prefix()
                let expected = prefixes.filter { $0.contains(wanted) }.max { $0.length < $1.length }
                #expect(table.match(wanted)?.prefix == expected)
            }
        }
    }

    @Test func theDefaultRouteOfOneFamilyDoesNotHoldTheOther() throws {
        let all6 = try PrefixTable([(#require(IPPrefix("::/0")), 6)])
        #expect(all6.match(IPAddress(192, 0, 2, 1)) == nil)
        #expect(try all6.match(#require(IPAddress("2001:db8::1")))?.value == 6)
        #expect(try all6.match(#require(IPAddress("::1")))?.value == 6)
        let both = try PrefixTable([(#require(IPPrefix("::/0")), 6), (#require(IPPrefix("192.0.2.0/24")), 4)])
        #expect(both.match(IPAddress(192, 0, 2, 1))?.value == 4)
        #expect(both.match(IPAddress(192, 0, 3, 1)) == nil)
    }

    @Test func ofEqualPrefixesTheLastOneWins() throws {
        let prefix = try #require(IPPrefix("192.0.2.0/24"))
        let table = PrefixTable([(prefix, 1), (prefix, 2)])
        #expect(table.count == 1)
        #expect(table.match(IPAddress(192, 0, 2, 9))?.value == 2)
    }
}

extension IPAddress {
    /// One character for each bit, the family's own only.
    fileprivate var bits: [Bool] { bytes.flatMap { byte in (0..<8).map { byte & (0x80 >> UInt8($0)) != 0 } } }
}
