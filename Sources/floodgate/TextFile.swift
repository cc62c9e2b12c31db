import CFloodgate
import Foundation

/// Files of text, and why one cannot be read, in the system's words.
enum TextFile {
    struct Failure: Error, CustomStringConvertible { var description: String }

    /// Of no use as a configuration beyond that.
    private static let maximumLength = 64 << 20
    private static let chunk = 64 << 10

    static func read(_ path: String) throws(Failure) -> String {
        let descriptor = unsafe floodgate_file_open(path)
        guard descriptor >= 0 else { throw Failure(description: SystemText.of(-descriptor)) }
        defer { floodgate_close(descriptor) }
        var octets: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: chunk)
        while true {
            let count = unsafe piece.withUnsafeMutableBytes { bytes in
                unsafe floodgate_file_read(descriptor, bytes.baseAddress, bytes.count)
            }
            guard count >= 0 else { throw Failure(description: SystemText.of(Int32(-count))) }
            guard count > 0 else { break }
            octets += piece.prefix(count)
            guard octets.count <= maximumLength else { throw Failure(description: "longer than 64 MiB") }
        }
        guard let text = String(validating: octets, as: UTF8.self) else {
            throw Failure(description: "no text: it has octets that are not UTF-8")
        }
        return text
    }
}

/// What the system means by an error number.
enum SystemText {
    static func of(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }

    /// What lies behind an error of Foundation's, whose own words name neither a file nor a reason.
    static func of(_ error: any Error) -> String {
        var current: (any Error)? = error
        while let error = current {
            if let system = error as? POSIXError { return of(system.code.rawValue) }
            let next = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
            if next == nil, (error as NSError).domain == NSPOSIXErrorDomain {
                return of(Int32(clamping: (error as NSError).code))
            }
            current = next
        }
        return error.localizedDescription
    }
}
