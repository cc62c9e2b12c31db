internal import DaemonConfiguration
internal import FlowSpec
internal import NetworkTypes

/// Makes the document of what was read.
struct ExaBGPDocument {
    var notes: ExaBGPNotes

    mutating func document(_ processes: [ExaBGPProcess], _ neighbors: [ExaBGPNeighbor]) -> ConfigurationNode {
        var tree = LegacyTree(file: notes.file)
        for process in processes where process.pipe == nil { checkName(process) }
        writeGlobals(neighbors, to: &tree)
        if !neighbors.isEmpty {
            let first = neighbors.first
            var nodes: [ConfigurationNode] = []
            for neighbor in neighbors { nodes.append(node(neighbor, first: first)) }
            tree.set("bgp.neighbors", .list(nodes, at: notes.place(neighbors[0].line)))
        }
        writeProcesses(processes, neighbors, to: &tree)
        writeAnnouncements(neighbors, to: &tree)
        return tree.root
    }

    private mutating func checkName(_ process: ExaBGPProcess) {
        guard process.run.contains(where: { ["&&", "||", "|", ">", "<", ";"].contains($0) }) else { return }
        let message = "there is no shell, here and there: what stands behind \(process.run[0]) are its arguments"
        notes.add(.warning, process.runLine, "run", message)
    }

    // MARK: The whole speaker

    private mutating func writeGlobals(_ neighbors: [ExaBGPNeighbor], to tree: inout LegacyTree) {
        guard let first = neighbors.first else { return }
        if let routerID = identifier(of: first) { tree.set("bgp.router_id", routerID) }
        if let localAS = first.localAS { tree.set("bgp.local_as", localAS) }
        var listen: [ConfigurationNode] = []
        for neighbor in neighbors where neighbor.listenPort != nil || neighbor.isPassive || neighbor.isRange {
            let place = neighbor.listenPort?.place ?? notes.place(neighbor.line)
            let isIPv6 = neighbor.address.contains(":")
            let host = neighbor.localAddress ?? (isIPv6 ? "::" : "0.0.0.0")
            let port = neighbor.listenPort?.scalar ?? "179"
            if neighbor.listenPort == nil {
                let message = "without listen, \(host) port \(port) is taken; what exabgp.env says is not known here"
                notes.add(.note, neighbor.line, neighbor.isPassive ? "passive" : "neighbor", message)
            }
            let text = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            if !listen.contains(where: { $0.scalar == text }) { listen.append(.text(text, at: place)) }
        }
        if let first = listen.first { tree.set("bgp.listen", .list(listen, at: first.place)) }
        let named = neighbors.compactMap(\.hostName)
        if let name = named.first {
            tree.set("bgp.host_name", name)
            for other in named where other.scalar != name.scalar {
                notes.add(.warning, other.place.line, "host-name", "all neighbors are told \(name.scalar ?? "")")
            }
        }
        if let neighbor = neighbors.first(where: \.saysVersion) {
            tree.set("bgp.say_version", .text("true", at: notes.place(neighbor.line)))
        }
    }

    /// As ExaBGP does, an IPv4 address of its own where none is named.
    private func identifier(of neighbor: ExaBGPNeighbor) -> ConfigurationNode? {
        if let routerID = neighbor.routerID { return routerID }
        guard let local = neighbor.values["local_address"], IPAddress(local.scalar ?? "")?.isIPv4 == true else {
            return nil
        }
        return local
    }

    // MARK: Neighbors

    private mutating func node(_ neighbor: ExaBGPNeighbor, first: ExaBGPNeighbor?) -> ConfigurationNode {
        let place = notes.place(neighbor.line)
        var values = neighbor.values
        values["address"] = values["address"] ?? .text(neighbor.name, at: place)
        // ExaBGP's own default is 180 seconds.
        values["hold_time"] = values["hold_time"] ?? .text("180s", at: place)
        if let own = identifier(of: neighbor), own.scalar != first.flatMap(identifier(of:))?.scalar {
            values["router_id"] = own
        }
        if let own = neighbor.localAS, own.scalar != first?.localAS?.scalar { values["local_as"] = own }
        if neighbor.localAS == nil {
            notes.add(.error, neighbor.line, "neighbor", "\(neighbor.name) has no local-as")
        }
        if values["ttl_security"] != nil, let limit = values["multihop"] {
            values["multihop"] = nil
            notes.add(.warning, limit.place.line, "outgoing-ttl", "incoming-ttl sends with a hop limit of 255")
        }
        if let seconds = neighbor.restartTime {
            let at = notes.place(neighbor.restartLine)
            let time = min(seconds == 0 ? neighbor.holdTime : seconds, 4095)
            let text = ConfigurationNode.text("\(max(time, 1))s", at: at)
            values["graceful_restart"] = .mapping([("restart_time", text)], at: at)
        }
        values["password"] = password(of: neighbor)
        if neighbor.isRange, values["passive"] == nil { values["passive"] = .text("true", at: place) }
        values["families"] = families(of: neighbor)
        values["extended_next_hop"] = extendedNextHop(of: neighbor)
        let keys = Self.order.filter { values[$0] != nil } + values.keys.filter { !Self.order.contains($0) }.sorted()
        return .mapping(keys.compactMap { key in values[key].map { (key, $0) } }, at: place)
    }

