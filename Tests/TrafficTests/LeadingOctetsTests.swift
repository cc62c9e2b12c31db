import NetworkTypes
import Testing

@testable import Traffic

/// The shortcut says what the search says.
struct LeadingOctetsTests {
    @Test(arguments: [
        ["10.0.0.0/16"],
        ["0.0.0.0/0", "10.0.0.0/8", "10.1.2.0/24", "10.1.2.3/32", "192.0.0.0/6", "198.51.100.0/24", "2001:db8::/32"],
        ["::/0", "255.255.255.255/32"],
        ["128.0.0.0/1", "128.0.0.0/16", "128.0.128.0/17", "129.0.0.0/9"],
        [],
    ])
    func agreesWithTheTable(prefixes: [String]) {
        let table = PrefixTable(prefixes.compactMap { IPPrefix($0) }.map { ($0, true) })
        #expect(table.count == prefixes.count)
        let leading = LeadingOctets(table)
        var generator = SystemRandomNumberGenerator()
        var addresses = (0..<2000).map { _ in IPAddress(v4: .random(in: 0...(.max), using: &generator)) }
        addresses += table.entries.flatMap { entry in
            let (first, last) = (entry.prefix.address, entry.prefix.lastAddress)
            return [
                first, last, IPAddress(high: first.high, low: first.low &- 1),
                IPAddress(high: last.high, low: last.low &+ 1),
            ]
        }
        for address in addresses {
            #expect(leading.index(of: address, in: table) == table.index(of: address), "\(address)")
        }
    }
}
