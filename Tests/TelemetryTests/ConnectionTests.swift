import NetworkTypes
import Telemetry
import Testing

/// Records that tell of one end alone, or of both directions at once.
struct ConnectionTests {
    private typealias D = Datagrams

    private static let hosts: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5]
    private static let addresses = [(8, 4), (12, 4)]

    private static func records(_ fields: [(Int, Int)], _ data: [UInt8]) -> [FlowRecord] {
        var intake = Intake(isCompared: true)
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
        var intake = Intake(isCompared: true)
        intake.take(D.v9(D.template(256, Self.addresses + [(1, 4), (2, 4), (4, 1), (7, 2), (27, 16), (28, 16)])))
        intake.take(D.v9(D.template(257, Self.addresses)))
        let full = Self.hosts + D.big32(5000) + D.big32(50) + [17, 0, 53] + [UInt8](repeating: 0, count: 32)
        let records = intake.take(D.v9(D.set(256, full) + D.set(257, Self.hosts)))
        #expect(records.map(\.bytes) == [5000, 0])
        #expect(records.map(\.sourcePort) == [53, 0])
        #expect(records.map(\.ipProtocol.rawValue) == [17, 0])
    }

    @Test func moreOctetsThanItsPacketsCanHaveAreNoRecord() {
        var intake = Intake(isCompared: true)
        intake.take(D.v9(D.template(256, Self.addresses + [(1, 8), (2, 4)])))
        let sound = Self.hosts + D.big64(65_575) + D.big32(1)
        let absurd = Self.hosts + D.big64(1 << 50) + D.big32(1)
        #expect(intake.take(D.v9(D.set(256, absurd + sound))).map(\.bytes) == [65_575])
        #expect(intake.statistics?.uncounted(.implausible) == 1)
    }

    /// A message that was overtaken on the way is not lost; an exporter that begins anew is no loss either.
    @Test func whatWasOvertakenIsNotLost() {
        var intake = Intake(isCompared: true)
        for sequence in [5, 7, 6, 8, 11, 10, 9, 12] { intake.take(D.v9([], sequence: sequence)) }
        #expect(intake.statistics?.domains.first?.lost == 0)
        #expect(intake.statistics?.lost == 0)
        for sequence in [14, 1, 2, 3, 5] { intake.take(D.v9([], sequence: sequence)) }
        #expect(intake.statistics?.domains.first?.lost == 2, "13, and 4 after the restart")
        #expect(intake.statistics?.lost == 2)
    }

    /// IE 314: the IP header is in fields, what is behind it in a section.
    @Test func thePayloadOfAPacketHasItsPorts() throws {
        var intake = Intake(isCompared: true)
        let fields = Self.addresses + [(4, 1), (314, 65_535)]
        let template = D.big16(256) + D.big16(fields.count) + fields.flatMap { D.big16($0.0) + D.big16($0.1) }
        let udp = D.udp(53, 4444)
        let records = intake.take(D.ipfix(D.set(2, template) + D.set(256, Self.hosts + [17, UInt8(udp.count)] + udp)))
        let record = try #require(records.first)
        #expect(record.sourcePort == 53 && record.destinationPort == 4444)
    }

    @Test func fieldsOfNoInterestAreWalkedOverTogether() {
        // A thousand fields without octets before a string: each record is one octet.
        let fields = (0..<1000).map { _ in (999, 0) } + [(8, 4), (12, 4), (371, 65_535)]
        var intake = Intake(isCompared: true)
        let template = D.big16(256) + D.big16(fields.count) + fields.flatMap { D.big16($0.0) + D.big16($0.1) }
        intake.take(D.ipfix(D.set(2, template)))
        let records = intake.take(D.ipfix(D.set(256, Self.hosts + [3, 97, 98, 99] + Self.hosts + [0])))
        #expect(records.map(\.destination) == [IPAddress(198, 51, 100, 5), IPAddress(198, 51, 100, 5)])
    }
}
