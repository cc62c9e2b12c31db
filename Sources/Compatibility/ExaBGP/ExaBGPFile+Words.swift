public import DaemonConfiguration

extension ExaBGPFile {
    /// A mistake that was found in what became of a file of ExaBGP's, with the key that its author wrote.
    ///
    /// - Parameters:
    ///   - file: the file; mistakes of others are left as they are.
    ///   - text: what stands in it, for the key that the author chose where several become the same.
    public static func inItsWords(_ error: ConfigurationError, file: String?, text: String = "") -> ConfigurationError {
        let names = names(of: error.key)
        guard error.file == file, let first = names.first else { return error }
        let written = words(ofLine: error.line, in: text)
        var told = error
        told.key = names.first(where: written.contains) ?? first
        if told.key == "router-id", error.value == nil {
            told.expected = "it in the neighbor, or an IPv4 local-address, which is taken for it"
        }
        for (ours, theirs) in phrases { told.expected = told.expected.replacing(ours, with: theirs) }
        return told
    }

    /// What mistakes say of other keys.
    private static let phrases = [
        ("bgp.listen", "listen"), ("in bgp.neighbors", "of the file"), ("ttl_security", "incoming-ttl"),
        ("ipv4-unicast", "ipv4 unicast"),
    ]

    /// The keys that become one of ours: `hold-time` for `bgp.neighbors[2].hold_time`, and for what lies below it.
    static func names(of key: String) -> [String] {
        let parts = plain(key).split(separator: ".")
        for count in stride(from: parts.count, to: 0, by: -1) {
            let path = parts.prefix(count).joined(separator: ".")
            let names = ExaBGPKey.Section.allCases.flatMap { ExaBGPKey.all(in: $0) }.filter { known in
                if case .becomes(path) = known.effect { true } else { false }
            }.map(\.name)
            // Most neighbors are named by their address, where they begin.
            if path == "bgp.neighbors[].address" { return ["neighbor"] + names }
            if !names.isEmpty { return names }
        }
        return []
    }

    private static func words(ofLine line: Int, in text: String) -> Set<String> {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(line - 1) else { return [] }
        return Set(lines[line - 1].split { " \t\r;{}[]".contains($0) }.map(String.init))
    }

    /// Without the numbers of lists; one at the end is that of a value.
    private static func plain(_ key: String) -> String {
        var text = ""
        var isNumber = false
        for character in key {
            if character == "[" { isNumber = true }
            if !isNumber || character == "[" || character == "]" { text.append(character) }
            if character == "]" { isNumber = false }
        }
        return text.hasSuffix("[]") ? String(text.dropLast(2)) : text
    }
}
