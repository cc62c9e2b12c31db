import Capture
import NetworkTypes
import Telemetry
import Testing

/// Telemetry in captured packets that do not each hold one whole datagram.
struct TelemetryFinderTests {
    private static func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    private static func big32(_ value: Int) -> [UInt8] { big16(value >> 16) + big16(value) }

    private static let addresses: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 7]
    private static let addresses6 =
        [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1] + [0x20, 1, 0x0D, 0xB8]
        + [UInt8](repeating: 0, count: 11) + [2]

    private static func ipv4(_ ipProtocol: UInt8, _ payload: [UInt8], fragment: Int = 0, id: Int = 7) -> [UInt8] {
        [0x45, 0] + big16(20 + payload.count) + big16(id) + big16(fragment) + [64, ipProtocol, 0, 0] + addresses
            + payload
    }

    private static func ipv6(_ next: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0x60, 0, 0, 0] + big16(payload.count) + [next, 64] + addresses6 + payload
    }

    private static func udp(_ payload: [UInt8]) -> [UInt8] {
        big16(50_000) + big16(2055) + big16(8 + payload.count) + [0, 0] + payload
    }

    private static func tcp(
        _ payload: [UInt8],
        at sequence: Int,
        flags: UInt8 = 0x18,
        from port: Int = 50_000
    ) -> [UInt8] {
        ipv4(
            6,
            big16(port) + big16(4739) + big32(sequence) + big32(1) + [0x50, flags] + big16(9000) + big32(0) + payload
        )
    }

    private static func message(_ length: Int, _ fill: UInt8) -> [UInt8] {
        big16(10) + big16(length) + [UInt8](repeating: fill, count: length - 4)
    }

    private struct Found: Hashable {
        var isConnection: Bool
        var port: UInt16 = 50_000
        var payload: [UInt8]
    }

    /// What is found in packets, and how many of these were something else.
    private static func find(
        _ packets: [[UInt8]],
        on link: LinkLayer = .ip,
        with finder: inout TelemetryFinder
    ) -> (found: [Found], others: Int) {
        var found: [Found] = []
        var others = 0
        for packet in packets {
            let octets = packet.span
            let isFound = unsafe finder.take(octets.bytes, on: link) { datagram, octets in
                let payload = datagram.payload.map { unsafe octets.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
                found.append(Found(isConnection: datagram.isConnection, port: datagram.sourcePort, payload: payload))
            }
            if !isFound { others += 1 }
        }
        return (found, others)
    }

    private static func find(_ packets: [[UInt8]], on link: LinkLayer = .ip) -> (found: [Found], others: Int) {
        var finder = TelemetryFinder()
        return find(packets, on: link, with: &finder)
    }

    private static let payload = (0..<2000).map { UInt8(truncatingIfNeeded: $0) }
    private static let whole = [Found(isConnection: false, payload: payload)]

    @Test func fragmentsInAnyOrderAreADatagram() {
        let datagram = Self.udp(Self.payload)
        func piece(_ range: Range<Int>, id: Int = 7) -> [UInt8] {
            let more = range.upperBound < datagram.count ? 0x2000 : 0
            return Self.ipv4(17, Array(datagram[range]), fragment: range.lowerBound / 8 | more, id: id)
        }
        let pieces = [piece(0..<800), piece(800..<1600), piece(1600..<datagram.count)]
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 0, 2, 1]] {
            let (found, others) = Self.find(order.map { pieces[$0] })
            #expect(found == Self.whole && others == 0, "\(order)")
        }
        var finder = TelemetryFinder()
        let other = piece(1600..<datagram.count, id: 8)
        #expect(Self.find([pieces[0], pieces[1], other], with: &finder).found.isEmpty, "a fragment of another")
        #expect(finder.incomplete == 2)
        #expect(Self.find([pieces[2]], with: &finder).found == Self.whole)
        // Those that never end are forgotten.
        for id in 0..<1000 { _ = Self.find([piece(0..<800, id: 1000 + id)], with: &finder) }
        #expect(finder.incomplete <= 64)
    }

    @Test func fragmentsOfIPv6AreADatagramToo() {
        let datagram = Self.udp(Self.payload)
        func piece(_ range: Range<Int>) -> [UInt8] {
            let more = range.upperBound < datagram.count ? 1 : 0
            return Self.ipv6(
                44,
                [17, 0] + Self.big16(range.lowerBound | more) + Self.big32(9) + Array(datagram[range])
            )
        }
        #expect(Self.find([piece(0..<1200), piece(1200..<datagram.count)]).found == Self.whole)
    }

    @Test func whateverIsAroundTheDatagramIsTakenOff() {
        let datagram = Self.udp(Self.payload)
        let ethernet = [UInt8](repeating: 2, count: 12)
        let packet = Self.ipv4(17, datagram)
        let label = Self.big32(9 << 12 | 0x140)
        for frame in [
            [0x88, 0x47] + Self.big32(8 << 12 | 0x40) + label + packet,
            [0x88, 0x64, 0x11, 0] + Self.big16(1) + Self.big16(packet.count + 2) + Self.big16(0x21) + packet,
            [0x81, 0, 0, 5, 0x88, 0x47] + label + packet,
            [0x86, 0xDD] + Self.ipv6(60, [17, 0, 1, 4, 0, 0, 0, 0] + datagram),
        ] {
            #expect(Self.find([ethernet + frame], on: .ethernet).found == Self.whole)
        }
    }

    @Test func messagesOfIPFIXAreFoundInTheirConnection() {
        let messages = [Self.message(40, 1), Self.message(16, 2), Self.message(300, 3)]
        let stream = messages.flatMap { $0 }
        let all = messages.map { Found(isConnection: true, payload: $0) }
        func segment(_ range: Range<Int>) -> [UInt8] {
            Self.tcp(Array(stream[range]), at: 0xFFFF_FFF0 + range.lowerBound)
        }
        let begin = Self.tcp([], at: 0xFFFF_FFEF, flags: 2)
        let segments = [segment(0..<30), segment(30..<50), segment(50..<stream.count)]
        for order in [[0, 1, 2], [0, 2, 1], [0, 1, 0, 1, 2]] {
            #expect(Self.find([begin] + order.map { segments[$0] }).found == all, "\(order)")
        }
        // The sequence numbers wrap in it, and what was sent again overlaps.
        #expect(Self.find([segment(0..<30), segment(10..<60), segment(60..<stream.count)]).found == all)
        // Nobody else's connection is one.
        let web = Self.tcp(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), at: 1)
        #expect(Self.find([web, web]) == (found: [], others: 2))
        // What cannot be followed is given up until a message begins.
        let lost = (0..<70).map { Self.tcp([1, 2, 3], at: 1000 + 3 * $0) }
        let again = Self.tcp(Self.message(20, 4), at: 5000)
        let (found, _) = Self.find([Self.tcp(Array(stream[0..<40]), at: 0)] + lost + [again])
        #expect(found.map(\.payload) == [Self.message(40, 1), Self.message(20, 4)])
    }

    @Test func theEndOfAConnectionIsTold() {
        var finder = TelemetryFinder()
        func ended(_ packet: [UInt8]) -> UInt16? {
            _ = Self.find([packet], with: &finder)
            #expect([nil, IPAddress(192, 0, 2, 1)].contains(finder.endedConnection?.exporter))
            return finder.endedConnection?.port
        }
        let connection: UInt16 = 50_000
        let message = Self.message(16, 1)
        #expect(ended(Self.tcp(message, at: 100)) == nil)
        // What was sent before it is missing.
        #expect(ended(Self.tcp([], at: 132, flags: 0x11)) == nil)
        #expect(ended(Self.tcp(message, at: 116)) == connection)
        #expect(ended(Self.tcp([], at: 132, flags: 0x11)) == nil, "told once")
        #expect(ended(Self.tcp([], at: 7, flags: 4)) == nil, "it was over")
        #expect(ended(Self.tcp(message, at: 100)) == nil)
        #expect(ended(Self.tcp(message, at: 116, flags: 0x19)) == connection, "with data")
        #expect(ended(Self.tcp(message, at: 5_000_000)) == nil, "another begins unseen")
        #expect(ended(Self.tcp([], at: 7, flags: 4)) == connection, "a reset")
        #expect(ended(Self.tcp([], at: 9, flags: 2)) == nil, "none was under way")
        #expect(ended(Self.tcp(message, at: 10)) == nil)
        #expect(ended(Self.tcp([], at: 90, flags: 2)) == connection, "another begins")
    }

    @Test func whatIsSentAgainOrOvertakenAtTheEndCountsOnce() {
        let (first, second) = (Self.message(16, 1), Self.message(20, 2))
        func read(_ packets: [[UInt8]]) -> [[UInt8]] {
            var finder = TelemetryFinder()
            return Self.find(packets, with: &finder).found.map(\.payload)
        }
        let end = Self.tcp(second, at: 116, flags: 0x19)
        let begin = Self.tcp(first, at: 100)
        #expect(read([begin, end, begin, end, Self.tcp(second, at: 116)]) == [first, second])
        #expect(
            read([Self.tcp([], at: 99, flags: 2), Self.tcp(Self.message(24, 0), at: 76), end, begin]).suffix(2) == [
                first, second,
            ]
        )
    }

    @Test func onlyWhatIsMissingIsLost() {
        var finder = TelemetryFinder()
        // The first of many messages, and one in the middle, never come.
        var packets = (0..<300).filter { $0 != 1 && $0 != 150 }.map {
            Self.tcp(Self.message(16, UInt8($0 & 0x7F)), at: 100 + 16 * $0)
        }
        #expect(Self.find(packets, with: &finder).found.count == 298)
        // What is held is bounded by octets, too.
        finder = TelemetryFinder()
        packets = (0..<60).filter { $0 != 1 }.map { Self.tcp(Self.message(60_000, 1), at: 100 + 60_000 * $0) }
        let found = Self.find(Array(packets.prefix(11)), with: &finder).found.count
        #expect(found > 5, "not before 64 segments")
    }

    @Test func everyCutAndEveryBrokenOctetIsNoTrap() {
        let packets = [
            Self.ipv4(17, Self.udp(Array(Self.payload.prefix(64))), fragment: 0x2000),
            Self.ipv6(44, [17, 0, 0, 1, 0, 0, 0, 9] + Self.udp([1, 2, 3])),
            Self.tcp(Self.message(16, 1) + Self.message(20, 2), at: 5),
        ]
        var finder = TelemetryFinder()
        for packet in packets {
            for length in 0..<packet.count { _ = Self.find([Array(packet.prefix(length))], with: &finder) }
            for index in packet.indices {
                for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
                    var broken = packet
                    broken[index] = value
                    _ = Self.find([broken], with: &finder)
                }
            }
        }
        #expect(finder.incomplete <= 64)
    }
}
