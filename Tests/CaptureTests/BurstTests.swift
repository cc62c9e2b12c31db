import Capture
import Foundation
import NetworkTypes
import Synchronization
import Telemetry
import Testing

/// Datagrams that the kernel hands over together (UDP_GRO) are as many as were sent.
struct BurstTests {
    private final class Lengths: RecordConsumer {
        private(set) var records = 0
        private(set) var bytes: UInt64 = 0
        func consume(_ batch: borrowing RecordBatch, in memory: RawSpan, at time: Timestamp) {
            let records = batch.records
            self.records += records.count
            for index in records.indices { bytes += records[index].bytes }
        }
        func reached(_ time: Timestamp) {}
        func report(_ exporters: [ExporterStatistics]) {}
    }

    /// NetFlow v5 with so many records of as many octets as their number in the burst.
    private static func netFlow5(records: Int, octets: Int) -> [UInt8] {
        func big(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
        }
        let header =
            big(5, 2) + big(records, 2) + big(100_000, 4) + big(1_700_000_000, 4) + [UInt8](repeating: 0, count: 12)
        let record =
            [192, 0, 2, 1, 198, 51, 100, 7] + big(0, 8) + big(1, 4) + big(octets, 4) + big(99_000, 4) + big(99_500, 4)
            + [UInt8](repeating: 0, count: 16)
        return header + (0..<records).flatMap { _ in record }
    }

    @Test func everyDatagramOfABurstIsRead() throws {
        let socket = try UDPSocket(address: IPAddress(127, 0, 0, 1), port: 0)
        let sender = LoopbackSocket.sender(to: socket.port)
        // All of a burst are of one length but the last, as the segments of UDP_SEGMENT are.
        let bursts = (0..<50).map { burst in
            (0..<20).map { Self.netFlow5(records: $0 == 19 ? 1 : 2, octets: burst * 20 + $0) }
        }
        let segment = Self.netFlow5(records: 2, octets: 0).count
        for burst in bursts { sender.send(burst.flatMap { $0 }, inSegmentsOf: segment) }
        let worker = CaptureWorker(socket: socket, settings: IntakeSettings(tick: .milliseconds(100))) {
            Timestamp(seconds: Date().timeIntervalSince1970)
        }
        let lengths = Lengths()
        let started = Date()
        worker.run(into: lengths) { Date().timeIntervalSince(started) > 0.5 }
        #expect(worker.counters.datagrams.load(ordering: .relaxed) == 1000)
        #expect(lengths.records == 50 * 39)
        let expected = bursts.indices.reduce(0) { sum, burst in
            sum + (0..<20).reduce(0) { $0 + (burst * 20 + $1) * ($1 == 19 ? 1 : 2) }
        }
        #expect(lengths.bytes == UInt64(expected))
    }
}
