internal import NetworkTypes

extension AnnouncedRoute: CustomStringConvertible {
    public var description: String {
        switch self {
        case .flowSpec(let rule): rule.description
        case .unicast(let prefix): prefix.description
        }
    }
}

extension Announcement: CustomStringConvertible {
    /// On one line, as it stands behind `announce`: `flow route destination … protocol =udp discard`, in braces where
    /// there are several actions.
    public var description: String {
        switch route {
        case .flowSpec(let rule):
            // In the flat form ExaBGP knows no rd and no next-hop, and of several extended communities it keeps one.
            let isFlat =
                actions.count + extendedCommunities.count <= 1 && rule.routeDistinguisher == nil
                && hopStatements.isEmpty
            guard isFlat || rule.needsFamily else { return "flow \(block())" }
            return ([rule.keywords] + hopStatements + [rule.description, actionText]).joined(separator: " ")
        case .unicast(let prefix): return (["route \(prefix)"] + unicastStatements).joined(separator: " ")
        }
    }

    /// What routers do with the traffic, with the communities.
    public var actionText: String {
        switch route {
        case .flowSpec: (thenStatements + scopeStatements).joined(separator: " ")
        case .unicast: unicastStatements.joined(separator: " ")
        }
    }

    /// In braces, as it stands in the block of a configuration: `route { match { … } then { … } }`.
    public func block(name: String? = nil) -> String {
        let title = name.map { "route \($0)" } ?? "route"
        func section(_ keyword: String, _ statements: [String]) -> String {
            statements.isEmpty ? "" : " \(keyword) { \(statements.map { "\($0); " }.joined())}"
        }
        switch route {
        case .flowSpec(let rule):
            let distinguisher = rule.routeDistinguisher.map { " rd \($0);" } ?? ""
            let family = rule.needsFamily ? " family ipv6;" : ""
            let hop = hopStatements.map { " \($0);" }.joined()
            return "\(title) {\(family)\(distinguisher)\(hop)"
                + section("match", rule.components.map { $0.text(for: rule.family) })
                + section("scope", scopeStatements) + section("then", thenStatements) + " }"
        case .unicast(let prefix):
            return (["route \(prefix)"] + unicastStatements).joined(separator: " ") + ";"
        }
    }

    private var thenStatements: [String] {
        var statements: [String] = []
        for action in actions {
            switch action {
            case .interfaceSet(_, _, let input, let output, _) where input || output: continue
            // ExaBGP reads no IPv6 address behind redirect; it is the next hop of the rule then.
            case .redirectToNextHop(copy: false) where nextHop?.isIPv4 == false:
                statements.append(action.description)
            case .redirectToNextHop(let copy):
                statements.append(nextHop.map { "\(copy ? "copy" : "redirect") \($0)" } ?? action.description)
            default: statements.append(action.description)
            }
        }
        // Octets behind words, which is the order in which they are read.
        let octets = statements.filter { $0.hasPrefix("extended-community") }
        statements = statements.filter { !$0.hasPrefix("extended-community") } + octets + communityStatements
        return statements.isEmpty ? ["accept"] : statements
    }

    /// `next-hop A`, where an action redirects to it without naming it.
    private var hopStatements: [String] {
        let redirects = actions.contains { if case .redirectToNextHop(copy: false) = $0 { true } else { false } }
        return nextHop.flatMap { redirects && !$0.isIPv4 ? ["next-hop \($0)"] : nil } ?? []
    }

    private var scopeStatements: [String] {
        var sets: [String] = []
        for action in actions {
            guard case .interfaceSet(_, _, let input, let output, _) = action, input || output else { continue }
            sets.append(String(action.description.dropFirst("interface-set ".count)))
        }
        return sets.isEmpty ? [] : [Self.list("interface-set", sets)]
    }

    private var unicastStatements: [String] {
        var statements = ["next-hop \(nextHop?.description ?? "self")"]
        if origin != .igp { statements.append("origin \(origin)") }
        if !asPath.isEmpty { statements.append(Self.list("as-path", asPath.map(\.description))) }
        if let metric { statements.append("med \(metric)") }
        if let localPreference { statements.append("local-preference \(localPreference)") }
        return statements + communityStatements
    }

    private var communityStatements: [String] {
        var statements: [String] = []
        if !communities.isEmpty { statements.append(Self.list("community", communities.map(\.description))) }
        if !largeCommunities.isEmpty {
            statements.append(Self.list("large-community", largeCommunities.map(\.description)))
        }
        if !extendedCommunities.isEmpty {
            statements.append(Self.list("extended-community", extendedCommunities.map(\.description)))
        }
        return statements
    }

    private static func list(_ keyword: String, _ values: [String]) -> String {
        "\(keyword) [ \(values.joined(separator: " ")) ]"
    }
}
