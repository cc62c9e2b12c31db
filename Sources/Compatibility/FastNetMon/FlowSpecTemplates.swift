internal import DaemonConfiguration
internal import NetworkTypes

/// `flowspec_templates.conf`, which no version of FastNetMon reads and guides describe: a template for each kind of
/// attack, in YAML, with ExaBGP's words.
extension FastNetMonReader {
    /// Whether there is one.
    mutating func readTemplates(_ readFile: (String) throws -> String) -> Bool {
        let folder = LegacyPath.folder(of: file)
        for path in [folder + "flowspec_templates.conf", folder + "fastnetmon/flowspec_templates.conf"] {
            guard let text = try? readFile(path) else { continue }
            do {
                let document = try DaemonConfiguration.document(yaml: text, file: path)
                guard let templates = document.mapping else {
                    remark(.error, at: .init(file: path), "", "is not a template for each kind of attack")
                    return true
                }
                for entry in templates { readTemplate(entry) }
                // What stands there was meant for all that is announced.
                tree.set("mitigation.synthesize", .text("off", at: .init(file: path)))
            } catch {
                for error in error.errors {
                    let place = ConfigurationNode.Place(file: error.file, line: error.line, column: error.column)
                    remark(.error, at: place, error.key, "expected \(error.expected)")
                }
            }
            return true
        }
        return false
    }

    private static let kinds = ["udp_flood", "syn_flood", "icmp_flood", "flood", "default"]
    private static let matches = [
        "destination", "protocol", "port", "destination-port", "source-port", "icmp-type", "icmp-code", "tcp-flags",
        "packet-length", "dscp", "fragment", "flow-label",
    ]
    private static let actions = ["discard", "accept", "rate-limit", "redirect", "mark", "community"]

    private mutating func readTemplate(_ entry: ConfigurationNode.Entry) {
        let name = entry.key.scalar ?? ""
        guard Self.kinds.contains(name) else {
            let hint = Spelling.nearest(to: name, among: Self.kinds).map { "; did you mean \($0)?" } ?? ""
            let known = Self.kinds.joined(separator: ", ")
            remark(
                .warning,
                at: entry.key.place,
                name,
                "no attack is of this kind, so it has no effect: there are \(known)\(hint)"
            )
            return
        }
        var template = LegacyTree(file: entry.key.place.file)
        for part in entry.value.mapping ?? [] {
            switch part.key.scalar {
            case "match":
                for (key, value) in pairs(part.value) { readMatch(key, value, into: &template) }
            case "then":
                for (key, value) in pairs(part.value) { readAction(key, value, into: &template) }
            default: remark(.error, at: part.key.place, name, "a template has match and then, and nothing else")
            }
        }
        var node = template.root
        node.place = entry.value.place
        tree.set("mitigation.templates.\(name)", node)
    }

    /// `- key: value`, or `- key`, one a line; or a mapping.
    private mutating func pairs(_ node: ConfigurationNode) -> [(key: ConfigurationNode, value: ConfigurationNode?)] {
        if let mapping = node.mapping { return mapping.map { ($0.key, $0.value) } }
        return (node.list ?? [node]).flatMap { item -> [(key: ConfigurationNode, value: ConfigurationNode?)] in
            item.mapping.map { $0.map { ($0.key, $0.value) } } ?? [(item, nil)]
        }
    }

    private mutating func readMatch(
        _ key: ConfigurationNode,
        _ value: ConfigurationNode?,
        into template: inout LegacyTree
    ) {
        let name = (key.scalar ?? "").replacing("_", with: "-")
        guard Self.matches.contains(name) else {
            let hint = Spelling.nearest(to: name, among: Self.matches).map { "; did you mean \($0)?" } ?? ""
            return remark(.error, at: key.place, name, "nothing of that name can be matched\(hint)")
        }
        let values = value.map { $0.list ?? [$0] } ?? []
        guard !values.isEmpty, values.allSatisfy({ $0.scalar?.isEmpty == false }) else {
            return remark(.error, at: key.place, name, "there is no value")
        }
        if name == "destination" { return readTarget(values, into: &template) }
        for value in values {
            let text = value.scalar ?? ""
            if text.contains("$") { return remark(.error, at: value.place, name, Self.unknownVariable(text)) }
            if name == "tcp-flags", text == "syn" {
                let message = "matches SYN with ACK too, which answers connections from inside: syn&!ack does not"
                remark(.note, at: value.place, name, message)
            }
        }
        let path = "match.\(name.replacing("-", with: "_"))"
        // The same key twice: alternatives.
        let former = template.root.value("match", name.replacing("-", with: "_"))
        let all = (former.map { $0.list ?? [$0] } ?? []) + values
        template.set(path, all.count == 1 ? all[0] : .list(all, at: key.place))
    }

