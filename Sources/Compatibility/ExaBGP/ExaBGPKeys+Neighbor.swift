internal import DaemonConfiguration
internal import NetworkTypes

extension ExaBGPKey {
    static let neighborKeys: [ExaBGPKey] = [
        .init("inherit", .isSo, "one template or a list of them; what the neighbor says itself counts before them"),
        .init("description", .becomes("bgp.neighbors[].description"), "as it is") { statement, neighbor, notes in
            guard !statement.text.isEmpty else { return }
            neighbor.values["description"] = notes.text(statement.text, statement)
        },
        .init("peer-address", .becomes("bgp.neighbors[].address"), "of a neighbor that has a name (5.0)") {
            statement,
            neighbor,
            notes in neighbor.values["address"] = notes.text(statement.text, statement)
        },
        .init(
            "router-id",
            .becomes("bgp.router_id"),
            "without it the IPv4 `local-address`, as there; where neighbors differ, `bgp.neighbors[].router_id`"
        ) {
            statement,
            neighbor,
            notes in neighbor.routerID = notes.text(statement.text, statement)
        },
        .init(
            "local-as",
            .becomes("bgp.local_as"),
            "where neighbors differ, `bgp.neighbors[].local_as`; `auto` must be written out"
        ) {
            statement,
            neighbor,
            notes in
            guard isNumber(statement, &notes) else { return }
            neighbor.localAS = notes.text(statement.text, statement)
        },
        .init("peer-as", .becomes("bgp.neighbors[].remote_as"), "`auto` must be written out") {
            statement,
            neighbor,
            notes in
            guard isNumber(statement, &notes) else { return }
            neighbor.values["remote_as"] = notes.text(statement.text, statement)
        },
        .init("local-address", .becomes("bgp.neighbors[].local_address"), "`auto` leaves it to the system") {
            statement,
            neighbor,
            notes in
            neighbor.values["local_address"] = statement.text == "auto" ? nil : notes.text(statement.text, statement)
        },
        .init(
            "source-interface",
            .hasNone,
            "connections are made from local-address, by the route that the system has for it"
        ),
        .init("hold-time", .becomes("bgp.neighbors[].hold_time"), "without it 180s, as there") {
            statement,
            neighbor,
            notes in
            guard let seconds = notes.number(statement, in: 0...65_535) else { return }
            neighbor.holdTime = seconds
            neighbor.values["hold_time"] = notes.text("\(seconds)s", statement)
        },
        .init(
            "rate-limit",
            .hasNone,
            "routes are sent in full messages, as fast as the neighbor takes them; mitigation.max_changes_per_minute bounds changes"
        ) {
            statement,
            _,
            notes in
            if !["disable", "disabled", "false", "0"].contains(statement.text.lowercased()) {
                notes.warn(
                    statement,
                    "routes are sent in full messages, as fast as the neighbor takes them; mitigation.max_changes_per_minute bounds changes"
                )
            }
        },
        .init(
            "passive",
            .becomes("bgp.neighbors[].passive"),
            "without `listen` it listens on port 179 of `local-address`, as `exabgp.tcp.bind` is not in the file"
        ) {
            statement,
            neighbor,
            notes in
            guard let flag = notes.flag(statement) else { return }
            neighbor.values["passive"] = notes.text(flag ? "true" : "false", statement)
        },
        .init("listen", .becomes("bgp.listen"), "on `local-address`") { statement, neighbor, notes in
            guard let port = notes.number(statement, in: 1...65_535) else { return }
            neighbor.listenPort = notes.text("\(port)", statement)
        },
        .init("connect", .becomes("bgp.neighbors[].port"), "") { statement, neighbor, notes in
            guard let port = notes.number(statement, in: 1...65_535) else { return }
            neighbor.values["port"] = notes.text("\(port)", statement)
        },
        .init(
            "outgoing-ttl",
            .becomes("bgp.neighbors[].multihop"),
            "no effect beside incoming-ttl, which sends with 255"
        ) {
            statement,
            neighbor,
            notes in readOutgoingTTL(statement, &neighbor, &notes)
        },
        .init(
            "incoming-ttl",
            .becomes("bgp.neighbors[].ttl_security"),
            "hops are counted the other way round: 255 becomes 1, 254 becomes 2"
        ) {
            statement,
            neighbor,
            notes in
            guard !isOff(statement) else { return }
            guard let least = notes.number(statement, in: 2...255) else { return }
            neighbor.values["ttl_security"] = notes.text("\(256 - least)", statement)
        },
        .init(
            "ttl-security",
            .becomes("bgp.neighbors[].multihop"),
            "of 3.4, where it is what outgoing-ttl is since: it never checked what came in"
        ) {
            statement,
            neighbor,
            notes in
            notes.note(
                statement,
                "it set the hop limit of what was sent, and checked nothing; for GTSM say ttl_security"
            )
            readOutgoingTTL(statement, &neighbor, &notes)
        },
        .init("md5", .becomes("bgp.neighbors[].password"), "of 3.4") { statement, neighbor, _ in
            neighbor.password = (statement.text, statement)
        },
        .init("md5-password", .becomes("bgp.neighbors[].password"), "1 to 80 octets") { statement, neighbor, _ in
            neighbor.password = (statement.text, statement)
        },
        .init(
            "md5-base64",
            .becomes("bgp.neighbors[].password"),
            "the password is decoded; it must be text then. `auto` must be decided"
        ) {
            statement,
            neighbor,
            notes in
            if statement.text.lowercased() == "auto" {
                neighbor.passwordIsBase64 = nil
            } else if let flag = notes.flag(statement) {
                neighbor.passwordIsBase64 = flag
            }
        },
        .init("md5-ip", .isSo, "the key is for the neighbor's address; another than local-address has no effect") {
            statement,
            neighbor,
            notes in
            guard let local = neighbor.localAddress, local != statement.text else { return }
            notes.warn(statement, "the key is for what comes to local-address, \(local)")
        },
        .init("host-name", .becomes("bgp.host_name"), "one for all neighbors") { statement, neighbor, notes in
            neighbor.hostName = notes.text(statement.text, statement)
        },
        .init("domain-name", .hasNone, "neighbors are told the host name only"),
        .init(
            "group-updates",
            .isSo,
            "routes are packed into full messages whatever stands here; the neighbor has the same routes"
        ),
        .init("auto-flush", .isSo, "what is announced is sent at once; `false` has no effect") { statement, _, notes in
            if notes.flag(statement) == false { notes.warn(statement, "what is announced is sent at once") }
        },
        .init(
            "adj-rib-out",
            .isSo,
            "what is announced is always kept, as each session begins with it; `false` has no effect"
        ) {
            statement,
            _,
            notes in _ = notes.flag(statement)
        },
        .init("adj-rib-in", .isSo, "what a neighbor announces is kept up to max_received, and has no effect") {
            statement,
            _,
            notes in _ = notes.flag(statement)
        },
        .init("manual-eor", .hasNone, "End-of-RIB is sent when all routes have been") { statement, _, notes in
            if notes.flag(statement) == true { notes.warn(statement, "End-of-RIB is sent when all routes have been") }
        },
        .init(
            "family",
            .becomes("bgp.neighbors[].families"),
            "unicast, flow and flow-vpn of ipv4 and ipv6; without it all six. Of others a warning says that they are not spoken"
        ),
        .init("capability", .isSo, "see below"),
        .init("add-path", .hasNone, "the add-path of capability holds for all families of the neighbor"),
        .init(
            "nexthop",
            .becomes("bgp.neighbors[].extended_next_hop"),
            "`ipv4 unicast ipv6`, unless `capability` disables it. Of others a warning says that they are not offered"
        ),
        .init("api", .becomes("processes[].neighbors"), "see below"),
        .init("static", .becomes("announcements"), "see below"),
        .init("route", .becomes("announcements"), "of 3.4, as in `static`"),
        .init("flow", .becomes("announcements"), "see below"),
        .init(
            "announce",
            .becomes("announcements"),
            "`ipv4` and `ipv6`, with `unicast …;`, `flow …;` and `flow-vpn …;`"
        ),
        .init("l2vpn", .hasNone, "VPLS is not announced"),
        .init("operational", .hasNone, "operational messages are ExaBGP's own"),
        .init("process", .becomes("processes"), "of 3.4, where it stands in the neighbor"),
    ]

