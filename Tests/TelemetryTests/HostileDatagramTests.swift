import NetworkTypes
import Simulation
import Testing

@testable import Telemetry

private let now = Timestamp(seconds: 1_700_000_000)
private typealias D = Datagrams

/// Source, destination, packets, bytes, protocol, first and last.
private let fields: [UInt8] = [(8, 4), (12, 4), (2, 4), (1, 4), (4, 1), (22, 4), (21, 4)]
    .flatMap { D.big16($0.0) + D.big16($0.1) }
private let template = D.set(0, D.big16(256) + D.big16(7) + fields)
private let record: [UInt8] =
    [10, 0, 0, 1, 198, 51, 100, 5] + D.big32(300_000) + D.big32(1000) + [17] + D.big32(30_000) + D.big32(90_000)

/// One good datagram of each format.
private func samples() -> [[UInt8]] {
    let pattern = TrafficPattern(
        kind: .ordinary,
        hosts: [IPAddress(198, 51, 100, 1), IPAddress(high: 0x2001_0DB8_0100_0000, low: 1)],
        packetsPerSecond: 100_000
    )
    var exporter = SimulatedExporter(patterns: [pattern], startingAt: now)
    let sFlow = exporter.datagrams(until: now + .milliseconds(10))
    let v5 = D.big16(5) + D.big16(1) + [UInt8](repeating: 1, count: 20) + [UInt8](repeating: 7, count: 48)
    let templates10 = D.set(2, D.big16(256) + D.big16(2) + D.big16(8) + D.big16(4) + D.big16(82) + D.big16(65_535))
    let data10 = D.set(256, [10, 0, 0, 1, 3, 97, 98, 99])
    return [
        sFlow.first ?? [], v5, D.v9(template + D.set(256, record)), D.ipfix(templates10 + data10),
    ]
}

@Test func everyTruncationOfEveryFormatIsSurvivedAndCounted() {
    for datagram in samples() {
        var intake = Intake(isCompared: true)
        for length in 0..<datagram.count { intake.take(Array(datagram.prefix(length))) }
        #expect((intake.statistics?.malformedDatagrams ?? 0) > 0)
        #expect(intake.statistics?.datagrams == UInt64(datagram.count))
    }
}

@Test func flippedAndRandomOctetsAreSurvived() {
    var random = SeededGenerator(seed: 3)
    var intake = Intake(limiting: TelemetryLimits(exporters: 8))
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
    var intake = Intake(isCompared: true)
    let header = D.big32(5) + D.big32(1) + [192, 0, 2, 1] + D.big32(0) + D.big32(1) + D.big32(1)
    for length in [0, 0xFFFF_FFFF, 0x7FFF_FFFF] {
        intake.take(header + D.big32(1) + D.big32(1) + D.big32(length) + [1, 2, 3, 4])
        intake.take(header + D.big32(0xFFFF_FFFF) + D.big32(1) + D.big32(length))
    }
    #expect(intake.take(D.v9(D.set(256, [], length: 3))).count == 0)
    #expect(intake.take(D.v9(D.set(0, [], length: 65_535))).count == 0)
    #expect(intake.take(D.ipfix(D.set(2, D.big16(300) + D.big16(0)))).count == 0)
    #expect((intake.statistics?.malformed(.truncated) ?? 0) > 0)
    #expect((intake.statistics?.malformed(.invalidLength) ?? 0) > 0)
}

@Test func aTemplateWithoutLengthIsRefusedAndLoopsNowhere() {
    var intake = Intake(isCompared: true)
    intake.take(D.v9(D.set(0, D.big16(256) + D.big16(1) + D.big16(8) + D.big16(0))))
    #expect(intake.statistics?.malformed(.emptyTemplate) == 1)
    #expect(intake.take(D.v9(D.set(256, [1, 2, 3, 4]))).count == 0)
    #expect(intake.statistics?.missingTemplates == 1)
}

