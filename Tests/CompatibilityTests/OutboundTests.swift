import Compatibility
import NetworkTypes
import Testing

/// What a process is told.
struct OutboundTests {
    private static let neighbor = ExaBGPEvent.Neighbor(
        local: IPAddress(127, 77, 7, 1),
        peer: IPAddress(127, 77, 7, 2),
        localAS: ASN(65001),
        peerAS: ASN(65002),
        routerID: IPAddress(127, 77, 7, 1)
    )

    @Test func eventsHaveExaBGPsForms() {
        #expect(ExaBGPEvent(.up, of: Self.neighbor).text == "neighbor 127.77.7.2 up\n")
        let down = ExaBGPEvent(.down(reason: "they said \"no\"\nannounce route"), of: Self.neighbor)
        #expect(down.text == "neighbor 127.77.7.2 down - they said \"no\" announce route\n")
        let json = down.json(at: 1_795_416_394.5, from: .init(host: "vm", process: 7, parent: 1), counter: 12)
        #expect(
            json == "{ \"exabgp\": \"5.0.0\", \"time\": 1795416394.5, \"host\" : \"vm\", \"pid\" : 7, \"ppid\" : 1, "
                + "\"counter\": 12, \"type\": \"state\", \"neighbor\": { \"address\": { \"local\": \"127.77.7.1\", "
                + "\"peer\": \"127.77.7.2\" }, \"asn\": { \"local\": 65001, \"peer\": 65002 }, "
                + "\"router-id\": \"127.77.7.1\", \"state\": \"down\", "
                + "\"reason\": \"they said \\\"no\\\" announce route\" } }\n"
        )
    }

    /// Takes so many octets of each piece.
    private static func drained(_ lines: inout OutboundLines, _ sizes: [Int]) -> String {
        var sizes = sizes[...]
        var text: [UInt8] = []
        lines.drain { octets in
            let count = min(sizes.popFirst() ?? 0, octets.count)
            text += octets.prefix(count)
            return count
        }
        return String(decoding: text, as: UTF8.self)
    }

    @Test func ofTooManyLinesTheOldestGo() {
        var lines = OutboundLines(limit: 12)
        for number in 1...5 { lines.append("l\(number).\n") }
        #expect(lines.dropped == 2)
        #expect(Self.drained(&lines, Array(repeating: 99, count: 9)) == "l3.\nl4.\nl5.\n" && lines.isEmpty)
        lines.append("much too long a line\n")
        #expect(lines.dropped == 3 && lines.isEmpty)
    }

    @Test func aLineThatIsBegunIsFinished() {
        var lines = OutboundLines(limit: 12)
        for number in 1...3 { lines.append("l\(number).\n") }
        var text = Self.drained(&lines, [2])
        for number in 4...6 { lines.append("l\(number).\n") }
        text += Self.drained(&lines, Array(repeating: 99, count: 9))
        #expect(text.hasPrefix("l1.\n") && text.hasSuffix("l6.\n"), "\(text)")
        #expect(text.split(separator: "\n").allSatisfy { $0.count == 3 }, "whole lines only: \(text)")
        #expect(lines.dropped == 3)
    }
}
