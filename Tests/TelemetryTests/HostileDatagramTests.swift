import NetworkTypes
import Simulation
import Testing

@testable import Telemetry

private let now = Timestamp(seconds: 1_700_000_000)
private let exporter = IPAddress(192, 0, 2, 1)

/// A decoder with a batch, for datagrams as arrays.
private struct Intake: ~Copyable {
    var decoder: TelemetryDecoder
    var batch = RecordBatch()

    init(limits: TelemetryLimits = TelemetryLimits()) {
        decoder = TelemetryDecoder(configuration: TelemetryConfiguration(limits: limits))
    }

    /// How many records the datagram gave.
    @discardableResult
    mutating func take(_ datagram: [UInt8], from source: IPAddress = exporter) -> Int {
        let octets = datagram.span
        unsafe decoder.decode(octets.bytes, from: source, receivedAt: now, into: &batch)
        defer { batch.removeAll() }
        return batch.count
    }

    var statistics: ExporterStatistics? { decoder.report(at: now).first }
}

private func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
private func big32(_ value: Int) -> [UInt8] { big16(value >> 16) + big16(value) }

private func set(_ id: Int, _ body: [UInt8], length: Int? = nil) -> [UInt8] {
    big16(id) + big16(length ?? body.count + 4) + body
}

private func v9(_ sets: [UInt8], source: Int = 1, sequence: Int = 1) -> [UInt8] {
    big16(9) + big16(1) + big32(100_000) + big32(1_700_000_000) + big32(sequence) + big32(source) + sets
}

private func ipfix(_ sets: [UInt8], domain: Int = 1, sequence: Int = 1) -> [UInt8] {
    big16(10) + big16(16 + sets.count) + big32(1_700_000_000) + big32(sequence) + big32(domain) + sets
}

/// Source, destination, packets, bytes, protocol, first and last.
private let fields: [UInt8] = [(8, 4), (12, 4), (2, 4), (1, 4), (4, 1), (22, 4), (21, 4)]
    .flatMap { big16($0.0) + big16($0.1) }
private let template = set(0, big16(256) + big16(7) + fields)
private let record: [UInt8] =
    [10, 0, 0, 1, 198, 51, 100, 5] + big32(300_000) + big32(1000) + [17] + big32(30_000) + big32(90_000)

/// One good datagram of each format.
private func samples() -> [[UInt8]] {
    let pattern = TrafficPattern(
        kind: .ordinary,
        hosts: [IPAddress(198, 51, 100, 1), IPAddress(high: 0x2001_0DB8_0100_0000, low: 1)],
        packetsPerSecond: 100_000
    )
    var exporter = SimulatedExporter(patterns: [pattern], startingAt: now)
    let sFlow = exporter.datagrams(until: now + .milliseconds(10))
    let v5 = big16(5) + big16(1) + [UInt8](repeating: 1, count: 20) + [UInt8](repeating: 7, count: 48)
    let templates10 = set(2, big16(256) + big16(2) + big16(8) + big16(4) + big16(82) + big16(65_535))
    let data10 = set(256, [10, 0, 0, 1, 3, 97, 98, 99])
    return [
        sFlow.first ?? [], v5, v9(template + set(256, record)), ipfix(templates10 + data10),
    ]
}

@Test func everyTruncationOfEveryFormatIsSurvivedAndCounted() {
    for datagram in samples() {
        var intake = Intake()
        for length in 0..<datagram.count { intake.take(Array(datagram.prefix(length))) }
        #expect((intake.statistics?.malformedDatagrams ?? 0) > 0)
        #expect(intake.statistics?.datagrams == UInt64(datagram.count))
    }
}

@Test func flippedAndRandomOctetsAreSurvived() {
    var random = SeededGenerator(seed: 3)
    var intake = Intake(limits: TelemetryLimits(exporters: 8))
    for datagram in samples() {
        for _ in 0..<10_000 {
            var mutated = datagram
            for _ in 0..<Int.random(in: 1...8, using: &random) where !mutated.isEmpty {
                mutated[Int.random(in: 0..<mutated.count, using: &random)] =
                    [0, 1, 127, 128, 255, .random(in: 0...255, using: &random)]
                    .randomElement(using: &random) ?? 0
            }
            intake.take(mutated, from: IPAddress(10, 0, 0, .random(in: 0...20, using: &random)))
        }
    }
    for _ in 0..<5000 {
        let length = Int.random(in: 0...200, using: &random)
        let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        intake.take([0, [0, 5, 9, 10].randomElement(using: &random) ?? 0] + noise)
        intake.take([0, 0, 0, 5, 0, 0, 0, 1] + noise)
    }
    #expect(intake.decoder.report(at: now).count <= 8, "no more exporters than allowed")
}

