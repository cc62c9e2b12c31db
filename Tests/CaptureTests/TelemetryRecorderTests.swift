import Foundation
import NetworkTypes
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Capture

/// A recording whose disk is full.
struct TelemetryRecorderTests {
    private let exporter = IPAddress(192, 0, 2, 1)

    private func record(_ octets: [UInt8], with recorder: TelemetryRecorder) {
        let span = octets.span
        unsafe recorder.record(span.bytes, from: exporter, port: 5000, to: 6343, at: Timestamp(seconds: 1_700_000_000))
    }

    /// - Returns: the lengths of the packets of a file that is whole.
    private func lengths(_ path: String) throws -> [Int] {
        var file = try CaptureFile(path)
        var lengths: [Int] = []
        while let packet = try file.next() { lengths.append(file.octets(of: packet).byteCount) }
        return lengths
    }

    /// With room for the first datagram and each part of the second.
    @Test(arguments: [24 + 158, 24 + 158 + 1, 24 + 158 + 16, 24 + 158 + 157])
    func theFileEndsWithTheLastDatagramThatIsWhole(room: Int) async throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let left = Atomic(room)
        let recorder = try TelemetryRecorder(path: folder.path("a.pcap")) { descriptor, octets in
            let taken = min(left.load(ordering: .relaxed), octets.count)
            left.subtract(taken, ordering: .relaxed)
            if taken > 0 {
                return unsafe octets.prefix(taken).withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, taken) }
            }
            errno = ENOSPC
            return -1
        }
        for _ in 0..<3 { record([UInt8](repeating: 7, count: 100), with: recorder) }
        // There is room again, but not for a recording with a gap.
        left.store(10_000, ordering: .relaxed)
        record([1], with: recorder)
        #expect(recorder.progress.datagrams == 1 && recorder.progress.octets == 24 + 158)
        #expect(recorder.progress.lost == 3)
        #expect(recorder.progress.fault == "No space left on device")
        var said: [String] = []
        for await fault in recorder.faults { said.append(fault) }
        #expect(said == ["No space left on device"], "once")
        #expect(try lengths(folder.path("a.pcap")).count == 1)
        let size = try FileManager.default.attributesOfItem(atPath: folder.path("a.pcap"))[.size] as? NSNumber
        #expect(size?.intValue == 24 + 158)
    }

    @Test func withoutRoomForAnythingItDoesNotBegin() throws {
        #expect(throws: CaptureError.unwritable("No space left on device")) { try TelemetryRecorder(path: "/dev/full") }
    }
}
