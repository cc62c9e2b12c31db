internal import DaemonConfiguration
internal import FlowSpec
internal import NetworkTypes

/// Goes over the statements of a file, and makes the document of them.
struct ExaBGPReader {
    var notes: ExaBGPNotes
    private var syntax: ExaBGPSyntax?
    private var templates: [String: [ExaBGPStatement]] = [:]
    /// Lines with names of templates that there are none of: each is told once.
    private var missing: Set<String> = []
    private(set) var processes: [ExaBGPProcess] = []
    private(set) var neighbors: [ExaBGPNeighbor] = []
    /// How many more statements may be gone over: a template counts each time that it is inherited.
    private var room = 200_000

    private static let outermost = ["process", "template", "neighbor", "group"]
    private static let neighborWords = ExaBGPKey.neighborKeys.map(\.name)
    private static let familyWords = ["ipv4", "ipv6", "l2vpn", "bgp-ls", "all", "minimal", "inet", "inet4", "inet6"]
    /// Routes by their first tokens: those of a template are read once. Nil for what was refused.
    private var routes: [Int: ExaBGPRoute?] = [:]

    /// Templates within templates at most.
    private static let maximumDepth = 16

    init(file: String) { notes = ExaBGPNotes(file: file) }

    var document: LegacyDocument {
        var writer = ExaBGPDocument(notes: notes)
        let root = writer.document(processes, neighbors)
        return LegacyDocument(document: root, remarks: writer.notes.remarks.sorted { $0.place.line < $1.place.line })
    }

    mutating func read(_ syntax: ExaBGPSyntax) {
        self.syntax = syntax
        for fault in syntax.faults { notes.add(.error, fault.line, fault.keyword, fault.message) }
        let statements = notes.separated(syntax.statements, known: Self.outermost)
        // Templates may stand behind those who inherit them.
        for statement in statements where statement.keyword == "template" { readTemplates(statement) }
        for statement in statements {
            switch statement.keyword {
            case "template": break
            case "process": readProcess(statement)
            case "neighbor": readNeighbor(statement, sharing: [])
            case "group": readGroup(statement)
            default: notes.unknown(statement, in: "the file", known: Self.outermost)
            }
        }
        if room <= 0 { notes.add(.error, 0, "", "it is too large once templates are put in") }
    }

    private mutating func readTemplates(_ statement: ExaBGPStatement) {
        func isKnown(_ name: String) -> Bool { templates[name] != nil }
        func insert(_ name: String, _ block: [ExaBGPStatement]?) {
            if name.isEmpty { notes.error(statement, "it needs a name") }
            if isKnown(name) { notes.error(statement, "there is another template \(name)") }
            templates[name] = notes.separated(block ?? [], known: Self.neighborWords)
        }
        // `template NAME { … }` of 3.4.
        guard statement.text.isEmpty else { return insert(statement.text, statement.block) }
        for inner in statement.block ?? [] {
            guard inner.keyword == "neighbor" else {
                notes.unknown(inner, in: "template", known: ["neighbor"])
                continue
            }
            insert(inner.text, inner.block)
        }
    }

    private mutating func readProcess(_ statement: ExaBGPStatement) {
        let process = ExaBGPProcess(statement, &notes)
        if let former = processes.first(where: { $0.name == process.name }) {
            // Of 3.4: the same process in several neighbors.
            if former.run != process.run { notes.error(statement, "there is another process \(process.name)") }
            return
        }
        processes.append(process)
    }

    /// What stands in a group holds for each of its neighbors.
    private mutating func readGroup(_ statement: ExaBGPStatement) {
        let inner = notes.separated(statement.block ?? [], known: Self.neighborWords + ["neighbor"])
        let shared = inner.filter { $0.keyword != "neighbor" }
        let members = inner.filter { $0.keyword == "neighbor" }
        if members.isEmpty { notes.warn(statement, "no neighbor stands in it") }
        for member in members { readNeighbor(member, sharing: shared) }
    }

    private mutating func readNeighbor(_ statement: ExaBGPStatement, sharing shared: [ExaBGPStatement]) {
        var neighbor = ExaBGPNeighbor(statement.text, line: statement.line)
        let all = shared + notes.separated(statement.block ?? [], known: Self.neighborWords)
        for name in inherited(all) { apply(template: name, of: statement, to: &neighbor, depth: 0) }
        for inner in all { take(inner, &neighbor) }
        neighbors.append(neighbor)
    }

    private func inherited(_ statements: [ExaBGPStatement]) -> [String] {
        statements.filter { $0.keyword == "inherit" }.flatMap(\.values)
    }