    private mutating func readTarget(_ values: [ConfigurationNode], into template: inout LegacyTree) {
        for value in values {
            let text = value.scalar ?? ""
            let isHost = ["$TARGET_IP", "$TARGET_IP/32", "$TARGET_IP/128", "$TARGET_PREFIX"].contains(text)
            guard isHost else {
                let message =
                    text.contains("$") && !text.hasPrefix("$TARGET_IP/")
                    ? Self.unknownVariable(text) : "\"\(text)\" is not the target: write $TARGET_IP/32"
                return remark(.error, at: value.place, "destination", message)
            }
            template.set("match.destination", .text("$TARGET_PREFIX", at: value.place))
        }
    }

    private static func unknownVariable(_ text: String) -> String {
        let name = String(text.drop { $0 != "$" }.prefix { $0 == "$" || $0 == "_" || $0.isLetter || $0.isNumber })
        let hint = Spelling.nearest(to: name, among: ["$TARGET_IP"]).map { "; did you mean \($0)?" } ?? ""
        return "\"\(text)\" has a variable that nothing is put in for: there is $TARGET_IP, as the destination\(hint)"
    }

    private mutating func readAction(
        _ key: ConfigurationNode,
        _ value: ConfigurationNode?,
        into template: inout LegacyTree
    ) {
        let name = (key.scalar ?? "").replacing("_", with: "-")
        guard Self.actions.contains(name) else {
            let hint = Spelling.nearest(to: name, among: Self.actions).map { "; did you mean \($0)?" } ?? ""
            return remark(.error, at: key.place, name, "there is no such action\(hint)")
        }
        if name == "discard" || name == "accept" {
            return template.set("then.\(name)", .text(value?.scalar == "false" ? "false" : "true", at: key.place))
        }
        guard let value, value.scalar?.isEmpty == false || name == "community" && value.list != nil else {
            return remark(.error, at: key.place, name, "there is no value")
        }
        switch name {
        case "rate-limit": readRate(value, into: &template)
        case "mark": template.set("then.mark_dscp", value)
        case "redirect": template.set("then.redirect", value)
        default:
            let texts = value.list?.compactMap(\.scalar) ?? FastNetMonKey.Kind.communities(value.scalar ?? "")
            template.set("then.communities", .list(texts.map { .text($0, at: value.place) }, at: value.place))
        }
    }

    /// ExaBGP's rate is in octets per second, as FlowSpec's is.
    private mutating func readRate(_ value: ConfigurationNode, into template: inout LegacyTree) {
        let text = value.scalar ?? ""
        if Quantity.rate(text, .bits) != nil { return template.set("then.rate_limit", value) }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let octets = UInt64(text), octets <= 100_000_000_000_000
        else {
            let message =
                "\"\(FastNetMonLines.shorten(text))\" is no rate: write octets per second, or one such as 100 Mbit/s"
            return remark(.error, at: value.place, "rate-limit", message)
        }
        if octets == 0 { return template.set("then.discard", .text("true", at: value.place)) }
        let bits = RateText.describe(Double(octets) * 8, .bits)
        template.set("then.rate_limit", .text("\(octets) B/s", at: value.place), comment: bits)
        let message =
            "\(octets) is in octets per second, which is \(bits); where \(RateText.describe(Double(octets) * 1000, .bits)) "
            + "is meant, as guides say, write \(octets * 125)"
        remark(.warning, at: value.place, "rate-limit", message)
    }
}
