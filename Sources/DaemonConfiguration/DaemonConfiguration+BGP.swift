internal import FlowSpec
internal import NetworkTypes

extension DaemonConfiguration {
    mutating func readBGP(_ section: Section) {
        bgp.routerID = section.scalar("router_id", expected: "an IPv4 address", Self.identifier)
        let localAS = section.scalar("local_as", expected: "an AS number from 1 to 4294967295") { ASN($0) }
        bgp.listen = section.listenAddresses("listen")
        bgp.keepsRulesOnStop =
            section.scalar("on_stop", expected: "withdraw or keep") { ["withdraw": false, "keep": true][$0] } ?? false
        bgp.shutdownMessage = section.scalar("shutdown_message", expected: "a text of 1 to 255 octets") { text in
            (1...255).contains(text.utf8.count) ? text : nil
        }
        bgp.hostName = section.scalar("host_name", expected: "a name of 1 to 64 octets") { text in
            (1...64).contains(text.utf8.count) ? text : nil
        }
        bgp.saysVersion = section.bool("say_version") ?? false
        for neighbor in section.sections("neighbors") { readNeighbor(neighbor, localAS: localAS) }
        if !bgp.neighbors.isEmpty {
            if !section.has("router_id") { section.report("router_id", expected: "an IPv4 address") }
            if !section.has("local_as") { section.report("local_as", expected: "an AS number") }
        }
        section.finish()
    }

    private mutating func readNeighbor(_ section: Section, localAS: ASN?) {
        let place = section.scalar("address", expected: "an IP address, or a prefix such as 192.0.2.0/28") { text in
            IPAddress(text).map { IPPrefix(host: $0) } ?? (text.contains("/") ? IPPrefix(text) : nil)
        }
        let isRange = section.scalarText("address")?.contains("/") == true
        if !section.has("address") { section.report("address", expected: "the neighbor's IP address, or a range") }
        if let place, let linkLocal = IPPrefix("fe80::/10"), linkLocal.contains(place.address) {
            section.report("address", expected: "an address that is no link's own: there is no way to name the link")
        }
        let remoteAS = section.scalar("remote_as", expected: "an AS number from 1 to 4294967295") { ASN($0) }
        let ownAS = section.scalar("local_as", expected: "an AS number from 1 to 4294967295") { ASN($0) }
        if !section.has("remote_as") { section.report("remote_as", expected: "the neighbor's AS number") }
        let families = section.list("families", expected: "one of \(Self.families.joined(separator: ", "))") {
            Self.families.contains($0) ? $0 : nil
        }
        if section.isEmptyList("families") {
            section.report("families", expected: "at least one family")
        }
        var neighbor = Neighbor(
            address: place?.address ?? .unspecified,
            remoteAS: remoteAS ?? ASN(1),
            localAS: ownAS ?? localAS ?? ASN(1),
            families: families ?? ["ipv4-flowspec", "ipv6-flowspec"]
        )
        neighbor.range = isRange ? place : nil
        neighbor.routerID = section.scalar("router_id", expected: "an IPv4 address", Self.identifier)
        neighbor.port = UInt16(section.integer("port", in: 1...65_535) ?? 179)
        neighbor.localAddress = section.address("local_address")
        neighbor.isPassive = section.bool("passive") ?? isRange
        neighbor.communities = section.communities("communities")
        neighbor.description = section.string("description")
        neighbor.maximumNeighbors = section.integer("max_neighbors", in: 1...1000) ?? neighbor.maximumNeighbors
        neighbor.readTimers(section)
        neighbor.readProtection(section)
        neighbor.readLimits(section)
        neighbor.readExtensions(section)
        neighbor.readLacks(section)
        neighbor.role = section.scalar("role", expected: "one of \(Self.roles.joined(separator: ", "))") { text in
            Self.roles.contains(text) ? text : nil
        }
        neighbor.requiresRole = section.bool("require_role") ?? false
        if neighbor.requiresRole, neighbor.role == nil { section.report("require_role", expected: "a role beside it") }
        if let local = neighbor.localAddress, local.family != neighbor.address.family {
            section.report("local_address", expected: "an address of the same family as the neighbor's")
        }
        if neighbor.range != nil, !neighbor.isPassive {
            section.report("passive", expected: "true: the neighbors of a range are waited for")
        }
        if neighbor.isPassive, bgp.listen.isEmpty {
            let key = neighbor.range == nil ? "passive" : "address"
            let wanted = neighbor.range == nil ? "false, or bgp.listen" : "bgp.listen beside a range,"
            section.report(key, expected: "\(wanted) to accept the neighbor's connection")
        }
        section.finish()
        if place != nil,
            bgp.neighbors.contains(where: { $0.address == neighbor.address && $0.range == neighbor.range })
        {
            section.report("address", expected: "an address that no other neighbor has")
        }
        bgp.neighbors.append(neighbor)
    }

    private static let families = [
        "ipv4-unicast", "ipv6-unicast", "ipv4-flowspec", "ipv6-flowspec", "ipv4-flowspec-vpn", "ipv6-flowspec-vpn",
    ]

    private static func identifier(_ text: String) -> IPAddress? {
        IPAddress(text).flatMap { $0.isIPv4 && $0.v4 != 0 ? $0 : nil }
    }

