import NetworkTypes
import Telemetry
import Testing

/// Records that tell of one end alone, or of both directions at once.
struct ConnectionTests {
    private typealias D = Datagrams

    private static let hosts: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5]
    private static let addresses = [(8, 4), (12, 4)]

    private static func records(_ fields: [(Int, Int)], _ data: [UInt8]) -> [FlowRecord] {
        var intake = Intake()
        intake.take(D.v9(D.template(256, fields)))
        return intake.take(D.v9(D.set(256, data)))
    }

    @Test func bothHalvesOfAConnectionCount() {
        let records = Self.records(
            Self.addresses + [(231, 4), (232, 4), (298, 4), (299, 4)],
            Self.hosts + D.big32(5000) + D.big32(700) + D.big32(50) + D.big32(7)
        )
        #expect(records.map(\.bytes) == [5000, 700])
        #expect(records.map(\.packets) == [50, 7])
        #expect(records.last?.destination == IPAddress(10, 0, 0, 1))
        #expect(records.last?.traits.contains(.isReverse) == true)
    }

    @Test func aResponderBesidePlainCountersIsNoSecondRecord() {
        // What IE 1 counts there, one direction or both, nobody says: it counts once.
        let records = Self.records(
            Self.addresses + [(1, 4), (2, 4), (232, 4), (299, 4)],
            Self.hosts + D.big32(5000) + D.big32(50) + D.big32(700) + D.big32(7)
        )
        #expect(records.map(\.bytes) == [5000])
        #expect(records.map(\.packets) == [50])
    }

    @Test func anAggregateByDestinationCountsForIt() {
        let records = Self.records([(12, 4), (1, 4), (2, 4)], [198, 51, 100, 5] + D.big32(5000) + D.big32(50))
        #expect(records.map(\.destination) == [IPAddress(198, 51, 100, 5)])
        #expect(records.map(\.packets) == [50])
    }

    /// Values of one record must not be seen in the next, whose layout may have none of them.
    @Test func nothingOfARecordIsLeftForTheNext() {
        var intake = Intake()
        intake.take(D.v9(D.template(256, Self.addresses + [(1, 4), (2, 4), (4, 1), (7, 2), (27, 16), (28, 16)])))
        intake.take(D.v9(D.template(257, Self.addresses)))
        let full = Self.hosts + D.big32(5000) + D.big32(50) + [17, 0, 53] + [UInt8](repeating: 0, count: 32)
        let records = intake.take(D.v9(D.set(256, full) + D.set(257, Self.hosts)))
        #expect(records.map(\.bytes) == [5000, 0])
        #expect(records.map(\.sourcePort) == [53, 0])
        #expect(records.map(\.ipProtocol.rawValue) == [17, 0])
    }
}
