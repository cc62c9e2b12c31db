import Testing

@testable import Telemetry

/// NetFlow v9 exporters whose sequence number counts records.
struct SequenceUnitTests {
    private typealias D = Datagrams

    private static let template = D.template(256, [(8, 4), (12, 4)])
    private static let record: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5]

    private static func data(_ count: Int) -> [UInt8] { D.set(256, (0..<count).flatMap { _ in record }) }

    @Test func anExporterThatNumbersItsRecordsHasLostNothing() {
        var intake = Intake()
        var sequence = 1000
        intake.take(D.v9(Self.template, sequence: sequence))
        for count in [5, 7, 3, 6, 1, 4, 9, 5] {
            intake.take(D.v9(Self.data(count), sequence: sequence))
            sequence += count
        }
        #expect(intake.statistics?.lost == 0)
        #expect(intake.statistics?.domains.first?.lost == 0)
        #expect(intake.statistics?.domains.first?.countsRecords == true)
        // Then 11 are missing; and again none.
        intake.take(D.v9(Self.data(5), sequence: sequence + 11))
        intake.take(D.v9(Self.data(5), sequence: sequence + 16))
        #expect(intake.statistics?.lost == 11)
    }

    @Test func oneThatNumbersDatagramsIsBelievedWhateverIsLost() {
        var intake = Intake()
        intake.take(D.v9(Self.template, sequence: 0))
        var sequence = 1
        var lost = 0
        // Now and then as many are lost as would fit the other measure.
        for index in 0..<100 {
            let gap = index % 4 == 0 ? 4 : 0
            lost += gap
            sequence += gap
            intake.take(D.v9(Self.data(5), sequence: sequence))
            sequence += 1
        }
        #expect(intake.statistics?.lost == UInt64(lost))
        #expect(intake.statistics?.domains.first?.countsRecords == false)
    }

    @Test func datagramsOfOneRecordSayNothing() {
        var intake = Intake()
        intake.take(D.v9(Self.template, sequence: 1))
        for sequence in 2..<50 { intake.take(D.v9(Self.data(1), sequence: sequence)) }
        #expect(intake.statistics?.domains.first?.countsRecords == false)
        #expect(intake.statistics?.lost == 0)
    }
}
