#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

enum SystemError {
    /// What the system means by an error number: `No such file or directory`.
    static func text(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
