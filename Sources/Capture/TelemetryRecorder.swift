internal import Foundation
public import NetworkTypes
internal import Synchronization
public import Telemetry

/// Writes received telemetry to a capture file with the times that the daemon went by, so that a replay of the file
/// takes the same decisions.
public final class TelemetryRecorder: Sendable {
    private let file: Mutex<FileHandle>

    /// Begins a new file. Throws why it cannot be written, in the system's words.
    public init(path: String) throws(CaptureError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .unwritable(SystemError.text(errno)) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(PcapWriter.fileHeader))
        } catch {
            throw .unwritable(SystemError.text(errno))
        }
        file = Mutex(handle)
    }

    /// Adds what exporters told before, as if they told it now, without which what they send could not be read.
    public func record(_ knowledge: [ExporterKnowledge], to port: UInt16, at time: Timestamp) {
        for known in knowledge {
            for telling in known.tellings(at: time) {
                let octets = telling.octets.span
                unsafe record(octets.bytes, from: known.exporter, port: telling.port, to: port, at: time)
            }
        }
    }

    /// Adds a datagram. The destination is not known per datagram and stands as the port on the loopback address.
    public func record(
        _ datagram: RawSpan,
        from source: IPAddress,
        port sourcePort: UInt16,
        to port: UInt16,
        at time: Timestamp
    ) {
        var payload: [UInt8] = []
        payload.reserveCapacity(datagram.byteCount)
        for offset in 0..<datagram.byteCount {
            payload.append(unsafe datagram.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
        }
        let destination = source.isIPv4 ? IPAddress(127, 0, 0, 1) : IPAddress(high: 0, low: 1)
        let frame = PcapWriter.frame(of: payload, from: source, port: sourcePort, to: destination, port: port)
        let packet = Data(PcapWriter.packet(frame, at: time))
        file.withLock { handle in try? handle.write(contentsOf: packet) }
    }
}
