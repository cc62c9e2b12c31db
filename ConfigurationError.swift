/// One mistake in a configuration: where it is, what stands there, and what should.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// From 1.
    public var line: Int
    /// From 1, in Unicode scalars.
    public var column: Int
    /// The path of the key, such as `bgp.neighbors[1].remote_as`; empty for the file as a whole.
    public var key: String
    /// What stands there; nil where something is missing or the key itself is wrong.
    public var value: String?
    /// What is wrong with it, as a continuation of key and value: `has no unit`.
    public var problem: String
    /// What would be right: `a time such as 100ms, 1s or 30m`. Nil where the problem says it all.
    public var expected: String?

    public init(
        file: String, line: Int, column: Int, key: String, value: String? = nil, problem: String,
        expected: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.value = value
        self.problem = problem
        self.expected = expected
    }

    /// ``floodgate.yaml:12:9: detection.window: `1` has no unit; expected a time such as …``
    public var description: String {
        var text = "\(file):\(line):\(column): "
        if !key.isEmpty { text += key + ": " }
        if let value { text += "`\(Self.shortened(value))` " }
        text += problem
        if let expected { text += "; expected " + expected }
        return text
    }

    /// On one line, and never so long that it hides the message. Control characters cannot reach a terminal.
    private static func shortened(_ value: String) -> String {
        let printable = value.unicodeScalars.prefix(81).map { scalar -> Character in
            scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? " " : Character(scalar)
        }
        return printable.count > 80 ? String(printable.prefix(77)) + "..." : String(printable)
    }
}

/// Everything that is wrong with a configuration, in the order of the files.
public struct ConfigurationErrors: Error, Sendable, Hashable, CustomStringConvertible {
    /// Never empty when thrown.
    public var errors: [ConfigurationError]

    public init(_ errors: [ConfigurationError]) { self.errors = errors }

    /// One error on each line.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
