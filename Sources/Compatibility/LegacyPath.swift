/// Paths as text: nothing is looked up.
enum LegacyPath {
    /// With its slash; empty for a file in the working directory.
    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    static func name(of path: String) -> String { String(path.dropFirst(folder(of: path).count)) }

    /// A name as the file that mentions it means it, and then the file of that name that lies beside it.
    static func places(of path: String, namedIn file: String) -> [String] {
        let folder = folder(of: file)
        let named = path.hasPrefix("/") ? path : folder + path
        let beside = folder + name(of: path)
        return named == beside ? [named] : [named, beside]
    }
}
