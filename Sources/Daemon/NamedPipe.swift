import CFloodgate
import DaemonConfiguration

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A named pipe in the file system, opened for one direction. Its descriptor is closed with it.
final class NamedPipe: Sendable {
    let path: String
    let descriptor: Int32

    struct Failure: Error, CustomStringConvertible {
        var path: String
        var what: String
        /// An errno; 0 where nothing of the system's speaks for itself.
        var code: Int32
        var description: String {
            code == 0 ? "\(path): \(what)" : "\(path): \(what): \(unsafe String(cString: strerror(code)))"
        }
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { floodgate_close(descriptor) }

    /// Makes the pipe where there is none, opens it for reading and gives it its owner and mode.
    ///
    /// - Parameter complain: is told what stands in the way of owner and mode, where the pipe was somebody else's making.
    static func reading(
        _ pipe: DaemonConfiguration.CommandPipe,
        complain: (Failure) -> Void
    ) throws(Failure) -> NamedPipe {
        let made = unsafe floodgate_fifo_make(pipe.path)
        guard made >= 0 else { throw Failure(path: pipe.path, what: "the pipe cannot be made", code: -made) }
        let opened = try open(pipe.path, reading: true)
        let result = unsafe floodgate_fifo_own(opened.descriptor, pipe.owner, pipe.group, UInt32(pipe.mode))
        guard result < 0 else { return opened }
        let failure =
            result == -ESRCH
            ? Failure(
                path: pipe.path,
                what: "there is no user \(pipe.owner ?? "") or group \(pipe.group ?? "")",
                code: 0
            )
            : Failure(path: pipe.path, what: "owner and mode cannot be set", code: -result)
        guard made == 0 else { throw failure }
        complain(failure)
        return opened
    }

    /// Opens a pipe that somebody reads.
    static func writing(_ path: String) throws(Failure) -> NamedPipe { try open(path, reading: false) }

    private static func open(_ path: String, reading: Bool) throws(Failure) -> NamedPipe {
        let descriptor = unsafe floodgate_fifo_open(path, reading)
        guard descriptor < 0 else { return NamedPipe(path: path, descriptor: descriptor) }
        let what =
            switch -descriptor {
            case EPROTOTYPE, EISDIR: "it is another kind of file than a named pipe; move it away"
            case ENXIO: "nobody reads it"
            default: "the pipe cannot be opened"
            }
        let speaksForItself = [EPROTOTYPE, EISDIR, ENXIO].contains(-descriptor)
        throw Failure(path: path, what: what, code: speaksForItself ? 0 : -descriptor)
    }

    /// How the path stands to the open pipe.
    enum Standing { case same, replaced, missing }

    var standing: Standing {
        switch unsafe floodgate_fifo_check(descriptor, path) {
        case 1: .same
        case -ENOENT, -ENOTDIR: .missing
        default: .replaced
        }
    }

    var hasReader: Bool { floodgate_fifo_has_reader(descriptor) }

    /// Another descriptor of the same pipe, for somebody who closes it himself; -1 when there are none left.
    func duplicate() -> Int32 { floodgate_duplicate(descriptor) }

    /// What came of a write.
    enum Written { case taken(Int), full, noReader }

    func write(_ octets: [UInt8]) -> Written {
        let count = unsafe octets.withUnsafeBytes { bytes in
            unsafe floodgate_fifo_write(descriptor, bytes.baseAddress, bytes.count)
        }
        if count >= 0 { return .taken(count) }
        return count == Int(-EAGAIN) ? .full : .noReader
    }
}
