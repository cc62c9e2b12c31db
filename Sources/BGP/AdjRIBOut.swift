internal import FlowSpec

/// What one neighbor is to have, and what of it has yet to be sent.
///
/// Changes to the same route before it was sent become one: a rule that came and went in between is never mentioned.
struct AdjRIBOut: Sendable {
    private(set) var routes: [AnnouncedRoute: Announcement] = [:]
    /// The families of the session that stands; nil without one.
    private var families: Set<BGPFamily>?
    /// What the neighbor has been told on this session; empty without one.
    private var sent: Set<AnnouncedRoute> = []
    private var pending: [AnnouncedRoute] = []
    private var isPending: Set<AnnouncedRoute> = []

    var hasPending: Bool { !pending.isEmpty }
    var sentCount: Int { sent.count }

    mutating func announce(_ announcement: Announcement) {
        guard routes.updateValue(announcement, forKey: announcement.route) != announcement else { return }
        note(announcement.route)
    }

    mutating func withdraw(_ route: AnnouncedRoute) {
        guard routes.removeValue(forKey: route) != nil else { return }
        note(route)
    }

    /// Without a session there is nothing to note: the next one begins with all routes.
    private mutating func note(_ route: AnnouncedRoute) {
        guard families?.contains(route.bgpFamily) == true else { return }
        if isPending.insert(route).inserted { pending.append(route) }
    }

    /// The neighbor knows nothing: all routes of the families that were negotiated have to be said.
    mutating func beginSession(_ families: Set<BGPFamily>) {
        forgetSession()
        self.families = families
        resend(families)
    }

    /// The neighbor asked for families again.
    mutating func resend(_ families: Set<BGPFamily>) {
        for route in routes.keys where families.contains(route.bgpFamily) { note(route) }
    }

    /// The session is gone, and with it what the neighbor knew.
    mutating func forgetSession() {
        families = nil
        sent.removeAll()
        pending.removeAll()
        isPending.removeAll()
    }

    /// The next changes, at most `limit`.
    mutating func takePending(_ limit: Int) -> (announce: [Announcement], withdraw: [AnnouncedRoute]) {
        var announce: [Announcement] = []
        var withdraw: [AnnouncedRoute] = []
        // A copy: a slice would make `removeFirst` copy all that is left.
        let taken = Array(pending.prefix(limit))
        for route in taken {
            isPending.remove(route)
            if let announcement = routes[route] {
                announce.append(announcement)
                sent.insert(route)
            } else if sent.remove(route) != nil {
                withdraw.append(route)
            }
        }
        pending.removeFirst(taken.count)
        return (announce, withdraw)
    }
}
