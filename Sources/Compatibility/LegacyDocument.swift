public import DaemonConfiguration

/// A file of another program, as configuration of ours.
public struct LegacyDocument: Sendable {
    /// Keys and values of `floodgate.yaml`, with the places of the legacy file.
    public var document: ConfigurationNode
    /// What its author has to know, in the order of the file.
    public var remarks: [LegacyRemark]

    public init(document: ConfigurationNode, remarks: [LegacyRemark] = []) {
        self.document = document
        self.remarks = remarks
    }
}

/// Something to be said of a line in another program's file.
public struct LegacyRemark: Sendable, Hashable, CustomStringConvertible {
    public enum Severity: String, Sendable, Hashable {
        /// It cannot be taken as it is; nothing runs until it is mended.
        case error
        /// It has no effect, or another than its author is likely to expect.
        case warning
        /// It is taken, in a way that is worth knowing.
        case note
    }

    public var severity: Severity
    public var place: ConfigurationNode.Place
    /// The key as it is written there; empty for the whole line.
    public var key: String
    /// What stands there, and what to do.
    public var message: String

    public init(_ severity: Severity, at place: ConfigurationNode.Place, key: String, _ message: String) {
        self.severity = severity
        self.place = place
        self.key = key
        self.message = message
    }

    /// `fastnetmon.conf:12: error: threshold_pps: …`.
    public var description: String {
        let line = place.line > 0 ? ":\(place.line)" : ""
        return "\(place.file)\(line): \(severity.rawValue): \(key.isEmpty ? "" : "\(key): ")\(message)"
    }
}
