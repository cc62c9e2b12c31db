internal import DaemonConfiguration

/// A `process` block.
struct ExaBGPProcess {
    var name: String
    var line: Int
    /// Program and arguments.
    var run: [String] = []
    var runLine = 0
    var encoder = "text"
    var respawns = true
    /// Of 3.4: what it is told stands in the block.
    var api = ExaBGPAPI()

    init(_ statement: ExaBGPStatement, _ notes: inout ExaBGPNotes) {
        name = statement.text
        line = statement.line
        if name.isEmpty { notes.error(statement, "it needs a name") }
        let known = ExaBGPKey.processKeys.map(\.name)
        for inner in notes.separated(statement.block ?? [], known: known) { take(inner, &notes) }
        if run.isEmpty { notes.error(statement, "\(name) has no run, the program to start") }
    }

    private mutating func take(_ statement: ExaBGPStatement, _ notes: inout ExaBGPNotes) {
        let known = ExaBGPKey.processKeys
        guard let key = known.first(where: { $0.name == statement.keyword }) else {
            return notes.unknown(statement, in: "process", known: known.map(\.name))
        }
        switch key.name {
        case "run":
            run = Array(statement.words.dropFirst())
            runLine = statement.line
        case "encoder":
            guard ["text", "json"].contains(statement.text) else {
                return notes.error(statement, "\"\(ExaBGPNotes.shown(statement.text))\" is neither text nor json")
            }
            encoder = statement.text
        case "respawn": respawns = notes.flag(statement) ?? true
        case "neighbor-changes": api.tellsChanges = notes.flag(statement) ?? false
        case "receive":
            for inner in statement.block ?? [] {
                switch inner.keyword {
                case "neighbor-changes": api.tellsChanges = true
                default: notes.warn(inner, "what a neighbor says is not told")
                }
            }
        default: notes.warn(statement, key.remark)
        }
    }

    // MARK: Named pipes

    /// The named pipe that the process does nothing but read; nil where it is a program of its own.
    ///
    /// ExaBGP has no shell, so of the forms that guides give the first never works there, and with the second it stops
    /// as soon as a writer has gone.
    var pipe: String? {
        let words = run.flatMap { $0.split { " \t;".contains($0) }.map(String.init) }
        guard let program = words.first.map({ LegacyPath.name(of: $0) }) else { return nil }
        let rest = Array(words.dropFirst())
        switch program {
        case "mkfifo":
            return Self.onlyPath(rest.filter { $0 != "&&" && LegacyPath.name(of: $0) != "cat" && !isTail($0) })
        case "cat", "tail": return Self.onlyPath(rest)
        case "socat":
            let places = rest.filter { !["stdout", "STDOUT", "-"].contains($0) && !$0.hasPrefix("-") }
            let pipes = places.compactMap { place -> String? in
                let parts = place.split(separator: ":", maxSplits: 1).map(String.init)
                guard parts.count == 2, ["pipe", "fifo", "open", "gopen"].contains(parts[0].lowercased()) else {
                    return nil
                }
                return parts[1].split(separator: ",").first.map(String.init)
            }
            return places.count == 1 ? Self.onlyPath(pipes) : nil
        case "sh", "bash", "dash":
            // The shell may do anything: only where all that stands there is about one path and reading it.
            guard rest.first == "-c" else { return nil }
            let known = [
                "rm", "mkfifo", "cat", "tail", "exec", "test", "[", "]", "while", "true", "do", "done", "||", "&&", "!",
            ]
            return Self.onlyPath(rest.dropFirst().filter { !known.contains(LegacyPath.name(of: $0)) })
        case let name where name.hasPrefix("python"): return pipeOfPython
        default: return nil
        }
    }

    private func isTail(_ word: String) -> Bool { LegacyPath.name(of: word) == "tail" }

    /// `python -c "… open('/run/exabgp.cmd') …"`, which prints what it reads.
    private var pipeOfPython: String? {
        guard run.count >= 3, run[1] == "-c" || run[1] == "-u" && run[2] == "-c", let code = run.last,
            let open = code.range(of: "open("), code.contains("write(") || code.contains("print")
        else { return nil }
        let rest = code[open.upperBound...]
        guard let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
        let path = String(rest.dropFirst().prefix { $0 != quote })
        return Self.onlyPath([path])
    }

    /// The one path that all the words are, options aside.
    private static func onlyPath(_ words: [String]) -> String? {
        let paths = Set(words.filter { !$0.hasPrefix("-") })
        guard paths.count == 1, let path = paths.first, path.hasPrefix("/"), !path.hasPrefix("/dev/") else {
            return nil
        }
        return path
    }

    // MARK: What becomes of it

    func pipeNode(_ path: String, _ notes: ExaBGPNotes) -> ConfigurationNode {
        let place = notes.place(runLine)
        var node = ConfigurationNode.mapping([("path", .text(path, at: place))], at: place)
        node.comment = "process \(name), which was to read it"
        return node
    }

    /// - Parameters:
    ///   - neighbors: those that it speaks to; nil for all.
    ///   - events: what it is told.
    func node(neighbors: [String]?, events: [String], _ notes: ExaBGPNotes) -> ConfigurationNode {
        let place = notes.place(line)
        let atRun = notes.place(runLine)
        var command = run
        if let program = command.first, !program.hasPrefix("/"), program.contains("/") {
            command[0] = LegacyPath.folder(of: notes.file) + program
        }
        var entries: [(String, ConfigurationNode)] = [
            ("name", .text(name, at: place)), ("run", .list(command.map { .text($0, at: atRun) }, at: atRun)),
            ("encoder", .text(encoder, at: place)), ("respawn", .text(respawns ? "true" : "false", at: place)),
        ]
        if let neighbors { entries.append(("neighbors", .list(neighbors.map { .text($0, at: place) }, at: place))) }
        if !events.isEmpty { entries.append(("events", .list(events.map { .text($0, at: place) }, at: place))) }
        return .mapping(entries, at: place)
    }
}

extension StringProtocol {
    /// Where a text stands for the first time.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            formIndex(after: &start)
        }
        return nil
    }
}
