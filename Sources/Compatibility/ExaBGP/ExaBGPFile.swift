internal import FlowSpec

/// The configuration of ExaBGP 3.4, 4.2 and 5.0.
public enum ExaBGPFile {
    /// Reads it into the keys of `floodgate.yaml`. What cannot be taken is among the remarks; it never fails otherwise.
    ///
    /// - Parameter file: its path, by which it is named and beside which its programs lie.
    public static func read(_ text: String, file: String) -> LegacyDocument {
        var reader = ExaBGPReader(file: file)
        do {
            reader.read(try ExaBGPSyntax(text))
        } catch {
            reader.notes.add(.error, error.line, "", "column \(error.column): \(error.reason)")
        }
        return reader.document
    }
}
