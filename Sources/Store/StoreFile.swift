internal import Foundation

/// The store's file and those that SQLite lays beside it. They hold packets of customers: they are for the daemon's own
/// user, and for a group only where somebody has opened them to it.
enum StoreFile {
    private static let own: mode_t = 0o600
    private static let shared: mode_t = 0o640

    /// Makes the file where it is missing, and takes from others what they may do with one that is there.
    ///
    /// SQLite gives the files beside it the same permissions.
    static func prepare(_ path: String) throws(Store.Failure) {
        try makeFolder(URL(filePath: path).deletingLastPathComponent())
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, own)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {
            throw Store.Failure(path: path, reason: "cannot be made: \(text(of: errno))")
        }
        for file in [path, path + "-wal", path + "-shm"] { tighten(file) }
    }

    /// One that is not there is none to tighten.
    private static func tighten(_ file: String) {
        var status = stat()
        guard unsafe stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        let mode = status.st_mode & 0o7777
        // What all may read nobody has chosen: that was the default once.
        let wanted = mode & 0o007 != 0 ? own : mode & shared
        guard wanted != mode else { return }
        // On a disk without permissions there are none to take away, and rules must be announced there too.
        _ = unsafe chmod(file, wanted)
    }

    static func makeFolder(_ folder: URL) throws(Store.Failure) {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            // What Foundation says itself names no reason.
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError
            let reason = cause.map { text(of: $0.code.rawValue) } ?? error.localizedDescription
            throw Store.Failure(path: folder.path(), reason: "the folder cannot be made: \(reason)")
        }
    }

    /// Why the file cannot be opened, by the operating system; nil where it can. Not to be asked of a file that is open:
    /// its locks would go.
    static func reasonNotToOpen(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return text(of: errno) }
        close(descriptor)
        return nil
    }

    static func text(of code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
