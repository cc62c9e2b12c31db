public import DaemonConfiguration

/// What the files of FastNetMon and ExaBGP say together.
public enum LegacyFiles {
    /// Reads the files that are named.
    ///
    /// - Parameters:
    ///   - fastnetmon: the path of a `fastnetmon.conf`.
    ///   - exabgp: the path of an `exabgp.conf`.
    ///   - hasNeighbors: whether neighbors are given elsewhere.
    ///   - hasTelemetry: whether it is said elsewhere where telemetry comes in.
    ///   - readFile: gives the text of a file; throws what is to be said when it cannot.
    public static func read(
        fastnetmon: String?,
        exabgp: String?,
        hasNeighbors: Bool = false,
        hasTelemetry: Bool = false,
        readFile: (String) throws -> String
    ) -> LegacyDocument {
        read(
            fastnetmon: fastnetmon,
            exabgp: exabgp,
            hasNeighbors: hasNeighbors,
            hasTelemetry: hasTelemetry,
            readExaBGP: { ExaBGPFile.read($0, file: $1) },
            readFile: readFile
        )
    }

    static func read(
        fastnetmon: String?,
        exabgp: String?,
        hasNeighbors: Bool,
        hasTelemetry: Bool = false,
        readExaBGP: (_ text: String, _ file: String) -> LegacyDocument,
        readFile: (String) throws -> String
    ) -> LegacyDocument {
        // Read first: FastNetMon's pipe is one to read or one to write to, as there are neighbors or not.
        let speaker = exabgp.map { path in
            load(path, readFile) { readExaBGP($0, path) }
        }
        let neighbors = speaker?.document.value("bgp", "neighbors")?.list ?? []
        let detector = fastnetmon.map { path in
            load(path, readFile) { text in
                FastNetMonFile.read(
                    text,
                    file: path,
                    hasNeighbors: hasNeighbors || !neighbors.isEmpty,
                    hasTelemetry: hasTelemetry,
                    readFile: readFile
                )
            }
        }
        return [detector, speaker].compactMap { $0 }.reduce(nil) { $0?.joined(with: $1) ?? $1 }
            ?? LegacyDocument(document: ConfigurationNode(.mapping([]), place: .init(file: "")))
    }

    private static func load(
        _ path: String,
        _ readFile: (String) throws -> String,
        _ read: (String) -> LegacyDocument
    ) -> LegacyDocument {
        do {
            return read(try readFile(path))
        } catch {
            return unreadable(path, "cannot be read: \(error)")
        }
    }

    /// A mistake in what became of the files, as it is told of the file: in its words where it comes of one of these.
    public static func told(
        _ error: ConfigurationError,
        fastnetmon: String?,
        exabgp: String?,
        readFile: (String) throws -> String
    ) -> String {
        guard [fastnetmon, exabgp].contains(error.file), let text = try? readFile(error.file) else {
            return error.description
        }
        let ofDetector = FastNetMonFile.inItsWords(error, file: fastnetmon, text: text)
        let told = ExaBGPFile.inItsWords(ofDetector, file: exabgp, text: text)
        let found = told.value.map { "found \"\($0)\", " } ?? ""
        let place = ConfigurationNode.Place(file: told.file, line: told.line)
        return LegacyRemark(.error, at: place, key: told.key, "\(found)expected \(told.expected)").description
    }

    private static func unreadable(_ path: String, _ message: String) -> LegacyDocument {
        let place = ConfigurationNode.Place(file: path)
        return LegacyDocument(
            document: ConfigurationNode(.mapping([]), place: place),
            remarks: [LegacyRemark(.error, at: place, key: "", message)]
        )
    }
}

extension LegacyDocument {
    /// Both, of which neither takes anything away from the other: pipes of both are pipes of the whole.
    func joined(with other: LegacyDocument) -> LegacyDocument {
        var joined = document.overlaid(by: other.document)
        joined.place = document.place
        for key in ["exabgp_pipe", "exabgp_writer"] {
            guard let mine = document.value(key), let others = other.document.value(key) else { continue }
            var pipes = others.list ?? [others]
            for pipe in mine.list ?? [mine]
            where !pipes.contains(where: { $0.value("path")?.scalar == pipe.value("path")?.scalar }) {
                pipes.append(pipe)
            }
            let value = pipes.count == 1 ? pipes[0] : .list(pipes, at: others.place)
            // Put in place, as a mapping laid on a mapping would mix the two.
            joined.replace(key, with: value)
        }
        return LegacyDocument(document: joined, remarks: remarks + other.remarks)
    }

    /// The document as YAML, with all remarks at its head.
    public var yaml: String {
        var written = document
        let head = written.comment.map { [$0] } ?? []
        written.comment = (head + remarks.map(\.description)).joined(separator: "\n")
        if written.comment?.isEmpty == true { written.comment = nil }
        return written.yaml
    }
}

extension ConfigurationNode {
    fileprivate mutating func replace(_ key: String, with value: ConfigurationNode) {
        guard var entries = mapping, let index = entries.firstIndex(where: { $0.key.scalar == key }) else { return }
        entries[index].value = value
        content = .mapping(entries)
    }
}
