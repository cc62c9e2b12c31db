import NetworkTypes
import Testing

@testable import Telemetry

/// Whose templates count for whose records, and for how long.
struct TemplateScopeTests {
    private typealias D = Datagrams

    private static let short = D.template(256, [(8, 4), (12, 4)])
    private static let long = D.template(256, [(4, 1), (8, 4), (12, 4)])
    private static let data: [UInt8] = D.set(256, [10, 0, 0, 1, 198, 51, 100, 5])
    private static let longData: [UInt8] = D.set(256, [17, 10, 0, 0, 1, 198, 51, 100, 6])

    private static func host(_ records: [FlowRecord]) -> [UInt8] { records.map { $0.destination.bytes[3] } }

    @Test func templatesAreOfTheAddressWhateverThePort() {
        var intake = Intake()
        intake.take(D.v9(Self.short), port: 1000)
        #expect(Self.host(intake.take(D.v9(Self.data), port: 2000)) == [5])
    }

    @Test func processesThatOverwriteEachOthersTemplatesAreToldApartByPort() {
        var intake = Intake()
        for _ in 0..<3 {
            intake.take(D.v9(Self.short), port: 1000)
            intake.take(D.v9(Self.long), port: 2000)
        }
        intake.take(D.v9(Self.short), port: 1000)
        intake.take(D.v9(Self.long), port: 2000)
        #expect(Self.host(intake.take(D.v9(Self.data), port: 1000)) == [5])
        #expect(Self.host(intake.take(D.v9(Self.longData), port: 2000)) == [6])
        #expect(intake.statistics?.isScopedByPort == true)
    }

    @Test func anExporterThatChangesItsLayoutOrPortIsNotTakenForTwo() {
        var intake = Intake()
        intake.take(D.v9(Self.short), port: 1000)
        intake.take(D.v9(Self.long), port: 2000)
        intake.take(D.v9(Self.long), port: 3000)
        intake.take(D.v9(Self.short), port: 3000)
        #expect(Self.host(intake.take(D.v9(Self.data), port: 3000)) == [5])
        #expect(intake.statistics?.isScopedByPort == false)
    }

    @Test func aPortOfItsOwnCanBeConfigured() throws {
        let prefix = try #require(IPPrefix("192.0.2.0/24"))
        var intake = Intake(TelemetryConfiguration(exporters: [.init(prefix: prefix, isScopedByPort: true)]))
        intake.take(D.v9(Self.short), port: 1000)
        #expect(intake.take(D.v9(Self.data), port: 2000).isEmpty)
        #expect(Self.host(intake.take(D.v9(Self.data), port: 1000)) == [5])
    }

    @Test func whatWasToldOverAConnectionEndsWithIt() {
        var intake = Intake()
        let template = D.ipfix(D.set(2, D.big16(256) + D.big16(2) + [0, 8, 0, 4, 0, 12, 0, 4]))
        intake.take(template, port: 1000, isConnection: true)
        #expect(Self.host(intake.take(D.ipfix(Self.data), port: 1000, isConnection: true)) == [5])
        #expect(intake.take(D.ipfix(Self.data), port: 1001, isConnection: true).isEmpty)
        intake.decoder.endConnection(from: Intake.exporter, port: 1000)
        #expect(intake.take(D.ipfix(Self.data), port: 1000, isConnection: true).isEmpty)
    }

    @Test func whatIsNeitherToldNorUsedForLongIsForgotten() {
        var intake = Intake(TelemetryConfiguration(limits: TelemetryLimits(lifetime: .seconds(100))))
        let start = intake.time
        intake.take(D.v9(Self.short))
        intake.time = start + .seconds(90)
        #expect(Self.host(intake.take(D.v9(Self.data))) == [5])
        intake.time = start + .seconds(180)
        intake.decoder.forgetStale(at: intake.time)
        #expect(Self.host(intake.take(D.v9(Self.data))) == [5], "used 90 seconds ago")
        intake.time = start + .seconds(300)
        intake.decoder.forgetStale(at: intake.time)
        #expect(intake.take(D.v9(Self.data)).isEmpty)
    }

    // MARK: Over a restart

