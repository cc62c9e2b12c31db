import FlowSpec

/// A router that takes rules over a session which comes and goes.
struct SimulatedRouter {
    /// It keeps the rules of a session that is gone until it has heard the End-of-RIB of the next (RFC 4724).
    let keepsRules: Bool
    private(set) var rules: [AnnouncedRoute: Announcement] = [:]
    private var stale: Set<AnnouncedRoute> = []
    private(set) var isUp = false

    init(keepsRules: Bool) { self.keepsRules = keepsRules }

    mutating func loseSession() {
        isUp = false
        if keepsRules { stale = Set(rules.keys) } else { rules = [:] }
    }

    /// The whole Adj-RIB-Out, then End-of-RIB.
    mutating func gainSession(_ table: [AnnouncedRoute: Announcement]) {
        isUp = true
        for announcement in table.values { take(announcement) }
        for route in stale { rules[route] = nil }
        stale = []
    }

    mutating func take(_ announcement: Announcement) {
        rules[announcement.route] = announcement
        stale.remove(announcement.route)
    }

    mutating func withdraw(_ route: AnnouncedRoute) {
        rules[route] = nil
        stale.remove(route)
    }
}