    private static let order = [
        "address", "port", "local_address", "router_id", "remote_as", "local_as", "families", "passive", "hold_time",
        "password", "ttl_security", "multihop", "graceful_restart", "add_path", "extended_next_hop",
        "description",
    ]

    private mutating func families(of neighbor: ExaBGPNeighbor) -> ConfigurationNode? {
        let place = neighbor.families.first?.place ?? notes.place(neighbor.line)
        if neighbor.namesFamilies {
            if neighbor.families.isEmpty {
                let message =
                    "\(neighbor.name) has none of the families unicast, flow and flow-vpn, which are those spoken"
                notes.add(.error, neighbor.line, "family", message)
            }
            return .list(neighbor.families, at: place)
        }
        return .list(ExaBGPNeighbor.allFamilies.map { .text($0, at: place) }, at: place)
    }

    /// As in ExaBGP, the section alone enables it, and where it stands it says for what.
    private mutating func extendedNextHop(of neighbor: ExaBGPNeighbor) -> ConfigurationNode? {
        let flag = neighbor.nextHopFlag
        guard flag?.scalar != "false", flag != nil || neighbor.nextHopLine != nil else { return nil }
        guard neighbor.nextHopLine == nil || neighbor.hasIPv6NextHops else { return nil }
        let line = flag?.place.line ?? neighbor.nextHopLine ?? neighbor.line
        if neighbor.namesFamilies, !neighbor.families.contains(where: { $0.scalar == "ipv4-unicast" }) {
            let message = "it is offered for ipv4 unicast, which is none of the families of \(neighbor.name)"
            notes.add(.warning, line, "nexthop", message)
            return nil
        }
        return .text("true", at: notes.place(line))
    }

    private mutating func password(of neighbor: ExaBGPNeighbor) -> ConfigurationNode? {
        guard let (text, statement) = neighbor.password else { return nil }
        guard let isEncoded = neighbor.passwordIsBase64 else {
            notes.error(
                statement,
                "md5-base64 auto guesses, and a wrong guess is a session that never comes up: say true or false"
            )
            return nil
        }
        guard isEncoded else { return notes.text(text, statement) }
        guard let octets = Base64.decode(text), let decoded = String(validating: octets, as: UTF8.self),
            !decoded.utf8.contains(0)
        else {
            notes.error(statement, "its octets, out of base64, are no text, as a password has to be")
            return nil
        }
        return notes.text(decoded, statement)
    }

    // MARK: Processes

    private mutating func writeProcesses(
        _ processes: [ExaBGPProcess],
        _ neighbors: [ExaBGPNeighbor],
        to tree: inout LegacyTree
    ) {
        let apis = neighbors.map { neighbor in
            (neighbor, neighbor.apis.map { (api: $0, names: names(of: $0, among: processes)) })
        }
        var pipes: [ConfigurationNode] = []
        var programs: [ConfigurationNode] = []
        for process in processes {
            var addresses: [String] = []
            var events: [String] = []
            for (neighbor, asked) in apis {
                let mine = asked.filter { $0.names.contains(process.name) }
                if !mine.isEmpty { addresses.append(neighbor.address) }
                if mine.contains(where: \.api.tellsChanges), !events.contains("neighbor-changes") {
                    events.append("neighbor-changes")
                }
            }
            let isForAll = addresses.count == neighbors.count
            if addresses.isEmpty, !neighbors.isEmpty {
                let message =
                    "no neighbor's api names \(process.name): what it announces without a selector goes to all"
                notes.add(.warning, process.line, "process", message)
            }
            if let path = process.pipe {
                note(pipe: path, of: process)
                if !isForAll, !addresses.isEmpty {
                    let message = "what comes from \(path) without a selector goes to all neighbors, not to some"
                    notes.add(.warning, process.line, "process", message)
                }
                if !pipes.contains(where: { $0.value("path")?.scalar == path }) {
                    pipes.append(process.pipeNode(path, notes))
                }
            } else if !process.run.isEmpty {
                let some = isForAll || addresses.isEmpty ? nil : addresses
                programs.append(process.node(neighbors: some, events: events, notes))
            }
        }
        if let first = pipes.first {
            tree.set("exabgp_pipe", pipes.count == 1 ? first : .list(pipes, at: first.place))
        }
        if let first = programs.first { tree.set("processes", .list(programs, at: first.place)) }
    }

