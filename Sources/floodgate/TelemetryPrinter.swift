import Capture
import Foundation
import NetworkTypes
import Telemetry

/// Decodes datagrams one after the other and writes their records to standard output as lines of JSON.
struct TelemetryPrinter: ~Copyable {
    private let log = RecordLog()
    private var decoder: TelemetryDecoder
    private var batch = RecordBatch()
    private let flowsOnly: Bool
    private var out: [UInt8] = []
    private var datagrams: UInt64 = 0
    private var latest = Timestamp(nanoseconds: 0)

    /// Lines are written in pieces of this many octets.
    private static let pieceLength = 1 << 18

    init(flowsOnly: Bool) {
        self.flowsOnly = flowsOnly
        decoder = TelemetryDecoder(log: log)
        out.reserveCapacity(Self.pieceLength + 65_536)
    }

    mutating func take(_ payload: RawSpan, _ datagram: CapturedDatagram, at time: Timestamp) {
        datagrams &+= 1
        latest = max(latest, time)
        decoder.decode(
            payload,
            from: datagram.source,
            port: datagram.sourcePort,
            isConnection: datagram.isConnection,
            receivedAt: time,
            into: &batch
        )
        for record in log.records where !flowsOnly || record.isFlow {
            record.writeJSON(into: &out, datagram: datagrams)
            out.append(UInt8(ascii: "\n"))
        }
        log.removeAll()
        batch.removeAll()
        if out.count >= Self.pieceLength { flush() }
    }

    mutating func endConnection(_ ended: TelemetryFinder.Connection) {
        decoder.endConnection(from: ended.exporter, port: ended.port)
    }

    /// What could not be written, and why.
    private(set) var writeFailure: String?

    /// Writes what there is.
    mutating func flush() {
        guard !out.isEmpty else { return }
        // A reader that went away (`| head`) ends the program by SIGPIPE, as is the custom.
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(out))
        } catch {
            writeFailure = SystemText.of(error)
        }
        out.removeAll(keepingCapacity: true)
    }

    /// What could not be read, by exporter.
    var complaints: [String] {
        mutating get {
            decoder.report(at: latest).flatMap { exporter in
                var lines: [String] = []
                for error in DecodeError.allCases where exporter.malformed(error) > 0 {
                    lines.append(
                        "\(exporter.address): \(exporter.malformed(error)) datagrams not read to the end: \(error.name)"
                    )
                }
                if exporter.missingTemplates > 0 {
                    lines.append("\(exporter.address): \(exporter.missingTemplates) sets of data without a template")
                }
                return lines
            }
        }
    }
}
