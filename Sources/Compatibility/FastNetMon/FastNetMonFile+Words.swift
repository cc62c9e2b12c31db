public import DaemonConfiguration

extension FastNetMonFile {
    /// A mistake that was found in what became of a `fastnetmon.conf`, with the key of the line that it comes from.
    ///
    /// - Parameters:
    ///   - file: the file; mistakes of others are left as they are.
    ///   - text: what stands in it.
    public static func inItsWords(_ error: ConfigurationError, file: String?, text: String) -> ConfigurationError {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard error.file == file, lines.indices.contains(error.line - 1) else { return error }
        let parts = lines[error.line - 1].split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return error }
        var told = error
        told.key = FastNetMonLines.trim(parts[0])
        // What they are to us is a value of the line to its author.
        if let value = told.value, value.hasPrefix("a ") { told.value = nil }
        return told
    }
}
