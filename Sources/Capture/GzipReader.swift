/// Decompresses what gzip has made (RFC 1952), also where several compressed files were put one behind the other.
struct GzipReader {
    private enum State {
        case header
        case data
        case ended
        case failed(Inflater.Failure)
    }

    private var input: BitInput
    private var inflater = Inflater()
    private var state = State.header
    private var isFirst = true
    private var checksum = CRC32()
    /// Octets of the member in hand, as its trailer counts them.
    private var length: UInt32 = 0
    /// Octets that were decompressed.
    private var made = 0

    /// Whether octets begin as gzip's do; no capture does.
    static func begins(_ octets: some Sequence<UInt8>) -> Bool { octets.starts(with: [0x1F, 0x8B]) }

    /// - Parameter input: of the compressed octets from the first on.
    init(_ input: BitInput) { self.input = input }

    /// The next octets; nil at the end. A failure is told after what could be read before it.
    mutating func next() throws(CaptureError) -> ArraySlice<UInt8>? {
        while true {
            switch state {
            case .ended: return nil
            case .failed(let failure): throw error(of: failure)
            case .header: attempt { reader throws(Inflater.Failure) in try reader.beginMember() }
            case .data:
                attempt { reader throws(Inflater.Failure) in try reader.inflater.inflate(&reader.input) }
                let piece = take()
                if case .data = state, inflater.hasEnded {
                    attempt { reader throws(Inflater.Failure) in try reader.endMember() }
                }
                if !piece.isEmpty { return piece }
            }
        }
    }

    /// Does a step, and keeps why it failed.
    private mutating func attempt(_ step: (inout Self) throws(Inflater.Failure) -> Void) {
        do throws(Inflater.Failure) {
            try step(&self)
        } catch {
            state = .failed(error)
        }
    }

    private func error(of failure: Inflater.Failure) -> CaptureError {
        if let failure = input.failure { return failure }
        return switch failure {
        case .truncated: .compressionTruncated(after: made)
        case .corrupt: .compressionCorrupt(offset: input.offset, after: made)
        }
    }

    private mutating func take() -> ArraySlice<UInt8> {
        let piece = inflater.piece
        checksum.add(piece)
        length &+= UInt32(truncatingIfNeeded: piece.count)
        made += piece.count
        return piece
    }

    private mutating func beginMember() throws(Inflater.Failure) {
        if !isFirst {
            // Whatever was written in whole blocks has zeros behind it.
            while !input.isAtEnd(), input.peek() & 0xFF == 0 { try input.drop(8) }
            guard !input.isAtEnd() else {
                state = .ended
                return
            }
        }
        isFirst = false
        let method = try (input.take(16), input.take(8))
        guard method == (0x8B1F, 8) else { throw .corrupt }
        let flags = try input.take(8)
        guard flags & 0xE0 == 0 else { throw .corrupt }
        // Time, hints and system say nothing of what is inside.
        for _ in 0..<6 { _ = try input.take(8) }
        if flags & 4 != 0 {
            for _ in 0..<(try input.take(16)) { _ = try input.take(8) }
        }
        // Name and comment end with a zero; lastly a checksum of the header.
        if flags & 8 != 0 { while try input.take(8) != 0 {} }
        if flags & 16 != 0 { while try input.take(8) != 0 {} }
        if flags & 2 != 0 { _ = try input.take(16) }
        inflater.restart()
        (checksum, length, state) = (CRC32(), 0, .data)
    }

    private mutating func endMember() throws(Inflater.Failure) {
        input.alignToOctet()
        guard try (input.take(32), input.take(32)) == (checksum.value, length) else { throw .corrupt }
        state = .header
    }
}

/// The checksum of gzip (RFC 1952 section 8).
struct CRC32 {
    private var state: UInt32 = 0xFFFF_FFFF

    var value: UInt32 { ~state }

    private static let table: [UInt32] = (0..<256).map { octet in
        (0..<8).reduce(UInt32(octet)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    mutating func add(_ octets: ArraySlice<UInt8>) {
        let table = Self.table
        for octet in octets { state = state >> 8 ^ table[Int(UInt8(truncatingIfNeeded: state) ^ octet)] }
    }
}
