public import Foundation

/// Vectors and captures that lie beside the project and not in it.
public enum SharedFiles {
    /// `FLOODGATE_SHARED`, else `../shared` beside the package; nil where there is neither.
    public static let folder: URL? = {
        let beside = URL(filePath: #filePath).appending(path: "../../../../shared").standardizedFileURL
        let named = ProcessInfo.processInfo.environment["FLOODGATE_SHARED"].map { URL(filePath: $0) }
        return [named, beside].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.path()) }
    }()

    /// For `.enabled(if:)`, with the line that says why a test is skipped.
    public static var isPresent: Bool { folder != nil }
    public static let absence = "no ../shared beside the package, and FLOODGATE_SHARED names none"

    public static func data(_ path: String) throws -> Data {
        guard let folder else { throw CocoaError(.fileNoSuchFile) }
        return try Data(contentsOf: folder.appending(path: path))
    }

    public static func json(_ path: String) throws -> Any { try JSONSerialization.jsonObject(with: data(path)) }
}