    @Test func whatExportersToldIsTakenBackAfterARestart() throws {
        var before = Intake()
        before.take(D.v9(Self.short + D.optionsTemplate(300, [(48, 1), (50, 4)])))
        before.take(D.v9(D.set(300, D.big32(0) + [3] + D.big32(1000))))
        let fields: [UInt8] = [0, 8, 0, 4, 0, 12, 0, 4, 0x80, 9, 0xFF, 0xFF, 0, 0, 0, 9]
        let ipfix = D.set(2, D.big16(400) + D.big16(3) + fields)
        before.take(D.ipfix(ipfix, domain: 7), from: IPAddress(high: 1, low: 2))
        let news = before.decoder.takeNewKnowledge()
        #expect(news.map(\.exporter) == [Intake.exporter, IPAddress(high: 1, low: 2)].sorted())
        before.take(D.v9(Self.short))
        #expect(before.decoder.takeNewKnowledge().isEmpty, "the same template again is no news")

        var after = Intake()
        for known in news {
            let octets = known.encoded
            let read = try Self.read(octets, known.exporter)
            #expect(read == known && read.encoded == octets)
            after.decoder.restore([read], at: after.time)
        }
        let records = after.take(D.v9(Self.data))
        #expect(Self.host(records) == [5])
        #expect(records.first?.samplingRate == 1000, "the only sampler that is known")
    }

    /// What is on disk says when it was told, which may be long ago: it counts from the restart.
    @Test func whatWasToldLongAgoIsUsedAfterARestart() throws {
        var before = Intake()
        before.take(D.v9(Self.short))
        let news = before.decoder.takeNewKnowledge()
        var after = Intake()
        after.time = before.time + .seconds(30 * 86_400)
        after.decoder.restore(news, at: after.time)
        after.time = after.time + .seconds(7)
        after.decoder.forgetStale(at: after.time)
        #expect(Self.host(after.take(D.v9(Self.data))) == [5])
        // To forget is no news: another worker may know better.
        after.time = after.time + .seconds(30 * 86_400)
        after.decoder.forgetStale(at: after.time)
        #expect(after.decoder.takeNewKnowledge().isEmpty)
    }

    /// Two workers that each heard one of the exporter's domains.
    @Test func whatSeveralWorkersKnowIsKeptTogether() throws {
        var first = Intake()
        first.take(D.v9(Self.short))
        var second = Intake()
        second.take(D.v9(Self.short, source: 7))
        let one = try #require(first.decoder.takeNewKnowledge().first)
        let other = try #require(second.decoder.takeNewKnowledge().first)
        var after = Intake()
        after.decoder.restore([one.merged(with: other)], at: after.time)
        #expect(Self.host(after.take(D.v9(Self.data))) == [5])
        #expect(Self.host(after.take(D.v9(Self.data, source: 7))) == [5])
    }

    /// Told to one worker, learnt by another and withdrawn with the first (RFC 7011 section 8.1): one of them, or all.
    @Test(arguments: [256, 2] as [Int]) func whatIsWithdrawnIsWithdrawnEverywhere(number: Int) throws {
        func define(_ host: Int) -> [UInt8] {
            D.ipfix(D.set(2, D.big16(host) + D.big16(2) + [0, 8, 0, 4, 0, 12, 0, 4]), domain: 7)
        }
        func data(_ intake: inout Intake, _ set: Int = 256) -> [UInt8] {
            Self.host(intake.take(D.ipfix(D.set(set, [10, 0, 0, 1, 198, 51, 100, 5]), domain: 7)))
        }
        var first = Intake()
        var second = Intake()
        first.take(define(256))
        #expect(data(&second).isEmpty)
        second.decoder.learn(first.decoder.takeNewKnowledge(), at: second.time)
        #expect(data(&second) == [5])
        second.take(define(300))
        first.time = first.time + .seconds(1)
        second.time = first.time
        first.take(D.ipfix(D.set(2, D.big16(number) + D.big16(0)), domain: 7))
        let news = first.decoder.takeNewKnowledge()
        second.decoder.learn(news, at: second.time)
        #expect(data(&second).isEmpty && data(&first).isEmpty)
        #expect(data(&second, 300) == [5], "what it was told itself is its own")
        // Nor does it come back from one who heard of it before.
        let old = try #require(second.decoder.takeNewKnowledge().first).merged(with: try #require(news.first))
        first.decoder.learn([old], at: first.time)
        #expect(data(&first).isEmpty)
        // Told again it is there again, for both.
        first.time = first.time + .seconds(1)
        first.take(define(256))
        second.decoder.learn(first.decoder.takeNewKnowledge(), at: first.time)
        #expect(data(&first) == [5] && data(&second) == [5])
    }

