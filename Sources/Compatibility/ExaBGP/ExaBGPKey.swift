/// A key of ExaBGP's configuration, and what becomes of it. The reader and the documentation are made from the same
/// table of these (docs/migrating-from-exabgp.md).
struct ExaBGPKey: Sendable {
    /// The section that it stands in.
    enum Section: String, Sendable, CaseIterable {
        case neighbor
        case capability
        case api
        case messages = "api { receive, send }"
        case process
        case route = "static, announce: attributes of a route"
    }

    enum Effect: Sendable {
        /// It is taken; the key of `floodgate.yaml` that it becomes.
        case becomes(String)
        /// Floodgate does so whatever stands there, or it means nothing here that anybody could miss.
        case isSo
        /// It has no counterpart: a warning says why.
        case hasNone
    }

    typealias Reader = @Sendable (ExaBGPStatement, inout ExaBGPNeighbor, inout ExaBGPNotes) -> Void

    var name: String
    var effect: Effect
    /// What there is to know: it stands in the documentation, and in the warning where it has no effect.
    var remark: String
    /// Nil: nothing is read.
    var read: Reader?

    init(_ name: String, _ effect: Effect, _ remark: String, read: Reader? = nil) {
        self.name = name
        self.effect = effect
        self.remark = remark
        self.read = read
    }

    /// The line of the documentation's table.
    var row: String {
        let becomes =
            switch effect {
            case .becomes(let key): "`\(key)`"
            case .isSo: "is so"
            case .hasNone: "no effect"
            }
        return "| `\(name)` | \(becomes) | \(remark) |"
    }

    static func all(in section: Section) -> [ExaBGPKey] {
        switch section {
        case .neighbor: neighborKeys
        case .capability: capabilityKeys
        case .api: apiKeys
        case .messages: messageKeys
        case .process: processKeys
        case .route: routeKeys
        }
    }

    /// Takes a statement of a neighbor, or of a section within it.
    static func take(
        _ statement: ExaBGPStatement,
        in section: Section,
        _ neighbor: inout ExaBGPNeighbor,
        _ notes: inout ExaBGPNotes
    ) {
        let keys = all(in: section)
        guard let key = keys.first(where: { $0.name == statement.keyword }) else {
            notes.unknown(statement, in: section.rawValue, known: keys.map(\.name))
            return
        }
        // A key of values behind which a ; is missing, and that has run into a block whose name is misspelt.
        if section == .neighbor, statement.block != nil, key.read != nil {
            let shown = ExaBGPNotes.shown(statement.words.last ?? "")
            notes.error(statement, "it takes no block: a ; is missing behind one of its values, or \(shown) is no key")
            return
        }
        if case .hasNone = key.effect, key.read == nil { notes.warn(statement, key.remark) }
        key.read?(statement, &neighbor, &notes)
    }
}
