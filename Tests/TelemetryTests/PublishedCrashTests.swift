import NetworkTypes
import Telemetry
import Testing

/// Inputs that are known to have brought other collectors down, each by what is published of it. Each must be counted,
/// and the exporter be understood afterwards.
struct PublishedCrashTests {
    private typealias D = Datagrams

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var datagrams: [[UInt8]]
        var testDescription: String { name }
    }

    private static let fields = [(8, 4), (12, 4)]
    private static let hosts: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5]

    private static func sample(_ type: Int, _ body: [UInt8], length: Int? = nil) -> [UInt8] {
        D.big32(type) + D.big32(length ?? body.count) + body
    }

    private static func rawHeader(claiming length: Int) -> [UInt8] {
        let record = D.big32(1) + D.big32(1500) + D.big32(4) + D.big32(length) + [UInt8](repeating: 2, count: 16)
        let header = [1, 7, 100, 1000, 0, 1, 2, 1].flatMap { D.big32($0) }
        return sample(1, header + D.big32(1) + D.big32(record.count) + record)
    }

    /// An IPv6 packet whose chain of extension headers ends in a fragment that leaves no room for a transport header.
    private static let cutFragment: [UInt8] = {
        let ipv6 = [0x60, 0, 0, 0, 0, 16, 44, 64] + [UInt8](repeating: 1, count: 32)
        let packet = D.ethernet(0x86DD) + ipv6 + [6, 0, 0, 0, 0, 0, 0, 1]
        let record = D.big32(1) + D.big32(packet.count) + D.big32(4) + D.big32(packet.count) + packet
        let padded = record + [UInt8](repeating: 0, count: (4 - record.count % 4) % 4)
        let header = [1, 7, 100, 1000, 0, 1, 2, 1].flatMap { D.big32($0) }
        return sample(1, header + D.big32(1) + D.big32(padded.count) + padded)
    }()

    static let cases: [Case] = [
        Case(
            name: "CVE-2024-56072, CVE-2022-2529: more sFlow samples than a datagram can hold",
            datagrams: [
                D.big32(5) + D.big32(1) + [192, 0, 2, 1] + D.big32(0) + D.big32(1) + D.big32(9) + D.big32(0xFFFF_FFFF)
            ]
        ),
        Case(
            name: "more sFlow records than a sample can hold, expanded",
            datagrams: [
                D.sFlow([sample(3, [1, 0, 7, 100, 1000, 0, 0, 1, 0, 2, 0xFFFF_FFFF].flatMap { D.big32($0) })])
            ]
        ),
        Case(
            name: "GHSA-852r-3wcv-pjx2, ntopng: an sFlow header length beyond its record",
            datagrams: [D.sFlow([rawHeader(claiming: 0xFFFF_FFFF)]), D.sFlow([rawHeader(claiming: 17)])]
        ),
        Case(name: "GHSA-jmjw-392h-4g93: an IPv6 fragment cut in its header", datagrams: [D.sFlow([cutFragment])]),
        Case(
            name: "CVE-2024-56073: a template of no length, and data of it",
            datagrams: [D.v9(D.template(256, [(8, 0), (12, 0)]) + D.set(256, hosts)), D.v9(D.template(257, []))]
        ),
        Case(
            name: "CVE-2026-48683, CVE-2026-48684: a data set longer than its datagram",
            datagrams: [D.v9(D.template(256, fields) + D.set(256, hosts, length: 65_535))]
        ),
        Case(
            name: "GHSA-ff5f-p5jw-8fq2: options that name interfaces, cut short",
            datagrams: [
                D.v9(D.set(1, D.big16(300) + D.big16(4) + D.big16(8) + [0, 2, 0, 4, 0, 82, 0, 32, 0, 83, 0, 64])),
                D.v9(D.set(300, D.big32(7) + [UInt8](repeating: 65, count: 90))),
            ]
        ),
        Case(
            name: "GHSA-ph88-95vc-x6gv: a template that changes between two sets that use it",
            datagrams: [
                D.v9(
                    D.template(256, fields) + D.set(256, hosts) + D.template(256, [(27, 16), (28, 16)])
                        + D.set(256, hosts)
                )
            ]
        ),
        Case(
            name: "nfdump 1.7.1, goflow2, pmacct: all templates withdrawn, then data",
            datagrams: [
                D.ipfix(D.set(2, D.big16(256) + D.big16(2) + fields.flatMap { D.big16($0.0) + D.big16($0.1) })),
                D.ipfix(D.set(2, D.big16(2) + D.big16(0)) + D.set(256, hosts)),
                D.ipfix(D.set(2, D.big16(256) + D.big16(0)) + D.set(256, hosts)),
                D.ipfix(D.set(3, D.big16(3) + D.big16(0)) + D.set(256, hosts)),
            ]
        ),
        Case(
            name: "netflow_parser 28 and 56: an options template of no scope and no field",
            datagrams: [D.v9(D.set(1, D.big16(300) + D.big16(0) + D.big16(0)) + D.set(300, hosts))]
        ),
        Case(
            name: "a string that says to be longer than its set",
            datagrams: [
                D.ipfix(
                    D.set(2, D.big16(256) + D.big16(1) + D.big16(82) + D.big16(65_535))
                        + D.set(256, [255, 255, 255, 1])
                )
            ]
        ),
    ]

    @Test(arguments: cases)
    func isCountedAndTheNextRecordIsUnderstood(_ one: Case) {
        var intake = Intake()
        for datagram in one.datagrams { intake.take(datagram) }
        intake.take(D.v9(D.template(400, Self.fields), source: 77))
        let records = intake.take(D.v9(D.set(400, Self.hosts), source: 77))
        #expect(records.map(\.destination) == [IPAddress(198, 51, 100, 5)])
        #expect(intake.statistics?.datagrams == UInt64(one.datagrams.count + 2))
    }
}
