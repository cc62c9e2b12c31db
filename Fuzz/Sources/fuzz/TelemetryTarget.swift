import Capture
import NetworkTypes
import Telemetry

/// A decoder has a memory, so an input is a run of datagrams: each an octet that picks the exporter, the port and the
/// transport, two of length, and the datagram.
extension FuzzTarget {
    static func telemetry(_ name: String, _ seeds: @escaping @Sendable () -> [[[UInt8]]]) -> FuzzTarget {
        var target = FuzzTarget(name: name, take: takeDatagrams, seeds: { seeds().map(run) })
        target.seed = { capture in
            var file = CaptureFile(octets: capture)
            var datagrams: [[UInt8]] = []
            try? file.forEachDatagram { _, payload, _ in datagrams.append(octets(payload)) }
            let versions = Set(seeds().flatMap { $0 }.map { $0.prefix(2) })
            return datagrams.contains { versions.contains($0.prefix(2)) } ? run(of: datagrams) : nil
        }
        return target
    }

    /// Datagrams in the form that an input has.
    static func run(of datagrams: [[UInt8]]) -> [UInt8] {
        datagrams.flatMap { [0, UInt8($0.count >> 8 & 255), UInt8($0.count & 255)] + $0 }
    }

    private static let limits = TelemetryLimits(
        exporters: 3,
        domainsPerExporter: 3,
        templatesPerExporter: 16,
        interfacesPerExporter: 8,
        lifetime: .seconds(100)
    )

    /// Without a log plain records are read another way.
    private static func areEqual(_ one: borrowing RecordBatch, _ other: borrowing RecordBatch) -> Bool {
        let (records, others) = (one.records, other.records)
        return records.count == others.count && records.indices.allSatisfy { records[$0] == others[$0] }
    }

    private static func takeDatagrams(_ input: RawSpan) {
        let log = RecordLog()
        let settings = TelemetryConfiguration(decapsulates: Tunnels(rawValue: 31), limits: limits)
        var seen = TelemetryDecoder(configuration: settings, log: log)
        var unseen = TelemetryDecoder(configuration: settings)
        let bench = unsafe Workbench.shared
        var time = Timestamp(seconds: 1_700_000_000)
        var offset = 0
        while input.byteCount >= offset + 3 {
            let choice = octet(input, offset)
            let length = min(
                Int(octet(input, offset + 1)) << 8 | Int(octet(input, offset + 2)),
                input.byteCount - offset - 3
            )
            let datagram = input.extracting((offset + 3)..<(offset + 3 + length))
            offset += 3 + length
            let exporter = IPAddress(192, 0, 2, choice & 3)
            let port = UInt16(choice >> 2 & 3)
            let isConnection = choice & 0x10 != 0
            time = time + .milliseconds(Int(choice >> 5) * 20_000)
            seen.decode(
                datagram,
                from: exporter,
                port: port,
                isConnection: isConnection,
                receivedAt: time,
                into: &bench.seen
            )
            unseen.decode(
                datagram,
                from: exporter,
                port: port,
                isConnection: isConnection,
                receivedAt: time,
                into: &bench.unseen
            )
            check(areEqual(bench.seen, bench.unseen), "to look on changes nothing")
            checkTimes(bench.seen, at: time)
            bench.seen.removeAll()
            bench.unseen.removeAll()
            var line: [UInt8] = []
            for record in log.records.prefix(100) { record.writeJSON(into: &line) }
            log.removeAll()
            if choice & 0x40 != 0 { seen.forgetStale(at: time) }
            if choice & 0x40 != 0 { unseen.forgetStale(at: time) }
        }
        for exporter in seen.report(at: time) {
            check(exporter.domains.count <= limits.domainsPerExporter, "domains are bounded")
            let templates = exporter.domains.reduce(0) { $0 + $1.templates }
            check(templates <= limits.templatesPerExporter + 1, "templates are bounded")
            check(exporter.interfaces.all.count <= limits.interfacesPerExporter, "interfaces are bounded")
        }
        checkKnowledge(seen.takeNewKnowledge(), at: time)
    }

    private static func octet(_ span: RawSpan, _ offset: Int) -> UInt8 {
        unsafe span.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    private static func checkTimes(_ batch: borrowing RecordBatch, at time: Timestamp) {
        let records = batch.records
        for index in records.indices {
            check(records[index].last <= time, "no record is of the future")
            check(records[index].first <= records[index].last, "no record ends before it begins")
        }
    }

    /// What is kept is read back the same, and taken back.
    private static func checkKnowledge(_ news: [ExporterKnowledge], at time: Timestamp) {
        var restored = TelemetryDecoder(configuration: TelemetryConfiguration(limits: limits))
        for known in news {
            let octets = known.encoded
            let span = octets.span
            let read = try? unsafe ExporterKnowledge(exporter: known.exporter, encoded: span.bytes)
            // Withdrawals are for the other workers alone: what was withdrawn is not kept.
            check(read?.exporter == known.exporter && read?.encoded == octets, "what is kept is read back the same")
        }
        restored.restore(news, at: time)
    }
}
