internal import FlowSpec
internal import NetworkTypes

extension DaemonConfiguration {
    /// Reads the rules and routes that are to stand as long as the configuration has them. What the guard rails would
    /// refuse is a mistake of the file. To be called when networks, neighbors and bounds are known.
    mutating func readAnnouncements(_ root: Section) {
        guard let node = root.value("announcements") else { return }
        var known: Set<AnnouncedRoute> = []
        for (index, item) in (node.list ?? [node]).enumerated() {
            let path = "announcements[\(index)]"
            let read =
                item.mapping == nil
                ? announcement(item, key: path, neighbors: nil, root.problems)
                : announcement(Section(item, path: path, problems: root.problems))
            guard let read else { continue }
            guard known.insert(read.route).inserted else {
                root.problems.report(
                    item.place,
                    path,
                    found: Section.text(item),
                    expected: "each rule once, with one set of actions; another is for the same traffic"
                )
                continue
            }
            announcements.append(read)
        }
        if announcements.count > mitigation.maximumRules {
            root.problems.report(
                node.place,
                "announcements",
                expected:
                    "no more than mitigation.max_rules, \(mitigation.maximumRules); there are \(announcements.count)"
            )
        }
    }

    private func announcement(_ section: Section) -> Announcement? {
        defer { section.finish() }
        let neighbors = section.list("neighbors", expected: "the address of a neighbor in bgp.neighbors") { text in
            IPAddress(text).flatMap { address in
                bgp.neighbors.contains { $0.range == nil && $0.address == address } ? address : nil
            }
        }
        if section.isEmptyList("neighbors") { section.report("neighbors", expected: "at least one neighbor") }
        guard let node = section.value("rule") else {
            section.report(
                "rule",
                expected: "a rule such as flow route destination 198.51.100.1/32 protocol udp discard"
            )
            return nil
        }
        return announcement(node, key: section.name("rule"), neighbors: neighbors, section.problems)
    }

    private func announcement(
        _ node: ConfigurationNode,
        key: String,
        neighbors: [IPAddress]?,
        _ problems: Problems
    ) -> Announcement? {
        func refuse(_ expected: String) -> Announcement? {
            problems.report(node.place, key, found: Section.text(node), expected: expected)
            return nil
        }
        guard let text = node.scalar else { return refuse("a rule as text") }
        let commands: [TextCommand]
        do {
            commands = try FlowSpecText.parse(text)
        } catch {
            return refuse("a rule of docs/flowspec.md: column \(error.column): \(error.reason)")
        }
        guard commands.count == 1, let command = commands.first, case .announce(var announcement) = command.order else {
            return refuse("one rule or route to announce")
        }
        guard command.neighbors.isEmpty else { return refuse("a rule; the neighbors that it is for stand beside it") }
        if let objection = objection(to: announcement.route) { return refuse(objection) }
        announcement.neighbors = neighbors.map { Set($0).sorted() }
        return announcement
    }

    /// What is expected instead of a route that the guard rails would refuse; nil where nothing speaks against it.
    private func objection(to route: AnnouncedRoute) -> String? {
        let everybody = "a rule with a destination or source: without, it would match everybody's traffic"
        guard let (target, direction) = guardRails.subject(of: route) else { return everybody }
        switch guardRails.objection(to: route, target: target, direction: direction) {
        case .outsideNetworks: return "a prefix inside networks, not \(target)"
        case .tooShort(let allowed):
            let key = target.family == .ipv4 ? "shortest_ipv4_prefix" : "shortest_ipv6_prefix"
            return "a prefix of /\(allowed) or longer, or a shorter one in mitigation.\(key)"
        case .whitelisted(let protected): return "a prefix apart from \(protected), which is in whitelist.destinations"
        case .matchesAll: return everybody
        case nil: return nil
        }
    }

    private var guardRails: GuardRails {
        GuardRails(
            networks: networks,
            whitelist: whitelistedDestinations,
            shortestIPv4Length: mitigation.shortestIPv4Length,
            shortestIPv6Length: mitigation.shortestIPv6Length
        )
    }
}
