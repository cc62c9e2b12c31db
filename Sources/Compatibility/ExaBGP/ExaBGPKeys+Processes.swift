internal import DaemonConfiguration

extension ExaBGPKey {
    static let apiKeys: [ExaBGPKey] = [
        .init(
            "processes",
            .becomes("processes[].neighbors"),
            "what such a process announces without a selector goes to the neighbors that name it"
        ) {
            statement,
            neighbor,
            _ in
            edit(&neighbor) { $0.processes += statement.values.map { ($0, statement.line) } }
        },
        .init(
            "processes-match",
            .becomes("processes[].neighbors"),
            "a name's beginning, end or part, with `^` and `$`; other regular expressions are refused"
        ) {
            statement,
            neighbor,
            _ in
            edit(&neighbor) { $0.patterns += statement.values.map { ($0, statement.line) } }
        },
        .init("neighbor-changes", .becomes("processes[].events"), "`up`, `down`") { statement, neighbor, notes in
            if notes.flag(statement) == true { edit(&neighbor) { $0.tellsChanges = true } }
        },
        .init("negotiated", .hasNone, "floodgate neighbors tells what was negotiated"),
        .init("fsm", .hasNone, "processes are told of up and down; floodgate neighbors tells the states"),
        .init("signal", .hasNone, "SIGHUP reloads, and processes are not told of it"),
        .init(
            "receive",
            .hasNone,
            "processes are told of up and down, and not what a neighbor says; floodgate neighbors counts it"
        ),
        .init("send", .hasNone, "processes are not told what is sent; floodgate rules tells who has which rule"),
    ]

    static let messageKeys: [ExaBGPKey] = [
        .init("parsed", .hasNone, "what a neighbor says is not told"),
        .init("packets", .hasNone, "messages are not told as octets"),
        .init("consolidate", .hasNone, "messages are not told as octets"),
        .init("update", .hasNone, "what a neighbor announces is not told"),
        .init("open", .hasNone, "what a neighbor says is not told"),
        .init("notification", .hasNone, "why a session went stands in neighbor-changes"),
        .init("keepalive", .hasNone, "what a neighbor says is not told"),
        .init("refresh", .hasNone, "what a neighbor says is not told"),
        .init("operational", .hasNone, "operational messages are ExaBGP's own"),
    ]

    private static func edit(_ neighbor: inout ExaBGPNeighbor, _ change: (inout ExaBGPAPI) -> Void) {
        guard let last = neighbor.apis.indices.last else { return }
        change(&neighbor.apis[last])
    }

    /// Read by `ExaBGPProcess`.
    static let processKeys: [ExaBGPKey] = [
        .init(
            "run",
            .becomes("processes[].run"),
            "program and arguments, without a shell, as there. What only reads a named pipe becomes `exabgp_pipe`"
        ),
        .init("encoder", .becomes("processes[].encoder"), "`text` or `json`; without it text"),
        .init(
            "respawn",
            .becomes("processes[].respawn"),
            "with back-off, and for ever: a process that dies ends nothing else"
        ),
        .init("timeout", .hasNone, "a process that does not read or say anything keeps nobody waiting"),
        .init("neighbor-changes", .becomes("processes[].events"), "of 3.4, in the process of a neighbor"),
        .init("receive", .becomes("processes[].events"), "of 3.4: `neighbor-changes` alone"),
        .init("send", .hasNone, "of 3.4: processes are not told what is sent"),
        .init("parse-routes", .hasNone, "of 3.4: what a neighbor announces is not told"),
        .init("receive-parsed", .hasNone, "of 3.4: what a neighbor announces is not told"),
        .init("receive-routes", .hasNone, "of 3.4: what a neighbor announces is not told"),
        .init("receive-updates", .hasNone, "of 3.4: what a neighbor announces is not told"),
        .init("peer-updates", .hasNone, "of 3.4: what a neighbor announces is not told"),
        .init("receive-packets", .hasNone, "of 3.4: messages are not told as octets"),
        .init("send-packets", .hasNone, "of 3.4: messages are not told as octets"),
    ]

    private static func leftOut(_ name: String, _ why: String) -> ExaBGPKey {
        .init(name, .hasNone, "a route with it is left out: \(why)")
    }

    /// What a rule may say, and a route may not.
    private static func ofRules(_ name: String, _ why: String) -> ExaBGPKey {
        .init(name, .becomes("announcements"), "of a rule of `flow` or `flow-vpn`; a route with it is left out: \(why)")
    }

    /// What makes a route one that is not announced: with less than it says it would be another.
    static let routeKeys: [ExaBGPKey] = [
        ofRules("rd", "routes of VPNs are not announced"),
        ofRules("route-distinguisher", "routes of VPNs are not announced"),
        leftOut("label", "labelled routes are not announced"),
        leftOut("path-information", "one path is announced for each prefix"),
        leftOut("split", "write the prefixes out"),
        leftOut("watchdog", "watchdogs are not known; let the process announce it"),
        leftOut("withdraw", "it waits for a watchdog, which is not known"),
        leftOut("aigp", "AIGP is not announced"), leftOut("attribute", "attributes are not sent as octets"),
        leftOut("originator-id", "routes are not reflected"), leftOut("cluster-list", "routes are not reflected"),
        leftOut("aggregator", "routes are not aggregated"), leftOut("atomic-aggregate", "routes are not aggregated"),
        leftOut("bgp-prefix-sid", "segment routing is not spoken"),
        leftOut("bgp-prefix-sid-srv6", "segment routing is not spoken"), leftOut("name", "name it in a comment"),
    ]
}
