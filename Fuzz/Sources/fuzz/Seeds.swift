import Capture
import Foundation
import NetworkTypes
import Simulation
import Telemetry

/// Sound inputs of our own making, for libFuzzer to begin with.
enum Seeds {
    private static func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    private static func big32(_ value: Int) -> [UInt8] { big16(value >> 16) + big16(value) }

    private static func set(_ id: Int, _ body: [UInt8]) -> [UInt8] { big16(id) + big16(body.count + 4) + body }

    @Sendable static func sFlow() -> [[[UInt8]]] {
        let hosts = [IPAddress(198, 51, 100, 1), IPAddress(high: 0x2001_0DB8_0100_0000, low: 1)]
        let start = Timestamp(seconds: 1_700_000_000)
        var exporter = SimulatedExporter(
            patterns: [TrafficPattern(kind: .ordinary, hosts: hosts, packetsPerSecond: 100_000)],
            startingAt: start
        )
        let flows = exporter.datagrams(until: start + .milliseconds(10)).prefix(2)
        let header = big32(5) + big32(1) + [192, 0, 2, 1] + [0, 7, 1000, 1].flatMap(big32)
        let interface = [9, 6, 2, 1_410_065_408, 1, 3].flatMap(big32) + [UInt8](repeating: 1, count: 64)
        let counters = [1, 7, 1, 1, interface.count].flatMap(big32) + interface
        let discard = [1, 0, 3, 2, 7, 8, 263, 0].flatMap(big32)
        let gateway =
            big32(1) + [192, 0, 2, 2] + [65_001, 65_002, 65_003, 1, 2, 2, 65_004, 65_005, 0, 100].flatMap(big32)
        let expanded = [1, 0, 7, 100, 1000, 0, 0, 1, 0, 2, 1, 1003, gateway.count].flatMap(big32) + gateway
        return [
            Array(flows), [header + big32(2) + big32(counters.count) + counters],
            [header + big32(5) + big32(discard.count) + discard],
            [header + big32(3) + big32(expanded.count) + expanded],
        ]
    }

    @Sendable static func netFlowFixed() -> [[[UInt8]]] {
        let clock = big32(100_000) + big32(1_700_000_000) + big32(0)
        let record = [UInt8](1...52)
        return [
            [big16(1) + big16(1) + clock + record.prefix(48)],
            [big16(5) + big16(2) + clock + big32(7) + big32(0x4064) + record.prefix(48) + record.prefix(48)],
            [big16(7) + big16(1) + clock + big32(7) + big32(0) + record],
        ]
    }

    /// Fields and a record of them.
    private static let fields = [
        (8, 4), (12, 4), (2, 4), (1, 8), (4, 1), (7, 2), (11, 2), (6, 1), (22, 4), (21, 4), (48, 1),
    ]
    private static let template = big16(256) + big16(fields.count) + fields.flatMap { big16($0.0) + big16($0.1) }
    private static let record: [UInt8] =
        [10, 0, 0, 1, 198, 51, 100, 5] + big32(300) + big32(0) + big32(9000) + [6] + big16(1) + big16(80) + [2]
        + big32(30_000) + big32(90_000) + [3]

    @Sendable static func netFlow9() -> [[[UInt8]]] {
        func v9(_ sets: [UInt8]) -> [UInt8] {
            big16(9) + big16(1) + big32(100_000) + big32(1_700_000_000) + big32(1) + big32(1) + sets
        }
        let options = set(1, big16(300) + big16(4) + big16(8) + [0, 1, 0, 4, 0, 48, 0, 1, 0, 50, 0, 4])
        let told = set(300, big32(0) + [3] + big32(1000))
        return [
            [v9(set(0, template)), v9(set(256, record + record))], [v9(options + told), v9(set(0, template))],
            [v9(set(0, template) + options + told + set(256, record))],
        ]
    }

    @Sendable static func ipfix() -> [[[UInt8]]] {
        func ipfix(_ sets: [UInt8]) -> [UInt8] {
            big16(10) + big16(16 + sets.count) + big32(1_700_000_000) + big32(1) + big32(1) + sets
        }
        let variable: [UInt8] =
            big16(257) + big16(4) + [0, 8, 0, 4, 0, 12, 0, 4, 0, 82, 0xFF, 0xFF, 0x80, 1, 0, 4, 0, 0, 0x72, 0x79]
        let data = set(257, [10, 0, 0, 1, 198, 51, 100, 5, 3, 97, 98, 99] + big32(500))
        let section = big16(258) + big16(2) + big16(315) + big16(65_535) + big16(312) + big16(2)
        let frame = [UInt8](repeating: 2, count: 12) + big16(0x0800) + [0x45, 0] + [UInt8](repeating: 6, count: 30)
        let options = set(3, big16(301) + big16(3) + big16(1) + [0x01, 0x2E, 0, 2, 0x01, 0x31, 0, 4, 0x01, 0x32, 0, 4])
        return [
            [ipfix(set(2, template)), ipfix(set(256, record))], [ipfix(set(2, variable) + data)],
            [ipfix(set(2, section) + set(258, [UInt8(frame.count)] + frame + big16(1500)))],
            [ipfix(options + set(301, big16(1) + big32(1) + big32(100)))],
            [ipfix(set(2, template)), ipfix(set(2, big16(256) + big16(0))), ipfix(set(256, record))],
            [ipfix(set(2, template)), ipfix(set(2, big16(2) + big16(0))), ipfix(set(3, big16(3) + big16(0)))],
        ]
    }