    private static func isOff(_ statement: ExaBGPStatement) -> Bool {
        ["0", "false", "disable", "disabled"].contains(statement.text.lowercased())
    }

    private static func readOutgoingTTL(
        _ statement: ExaBGPStatement,
        _ neighbor: inout ExaBGPNeighbor,
        _ notes: inout ExaBGPNotes
    ) {
        guard !isOff(statement), let limit = notes.number(statement, in: 1...255) else { return }
        neighbor.values["multihop"] = notes.text("\(limit)", statement)
    }

    private static func isNumber(_ statement: ExaBGPStatement, _ notes: inout ExaBGPNotes) -> Bool {
        guard statement.text == "auto" else { return true }
        notes.error(statement, "\"auto\" takes the number that the neighbor says; write the AS number")
        return false
    }

    // MARK: Capabilities

    static let capabilityKeys: [ExaBGPKey] = [
        .init("asn4", .isSo, "offered; `disable` has no effect") { statement, _, notes in
            if notes.flag(statement) == false { notes.warn(statement, "AS numbers of four octets are offered always") }
        },
        .init("route-refresh", .isSo, "offered, with enhanced route refresh") { statement, _, notes in
            _ = notes.flag(statement)
        },
        .init(
            "graceful-restart",
            .becomes("bgp.neighbors[].graceful_restart"),
            "without a time as long as hold-time; 4095s at most, as the field has 12 bits"
        ) {
            statement,
            neighbor,
            notes in
            neighbor.restartLine = statement.line
            switch statement.text.lowercased() {
            case "disable", "disabled", "false": neighbor.restartTime = nil
            case "", "enable", "enabled", "true": neighbor.restartTime = 0
            default:
                guard let seconds = notes.number(statement, in: 0...65_535) else { return }
                if seconds > 4095 { notes.warn(statement, "the field has 12 bits: 4095s are offered") }
                neighbor.restartTime = min(seconds, 4095)
            }
        },
        .init(
            "add-path",
            .becomes("bgp.neighbors[].add_path"),
            "`receive`, `send`, `send/receive` (which becomes `both`) or `disable`"
        ) {
            statement,
            neighbor,
            notes in
            switch statement.text.lowercased() {
            case "disable", "disabled": neighbor.values["add_path"] = nil
            case "receive", "send": neighbor.values["add_path"] = notes.text(statement.text.lowercased(), statement)
            case "send/receive": neighbor.values["add_path"] = notes.text("both", statement)
            default:
                let found = ExaBGPNotes.shown(statement.text)
                notes.error(statement, "\"\(found)\" is none of receive, send, send/receive and disable")
            }
        },
        .init(
            "nexthop",
            .becomes("bgp.neighbors[].extended_next_hop"),
            "for `ipv4 unicast`; without it a section `nexthop` enables it, as there"
        ) {
            statement,
            neighbor,
            notes in
            guard let flag = notes.flag(statement) else { return }
            neighbor.nextHopFlag = notes.text(flag ? "true" : "false", statement)
        },
        .init("extended-message", .isSo, "offered; `disable` has no effect") { statement, _, notes in
            if notes.flag(statement) == false { notes.warn(statement, "extended messages are offered always") }
        },
        .init("multi-session", .hasNone, "all families go over one session") { statement, _, notes in
            if notes.flag(statement) == true { notes.warn(statement, "all families go over one session") }
        },
        .init("operational", .hasNone, "operational messages are ExaBGP's own") { statement, _, notes in
            if notes.flag(statement) == true { notes.warn(statement, "operational messages are ExaBGP's own") }
        },
        .init("aigp", .hasNone, "AIGP is not announced") { statement, _, notes in
            if notes.flag(statement) == true { notes.warn(statement, "AIGP is not announced") }
        },
        .init("software-version", .becomes("bgp.say_version"), "to all neighbors") { statement, neighbor, notes in
            neighbor.saysVersion = notes.flag(statement) ?? false
        },
    ]
}
