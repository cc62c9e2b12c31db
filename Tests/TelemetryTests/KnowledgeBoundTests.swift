import NetworkTypes
import Testing

@testable import Telemetry

/// What is remembered of all exporters together, whatever they tell.
struct KnowledgeBoundTests {
    private typealias D = Datagrams

    /// Templates of a thousand fields, from 256.
    private static func wideTemplates(_ count: Int, from number: Int) -> [UInt8] {
        let fields = (0..<1000).flatMap { D.big16($0 + 1000) + D.big16(1) }
        return D.set(0, (0..<count).flatMap { D.big16(number + $0) + D.big16(1000) + fields })
    }

    private static let template = D.template(256, [(8, 4), (12, 4)])
    private static let data = D.set(256, [10, 0, 0, 1, 198, 51, 100, 5])

    @Test func forgedExportersFillNoMemoryAndARealOneIsStillRead() {
        var intake = Intake(limiting: TelemetryLimits(memory: 4 << 20))
        let real = IPAddress(192, 0, 2, 200)
        intake.take(D.v9(Self.template), from: real)
        var most = 0
        for number in 0..<250 {
            let forged = IPAddress(10, 0, 0, UInt8(number))
            for set in 0..<8 { intake.take(D.v9(Self.wideTemplates(10, from: 300 + 10 * set)), from: forged) }
            most = max(most, intake.decoder.memory)
            #expect(intake.take(D.v9(Self.data), from: real).count == 1, "after \(number) forged exporters")
        }
        #expect(most <= 4 << 20)
        #expect(intake.decoder.memory > 1 << 20, "what there is room for is kept")
        #expect(intake.decoder.forgottenTemplates > 19_000, "of 20,000, of which 160 have room")
        let report = intake.decoder.report(at: intake.time)
        #expect(report.first { $0.address == real }?.forgottenTemplates == 0)
        #expect((report.first { $0.address == IPAddress(10, 0, 0, 1) }?.forgottenTemplates ?? 0) > 0)
    }

    @Test func domainsRatesInterfacesAndExportersTakeMemoryToo() {
        var intake = Intake(limiting: TelemetryLimits(memory: 1 << 20))
        let rates = D.optionsTemplate(300, [(48, 1), (50, 4)])
        for number in 0..<2000 {
            let exporter = IPAddress(v4: 0x0A00_0000 + UInt32(number))
            intake.take(D.v9(rates, source: number % 50), from: exporter)
            let records = (0..<200).flatMap { D.big32(0) + [UInt8($0)] + D.big32(1000 + $0) }
            intake.take(D.v9(D.set(300, records), source: number % 50), from: exporter)
            #expect(intake.decoder.memory <= 1 << 20)
        }
        #expect(intake.decoder.report(at: intake.time).count > 20)
    }

    @Test func whatIsGivenUpIsBookedBack() {
        var intake = Intake()
        let before = intake.decoder.memory
        intake.take(D.v9(Self.template))
        let one = intake.decoder.memory
        #expect(one > before)
        intake.take(D.ipfix(D.set(2, D.big16(256) + D.big16(1) + D.big16(8) + D.big16(4))))
        #expect(intake.decoder.memory > one)
        intake.take(D.ipfix(D.set(2, D.big16(256) + D.big16(0))))
        let withdrawn = intake.decoder.memory
        #expect(withdrawn == one + KnowledgeAccount.Cost.domain + KnowledgeAccount.Cost.withdrawal)
        intake.time = intake.time + .seconds(30 * 86_400)
        intake.decoder.forgetStale(at: intake.time)
        #expect(intake.decoder.memory == KnowledgeAccount.Cost.exporter)
        #expect(intake.take(D.v9(Self.data)).isEmpty)
    }

    // MARK: Between workers

    @Test func whatIsMissingIsAskedForElsewhere() throws {
        var other = Intake()
        other.take(D.v9(Self.template + D.optionsTemplate(300, [(34, 4)])))
        other.take(D.v9(D.set(300, D.big32(0) + D.big32(1000))))
        let known = try #require(other.decoder.takeNewKnowledge().first)
        var questions = 0
        var answer: ExporterKnowledge?
        let log = RecordLog()
        var decoder = TelemetryDecoder(log: log) { _ in
            questions += 1
            return answer
        }
        var batch = RecordBatch()
        let data = D.v9(Self.data)
        let octets = data.span
        var time = Timestamp(seconds: 1_700_000_000)
        func decode() { unsafe decoder.decode(octets.bytes, from: Intake.exporter, receivedAt: time, into: &batch) }
        for _ in 0..<100 { decode() }
        #expect(questions == 2, "once as it is new, once as a template is missing, then not at once again")
        answer = known
        time = time + .milliseconds(200)
        decode()
        #expect(batch.count == 0)
        decode()
        #expect(batch.count == 1 && batch.records[0].samplingRate == 1000)
        #expect(decoder.takeNewKnowledge().isEmpty, "what was learnt is no news to others")
    }

    @Test func whatWasToldHereIsNotOverruledByWhatWasToldElsewhere() throws {
        let long = D.template(256, [(4, 1), (8, 4), (12, 4)])
        var other = Intake()
        other.take(D.v9(long))
        let known = try #require(other.decoder.takeNewKnowledge().first)
        var intake = Intake()
        intake.take(D.v9(Self.template))
        intake.decoder.learn([known], at: intake.time)
        #expect(intake.take(D.v9(Self.data)).map(\.destination) == [IPAddress(198, 51, 100, 5)])
        // A layout that was learnt is replaced by what others were told later.
        var third = Intake()
        third.take(D.v9(Self.data))
        third.decoder.learn([known], at: third.time)
        other.time = other.time + .seconds(1)
        other.take(D.v9(Self.template))
        third.decoder.learn(other.decoder.takeNewKnowledge(), at: third.time)
        #expect(third.take(D.v9(Self.data)).map(\.destination) == [IPAddress(198, 51, 100, 5)])
        // And what is withdrawn or told here is told on as news.
        third.take(D.v9(Self.template))
        #expect(third.decoder.takeNewKnowledge().count == 1)
    }
}
