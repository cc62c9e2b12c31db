internal import DaemonConfiguration
internal import NetworkTypes

/// What is announced, and by whom.
extension FastNetMonReader {
    mutating func readAnnouncements(_ readFile: (String) throws -> String) {
        let hasTemplates = readTemplates(readFile)
        let exabgp = toggle("exabgp")
        let gobgp = toggle("gobgp")
        if exabgp == true { readPipe() }
        if gobgp == true { remarkOnGoBGP() }
        if exabgp == true, gobgp == true {
            remark(.warning, at: place("gobgp"), "gobgp", "beside exabgp = on its own keys have no effect")
        }
        var blackholes = Blackholes()
        if exabgp == true {
            readExaBGPBlackholes(&blackholes)
        } else if gobgp == true {
            readGoBGPBlackholes(&blackholes)
        }
        if exabgp != true, gobgp != true, hasNeighbors, exabgp == false || gobgp == false {
            let key = exabgp == false ? "exabgp" : "gobgp"
            tree.set("mitigation.kinds", .list([], at: place(key)))
            let message =
                "is off: attacks are told, and the neighbors get only what commands and operators say. "
                + "Say exabgp = on to have rules made for them"
            remark(.warning, at: place(key), key, message)
        } else {
            readKinds()
        }
        let isFlowSpec = readFlowSpec(hasTemplates: hasTemplates, blackholes)
        write(blackholes)
        if exabgp == true { readCommunities(isFlowSpec: isFlowSpec) }
    }

    // MARK: Peers

    private mutating func readPipe() {
        let key = "exabgp_command_pipe"
        let path = text(key) ?? "/var/run/exabgp.cmd"
        let what = hasNeighbors ? "exabgp_pipe" : "exabgp_writer"
        let place = settings[key]?.place ?? place("exabgp")
        tree.set("\(what).path", .text(path, at: place))
        let message =
            hasNeighbors
            ? "Floodgate is the speaker: it announces by itself, and takes commands from \(path)"
            : "there is no neighbor, so rules are written to \(path), for an ExaBGP that reads it; "
                + "with --exabgp FILE Floodgate speaks BGP itself"
        remark(.note, at: self.place("exabgp"), "exabgp", message)
    }

    private mutating func remarkOnGoBGP() {
        let message =
            hasNeighbors
            ? "gobgpd is told by BGP, as one of the neighbors, and not by its API"
            : "there is no neighbor, so nothing is announced: give gobgpd as one, in bgp.neighbors of --config FILE"
        remark(hasNeighbors ? .note : .warning, at: place("gobgp"), "gobgp", message)
    }

    /// Kinds of attack that are told and not acted on.
    private mutating func readKinds() {
        let keys = ["syn_flood": "tcp_syn_flood", "udp_flood": "udp_flood", "icmp_flood": "icmp_flood"]
        let off = keys.filter { toggle("enable_ban_for_\($0.value)") == false }
        guard let key = off.values.sorted().first.map({ "enable_ban_for_\($0)" }) else { return }
        let kinds = ["udp_flood", "syn_flood", "icmp_flood", "flood"].filter { off[$0] == nil }
        tree.set("mitigation.kinds", list(kinds, key))
        if off.count == keys.count {
            let message = "with the others off only attacks of no single kind (flood) are acted on"
            remark(.warning, at: place(key), key, message)
        }
    }

    // MARK: Blackhole routes

    private struct Blackholes {
        var hosts: [String] = []
        var networks: [String] = []
        var communities: [String] = []
        var networkCommunities: [String] = []
        var nextHop: String?
        var nextHopIPv6: String?
        /// The key that asked for them.
        var key = "exabgp"

        var isAny: Bool { !hosts.isEmpty || !networks.isEmpty }
    }

    private mutating func readExaBGPBlackholes(_ blackholes: inout Blackholes) {
        if isOn("exabgp_announce_host") { blackholes.hosts = ["ipv4", "ipv6"] }
        if isOn("exabgp_announce_whole_subnet") { blackholes.networks = ["ipv4", "ipv6"] }
        blackholes.key = isOn("exabgp_announce_host") ? "exabgp_announce_host" : "exabgp_announce_whole_subnet"
        func communities(_ key: String) -> [String] {
            FastNetMonKey.Kind.communities(text(key) ?? text("exabgp_community") ?? "")
        }
        blackholes.communities = communities("exabgp_community_host")
        blackholes.networkCommunities = communities("exabgp_community_subnet")
        let key = "exabgp_next_hop"
        if let nextHop = text(key), let address = IPAddress(nextHop) {
            if address.isIPv4 { blackholes.nextHop = nextHop } else { blackholes.nextHopIPv6 = nextHop }
        }
        if blackholes.isAny, blackholes.nextHop == nil {
            remark(.warning, at: place(key), key, "no IPv4 next hop is given: routes have the session's own address")
        }
        if blackholes.isAny, blackholes.nextHopIPv6 == nil {
            blackholes.nextHopIPv6 = "100::1"
            if networks.contains(where: { $0.prefix.family == .ipv6 }) {
                let message = "is of IPv4; routes for IPv6, which FastNetMon has none of here, get 100::1 (RFC 6666)"
                remark(.note, at: place(key), key, message)
            }
        }
    }

