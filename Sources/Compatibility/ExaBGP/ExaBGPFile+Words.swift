public import DaemonConfiguration

extension ExaBGPFile {
    /// A mistake that was found in what became of a file of ExaBGP's, with the key that its author wrote.
    ///
    /// - Parameter file: the file; mistakes of others are left as they are.
    public static func inItsWords(_ error: ConfigurationError, file: String?) -> ConfigurationError {
        guard error.file == file, let name = name(of: error.key) else { return error }
        var told = error
        told.key = name
        return told
    }

    /// The key that becomes one of ours: `hold-time` for `bgp.neighbors[2].hold_time`, and for what lies below it.
    static func name(of key: String) -> String? {
        let parts = plain(key).split(separator: ".")
        for count in stride(from: parts.count, to: 0, by: -1) {
            let path = parts.prefix(count).joined(separator: ".")
            for section in ExaBGPKey.Section.allCases {
                for known in ExaBGPKey.all(in: section) {
                    if case .becomes(path) = known.effect { return known.name }
                }
            }
        }
        return nil
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
