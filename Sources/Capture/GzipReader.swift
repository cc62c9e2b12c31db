internal import CZlib

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

// Safe: zlib's state is allocated in init, where zlib remembers its address, freed in deinit, and uniquely owned; pointers
// into the arrays are given to it anew for each call, after which it does not follow them.
/// Decompresses what gzip has made (RFC 1952), by zlib, also where several compressed files were put one behind the other.
/// Nothing that the file says makes it keep more than zlib's window, a piece of input and one of output.
@safe
struct GzipReader: ~Copyable {
    private enum State {
        /// Within a member, its header and trailer included.
        case member
        /// Behind a member, where there may be zeros, or another one.
        case behind
        case ended
        case failed(CaptureError)
    }

    private static let pieceLength = 1 << 18
    /// The greatest window, and a header and trailer of gzip's, nothing else (zlib.h, `inflateInit2`).
    private static let windowBits: Int32 = 15 + 16

    private let stream: UnsafeMutablePointer<z_stream>
    private var state = State.member
    private var input: [UInt8]
    /// How much of `input` is used up.
    private var at = 0
    /// Octets that were used up before `input`.
    private var taken = 0
    private var output = [UInt8](repeating: 0, count: pieceLength)
    /// Octets that were decompressed.
    private var made = 0
    /// Reads on; without octets at the end.
    private let more: () throws(CaptureError) -> [UInt8]

    /// Whether octets begin as gzip's do; no capture does.
    static func begins(_ octets: some Sequence<UInt8>) -> Bool { octets.starts(with: [0x1F, 0x8B]) }

    /// - Parameter octets: what of the file was read to see what it is.
    init(beginningWith octets: [UInt8], more: @escaping () throws(CaptureError) -> [UInt8]) {
        (input, self.more) = (octets, more)
        unsafe stream = .allocate(capacity: 1)
        // All zeros: zlib's own allocator, and no input yet.
        unsafe stream.initialize(to: z_stream())
        // Safe: the size is the one that this was compiled with, by which zlib sees whether it is of the same layout.
        let size = unsafe Int32(MemoryLayout<z_stream>.size)
        let result = unsafe inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, size)
        if result != Z_OK { state = .failed(failure(of: result)) }
    }

    deinit {
        // Safe: where inflateInit2 has failed there is nothing to free, which zlib sees.
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// The next octets; nil at the end. A failure is told after what could be read before it.
    mutating func next() throws(CaptureError) -> ArraySlice<UInt8>? {
        while true {
            switch state {
            case .ended: return nil
            case .failed(let error): throw error
            case .behind: beginMember()
            case .member:
                let count = inflate()
                if count > 0 { return output[..<count] }
            }
        }
    }

    /// Decompresses as much as there is input or room for, and tells how much that was.
    private mutating func inflate() -> Int {
        let (begin, stream) = unsafe (at, stream)
        // Safe: both pointers are followed within the call alone, as far as there are octets behind them.
        let (result, used, count) = unsafe input.withUnsafeMutableBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe stream.pointee.next_in = input.baseAddress.map { unsafe $0 + begin }
                unsafe stream.pointee.avail_in = UInt32(clamping: input.count - begin)
                unsafe stream.pointee.next_out = output.baseAddress
                unsafe stream.pointee.avail_out = UInt32(clamping: output.count)
                let (input, output) = unsafe (stream.pointee.avail_in, stream.pointee.avail_out)
                let result = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
                return unsafe (result, Int(input - stream.pointee.avail_in), Int(output - stream.pointee.avail_out))
            }
        }
        at += used
        made += count
        switch result {
        case Z_STREAM_END: state = .behind
        case Z_OK: break
        // No fault: of no input nothing could be made.
        case Z_BUF_ERROR: if isAtEnd(), case .member = state { state = .failed(.compressionTruncated(after: made)) }
        default: state = .failed(failure(of: result))
        }
        return count
    }

    /// Another member begins, or the file ends.
    private mutating func beginMember() {
        // Whatever was written in whole blocks has zeros behind it.
        while !isAtEnd() {
            guard input[at] == 0 else {
                // Safe: of the stream that init has made.
                let result = unsafe inflateReset(stream)
                state = result == Z_OK ? .member : .failed(failure(of: result))
                return
            }
            at += 1
        }
        if case .behind = state { state = .ended }
    }

    /// Whether there is not one octet left, after reading on; also where that has failed.
    private mutating func isAtEnd() -> Bool {
        guard at == input.count else { return false }
        taken += at
        (input, at) = ([], 0)
        do throws(CaptureError) {
            input = try more()
        } catch {
            state = .failed(error)
        }
        return input.isEmpty
    }

    private func failure(of result: Int32) -> CaptureError {
        switch result {
        case Z_MEM_ERROR: .unreadable(SystemError.text(ENOMEM))
        case Z_VERSION_ERROR: .unreadable("zlib is of another version than this was built with")
        default: .compressionCorrupt(offset: taken + at, after: made)
        }
    }
}