    private mutating func apply(
        template name: String,
        of statement: ExaBGPStatement,
        to neighbor: inout ExaBGPNeighbor,
        depth: Int
    ) {
        // Templates that inherit each other more than once each grow by powers.
        guard room > 0 else { return }
        room -= 10
        guard let template = templates[name] else {
            guard missing.insert("\(statement.line) \(name)").inserted else { return }
            let hint = Spelling.nearest(to: name, among: templates.keys.sorted()).map { "; did you mean \($0)?" } ?? ""
            notes.error(statement, "there is no template \(ExaBGPNotes.shown(name))\(hint)")
            return
        }
        guard depth < Self.maximumDepth else {
            notes.error(statement, "templates inherit each other more than \(Self.maximumDepth) times")
            return
        }
        for inner in inherited(template) { apply(template: inner, of: statement, to: &neighbor, depth: depth + 1) }
        for inner in template { take(inner, &neighbor) }
    }

    // MARK: Within a neighbor

    private mutating func take(_ statement: ExaBGPStatement, _ neighbor: inout ExaBGPNeighbor) {
        guard room > 0 else { return }
        room -= 1
        let inner = notes.separated(statement.block ?? [], known: Self.words(in: statement.keyword))
        switch statement.keyword {
        case "inherit": break
        case "family": readFamilies(inner, &neighbor)
        case "nexthop": readNextHops(statement, &neighbor)
        case "capability": for key in inner { ExaBGPKey.take(key, in: .capability, &neighbor, &notes) }
        case "api": readAPI(inner, &neighbor)
        case "process": readOwnProcess(statement, &neighbor)
        case "static": for route in inner { readRoute(route, "announce route", skipping: 1, ["route"], &neighbor) }
        case "route": readRoute(statement, "announce route", skipping: 1, ["route"], &neighbor)
        case "flow": for route in inner { readRoute(route, "announce flow route", skipping: 1, ["route"], &neighbor) }
        case "announce": for family in inner { readAnnounced(family, &neighbor) }
        default: ExaBGPKey.take(statement, in: .neighbor, &neighbor, &notes)
        }
    }

    /// What statements of a block may begin with.
    private static func words(in section: String) -> [String] {
        switch section {
        case "family", "announce", "nexthop": familyWords
        case "capability": ExaBGPKey.capabilityKeys.map(\.name)
        case "api": ExaBGPKey.apiKeys.map(\.name)
        case "static", "flow": ["route"]
        default: []
        }
    }

    private mutating func readFamilies(_ statements: [ExaBGPStatement], _ neighbor: inout ExaBGPNeighbor) {
        neighbor.namesFamilies = true
        func add(_ names: [String], _ statement: ExaBGPStatement) {
            for name in names where !neighbor.families.contains(where: { $0.scalar == name }) {
                neighbor.families.append(notes.text(name, statement))
            }
        }
        for statement in statements {
            let kind = statement.text
            switch statement.keyword {
            case "all": add(ExaBGPNeighbor.allFamilies, statement)
            case "minimal": add(["ipv4-unicast"], statement)
            case "ipv4", "inet", "inet4", "ipv6", "inet6":
                let version = statement.keyword.hasSuffix("6") ? "ipv6" : "ipv4"
                switch kind {
                case "unicast": add(["\(version)-unicast"], statement)
                case "flow", "flowspec": add(["\(version)-flowspec"], statement)
                case "flow-vpn": add(["\(version)-flowspec-vpn"], statement)
                default: notSpoken(statement)
                }
            case "l2vpn", "bgp-ls": notSpoken(statement)
            default: notes.unknown(statement, in: "family", known: Self.familyWords)
            }
        }
    }

    private static let spokenFamilies = ["unicast", "flow", "flow-vpn"]
    private static let otherFamilies = [
        "multicast", "nlri-mpls", "labeled-unicast", "mpls-vpn", "mcast-vpn", "mup", "vpls", "evpn", "bgp-ls",
        "bgp-ls-vpn", "sr-policy", "rtc",
    ]

    private mutating func notSpoken(_ statement: ExaBGPStatement) {
        guard Self.otherFamilies.contains(statement.text) else {
            let hint = Spelling.nearest(to: statement.text, among: Self.spokenFamilies + Self.otherFamilies)
            notes.error(
                statement,
                "there is no family \(ExaBGPNotes.shown(statement.text))\(hint.map { "; did you mean \($0)?" } ?? "")"
            )
            return
        }
        notes.warn(statement, "\(statement.text) is not spoken: unicast, flow and flow-vpn are, of IPv4 and IPv6")
    }

