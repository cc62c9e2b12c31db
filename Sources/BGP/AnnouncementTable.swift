public import FlowSpec

/// Announcements by their routes, in little room.
public struct AnnouncementTable: Sendable {
    private var slots: [(announcement: Announcement?, hash: UInt64)] = []
    private var free: [Int] = []
    private var index = RouteIndex()

    public init() {}

    public var count: Int { index.count }
    public var all: [Announcement] { slots.compactMap(\.announcement) }

    /// Makes room for many.
    public mutating func reserve(_ more: Int) {
        index.reserve(more)
        slots.reserveCapacity(slots.count + more)
    }

    /// In the place of one of the same route.
    public mutating func insert(_ announcement: Announcement) {
        let hash = RouteIndex.hash(announcement.route)
        if let known = place(of: announcement.route, hash) {
            slots[known].announcement = announcement
            return
        }
        let place: Int
        if let reused = free.popLast() {
            place = reused
            slots[place] = (announcement, hash)
        } else {
            place = slots.count
            slots.append((announcement, hash))
        }
        index.insert(hash, at: place)
    }

    public mutating func remove(_ route: AnnouncedRoute) {
        guard let place = place(of: route, RouteIndex.hash(route)) else { return }
        index.remove(slots[place].hash, at: place)
        slots[place].announcement = nil
        free.append(place)
    }

    private func place(of route: AnnouncedRoute, _ hash: UInt64) -> Int? {
        index.place(hash) { slots[$0].announcement?.route == route }
    }
}
