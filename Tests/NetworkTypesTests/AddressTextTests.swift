import NetworkTypes
import Simulation
import Testing

struct AddressTextTests {
    /// RFC 4291 section 2.2 and RFC 5952 sections 1, 4 and 5: every way to write it, and the canonical one.
    @Test(arguments: [
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:1", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"),
        ("2001:db8::0:1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        // A single zero group is not shortened, the longest run is, and of equal runs the first.
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"),
        ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("FF01:0:0:0:0:0:0:101", "ff01::101"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("::13.1.68.3", "::d01:4403"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:192.0.2.33", "1:2:3:4:5:6:c000:221"),
        // The mapped form is the IPv4 address itself.
        ("::FFFF:129.144.52.38", "129.144.52.38"),
        ("::ffff:c000:0201", "192.0.2.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
    ])
    func canonicalTextIsWrittenForEveryForm(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(arguments: [
        "", " ", ":", ":::", "::1 ", " ::1", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1..2.3",
        "1.2.3.-4", "+1.2.3.4", "1.2.3.4/24", "0x1.2.3.4", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
        "::g", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", ":1.2.3.4", "1::2:3:4:5:6:7:8", ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:", "fe80::1%eth0", "[::1]", "١.2.3.4", "1.2.3.４", "::\u{0}",
    ])
    func otherTextIsRefused(text: String) { #expect(IPAddress(text) == nil) }

    @Test func anyAddressSurvivesItsText() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<5000 {
            let address = generator.address()
            #expect(IPAddress(address.description) == address)
            #expect(IPAddress(bytes: address.bytes) == address)
            #expect(address.bytes.count * 8 == address.family.bitWidth)
        }
    }

    @Test func anyTextIsReadOrRefused() {
        var generator = SeededGenerator(seed: 2)
        let alphabet = Array("0123456789abcdefF:::...:/%[] x")
        for _ in 0..<20_000 {
            let text = String(
                (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                    alphabet.randomElement(using: &generator) ?? ":"
                }
            )
            if let address = IPAddress(text) { #expect(IPAddress(address.description) == address, "\(text)") }
            if let prefix = IPPrefix(text) { #expect(IPPrefix(prefix.description) == prefix, "\(text)") }
        }
    }

    @Test func addressesComeOnlyFromFourOrSixteenBytes() {
        for count in 0...40 where count != 4 && count != 16 {
            #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
        }
        #expect(IPAddress(bytes: [192, 0, 2, 1]) == IPAddress(192, 0, 2, 1))
    }

    @Test func bothFamiliesHaveTheirIANANumbers() {
        #expect(IPAddress(192, 0, 2, 1).family.rawValue == 1)
        #expect(IPAddress("2001:db8::1")?.family.rawValue == 2)
        #expect(IPAddress.unspecified.family == .ipv6)
    }
}