    @Sendable static func packetHeaders() -> [[UInt8]] {
        let ethernet = [UInt8](repeating: 2, count: 12)
        let udp = big16(53) + big16(4444) + big16(8) + big16(0)
        func ipv4(_ carried: UInt8, _ payload: [UInt8]) -> [UInt8] {
            [0x45, 0] + big16(500) + big32(0x0001_0000) + [64, carried, 0, 0, 192, 0, 2, 9, 198, 51, 100, 5] + payload
        }
        let inner = ipv4(17, udp)
        let ipv6: [UInt8] =
            [0x60, 0, 0, 0] + big16(40) + [0, 60] + [UInt8](repeating: 1, count: 32) + [44, 0, 1, 4, 0, 0, 0, 0]
            + [17, 0, 0, 1, 0, 0, 0, 9] + udp
        let vxlan = big16(1) + big16(4789) + big16(60) + big16(0) + [8, 0, 0, 0, 0, 0, 9, 0] + ethernet + big16(0x0800)
        let gtp = big16(2152) + big16(2152) + big16(60) + big16(0) + [0x32, 0xFF, 0, 60] + big32(5) + big32(0)
        return [
            [1] + ethernet + big16(0x0800) + inner, [12] + ipv6, [0xF9] + ethernet + big16(0x0800) + ipv4(4, inner),
            [0xF9] + ethernet + big16(0x8100) + big16(9) + big16(0x0800)
                + ipv4(47, [0x30, 0, 8, 0] + big32(1) + big32(2) + inner),
            [0xF9] + ethernet + big16(0x0800) + ipv4(17, vxlan + inner),
            [0xF9] + ethernet + big16(0x0800) + ipv4(17, gtp + inner), [0xFD] + big32(9 << 12 | 0x140) + ipv4(41, ipv6),
            [1] + ethernet + big16(0x8864) + [0x11, 0, 0, 7, 0, 60, 0, 0x21] + inner,
        ]
    }

    @Sendable static func knowledge() -> [[UInt8]] {
        var decoder = TelemetryDecoder()
        var batch = RecordBatch()
        for datagram in (netFlow9() + ipfix()).flatMap({ $0 }) {
            let octets = datagram.span
            unsafe decoder.decode(
                octets.bytes,
                from: IPAddress(192, 0, 2, 1),
                receivedAt: Timestamp(seconds: 1_700_000_000),
                into: &batch
            )
            batch.removeAll()
        }
        return decoder.takeNewKnowledge().map(\.encoded)
    }

    @Sendable static func captures() -> [[UInt8]] {
        let frames = netFlowFixed().flatMap { $0 }.map { payload in
            PcapWriter.frame(
                of: payload,
                from: IPAddress(192, 0, 2, 1),
                port: 2055,
                to: IPAddress(192, 0, 2, 2),
                port: 2055
            )
        }
        let packets = frames.flatMap { PcapWriter.packet($0, at: Timestamp(seconds: 1_700_000_000)) }
        return [PcapWriter.fileHeader + packets]
    }

    /// Small captures that gzip has compressed, with fixed codes and with codes of their own.
    @Sendable static func compressed() -> [[UInt8]] {
        [
            """
            H4sIAAAAAAACA7tyeNNCJgYWBhj4/5+BgRHE+BicCqLsoJgJCXAwuDIwGIBkHQQZGA4wMDEeM05hZ2CXOM4gw8CQnJqRkZSalJqRmpqWmpGS
            lJqYmgoAMOZHIGYAAAA=
            """,
            """
            H4sIAAAAAAACA4XSTQoCMQwF4Ewdndm6c+EhBPfixhN4grR5Ta7lFTyBIOgFvIgn0NQfcGFpYGhg4OMl7e18PATq6VuPB1FXmvse5dh8vvBTI+2I
            VuXvdk50otBd1jLQsLjSkijBLCLCgAyTCAa6ttb91xxjBdTESWbOzoW2Fv5rWaAM8WgQSC4NT9rapJINOaasiAr1jHAdfVvra5qXh9OyuFRGzjpt
            a9OKFn370VJBfWSGB5y1tVl10pQg7Lfgi3vX0NaGyi28IpnC45l7/kAwtrWxku0TqCj2akyeJq+B1NYCAAA=
            """,
        ].compactMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters).map { [UInt8]($0) } }
    }
}