    private mutating func readGoBGPBlackholes(_ blackholes: inout Blackholes) {
        if toggle("gobgp_announce_host") != false { blackholes.hosts.append("ipv4") }
        if toggle("gobgp_announce_host_ipv6") != false { blackholes.hosts.append("ipv6") }
        if isOn("gobgp_announce_whole_subnet") { blackholes.networks.append("ipv4") }
        if isOn("gobgp_announce_whole_subnet_ipv6") { blackholes.networks.append("ipv6") }
        blackholes.key = "gobgp"
        func communities(_ key: String) -> [String] {
            let both = [key, "\(key)_ipv6"].flatMap { FastNetMonKey.Kind.communities(text($0) ?? "") }
            return both.enumerated().filter { !both[..<$0.offset].contains($0.element) }.map(\.element)
        }
        blackholes.communities = communities("gobgp_community_host")
        blackholes.networkCommunities = communities("gobgp_community_subnet")
        let nextHop = text("gobgp_next_hop_host_ipv4") ?? text("gobgp_next_hop")
        blackholes.nextHop = nextHop == "0.0.0.0" ? nil : nextHop
        let nextHopIPv6 = text("gobgp_next_hop_host_ipv6") ?? text("gobgp_next_hop_ipv6") ?? "100::1"
        blackholes.nextHopIPv6 = nextHopIPv6 == "::" ? nil : nextHopIPv6
    }

    private mutating func write(_ blackholes: Blackholes) {
        guard blackholes.isAny else { return }
        let key = blackholes.key
        func set(_ name: String, _ values: [String]) {
            if !values.isEmpty { tree.set("mitigation.blackhole.\(name)", list(values, key)) }
        }
        set("hosts", blackholes.hosts)
        set("networks", blackholes.networks)
        if !blackholes.hosts.isEmpty { set("communities", blackholes.communities) }
        if !blackholes.networks.isEmpty { set("network_communities", blackholes.networkCommunities) }
        if let nextHop = blackholes.nextHop { tree.set("mitigation.blackhole.next_hop", node(nextHop, key)) }
        if let nextHop = blackholes.nextHopIPv6 { tree.set("mitigation.blackhole.next_hop_ipv6", node(nextHop, key)) }
        guard !blackholes.networks.isEmpty else { return }
        // Who has whole networks announced means those that are short as well.
        for (family, name, usual) in [(AddressFamily.ipv4, "ipv4", 24), (.ipv6, "ipv6", 48)] {
            let shortest = networks.map(\.prefix).filter { $0.family == family }.map(\.length).min()
            guard blackholes.networks.contains(name), let shortest, shortest < usual else { continue }
            tree.set("mitigation.shortest_\(name)_prefix", node("\(shortest)", key))
            remark(.note, at: place(key), key, "networks as short as /\(shortest) may be announced whole")
        }
    }

    // MARK: FlowSpec rules

    /// Whether attacks are answered with rules.
    private mutating func readFlowSpec(hasTemplates: Bool, _ blackholes: Blackholes) -> Bool {
        let key = "exabgp_flow_spec_announces"
        let isFlowSpec = toggle(key) ?? (hasTemplates || !blackholes.isAny)
        if !isFlowSpec { tree.set("mitigation.flowspec", node("false", settings[key] == nil ? blackholes.key : key)) }
        if isFlowSpec, !blackholes.isAny, isOn("exabgp"), settings[key] == nil {
            let message =
                "no exabgp_announce_host = on, without which FastNetMon announces nothing: attacks are answered with "
                + "FlowSpec rules"
            remark(.note, at: place("exabgp"), "exabgp", message)
        }
        if isFlowSpec, !blackholes.isAny, let setting = settings["exabgp_next_hop"], isOn("exabgp") {
            remark(.warning, setting, "no effect: a FlowSpec rule has no next hop (RFC 8955 section 4.1)")
        }
        return isFlowSpec
    }

    private mutating func readCommunities(isFlowSpec: Bool) {
        let key = "exabgp_community"
        guard isFlowSpec, let value = text(key) else { return }
        tree.set("mitigation.communities", list(FastNetMonKey.Kind.communities(value), key))
    }
}
