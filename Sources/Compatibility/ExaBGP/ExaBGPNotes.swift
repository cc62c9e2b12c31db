internal import DaemonConfiguration

/// What is said of a file while it is read.
struct ExaBGPNotes {
    let file: String
    private(set) var remarks: [LegacyRemark] = []
    private var seen: Set<LegacyRemark> = []

    init(file: String) { self.file = file }

    func place(_ line: Int) -> ConfigurationNode.Place { .init(file: file, line: line) }

    /// What a template says is told once, however many neighbors inherit it.
    mutating func add(_ severity: LegacyRemark.Severity, _ line: Int, _ key: String, _ message: String) {
        let remark = LegacyRemark(severity, at: place(line), key: key, message)
        if seen.insert(remark).inserted { remarks.append(remark) }
    }

    mutating func error(_ statement: ExaBGPStatement, _ message: String) {
        add(.error, statement.line, statement.keyword, message)
    }

    mutating func warn(_ statement: ExaBGPStatement, _ message: String) {
        add(.warning, statement.line, statement.keyword, message)
    }

    mutating func note(_ statement: ExaBGPStatement, _ message: String) {
        add(.note, statement.line, statement.keyword, message)
    }

    /// A word that nobody knows.
    mutating func unknown(_ statement: ExaBGPStatement, in section: String, known: [String]) {
        let hint = Spelling.nearest(to: statement.keyword, among: known).map { "; did you mean \($0)?" } ?? ""
        error(statement, "\(section) has no such key\(hint)")
    }

    /// Statements, where one that has swallowed the next, as its semicolon is missing, is two.
    ///
    /// A statement may go on in the next line; it has ended where that begins with a word that begins statements here.
    mutating func separated(_ statements: [ExaBGPStatement], known: [String]) -> [ExaBGPStatement] {
        statements.flatMap { statement -> [ExaBGPStatement] in
            let cuts = statement.beginnings.filter { known.contains(statement.words[$0.word]) }
            guard !cuts.isEmpty else { return [statement] }
            var parts: [ExaBGPStatement] = []
            var (start, line) = (0, statement.line)
            for cut in cuts + [(statement.words.count, 0)] {
                var part = statement
                part.words = Array(statement.words[start..<cut.word])
                part.line = line
                part.beginnings = []
                part.isPart = true
                let isLast = cut.word == statement.words.count
                if !isLast {
                    part.block = nil
                    let message = ExaBGPSyntax.missing(behind: part.words.last ?? "")
                    let end = statement.beginnings.last { $0.word < cut.word }?.line ?? statement.line
                    add(.error, end, part.keyword, "\(message), before \(statement.words[cut.word])")
                }
                parts.append(part)
                (start, line) = (cut.word, cut.line)
            }
            return parts
        }
    }

    // MARK: Values

    func text(_ text: String, _ statement: ExaBGPStatement) -> ConfigurationNode {
        .text(text, at: place(statement.line))
    }

    /// `true`, `enable`, `disabled` and the like; without a value it is true.
    mutating func flag(_ statement: ExaBGPStatement) -> Bool? {
        switch statement.text.lowercased() {
        case "", "true", "enable", "enabled": return true
        case "false", "disable", "disabled": return false
        default:
            error(statement, "\"\(Self.shown(statement.text))\" is neither true nor false")
            return nil
        }
    }

    mutating func number(_ statement: ExaBGPStatement, in range: ClosedRange<Int>) -> Int? {
        if let number = Int(statement.text), range.contains(number) { return number }
        let found = Self.shown(statement.text)
        error(statement, "\"\(found)\" is no whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    static func shown(_ text: String) -> String { text.utf8.count <= 80 ? text : String(text.prefix(80)) + "…" }
}
