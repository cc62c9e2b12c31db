internal import DaemonConfiguration
internal import NetworkTypes

/// FastNetMon's thresholds mean each host and both directions.
extension FastNetMonReader {
    mutating func readDetection() {
        let counted = thresholds(of: settings, prefix: "")
        let directions = self.directions
        for direction in directions { set(counted, under: "detection.\(direction)") }
        if directions.isEmpty {
            let message = "with process_outgoing_traffic off too nothing is judged, and no attack will be found"
            remark(.warning, at: place("process_incoming_traffic"), "process_incoming_traffic", message)
        }
        readGroups(defaults: counted.map(\.threshold))
    }

    private var directions: [String] {
        (toggle("process_incoming_traffic") == false ? [] : ["thresholds"])
            + (toggle("process_outgoing_traffic") == false ? [] : ["outgoing_thresholds"])
    }

    /// A threshold that counts, with its value.
    private struct Counted {
        var threshold: FastNetMonThreshold
        var value: ConfigurationNode
    }

    private mutating func set(_ counted: [Counted], under path: String) {
        for limit in counted {
            let name = "\(limit.threshold.trafficClass.name).\(limit.threshold.unit.rawValue)"
            tree.set("\(path).\(name)", limit.value)
        }
    }

    /// The thresholds that are switched on; all, where nothing switches any on or off.
    private mutating func thresholds(of settings: [String: FastNetMonSetting], prefix: String) -> [Counted] {
        let saysNothing = FastNetMonThreshold.all.allSatisfy { !present.contains(prefix + $0.toggle) }
        var isSaid = false
        var counted: [Counted] = []
        for threshold in FastNetMonThreshold.all {
            let toggle = settings[threshold.toggle]
            guard let setting = settings[threshold.key] else {
                if let toggle, toggle.value == "on", !present.contains(prefix + threshold.key) {
                    let message =
                        "is on without \(prefix)\(threshold.key), which FastNetMon takes for 0, a ban of every host: "
                        + "write \(prefix)\(threshold.key) = a number"
                    remark(.error, toggle, message)
                }
                continue
            }
            guard saysNothing || toggle?.value == "on" else {
                if toggle == nil, present.contains(prefix + threshold.toggle) { continue }
                let why =
                    toggle.map { "\($0.key) is off in line \($0.place.line)" }
                    ?? "\(prefix)\(threshold.toggle) is left out, which is off"
                remark(
                    .warning,
                    setting,
                    "does not count: \(why); say \(prefix)\(threshold.toggle) = on where it is to"
                )
                continue
            }
            guard let number = Int(setting.value), number > 0 else {
                let message = "0 would have every host banned: write a number, or \(prefix)\(threshold.toggle) = off"
                remark(.error, setting, message)
                continue
            }
            if saysNothing, !isSaid {
                isSaid = true
                let message =
                    "counts, as do the other thresholds, though the file has no \(prefix)ban_for_…, without which "
                    + "FastNetMon bans nobody"
                remark(.note, setting, message)
            }
            counted.append(Counted(threshold: threshold, value: .text(threshold.text(number), at: setting.place)))
        }
        return counted
    }

    // MARK: Groups

    private mutating func readGroups(defaults: [FastNetMonThreshold]) {
        var nodes: [ConfigurationNode] = []
        var names: Set<String> = []
        var taken: Set<IPPrefix> = []
        for setting in hostGroups {
            let parts = setting.value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let name = FastNetMonLines.trim(parts[0])
            guard parts.count == 2, !name.isEmpty else {
                remark(.error, setting, "\"\(FastNetMonLines.shorten(setting.value))\" is not name:prefix,prefix")
                continue
            }
            guard names.insert(name).inserted else {
                remark(.warning, setting, "there is a group \(name) already; this one has no effect, as in FastNetMon")
                continue
            }
            let prefixes = readPrefixes(of: name, String(parts[1]), setting, taken: &taken)
            let settings = groupSettings[name] ?? [:]
            let counted = thresholds(of: settings, prefix: "\(name)_")
            guard !prefixes.isEmpty else { continue }
            if settings["enable_ban"]?.value == "off" {
                untouched += prefixes.map { FastNetMonPrefix(prefix: $0, place: setting.place) }
            }
            nodes.append(group(name, prefixes, setting, counted, defaults: defaults))
        }
        for (name, settings) in groupSettings.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
            remarkOnUndeclared(name, settings, declared: names)
        }
        if let first = nodes.first { tree.set("detection.groups", .list(nodes, at: first.place)) }
    }

    private func group(
        _ name: String,
        _ prefixes: [IPPrefix],
        _ setting: FastNetMonSetting,
        _ counted: [Counted],
        defaults: [FastNetMonThreshold]
    ) -> ConfigurationNode {
        var group = LegacyTree(file: file)
        group.set("name", .text(name, at: setting.place))
        let texts = prefixes.map { ConfigurationNode.text($0.description, at: setting.place) }
        group.set("prefixes", .list(texts, at: setting.place))
        for direction in directions {
            for threshold in defaults {
                let never = ConfigurationNode.text(threshold.never, at: setting.place)
                let path = "\(direction).\(threshold.trafficClass.name).\(threshold.unit.rawValue)"
                group.set(path, never, comment: "not judged: FastNetMon's groups inherit nothing")
            }
            for limit in counted {
                let path = "\(direction).\(limit.threshold.trafficClass.name).\(limit.threshold.unit.rawValue)"
                group.set(path, limit.value)
            }
        }
        var node = group.root
        node.place = setting.place
        return node
    }

    private mutating func readPrefixes(
        of name: String,
        _ text: String,
        _ setting: FastNetMonSetting,
        taken: inout Set<IPPrefix>
    ) -> [IPPrefix] {
        var prefixes: [IPPrefix] = []
        for item in FastNetMonKey.Kind.items(text) {
            guard let read = LegacyPrefix(item), read.prefix.length > 0 else {
                let shown = FastNetMonLines.shorten(item)
                remark(.error, setting, "\"\(shown)\" is no prefix: write one such as 198.51.100.0/26 or 2001:db8::/48")
                continue
            }
            if read.isMasked {
                remark(.warning, setting, "\(item) has host bits set; \(read.prefix) is taken")
            }
            guard networks.isEmpty || networks.contains(where: { $0.prefix.contains(read.prefix) }) else {
                remark(
                    .warning,
                    setting,
                    "\(read.prefix) is in none of your networks, and has no effect in the group \(name)"
                )
                continue
            }
            guard taken.insert(read.prefix).inserted else {
                remark(.warning, setting, "\(read.prefix) is in another group already, which has it, as in FastNetMon")
                continue
            }
            prefixes.append(read.prefix)
        }
        return prefixes
    }

    private mutating func remarkOnUndeclared(
        _ name: String,
        _ settings: [String: FastNetMonSetting],
        declared: Set<String>
    ) {
        let ordered = settings.values.sorted { $0.place.line < $1.place.line }
        if let near = Spelling.nearest(to: name, among: declared) {
            for setting in ordered { remark(.error, setting, "there is no group \(name); did you mean \(near)?") }
        } else if let first = ordered.first {
            let message = "there is no hostgroup = \(name):…, so this and other keys of the group have no effect"
            remark(.warning, first, message)
        }
    }
}
