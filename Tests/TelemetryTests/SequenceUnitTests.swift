import Testing

@testable import Telemetry

/// Exporters whose sequence number counts something else than it should.
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

    private static let ipfixTemplate = D.set(2, Array(template.dropFirst(4)))
    private static let counts = [5, 7, 3, 6, 1, 4, 9, 5]

    /// The numbers of softflowd 1.1.0 are those behind the message.
    @Test func anExporterThatCountsAMessagesOwnRecordsHasLostNothing() {
        var intake = Intake()
        var sequence = 1000
        intake.take(D.ipfix(Self.ipfixTemplate, sequence: sequence))
        func send(_ count: Int, lost: Int = 0) {
            sequence += lost + count
            intake.take(D.ipfix(Self.data(count), sequence: sequence))
        }
        for count in Self.counts { send(count) }
        #expect(intake.statistics?.lost == 0)
        send(5, lost: 11)
        #expect(intake.statistics?.lost == 11)
        // One that cannot be read to its end says nothing of what was before it, nor of what is not.
        sequence += 4
        intake.take(D.ipfix(Self.data(4) + D.set(999, [1, 2, 3, 4]), sequence: sequence))
        send(2)
        #expect(intake.statistics?.lost == 11)
        send(2, lost: 3)
        #expect(intake.statistics?.lost == 14)
    }

    @Test func oneThatNumbersItsMessagesIsFollowed() {
        var intake = Intake()
        var sequence = 7
        intake.take(D.ipfix(Self.ipfixTemplate, sequence: sequence))
        for count in Self.counts {
            sequence += 1
            intake.take(D.ipfix(Self.data(count), sequence: sequence))
        }
        #expect(intake.statistics?.domains.first?.countsRecords == false)
        intake.take(D.ipfix(Self.data(6), sequence: sequence + 3))
        #expect(intake.statistics?.lost == 2)
    }

    @Test func oneThatFollowsTheStandardIsBelievedWhateverIsLost() {
        var intake = Intake()
        var sequence = 1
        var lost = 0
        intake.take(D.ipfix(Self.ipfixTemplate, sequence: sequence))
        for round in 0..<40 {
            // Now and then as many as would fit another measure.
            let gap = round % 3 == 0 ? 2 : 0
            sequence += gap
            lost += gap
            let count = Self.counts[round % Self.counts.count]
            intake.take(D.ipfix(Self.data(count), sequence: sequence))
            sequence += count
        }
        #expect(intake.statistics?.lost == UInt64(lost))
        #expect(intake.statistics?.domains.first?.countsRecords == true)
    }
}