    /// Which prefixes may have next hops of the other family: `ipv4 unicast ipv6;`.
    private mutating func readNextHops(_ statement: ExaBGPStatement, _ neighbor: inout ExaBGPNeighbor) {
        neighbor.nextHopLine = statement.line
        for inner in statement.block ?? [] {
            switch inner.keyword {
            case "ipv4" where inner.values == ["unicast", "ipv6"]: neighbor.hasIPv6NextHops = true
            case "ipv4", "ipv6":
                notes.warn(inner, "\(ExaBGPNotes.shown(inner.text)) is not offered: ipv4 unicast ipv6 is")
            default: notes.unknown(inner, in: "nexthop", known: ["ipv4", "ipv6"])
            }
        }
    }

    private mutating func readAPI(_ statements: [ExaBGPStatement], _ neighbor: inout ExaBGPNeighbor) {
        neighbor.apis.append(ExaBGPAPI())
        for statement in statements {
            switch statement.keyword {
            case "receive", "send":
                let messages = statement.block ?? []
                // What has no effect is said once for all of them.
                let known = ExaBGPKey.messageKeys.map(\.name)
                for message in messages where !known.contains(message.keyword) {
                    notes.unknown(message, in: statement.keyword, known: known)
                }
                if !messages.isEmpty { ExaBGPKey.take(statement, in: .api, &neighbor, &notes) }
            default: ExaBGPKey.take(statement, in: .api, &neighbor, &notes)
            }
        }
    }

    /// Of 3.4: the process of a neighbor stands within it.
    private mutating func readOwnProcess(_ statement: ExaBGPStatement, _ neighbor: inout ExaBGPNeighbor) {
        readProcess(statement)
        var api = ExaBGPProcess(statement, &notes).api
        api.processes = [(statement.text, statement.line)]
        neighbor.apis.append(api)
    }

    // MARK: Routes

    private mutating func readAnnounced(_ family: ExaBGPStatement, _ neighbor: inout ExaBGPNeighbor) {
        switch family.keyword {
        case "ipv4", "ipv6":
            let known = Self.spokenFamilies + Self.otherFamilies
            for route in notes.separated(family.block ?? [], known: known) {
                if Self.otherFamilies.contains(route.keyword) {
                    notes.warn(route, "\(route.keyword) is not announced: unicast, flow and flow-vpn are")
                    continue
                }
                readRoute(route, "announce \(family.keyword)", skipping: 0, Self.spokenFamilies, &neighbor)
            }
        case "l2vpn": notes.warn(family, "VPLS and EVPN are not announced")
        default: notes.unknown(family, in: "announce", known: ["ipv4", "ipv6", "l2vpn"])
        }
    }

    private mutating func readRoute(
        _ statement: ExaBGPStatement,
        _ prefix: String,
        skipping count: Int,
        _ known: [String],
        _ neighbor: inout ExaBGPNeighbor
    ) {
        guard room > 0 else { return }
        room -= 1
        let read: ExaBGPRoute?
        if let former = routes[statement.tokens.lowerBound] {
            read = former
        } else {
            read = route(statement, prefix, skipping: count, known)
            routes[statement.tokens.lowerBound] = .some(read)
        }
        if let read { neighbor.routes.append(read) }
    }

    private mutating func route(
        _ statement: ExaBGPStatement,
        _ prefix: String,
        skipping count: Int,
        _ known: [String]
    ) -> ExaBGPRoute? {
        // Where a semicolon was missing, that is said.
        guard let syntax, !statement.isPart else { return nil }
        guard known.contains(statement.keyword) else {
            notes.unknown(statement, in: "it", known: known)
            return nil
        }
        let words = statement.words.dropFirst() + (statement.block ?? []).map(\.keyword)
        let isRule = prefix.hasSuffix("flow route") || statement.keyword.hasPrefix("flow")
        if let key = ExaBGPKey.routeKeys.first(where: { words.contains($0.name) && !(isRule && $0.isOfRules) }) {
            notes.add(.warning, statement.line, key.name, "this route is left out: \(key.why)")
            return nil
        }
        let command = syntax.command(statement, prefix: prefix, skipping: count)
        do {
            _ = try FlowSpecText.parse(command.text)
            return ExaBGPRoute(command: command, statement: statement)
        } catch {
            guard !syntax.isFaulty(statement) else { return nil }
            let line = command.line(ofColumn: error.column)
            notes.add(.error, line, statement.keyword, "\(error.reason): \(error.excerpt.trimmed)")
            return nil
        }
    }
}

extension ExaBGPKey {
    /// Why routes with it are left out.
    var why: String { String(remark.drop { $0 != ":" }.dropFirst(2)) }
    /// Whether a rule may name it.
    fileprivate var isOfRules: Bool { if case .becomes = effect { true } else { false } }
}

extension String {
    fileprivate var trimmed: String { split(separator: " ").joined(separator: " ") }
}
