internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

enum ConnectionError {
    /// What the system said of a connection, in its own words: `Connection refused`.
    static func text(_ error: any Error) -> String {
        switch error {
        case let error as IOError: unsafe String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "no answer"
        default: "\(error)"
        }
    }
}