@Test func aTemplateOfTenThousandFieldsIsRefused() {
    var intake = Intake(isCompared: true)
    let many = (0..<10_000).flatMap { _ in D.big16(8) + D.big16(4) }
    intake.take(D.v9(D.set(0, D.big16(256) + D.big16(10_000) + many)))
    #expect(intake.statistics?.malformed(.tooManyFields) == 1)
}

@Test func aHundredThousandTemplatesFillNoMemoryAndTheOneInUseStays() {
    var intake = Intake(limiting: TelemetryLimits(domainsPerExporter: 16, templatesPerExporter: 1000))
    intake.take(D.v9(template))
    for number in 0..<100_000 {
        let id = 256 + number % 65_000
        intake.take(
            D.v9(
                D.set(0, D.big16(id == 256 ? 257 : id) + D.big16(1) + D.big16(8) + D.big16(4)),
                source: 2 + number / 65_000
            )
        )
        if number % 100 == 0 {
            #expect(intake.take(D.v9(D.set(256, record))).count == 1, "template in use, at \(number)")
        }
    }
    let domains = intake.statistics?.domains ?? []
    #expect(domains.reduce(0) { $0 + $1.templates } <= 1001)
    #expect((1...16).contains(domains.count))
}

@Test func dataBeforeItsTemplateIsCountedAndLaterDataIsRead() {
    var intake = Intake(isCompared: true)
    #expect(intake.take(D.v9(D.set(256, record))).count == 0)
    #expect(intake.statistics?.missingTemplates == 1)
    #expect(intake.take(D.v9(template + D.set(256, record + record + [0, 0, 0]))).count == 2, "with padding")
    #expect(intake.take(D.v9(D.set(256, record), source: 2)).count == 0, "another source has templates of its own")
}

@Test func whatTheSequenceSaysWasLostIsCounted() {
    var v9Intake = Intake(isCompared: true)
    // Datagrams 7 and 8 are missing; then the exporter restarts, which is no loss.
    for sequence in [5, 6, 9, 10, 1, 2] { v9Intake.take(D.v9(D.set(256, record), sequence: sequence)) }
    #expect(v9Intake.statistics?.lost == 2)

    // IPFIX counts data records: two in the first message, one in the second, and three never came.
    var intake = Intake(isCompared: true)
    let template = D.set(2, D.big16(256) + D.big16(2) + D.big16(8) + D.big16(4) + D.big16(12) + D.big16(4))
    let data: [UInt8] = [10, 0, 0, 1, 198, 51, 100, 5]
    intake.take(D.ipfix(template + D.set(256, data + data), sequence: 100))
    intake.take(D.ipfix(D.set(256, data), sequence: 102))
    #expect(intake.statistics?.lost == 0)
    intake.take(D.ipfix(D.set(256, data), sequence: 106))
    #expect(intake.statistics?.lost == 3)
    // Behind a set that cannot be read nobody knows where the sequence stands; the next message says.
    intake.take(D.ipfix(D.set(300, data), sequence: 107))
    intake.take(D.ipfix(D.set(256, data), sequence: 117))
    #expect(intake.statistics?.lost == 3)
    intake.take(D.ipfix(D.set(256, data), sequence: 119))
    #expect(intake.statistics?.lost == 4)
}

@Test func aFlowIsDatedByTheExportersOwnClock() {
    var decoder = TelemetryDecoder()
    var batch = RecordBatch()
    // Uptime 100 s; the flow ran from 30 s to 90 s of it. The header's wall clock is years off and of no account.
    let octets = D.v9(template + D.set(256, record))
    let span = octets.span
    let arrival = Timestamp(seconds: 2_000_000_000)
    unsafe decoder.decode(span.bytes, from: Intake.exporter, receivedAt: arrival, into: &batch)
    let read = firstRecord(batch)
    #expect(read?.last == arrival - .seconds(10))
    #expect(read?.first == arrival - .seconds(70))
    #expect(read?.packets == 300_000)
}

private func firstRecord(_ batch: borrowing RecordBatch) -> FlowRecord? {
    let records = batch.records
    return records.isEmpty ? nil : records[0]
}