    /// A recording begins with what its exporters told before.
    @Test func whatIsKnownCanBeToldAgainAsDatagrams() throws {
        var before = Intake()
        // A rate for each of two samplers, one for the whole domain, a time that it was booted at and a timeout.
        before.take(D.v9(Self.short + D.optionsTemplate(300, [(48, 1), (50, 4)]) + D.optionsTemplate(301, [(36, 2)])))
        before.take(D.v9(D.set(300, D.big32(0) + [3] + D.big32(1000) + D.big32(0) + [4] + D.big32(77))))
        before.take(D.v9(D.set(301, D.big32(0) + D.big16(60))))
        before.take(D.v9(D.template(256, [(48, 1), (8, 4), (12, 4)])))
        let fields: [UInt8] = [0, 8, 0, 4, 0, 12, 0, 4, 0x80, 9, 0xFF, 0xFF, 0, 0, 0, 9]
        before.take(D.ipfix(D.set(2, D.big16(400) + D.big16(3) + fields), domain: 7))
        let options = [(149, 4), (34, 4), (160, 8)].flatMap { D.big16($0.0) + D.big16($0.1) }
        before.take(D.ipfix(D.set(3, D.big16(500) + D.big16(3) + D.big16(1) + options), domain: 7))
        let boot = D.big64(1_699_999_000_000)
        before.take(D.ipfix(D.set(500, D.big32(7) + D.big32(512) + boot), domain: 7))
        let known = try #require(before.decoder.takeNewKnowledge().first)

        var after = Intake()
        for telling in known.tellings(at: after.time) { after.take(telling.octets) }
        #expect(after.statistics?.malformedDatagrams == 0)
        let rates = [3, 4, 9].map { sampler in
            after.take(D.v9(D.set(256, [sampler, 10, 0, 0, 1, 198, 51, 100, 5]))).map(\.samplingRate)
        }
        #expect(rates == [[1000], [77], [0]])
        let record: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 6, 2, 97, 98]
        #expect(after.take(D.ipfix(D.set(400, record), domain: 7)).map(\.samplingRate) == [512])
        let again = try #require(after.decoder.takeNewKnowledge().first)
        func times(_ knowledge: ExporterKnowledge) -> [[UInt64]] {
            knowledge.domains.map { [UInt64($0.key.id), UInt64($0.activeTimeoutMilliseconds), $0.systemInit] }
                .sorted { $0[0] < $1[0] }
        }
        #expect(times(again) == times(known))
    }

    private static func read(_ octets: [UInt8], _ exporter: IPAddress) throws -> ExporterKnowledge {
        let span = octets.span
        return try unsafe ExporterKnowledge(exporter: exporter, encoded: span.bytes)
    }

    @Test func damagedKnowledgeIsRefusedAndNeverTraps() throws {
        var intake = Intake()
        intake.take(D.v9(Self.short + D.optionsTemplate(300, [(34, 4)])))
        let octets = try #require(intake.decoder.takeNewKnowledge().first).encoded
        for length in octets.indices {
            #expect(throws: ExporterKnowledge.ReadError.self) {
                _ = try Self.read(Array(octets.prefix(length)), Intake.exporter)
            }
        }
        #expect(throws: ExporterKnowledge.ReadError.invalid) {
            _ = try Self.read(octets + [0], Intake.exporter)
        }
        for index in octets.indices {
            for value: UInt8 in [0, 1, 127, 255] {
                var damaged = octets
                damaged[index] = value
                guard let read = try? Self.read(damaged, Intake.exporter) else { continue }
                var other = Intake()
                other.decoder.restore([read], at: other.time)
                other.take(D.v9(Self.data))
            }
        }
    }
}
