import NetworkTypes
import Telemetry
import Testing

@testable import Daemon

/// What people are told of an exporter that is not right.
struct ExporterHintTests {
    private static func v9(_ sets: [UInt8], sequence: UInt8, source: UInt8) -> [UInt8] {
        [0, 9, 0, 1] + [UInt8](repeating: 0, count: 11) + [sequence, 0, 0, 0, source] + sets
    }

    /// Template 256: source and destination.
    private static let template: [UInt8] = [0, 0, 0, 16, 1, 0, 0, 2, 0, 8, 0, 4, 0, 12, 0, 4]

    private static func data(_ count: Int) -> [UInt8] {
        let record: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 5]
        return [1, 0, 0, UInt8(4 + 8 * count)] + (0..<count).flatMap { _ in record }
    }

    private static func hints(_ datagrams: [[UInt8]]) -> [String] {
        var decoder = TelemetryDecoder()
        var batch = RecordBatch()
        let time = Timestamp(seconds: 1_700_000_000)
        for datagram in datagrams {
            let octets = datagram.span
            unsafe decoder.decode(octets.bytes, from: IPAddress(192, 0, 2, 1), receivedAt: time, into: &batch)
        }
        return decoder.report(at: time).flatMap(Reports.hints)
    }

    @Test func aMissingRateIsNamedWithItsObservationDomain() {
        let rate: [UInt8] = [0, 1, 0, 18, 1, 44, 0, 4, 0, 4, 0, 1, 0, 4, 0, 34, 0, 4]
        let hints = Self.hints([
            Self.v9(Self.template + rate + [1, 44, 0, 12, 0, 0, 0, 0, 0, 0, 0, 100], sequence: 1, source: 7),
            Self.v9(Self.data(1), sequence: 2, source: 7),
            Self.v9(Self.template + Self.data(1), sequence: 1, source: 9),
        ])
        #expect(hints.count == 1)
        #expect(hints.first?.contains("announces no sampling rate (domain NetFlow v9 9) and") == true)
    }

    @Test func anExporterThatNumbersItsRecordsIsNamed() {
        let counting = Self.hints(
            [Self.v9(Self.template, sequence: 10, source: 7)]
                + (0..<8).map { Self.v9(Self.data(3), sequence: UInt8(10 + 3 * $0), source: 7) }
        )
        #expect(counting.contains { $0.contains("numbers its NetFlow v9 records") && $0.contains("(domain 7)") })
        let usual = Self.hints(
            [Self.v9(Self.template, sequence: 9, source: 7)]
                + (0..<8).map { Self.v9(Self.data(3), sequence: UInt8(10 + $0), source: 7) }
        )
        #expect(!usual.contains { $0.contains("numbers its NetFlow v9 records") })
    }

    @Test(arguments: [([0, 8, 0, 1], "NetFlow v8"), ([0, 0, 0, 4], "sFlow v4"), ([0, 11, 0, 0], "no telemetry")])
    func whatIsNotReadIsNamed(_ begin: [UInt8], _ name: String) {
        let hints = Self.hints([begin + [UInt8](repeating: 0, count: 60)])
        #expect(hints.count == 1)
        #expect(hints.first?.contains(name) == true)
    }

    @Test func recordsWithoutAddressesAreTold() {
        let template: [UInt8] = [0, 0, 0, 16, 1, 0, 0, 2, 0, 1, 0, 4, 0, 2, 0, 4]
        let hints = Self.hints([Self.v9(template + Self.data(1), sequence: 1, source: 7)])
        #expect(hints.contains { $0.contains("tells no addresses") })
        let usual = Self.hints([Self.v9(Self.template + Self.data(1), sequence: 1, source: 7)])
        #expect(!usual.contains { $0.contains("tells no addresses") })
    }
}
