internal import Foundation
public import NetworkTypes
internal import Synchronization
public import Telemetry

/// Writes received telemetry to a capture file with the times that the daemon went by, so that a replay of the file
/// takes the same decisions.
///
/// Where the file takes no more, as the disk is full, the recording ends with the last datagram that is whole: one with
/// gaps in it would be replayed as what never was.
public final class TelemetryRecorder: Sendable {
    /// How far it has come.
    public struct Progress: Sendable, Hashable {
        public internal(set) var datagrams: UInt64 = 0
        /// Of the file.
        public internal(set) var octets: UInt64 = 0
        /// Datagrams that came after it had ended.
        public internal(set) var lost: UInt64 = 0
        /// Why it has ended, in the system's words; nil while it goes on.
        public internal(set) var fault: String?
    }

    /// Writes octets to a file and says how many went, or -1 with `errno` set.
    typealias Write = @Sendable (Int32, ArraySlice<UInt8>) -> Int

    private struct File {
        let descriptor: Int32
        var progress = Progress()
    }

    public let path: String
    /// Why the recording has ended, once it has.
    public let faults: AsyncStream<String>
    private let file: Mutex<File>
    private let faulted: AsyncStream<String>.Continuation
    private let write: Write

    /// Begins a new file. Throws why it cannot be written, in the system's words.
    public convenience init(path: String) throws(CaptureError) {
        try self.init(path: path) { descriptor, octets in
            unsafe octets.withUnsafeBytes { unsafe Foundation.write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// - Parameter write: the system's, or one that fails for a test.
    init(path: String, write: @escaping Write) throws(CaptureError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unwritable(SystemError.text(errno)) }
        // A file that was there keeps its mode otherwise. What is no file of ours has one of its own.
        _ = fchmod(descriptor, 0o600)
        var file = File(descriptor: descriptor)
        if let fault = Self.append(PcapWriter.fileHeader, to: &file, write) {
            close(descriptor)
            throw .unwritable(fault)
        }
        self.path = path
        self.file = Mutex(file)
        self.write = write
        (faults, faulted) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1))
    }

    deinit { file.withLock { _ = close($0.descriptor) } }

    public var progress: Progress { file.withLock { $0.progress } }

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
        let packet = PcapWriter.packet(frame, at: time)
        let fault = file.withLock { file -> String? in
            guard file.progress.fault == nil else {
                file.progress.lost &+= 1
                return nil
            }
            if let fault = Self.append(packet, to: &file, write) {
                file.progress.fault = fault
                file.progress.lost &+= 1
                return fault
            }
            file.progress.datagrams &+= 1
            return nil
        }
        guard let fault else { return }
        faulted.yield(fault)
        faulted.finish()
    }

    /// Adds all of it or nothing.
    ///
    /// - Returns: why it could not be added.
    private static func append(_ octets: [UInt8], to file: inout File, _ write: Write) -> String? {
        var written = 0
        while written < octets.count {
            let count = write(file.descriptor, octets[written...])
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let reason = SystemError.text(count < 0 ? errno : ENOSPC)
                // A part of a packet would spoil the file. What is no file cannot be cut.
                _ = ftruncate(file.descriptor, off_t(clamping: file.progress.octets))
                return reason
            }
            written += count
        }
        file.progress.octets &+= UInt64(octets.count)
        return nil
    }
}
