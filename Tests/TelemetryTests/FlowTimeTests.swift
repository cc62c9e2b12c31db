import NetworkTypes
import Testing

@testable import Telemetry

/// When the packets of a record flowed, by the collector's clock.
struct FlowTimeTests {
    private typealias D = Datagrams

    private static let export = 1_700_000_000
    private static let addresses = [(8, 4), (12, 4)]
    private static let hosts: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5]
    private static let milliseconds = export * 1000
    private static let ntp = (export + 2_208_988_800) << 32

    /// Each says that the flow ran from 70 to 10 seconds before the export.
    static let clocks: [(name: String, fields: [(Int, Int)], values: [UInt8], isIPFIX: Bool)] = [
        ("uptime", [(22, 4), (21, 4)], D.big32(30_000) + D.big32(90_000), false),
        ("seconds", [(150, 4), (151, 4)], D.big32(export - 70) + D.big32(export - 10), true),
        ("milliseconds", [(152, 8), (153, 8)], D.big64(milliseconds - 70_000) + D.big64(milliseconds - 10_000), true),
        ("microseconds", [(154, 8), (155, 8)], D.big64(ntp - 70 << 32) + D.big64(ntp - 10 << 32), true),
        ("nanoseconds", [(156, 8), (157, 8)], D.big64(ntp - (70 << 32)) + D.big64(ntp - (10 << 32)), true),
        ("delta", [(158, 4), (159, 4)], D.big32(70_000_000) + D.big32(10_000_000), true),
        (
            "uptime since a boot that is told", [(22, 4), (21, 4), (160, 8)],
            D.big32(30_000) + D.big32(90_000) + D.big64(milliseconds - 100_000), true
        ),
        (
            "uptime beside milliseconds", [(152, 8), (22, 4), (153, 8), (21, 4)],
            D.big64(1) + D.big32(30_000) + D.big64(2) + D.big32(90_000), false
        ),
        (
            "a begin in seconds, an end in milliseconds", [(150, 4), (153, 8)],
            D.big32(export - 70) + D.big64(milliseconds - 10_000), true
        ),
        (
            "a begin in milliseconds, an end in seconds", [(152, 8), (151, 4)],
            D.big64(milliseconds - 70_000) + D.big32(export - 10), true
        ),
        (
            "a begin in seconds, an end in microseconds, beside an end by the uptime", [(150, 4), (155, 8), (21, 4)],
            D.big32(export - 70) + D.big64(ntp - 10 << 32) + D.big32(1), false
        ),
    ]

    @Test(arguments: clocks.indices)
    func everyClockIsReadAndOnlyItsDifferencesCount(_ index: Int) throws {
        let (name, fields, values, isIPFIX) = Self.clocks[index]
        var intake = Intake(isCompared: true)
        // The collector's clock is years ahead.
        intake.time = Timestamp(seconds: 2_000_000_000)
        let all = Self.addresses + fields
        let body = D.big16(256) + D.big16(all.count) + all.flatMap { D.big16($0.0) + D.big16($0.1) }
        let data = D.set(256, Self.hosts + values)
        let records =
            isIPFIX ? intake.take(D.ipfix(D.set(2, body) + data)) : intake.take(D.v9(D.set(0, body) + data))
        let record = try #require(records.first, "\(name)")
        #expect(record.last == intake.time - .seconds(10), "\(name)")
        #expect(record.first == intake.time - .seconds(70), "\(name)")
        let clockOffset = intake.statistics?.clockOffset
        let offset = try #require(clockOffset)
        #expect(abs((offset - .seconds(Self.export - 2_000_000_000)) / .seconds(1)) <= 0.5)
    }

    @Test func theUptimeWraps() throws {
        var intake = Intake(isCompared: true)
        let template = D.template(256, Self.addresses + [(22, 4), (21, 4)])
        // The exporter has been up for 49.7 days and two seconds; the flow began before the wrap.
        let values = D.big32(0xFFFF_FFFF - 57_999) + D.big32(0)
        let record = try #require(
            intake.take(D.v9(template + D.set(256, Self.hosts + values), upTime: 2000)).first
        )
        #expect(record.last == intake.time - .seconds(2))
        #expect(record.first == intake.time - .seconds(60))
    }

    @Test(arguments: [0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 0x0020_0000_0000_0000, 1] as [UInt64])
    func anExportersClockMaySayAnything(_ milliseconds: UInt64) throws {
        var intake = Intake(isCompared: true)
        let fields = Self.addresses + [(152, 8), (153, 8)]
        let body = D.big16(256) + D.big16(fields.count) + fields.flatMap { D.big16($0.0) + D.big16($0.1) }
        let time = D.big64(Int(truncatingIfNeeded: milliseconds))
        for values in [time + time, time + D.big64(Self.milliseconds), D.big64(Self.milliseconds) + time] {
            let records = intake.take(D.ipfix(D.set(2, body) + D.set(256, Self.hosts + values)))
            let record = try #require(records.first)
            #expect(record.first <= record.last && record.last <= intake.time)
        }
    }

    @Test func aRecordIsNeverOfTheFutureNorLongerThanTheActiveTimeout() throws {
        var intake = Intake(isCompared: true)
        let template = D.template(256, Self.addresses + [(22, 4), (21, 4)])
        intake.take(D.v9(template + D.optionsTemplate(300, [(36, 2)]) + D.set(300, D.big32(0) + D.big16(60))))
        // Ends after its export, and began an hour before.
        let values = D.big32(0) + D.big32(3_700_000)
        let record = try #require(
            intake.take(D.v9(D.set(256, Self.hosts + values), upTime: 3_600_000)).first
        )
        #expect(record.last == intake.time)
        #expect(record.first == intake.time - .seconds(60))
    }

    /// A record with some of the clocks.
    private static func record(_ fields: [(Int, Int)], _ values: [Int]) throws -> (
        record: FlowRecord, arrival: Timestamp
    ) {
        var intake = Intake(isCompared: true)
        let octets = zip(fields, values).flatMap { field, value in field.1 == 8 ? D.big64(value) : D.big32(value) }
        let template =
            D.big16(256) + D.big16(fields.count + 2) + (addresses + fields).flatMap { D.big16($0.0) + D.big16($0.1) }
        let records = intake.take(D.ipfix(D.set(2, template) + D.set(256, hosts + octets)))
        return (try #require(records.first), intake.time)
    }

    @Test(arguments: [
        [(153, 8, milliseconds), (161, 4, 60_000)], [(151, 4, milliseconds / 1000), (161, 4, 60_000)],
        [(153, 8, milliseconds), (162, 4, 60_000_000)],
    ])
    func aDurationStandsForTheBeginThatIsNotTold(_ fields: [(Int, Int, Int)]) throws {
        let (record, _) = try Self.record(fields.map { ($0.0, $0.1) }, fields.map(\.2))
        #expect(record.last - record.first == .seconds(60))
    }

    @Test func anEndAloneIsNoFlowSinceTheRoutersBoot() throws {
        var intake = Intake(isCompared: true)
        intake.take(D.v9(D.template(256, Self.addresses + [(21, 4)])))
        let record = try #require(intake.take(D.v9(D.set(256, Self.hosts + D.big32(99_000)))).first)
        #expect(record.first == record.last)
    }

    @Test func noRecordIsOfALongerTimeThanTheConfiguredTimeout() throws {
        let exporter = TelemetryConfiguration.ExporterSettings(
            prefix: try #require(IPPrefix("192.0.2.0/24")),
            activeTimeout: .seconds(60)
        )
        var intake = Intake(TelemetryConfiguration(exporters: [exporter]))
        intake.take(D.v9(D.template(256, Self.addresses + [(22, 4), (21, 4)])))
        // The session began ninety seconds before; the counters are of the last sixty.
        let sets = D.set(256, Self.hosts + D.big32(10_000) + D.big32(100_000))
        let record = try #require(intake.take(D.v9(sets)).first)
        #expect(record.last - record.first == .seconds(60))
    }

    /// As Cisco ASA tells its connections: when they began, and the bytes since.
    @Test(arguments: [
        [(152, 8, milliseconds - 60_000)], [(150, 4, export - 60)], [(156, 8, ntp - (60 << 32))],
        [(152, 8, milliseconds - 60_000), (153, 8, 0)], [(150, 4, export - 60), (151, 4, 0)],
        [(158, 4, 60_000_000)], [(160, 8, milliseconds - 100_000), (22, 4, 40_000)],
    ])
    func whatBeganAndDoesNotTellItsEndLastedUntilTheExport(_ fields: [(Int, Int, Int)]) throws {
        let (record, arrival) = try Self.record(fields.map { ($0.0, $0.1) }, fields.map(\.2))
        #expect(record.first == arrival - .seconds(60))
        #expect(record.last == arrival)
    }

    @Test func aBeginAndADurationSayWhenItEnded() throws {
        for (fields, values) in [
            ([(152, 8), (161, 4)], [Self.milliseconds - 60_000, 20_000]),
            ([(150, 4), (161, 4)], [Self.export - 60, 20_000]),
            ([(160, 8), (22, 4), (161, 4)], [Self.milliseconds - 100_000, 40_000, 20_000]),
        ] {
            let (record, arrival) = try Self.record(fields, values)
            #expect(record.first == arrival - .seconds(60))
            #expect(record.last == arrival - .seconds(40))
        }
    }

    @Test func aBeginOfADayAgoIsOfAnotherClock() throws {
        let (record, arrival) = try Self.record([(152, 8)], [Self.milliseconds - 90_000_000])
        #expect(record.first == arrival && record.last == arrival)
    }

    @Test func aClockWithBeginAndEndGoesBeforeAFinerOneWithoutBegin() throws {
        let (record, arrival) = try Self.record(
            [(150, 4), (151, 4), (153, 8)],
            [Self.export - 70, Self.export - 10, Self.milliseconds - 9000]
        )
        #expect(record.first == arrival - .seconds(70) && record.last == arrival - .seconds(10))
    }

    @Test func anEndOfTheBeginsOwnSecondIsNotBeforeIt() throws {
        let (record, arrival) = try Self.record([(152, 8), (151, 4)], [Self.milliseconds - 9300, Self.export - 10])
        #expect(record.first == arrival - .seconds(10) && record.last == arrival - .seconds(10))
    }

    /// Cisco's flow records may have the first packet's header in them.
    @Test func aFlowWithASectionOfAPacketIsOfItsOwnTimes() throws {
        var intake = Intake(isCompared: true)
        let fields = [(2, 4), (1, 4), (152, 8), (153, 8), (313, 20)]
        let template = D.big16(256) + D.big16(fields.count) + fields.flatMap { D.big16($0.0) + D.big16($0.1) }
        let times = D.big64(Self.milliseconds - 70_000) + D.big64(Self.milliseconds - 10_000)
        let values = D.big32(5) + D.big32(2500) + times + D.ipv4(17, to: 5, [])
        let record = try #require(intake.take(D.ipfix(D.set(2, template) + D.set(256, values))).first)
        #expect(record.packets == 5 && record.bytes == 2500 && !record.traits.contains(.isPacket))
        #expect(record.first == intake.time - .seconds(70) && record.last == intake.time - .seconds(10))
    }
}