@Test func lengthsOfZeroAndOfEverythingAreErrors() {
    var intake = Intake()
    let header = big32(5) + big32(1) + [192, 0, 2, 1] + big32(0) + big32(1) + big32(1)
    for length in [0, 0xFFFF_FFFF, 0x7FFF_FFFF] {
        intake.take(header + big32(1) + big32(1) + big32(length) + [1, 2, 3, 4])
        intake.take(header + big32(0xFFFF_FFFF) + big32(1) + big32(length))
    }
    #expect(intake.take(v9(set(256, [], length: 3))) == 0)
    #expect(intake.take(v9(set(0, [], length: 65_535))) == 0)
    #expect(intake.take(ipfix(set(2, big16(300) + big16(0)))) == 0)
    #expect((intake.statistics?.malformed(.truncated) ?? 0) > 0)
    #expect((intake.statistics?.malformed(.invalidLength) ?? 0) > 0)
}

@Test func aTemplateWithoutLengthIsRefusedAndLoopsNowhere() {
    var intake = Intake()
    intake.take(v9(set(0, big16(256) + big16(1) + big16(8) + big16(0))))
    #expect(intake.statistics?.malformed(.emptyTemplate) == 1)
    #expect(intake.take(v9(set(256, [1, 2, 3, 4]))) == 0)
    #expect(intake.statistics?.missingTemplates == 1)
}

@Test func aTemplateOfTenThousandFieldsIsRefused() {
    var intake = Intake()
    let many = (0..<10_000).flatMap { _ in big16(8) + big16(4) }
    intake.take(v9(set(0, big16(256) + big16(10_000) + many)))
    #expect(intake.statistics?.malformed(.tooManyFields) == 1)
}

@Test func aHundredThousandTemplatesFillNoMemoryAndTheOneInUseStays() {
    var intake = Intake(limits: TelemetryLimits(domainsPerExporter: 16, templatesPerExporter: 1000))
    intake.take(v9(template))
    for number in 0..<100_000 {
        let id = 256 + number % 65_000
        intake.take(
            v9(set(0, big16(id == 256 ? 257 : id) + big16(1) + big16(8) + big16(4)), source: 2 + number / 65_000)
        )
        if number % 100 == 0 {
            #expect(intake.take(v9(set(256, record))) == 1, "template in use, at \(number)")
        }
    }
    let domains = intake.statistics?.domains ?? []
    #expect(domains.reduce(0) { $0 + $1.templates } <= 1001)
    #expect((1...16).contains(domains.count))
}

@Test func dataBeforeItsTemplateIsCountedAndLaterDataIsRead() {
    var intake = Intake()
    #expect(intake.take(v9(set(256, record))) == 0)
    #expect(intake.statistics?.missingTemplates == 1)
    #expect(intake.take(v9(template + set(256, record + record + [0, 0, 0]))) == 2, "with padding")
    #expect(intake.take(v9(set(256, record), source: 2)) == 0, "another source has templates of its own")
}

@Test func whatTheSequenceSaysWasLostIsCounted() {
    var v9Intake = Intake()
    // Datagrams 7 and 8 are missing; then the exporter restarts, which is no loss.
    for sequence in [5, 6, 9, 10, 1, 2] { v9Intake.take(v9(set(256, record), sequence: sequence)) }
    #expect(v9Intake.statistics?.lost == 2)

    // IPFIX counts data records: two in the first message, one in the second, and three never came.
    var intake = Intake()
    let template = set(2, big16(256) + big16(2) + big16(8) + big16(4) + big16(12) + big16(4))
    let data: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5]
    intake.take(ipfix(template + set(256, data + data), sequence: 100))
    intake.take(ipfix(set(256, data), sequence: 102))
    #expect(intake.statistics?.lost == 0)
    intake.take(ipfix(set(256, data), sequence: 106))
    #expect(intake.statistics?.lost == 3)
    // Behind a set that cannot be read nobody knows where the sequence stands; the next message says.
    intake.take(ipfix(set(300, data), sequence: 107))
    intake.take(ipfix(set(256, data), sequence: 117))
    #expect(intake.statistics?.lost == 3)
    intake.take(ipfix(set(256, data), sequence: 119))
    #expect(intake.statistics?.lost == 4)
}

@Test func aFlowIsDatedByTheExportersOwnClock() {
    var decoder = TelemetryDecoder()
    var batch = RecordBatch()
    // Uptime 100 s; the flow ran from 30 s to 90 s of it. The header's wall clock is years off and of no account.
    let octets = v9(template + set(256, record))
    let span = octets.span
    let arrival = Timestamp(seconds: 2_000_000_000)
    unsafe decoder.decode(span.bytes, from: exporter, receivedAt: arrival, into: &batch)
    let read = firstRecord(batch)
    #expect(read?.last == arrival - .seconds(10))
    #expect(read?.first == arrival - .seconds(70))
    #expect(read?.packets == 300_000)
}

private func firstRecord(_ batch: borrowing RecordBatch) -> FlowRecord? {
    let records = batch.records
    return records.isEmpty ? nil : records[0]
}