    private mutating func note(pipe path: String, of process: ExaBGPProcess) {
        let isShell = process.run.contains("&&")
        let why = isShell ? "ExaBGP has no shell, and ended with this; " : ""
        let message = "\(why)Floodgate makes \(path) itself, and takes commands from it: exabgp_pipe"
        notes.add(.note, process.runLine, "run", message)
    }

    private mutating func names(of api: ExaBGPAPI, among processes: [ExaBGPProcess]) -> Set<String> {
        let known = processes.map(\.name)
        var names: Set<String> = []
        for (name, line) in api.processes {
            if known.contains(name) {
                names.insert(name)
            } else {
                let hint = Spelling.nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
                notes.add(.error, line, "processes", "there is no process \(ExaBGPNotes.shown(name))\(hint)")
            }
        }
        for (pattern, line) in api.patterns {
            guard let pattern = NamePattern(pattern) else {
                let message =
                    "\"\(ExaBGPNotes.shown(pattern))\" is more than a part of a name with ^ and $: name them in processes"
                notes.add(.error, line, "processes-match", message)
                continue
            }
            names.formUnion(known.filter(pattern.matches))
        }
        return names
    }

    // MARK: Routes

    private mutating func writeAnnouncements(_ neighbors: [ExaBGPNeighbor], to tree: inout LegacyTree) {
        var order: [String] = []
        var found: [String: (route: ExaBGPRoute, holders: [Int])] = [:]
        for (index, neighbor) in neighbors.enumerated() {
            for route in neighbor.routes {
                let text = route.command.text
                if found[text] == nil { order.append(text) }
                var entry = found[text] ?? (route, [])
                if entry.holders.last != index { entry.holders.append(index) }
                found[text] = entry
            }
        }
        var nodes: [ConfigurationNode] = []
        for text in order {
            guard let (route, holders) = found[text] else { continue }
            let place = notes.place(route.statement.line)
            let rule = ConfigurationNode.text(String(text.dropFirst("announce ".count)), at: place)
            guard holders.count < neighbors.count else {
                nodes.append(rule)
                continue
            }
            let some = holders.map { neighbors[$0] }
            if some.contains(where: \.isRange) {
                let message = "a route for a range of neighbors goes to all neighbors or none"
                notes.add(.error, route.statement.line, route.statement.keyword, message)
            }
            let addresses = ConfigurationNode.list(some.map { .text($0.address, at: place) }, at: place)
            nodes.append(.mapping([("rule", rule), ("neighbors", addresses)], at: place))
        }
        if let first = nodes.first { tree.set("announcements", .list(nodes, at: first.place)) }
    }
}

/// What of a regular expression can be told without running it.
private struct NamePattern {
    private let part: String
    private let isBeginning: Bool
    private let isEnd: Bool

    /// Nil where it is more than letters with `^` before and `$` behind.
    init?(_ text: String) {
        isBeginning = text.hasPrefix("^")
        isEnd = text.hasSuffix("$")
        var part = text.dropFirst(isBeginning ? 1 : 0).dropLast(isEnd ? 1 : 0)
        if part.hasSuffix(".*") { part = part.dropLast(2) }
        guard part.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }) else { return nil }
        self.part = String(part)
    }

    func matches(_ name: String) -> Bool {
        if isBeginning, isEnd { return name == part }
        if isBeginning { return name.hasPrefix(part) }
        if isEnd { return name.hasSuffix(part) }
        return part.isEmpty || name.split(separator: part, maxSplits: 1, omittingEmptySubsequences: false).count > 1
    }
}
