internal import FlowSpec
internal import NetworkTypes

/// What attacks are answered with.
extension DaemonConfiguration {
    static let attackKinds = AttackKind.allCases.map(\.rawValue)

    mutating func readAnswer(_ section: Section) {
        mitigation.kinds = section.list("kinds", expected: "kinds of attack, such as udp_flood") {
            text in
            Self.attackKinds.contains(text) ? text : nil
        }
        mitigation.announcesRules = section.bool("flowspec") ?? true
        guard let blackhole = section.section("blackhole") else { return }
        var read = Blackholes()
        func families(_ key: String) -> Set<AddressFamily> {
            let families = blackhole.list(key, expected: "ipv4, ipv6 or both") { text in
                ["ipv4": AddressFamily.ipv4, "ipv6": .ipv6][text]
            }
            return Set(families ?? [])
        }
        func nextHop(_ key: String, _ family: AddressFamily, _ name: String) -> IPAddress? {
            blackhole.scalar(key, expected: "an \(name) address of which traffic is dropped") { text in
                IPAddress(text).flatMap { $0.family == family ? $0 : nil }
            }
        }
        read.hosts = families("hosts")
        read.networks = families("networks")
        read.communities = blackhole.communities("communities")
        read.networkCommunities = blackhole.communities("network_communities")
        read.nextHop = nextHop("next_hop", .ipv4, "IPv4")
        read.nextHopIPv6 = nextHop("next_hop_ipv6", .ipv6, "IPv6")
        blackhole.finish()
        mitigation.blackholes = read
    }

    /// The families that no neighbor has of those that are to be announced, with what comes of it.
    var missingFamilies: [String] {
        let answers: [(family: AddressFamily, name: String)] = [(.ipv4, "ipv4"), (.ipv6, "ipv6")]
        return answers.flatMap { family, name -> [String] in
            guard networks.contains(where: { $0.family == family }) else { return [] }
            var needed: [(String, String)] = []
            if mitigation.announcesRules { needed.append(("\(name)-flowspec", "its networks will not be protected")) }
            let blackholes = mitigation.blackholes
            let isOnLadder = mitigation.ladders.contains { $0.contains(where: \.isBlackhole) }
            if isOnLadder || blackholes.hosts.union(blackholes.networks).contains(family) {
                needed.append(("\(name)-unicast", "its blackhole routes will not be announced"))
            }
            return needed.filter { needed in !bgp.neighbors.contains { $0.families.contains(needed.0) } }
                .map { "bgp.neighbors: none has \($0), so \($1)" }
        }
    }
}
