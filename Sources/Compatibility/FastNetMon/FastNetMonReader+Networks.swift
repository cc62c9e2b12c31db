internal import DaemonConfiguration
internal import NetworkTypes

/// A prefix of a list, with its place.
struct FastNetMonPrefix {
    var prefix: IPPrefix
    var place: ConfigurationNode.Place

    var node: ConfigurationNode { .text(prefix.description, at: place) }
}

extension FastNetMonReader {
    mutating func readNetworks(_ readFile: (String) throws -> String) {
        readList(readFile)
        readWhitelist(readFile)
        if toggle("enable_ban_ipv6") == false {
            untouched += networks.filter { $0.prefix.family == .ipv6 }
        } else if toggle("enable_ban_ipv6") == nil, networks.contains(where: { $0.prefix.family == .ipv6 }) {
            let message = "left out, which FastNetMon takes for off: IPv6 networks are protected like all others"
            remark(.note, at: wholeFile, "enable_ban_ipv6", message)
        }
    }

    /// The first of several files that is there, and why the first is not.
    private func first(
        of paths: [String],
        _ readFile: (String) throws -> String
    ) -> (text: String, path: String)? {
        for path in paths {
            if let text = try? readFile(path) { return (text, path) }
        }
        return nil
    }

    private mutating func readList(_ readFile: (String) throws -> String) {
        let key = "networks_list_path"
        let named = text(key)
        let paths =
            named.map { LegacyPath.places(of: $0, namedIn: file) }
            ?? [LegacyPath.folder(of: file) + "networks_list", "/etc/networks_list"]
        guard let found = first(of: paths, readFile) else {
            let tried = paths.joined(separator: " nor ")
            remark(.error, at: place(key), key, "cannot read \(tried): without networks there is nothing to protect")
            return
        }
        if let named, found.path != named, found.path != paths.first {
            remark(
                .note,
                at: place(key),
                key,
                "\(named) cannot be read; \(found.path), which lies beside this file, is"
            )
        }
        var unique: Set<IPPrefix> = []
        networks = readPrefixes(found.text, file: found.path, isOwn: true).filter { unique.insert($0.prefix).inserted }
        tree.set("networks", .list(networks.map(\.node), at: .init(file: found.path, line: 1, column: 1)))
        if networks.isEmpty {
            remark(.error, at: .init(file: found.path), "", "names no network: there is nothing to protect")
        }
    }

    /// One prefix a line. What is none is an error.
    private mutating func readPrefixes(_ text: String, file: String, isOwn: Bool) -> [FastNetMonPrefix] {
        guard text.utf8.count <= FastNetMonLines.maximumSize else {
            remark(.error, at: .init(file: file), "", "longer than 4 MiB")
            return []
        }
        var prefixes: [FastNetMonPrefix] = []
        var errors = 0
        for line in FastNetMonLines.lines(of: text, file: file) {
            guard let read = LegacyPrefix(line.text), read.prefix.length > 0 || !isOwn else {
                errors += 1
                guard errors <= 20 else { break }
                let shown = FastNetMonLines.shorten(line.text)
                remark(
                    .error,
                    at: line.place,
                    "",
                    "\"\(shown)\" is no prefix: write one a line, such as 198.51.100.0/24"
                )
                continue
            }
            if read.isMasked {
                remark(.warning, at: line.place, "", "\(line.text) has host bits set; \(read.prefix) is taken")
            }
            if read.isBare, read.prefix.family == .ipv4 {
                remark(.note, at: line.place, "", "\(line.text), which FastNetMon refuses, is taken for \(read.prefix)")
            }
            prefixes.append(FastNetMonPrefix(prefix: read.prefix, place: line.place))
        }
        return prefixes
    }

    // MARK: Whitelist

    /// The name that guides give it.
    private static let guidesWhitelist = "fastnetmon_whitelist.conf"

    private mutating func readWhitelist(_ readFile: (String) throws -> String) {
        let key = "white_list_path"
        let folder = LegacyPath.folder(of: file)
        let named = text(key)
        var files: [(text: String, path: String)] = []
        let paths =
            named.map { LegacyPath.places(of: $0, namedIn: file) } ?? [folder + "networks_whitelist"]
        if let found = first(of: paths, readFile) {
            files.append(found)
        } else if named != nil {
            remark(
                .warning,
                at: place(key),
                key,
                "cannot read \(paths.joined(separator: " nor ")): nothing is whitelisted"
            )
        }
        let beside = folder + Self.guidesWhitelist
        if !files.contains(where: { $0.path == beside }), let text = try? readFile(beside) {
            files.append((text, beside))
            let message =
                "FastNetMon never reads a file of this name; it is taken for the whitelist that it was meant to be"
            remark(.note, at: .init(file: beside), "", message)
        }
        let entries = files.flatMap { readPrefixes($0.text, file: $0.path, isOwn: false) }
        sort(entries)
        if let rules = try? readFile(folder + "whitelist_rules"), !rules.allSatisfy(\.isWhitespace) {
            let message = "has no effect: rules are not whitelisted by what they match, but by destination and source"
            remark(.warning, at: .init(file: folder + "whitelist_rules"), "", message)
        }
    }

    /// Which entries mean our own hosts, and which mean others. Each is taken for itself: what one means does not change
    /// with the others, nor with the list of networks, so that no reload withdraws what nobody has touched.
    private mutating func sort(_ entries: [FastNetMonPrefix]) {
        let covers: (FastNetMonPrefix, FastNetMonPrefix) -> Bool = { $0.prefix.contains($1.prefix) }
        var sources: [FastNetMonPrefix] = []
        var whole: [FastNetMonPrefix] = []
        for entry in entries {
            if networks.contains(where: { covers(entry, $0) }) {
                guard LegacyPath.name(of: entry.place.file) != Self.guidesWhitelist else {
                    let message =
                        "\(entry.prefix) is a whole network of yours, and left out: guides list in this file what is to "
                        + "be watched. Where no attack on it is to be acted on, say so in whitelist.destinations of "
                        + "--config FILE"
                    remark(.warning, at: entry.place, "", message)
                    continue
                }
                let message = "\(entry.prefix) is a whole network of yours: attacks on it are told and never acted on"
                remark(.warning, at: entry.place, "", message)
                untouched.append(entry)
                whole.append(entry)
            } else if networks.contains(where: { covers($0, entry) }) {
                untouched.append(entry)
            } else {
                let message =
                    "\(entry.prefix) is not yours, so FastNetMon makes nothing of it; what comes from there never counts"
                remark(.note, at: entry.place, "", message)
                sources.append(entry)
            }
        }
        if let last = whole.last, toggle("enable_ban") != false,
            networks.allSatisfy({ network in whole.contains { covers($0, network) } })
        {
            let message =
                "with this the whitelist holds all of your networks, and no attack would ever be acted on: whitelist "
                + "single hosts, or say enable_ban = off to watch only"
            remark(.error, at: last.place, "", message)
        }
        if let first = sources.first { tree.set("whitelist.sources", .list(sources.map(\.node), at: first.place)) }
    }
}
