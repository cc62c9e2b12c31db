internal import FlowSpec

/// Routes of one step that cannot be said to a neighbor: how many, and the first, with the reason. A template that a
/// router cannot take makes thousands of them at once.
struct UnsayableRoutes {
    private var count = 0
    private var first: (route: AnnouncedRoute, reason: String)?

    mutating func note(_ route: AnnouncedRoute, _ reason: @autoclosure () -> String) {
        count += 1
        if first == nil { first = (route, reason()) }
    }

    var effects: [NeighborSession.Effect] {
        first.map { [.unsayable(count, $0.route, reason: $0.reason)] } ?? []
    }
}
