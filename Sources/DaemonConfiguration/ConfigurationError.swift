/// One mistake in a configuration.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// From 1; 0 when the mistake is of the whole file.
    public var line: Int
    /// From 1; 0 when the mistake is of the whole line.
    public var column: Int
    /// The path to the key: `bgp.neighbors[1].remote_as`; empty for the whole file.
    public var key: String
    /// What stands there; nil when something is missing.
    public var value: String?
    public var expected: String

    /// `floodgate.yaml:12:9: detection.window: found "1", expected …`.
    public var description: String {
        let place = line > 0 ? column > 0 ? "\(file):\(line):\(column)" : "\(file):\(line)" : file
        let found = value.map { "found \"\($0)\", " } ?? ""
        return "\(place): \(key.isEmpty ? "" : "\(key): ")\(found)expected \(expected)"
    }
}

/// All mistakes of a configuration, in the order of the file.
public struct ConfigurationErrors: Error, Sendable, CustomStringConvertible {
    public var errors: [ConfigurationError]

    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
