internal import Foundation

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Keeps a store to one daemon: two would number their rules alike, and each would write over what the other has.
///
/// A file beside the store is locked for as long as this lives, whatever becomes of the process. The file itself stays, as
/// one who takes it away could not tell whether another has just opened it.
public final class StoreLock: Sendable {
    private let descriptor: Int32

    /// - Parameter path: of the store; `:memory:` needs no lock.
    public init(path: String) throws(Store.Failure) {
        guard path != ":memory:" else {
            descriptor = -1
            return
        }
        try StoreFile.makeFolder(URL(filePath: path).deletingLastPathComponent())
        descriptor = unsafe open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Store.Failure(path: path + ".lock", reason: unsafe String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            let reason =
                code == EWOULDBLOCK
                ? "another daemon has it; each needs a store of its own" : unsafe String(cString: strerror(code))
            throw Store.Failure(path: path, reason: reason)
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
