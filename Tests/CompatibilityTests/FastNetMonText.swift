import Compatibility
import DaemonConfiguration
import Foundation
import Testing

/// Reads a `fastnetmon.conf` out of texts.
struct FastNetMonText {
    var files: [String: String]

    static let networks = ["/etc/networks_list": "198.51.100.0/24\n203.0.113.0/24\n2001:db8:100::/48\n"]

    struct Missing: Error, CustomStringConvertible { var description: String { "no such file" } }

    @Sendable func readFile(_ path: String) throws -> String {
        guard let text = files[path] else { throw Missing() }
        return text
    }

    static func read(
        _ text: String,
        hasNeighbors: Bool = false,
        files: [String: String] = networks
    ) -> LegacyDocument {
        let reading = FastNetMonText(files: files)
        let file = "/etc/fastnetmon.conf"
        return FastNetMonFile.read(text, file: file, hasNeighbors: hasNeighbors, readFile: reading.readFile)
    }

    /// The model of it, which must have no error.
    static func load(
        _ text: String,
        hasNeighbors: Bool = false,
        files: [String: String] = networks
    ) throws -> DaemonConfiguration {
        let document = read(text, hasNeighbors: hasNeighbors, files: files)
        let errors = document.remarks.filter { $0.severity == .error }
        try #require(errors.isEmpty, "\(errors)")
        return try DaemonConfiguration.load(document.document, readFile: FastNetMonText(files: files).readFile)
    }
}

extension LegacyDocument {
    /// What is said of a key, with severity and line.
    func said(of key: String) -> [String] {
        remarks.filter { $0.key == key }.map { "\($0.place.line) \($0.severity.rawValue) \($0.message)" }
    }

    var errors: [String] { remarks.filter { $0.severity == .error }.map(\.description) }
}
