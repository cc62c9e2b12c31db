internal import FlowSpec

/// What one neighbor is to have, and what of it has yet to be sent.
///
/// Changes to the same route before it was sent become one: a rule that came and went in between is never mentioned.
struct AdjRIBOut: Sendable {
    private(set) var routes: [AnnouncedRoute: Announcement] = [:]
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

    private mutating func note(_ route: AnnouncedRoute) {
        if isPending.insert(route).inserted { pending.append(route) }
    }

    /// The session is new, or the neighbor asked for its families again: everything has to be said (again).
    mutating func resend(_ families: Set<BGPFamily>) {
        for route in routes.keys where families.contains(route.bgpFamily) { note(route) }
    }

    /// The session is gone, and with it what the neighbor knew.
    mutating func forgetSession() {
        sent.removeAll()
        pending.removeAll()
        isPending.removeAll()
    }

    /// The next changes, at most `limit`, of the families that were negotiated; the rest of the families is dropped.
    mutating func takePending(
        _ limit: Int,
        families: Set<BGPFamily>
    ) -> (announce: [Announcement], withdraw: [AnnouncedRoute]) {
        var announce: [Announcement] = []
        var withdraw: [AnnouncedRoute] = []
        let taken = pending.prefix(limit)
        for route in taken {
            isPending.remove(route)
            guard families.contains(route.bgpFamily) else { continue }
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
