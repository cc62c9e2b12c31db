internal import CFloodgate
public import NetworkTypes

// Safe: the piece is allocated in init, freed in deinit, and uniquely owned.
/// Reads a capture file from disk or from standard input, packet by packet: of a pipe each as soon as it has come, of a
/// file no more at a time than a piece of it.
@safe
public struct CaptureFile: ~Copyable {
    private var reader = CaptureReader()
    private let descriptor: Int32
    private let piece: UnsafeMutableRawBufferPointer
    private var hasEnded = false

    private static let pieceLength = 1 << 20

    /// - Parameter path: `-` for standard input.
    public init(_ path: String) throws(CaptureError) {
        let opened = path == "-" ? 0 : unsafe floodgate_file_open(path)
        guard opened >= 0 else { throw .unreadable(SystemError.text(-opened)) }
        descriptor = opened
        unsafe piece = .allocate(byteCount: Self.pieceLength, alignment: 16)
    }

    /// A file whose octets are at hand.
    public init(octets: [UInt8]) {
        descriptor = -1
        hasEnded = true
        unsafe piece = .allocate(byteCount: 1, alignment: 1)
        unsafe octets.withUnsafeBytes { unsafe reader.append($0) }
    }

    deinit {
        unsafe piece.deallocate()
        if descriptor > 0 { floodgate_close(descriptor) }
    }

    /// Packets on links that are not read.
    public var unsupported: Int { reader.unsupported }

    /// The next packet; nil at the end.
    ///
    /// - Parameter beforeReading: called before the file is read on, which may take as long as a pipe is idle.
    public mutating func next(beforeReading: () -> Void = {}) throws(CaptureError) -> CapturedPacket? {
        while true {
            if let packet = try reader.next() { return packet }
            beforeReading()
            guard !hasEnded else {
                try reader.finish()
                return nil
            }
            let count = unsafe floodgate_file_read(descriptor, piece.baseAddress, piece.count)
            guard count >= 0 else { throw .unreadable(SystemError.text(Int32(-count))) }
            hasEnded = count == 0
            unsafe reader.append(UnsafeRawBufferPointer(rebasing: piece[..<count]))
        }
    }

    /// The octets of the packet that was asked for last, as far as they were captured.
    @_lifetime(borrow self)
    public func octets(of packet: CapturedPacket) -> RawSpan {
        let buffered = reader.buffered
        let span = buffered.extracting(packet.range.clamped(to: 0..<buffered.byteCount))
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}

extension CaptureFile {
    /// Hands on each UDP datagram, and each message of IPFIX over TCP, with its payload and the time it was captured at.
    public mutating func forEachDatagram(
        _ body: (CapturedDatagram, RawSpan, Timestamp) throws -> Void
    ) throws {
        var finder = TelemetryFinder()
        while let packet = try next() {
            _ = try finder.take(octets(of: packet), on: packet.link) { datagram, octets in
                try body(datagram, octets.extracting(datagram.payload), packet.time)
            }
        }
    }
}