    /// As RFC 9234 calls them.
    private static let roles = ["provider", "customer", "peer", "rs", "rs-client"]
}

extension DaemonConfiguration.Neighbor {
    fileprivate mutating func readTimers(_ section: Section) {
        holdTime =
            section.scalar("hold_time", expected: "0s, or whole seconds from 3s to 65535s") { text in
                Quantity.duration(text).flatMap { duration in
                    let seconds = duration.inSeconds
                    return seconds == 0 || seconds >= 3 ? UInt16(exactly: seconds) : nil
                }
            } ?? holdTime
        sendHoldTime =
            section.duration("send_hold_time", in: .zero ... .seconds(86_400), "0s (never) to 1d") ?? sendHoldTime
        delayOpen = section.duration("delay_open", in: .zero ... .seconds(240), "0s to 240s")
        guard let restart = section.section("graceful_restart") else { return }
        var read = DaemonConfiguration.GracefulRestart()
        func seconds(_ key: String, _ most: Int) -> UInt32? {
            restart.scalar(key, expected: "whole seconds from 1s to \(most)s") { text in
                Quantity.duration(text).flatMap { UInt32(exactly: $0.inSeconds) }
                    .flatMap { (1...UInt32(most)).contains($0) ? $0 : nil }
            }
        }
        read.restartTime = seconds("restart_time", 4095).map { UInt16($0) } ?? read.restartTime
        read.longLivedTime = seconds("long_lived_time", 16_777_215)
        restart.finish()
        gracefulRestart = read
    }

    fileprivate mutating func readProtection(_ section: Section) {
        func secret(_ text: String) -> String? { (1...80).contains(text.utf8.count) ? text : nil }
        password = section.scalar("password", expected: "a text of 1 to 80 octets", secret)
        ttlSecurityHops = section.integer("ttl_security", in: 1...254).map { UInt8($0) }
        hopLimit = section.integer("multihop", in: 1...255).map { UInt8($0) }
        if hopLimit != nil, ttlSecurityHops != nil {
            section.report("multihop", expected: "it or ttl_security, which sends with the highest hop limit")
        }
        guard let keys = section.section("tcp_ao") else { return }
        let key = keys.scalar("key", expected: "a text of 1 to 80 octets", secret)
        if !keys.has("key") { keys.report("key", expected: "the key that both sides have") }
        var read = DaemonConfiguration.Authentication(key: key ?? "")
        read.sendID = keys.integer("send_id", in: 0...255).map { UInt8($0) } ?? read.sendID
        read.receiveID = keys.integer("receive_id", in: 0...255).map { UInt8($0) } ?? read.receiveID
        let algorithms = ["hmac-sha-1-96", "aes-128-cmac-96"]
        read.algorithm =
            keys.scalar("algorithm", expected: "one of \(algorithms.joined(separator: ", "))") { text in
                algorithms.contains(text) ? text : nil
            } ?? read.algorithm
        keys.finish()
        if password != nil { section.report("tcp_ao", expected: "it or password, not both") }
        authentication = read
    }

    fileprivate mutating func readExtensions(_ section: Section) {
        addPath = section.scalar("add_path", expected: "receive, send or both") {
            ["receive", "send", "both"].contains($0) ? $0 : nil
        }
        extendedNextHop = section.bool("extended_next_hop") ?? false
        if extendedNextHop, !families.contains("ipv4-unicast") {
            section.report("extended_next_hop", expected: "ipv4-unicast among the families, which it is for")
        }
        guard let place = section.section("vpn") else { return }
        let distinguisher = place.scalar("route_distinguisher", expected: "one such as 65001:100 or 192.0.2.1:100") {
            RouteDistinguisher($0)
        }
        if !place.has("route_distinguisher") {
            place.report("route_distinguisher", expected: "the VPN's, such as 65001:100")
        }
        let targets = place.list("route_targets", expected: "route targets such as 65001:100 or 192.0.2.1:100") {
            ExtendedCommunity(routeTarget: $0)
        }
        place.finish()
        if !families.contains(where: { $0.hasSuffix("-vpn") }) {
            section.report("vpn", expected: "ipv4-flowspec-vpn or ipv6-flowspec-vpn among the families")
        }
        vpn = .init(distinguisher: distinguisher ?? RouteDistinguisher(rawValue: 0), targets: targets ?? [])
    }

    fileprivate mutating func readLimits(_ section: Section) {
        takesAllRules =
            section.scalar("profile", expected: "compatible or unrestricted") {
                ["compatible": false, "unrestricted": true][$0]
            } ?? false
        redirects =
            section.scalar("redirect_to_ip", expected: "as-written, simpson or ietf") {
                ["as-written", "simpson", "ietf"].contains($0) ? $0 : nil
            } ?? redirects
        maximumRules = section.integer("max_rules", in: 1...10_000_000)
        maximumReceived = section.integer("max_received", in: 0...10_000_000) ?? maximumReceived
        endsSessionAtLimit =
            section.scalar("on_max_received", expected: "ignore or cease") { ["ignore": false, "cease": true][$0] }
            ?? false
        guard let announce = section.section("announce") else { return }
        announcedPrefixes = announce.prefixes("prefixes") ?? []
        announcedCommunities = announce.communities("communities")
        announce.finish()
    }
}
