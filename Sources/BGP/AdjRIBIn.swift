public import FlowSpec

/// What the neighbor has announced, for looking at. Bounded: beyond that it is only counted.
public struct AdjRIBIn: Sendable {
    public private(set) var routes: [AnnouncedRoute: PathAttributes] = [:]
    /// Announcements that were not kept because there were too many.
    public private(set) var passedOver: UInt64 = 0
    public let maximum: Int
    /// Families whose routes can no longer be relied on, until the session ends (RFC 7606 section 5.4).
    public private(set) var disabled: Set<BGPFamily> = []
    /// Of routes with path identifiers: which of them stand (RFC 7911). The attributes are those of the one that came last.
    private var paths: [AnnouncedRoute: Set<UInt32>] = [:]
    private var pathCount = 0
    /// Of families that the neighbor is sending again: what it has not named yet.
    private var unnamed: [BGPFamily: Set<AnnouncedRoute>] = [:]

    public init(maximum: Int) { self.maximum = maximum }

    /// How many routes of each family are kept.
    public private(set) var counts: [BGPFamily: Int] = [:]

    /// Takes an UPDATE. True when the neighbor has announced more than may be kept.
    mutating func apply(_ update: UpdateMessage) -> Bool {
        for route in update.withdrawn where !keeps(route, without: update.withdrawnPaths[route]) { remove(route) }
        if !unnamed.isEmpty { for route in update.announced { unnamed[route.bgpFamily]?.remove(route) } }
        let attributes = update.attributes ?? PathAttributes()
        var isExceeded = false
        for route in update.announced where disabled.isEmpty || !disabled.contains(route.bgpFamily) {
            if max(routes.count, pathCount) >= maximum, isNew(route, update.announcedPaths[route]) {
                passedOver &+= 1
                isExceeded = true
            } else {
                add(update.announcedPaths[route], to: route)
                if routes.updateValue(attributes, forKey: route) == nil { counts[route.bgpFamily, default: 0] += 1 }
            }
        }
        return isExceeded
    }

    private func isNew(_ route: AnnouncedRoute, _ identifiers: Set<UInt32>?) -> Bool {
        routes[route] == nil || identifiers?.isSubset(of: paths[route] ?? []) == false
    }

    private mutating func add(_ identifiers: Set<UInt32>?, to route: AnnouncedRoute) {
        guard let identifiers else { return }
        let former = paths[route] ?? []
        let all = former.union(identifiers)
        pathCount += all.count - former.count
        paths[route] = all
    }

    /// Takes paths away; whether others of the route are left.
    private mutating func keeps(_ route: AnnouncedRoute, without identifiers: Set<UInt32>?) -> Bool {
        guard let identifiers, let former = paths[route] else { return false }
        let left = former.subtracting(identifiers)
        pathCount -= former.count - left.count
        paths[route] = left.isEmpty ? nil : left
        return !left.isEmpty
    }

    private mutating func forgetPaths(of route: AnnouncedRoute) {
        pathCount -= paths.removeValue(forKey: route)?.count ?? 0
    }

    private mutating func remove(_ route: AnnouncedRoute) {
        forgetPaths(of: route)
        if routes.removeValue(forKey: route) != nil { counts[route.bgpFamily, default: 1] -= 1 }
    }

    /// BoRR: the neighbor says the family again from the start (RFC 7313 section 4).
    mutating func beginRefresh(_ family: BGPFamily) {
        let known = Set(routes.keys.filter { $0.bgpFamily == family })
        unnamed[family] = known
        for route in known { forgetPaths(of: route) }
    }

    /// EoRR: what it has not named since is gone.
    mutating func endRefresh(_ family: BGPFamily) {
        for route in unnamed.removeValue(forKey: family) ?? [] { remove(route) }
    }

    mutating func disable(_ family: BGPFamily) {
        disabled.insert(family)
        for route in routes.keys.filter({ $0.bgpFamily == family }) { remove(route) }
    }

    mutating func forget() {
        disabled.removeAll()
        routes.removeAll()
        counts.removeAll()
        unnamed.removeAll()
        paths.removeAll()
        pathCount = 0
    }
}
