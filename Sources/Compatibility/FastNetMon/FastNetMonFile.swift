internal import DaemonConfiguration

/// `fastnetmon.conf`, with the lists, the whitelist and the templates that it names or that lie beside it.
public enum FastNetMonFile {
    /// Reads it into keys of ours. What is an error in it has a remark that says so.
    ///
    /// - Parameters:
    ///   - file: its path; other files are looked for beside it.
    ///   - hasNeighbors: whether we speak BGP ourselves: the pipe that it names is then read from, otherwise written to.
    ///   - hasTelemetry: whether it is said elsewhere where telemetry comes in.
    ///   - readFile: gives the text of a file; throws what is to be said when it cannot.
    public static func read(
        _ text: String,
        file: String,
        hasNeighbors: Bool,
        hasTelemetry: Bool = false,
        readFile: (String) throws -> String
    ) -> LegacyDocument {
        var reader = FastNetMonReader(text, file: file, hasNeighbors: hasNeighbors)
        reader.readNetworks(readFile)
        reader.readTelemetry(isGivenElsewhere: hasTelemetry)
        reader.readDetection()
        reader.readMitigation()
        reader.readAnnouncements(readFile)
        reader.readScripts()
        reader.readMetrics()
        reader.readLog()
        reader.remarkOnTheRest()
        return LegacyDocument(document: reader.tree.root, remarks: reader.sortedRemarks)
    }
}
