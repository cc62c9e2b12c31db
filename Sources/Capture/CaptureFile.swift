internal import CFloodgate
public import NetworkTypes

// Safe: the piece is allocated in init, freed in deinit, and uniquely owned.
/// Reads a capture file from disk or from standard input, packet by packet: of a pipe each as soon as it has come, of a
/// file no more at a time than a piece of it. What gzip has compressed is found out by how it begins.
@safe
public struct CaptureFile: ~Copyable {
    private var reader = CaptureReader()
    private let descriptor: Int32
    private let piece: UnsafeMutableRawBufferPointer
    private var hasEnded = false
    /// What came first, of which less than it takes to tell what it is.
    private var begin: [UInt8]? = []
    private var compressed: GzipReader?

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
        begin = octets
        tellCompression()
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
            if compressed != nil {
                if let octets = try compressed?.next() {
                    unsafe octets.withUnsafeBytes { unsafe reader.append($0) }
                    continue
                }
                compressed = nil
                hasEnded = true
            }
            guard !hasEnded else {
                try reader.finish()
                return nil
            }
            let count = unsafe floodgate_file_read(descriptor, piece.baseAddress, piece.count)
            guard count >= 0 else { throw .unreadable(SystemError.text(Int32(-count))) }
            hasEnded = count == 0
            let octets = unsafe UnsafeRawBufferPointer(rebasing: piece[..<count])
            guard begin != nil else {
                unsafe reader.append(octets)
                continue
            }
            unsafe begin?.append(contentsOf: octets)
            if hasEnded || (begin?.count ?? 0) >= 2 { tellCompression() }
        }
    }

    /// Sees by the first octets what the file is.
    private mutating func tellCompression() {
        let octets = begin ?? []
        begin = nil
        guard GzipReader.begins(octets) else {
            unsafe octets.withUnsafeBytes { unsafe reader.append($0) }
            return
        }
        let descriptor = descriptor
        compressed = GzipReader(beginningWith: octets) { () throws(CaptureError) in
            guard descriptor >= 0 else { return [] }
            return try Self.read(descriptor)
        }
    }

    private static func read(_ descriptor: Int32) throws(CaptureError) -> [UInt8] {
        var failure = 0
        let octets = unsafe [UInt8](unsafeUninitializedCapacity: pieceLength / 4) { buffer, count in
            let result = unsafe floodgate_file_read(descriptor, buffer.baseAddress, buffer.count)
            (count, failure) = (max(result, 0), min(result, 0))
        }
        guard failure == 0 else { throw .unreadable(SystemError.text(Int32(-failure))) }
        return octets
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
