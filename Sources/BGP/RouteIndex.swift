internal import FlowSpec

/// Finds the place of a route in a table beside it, by hash.
///
/// A dictionary with routes as keys would compare and copy whole routes for each neighbor in its buckets, and hash all of
/// them again when it grows. Here the hashes stand in the cells, so a route is looked at only when it is the one.
struct RouteIndex: Sendable {
    /// Open addressing: the hash's upper half and the place plus two; 0 is free, 1 in the lower half was taken before.
    private var cells: [UInt64] = [UInt64](repeating: 0, count: 16)
    private(set) var count = 0
    /// Cells that are not free.
    private var used = 0

    private static let lower: UInt64 = 0xFFFF_FFFF
    private static let removed: UInt64 = 1

    static func hash(_ route: AnnouncedRoute) -> UInt64 {
        // The half that the cells keep must be all that chooses among them.
        let half = UInt64(UInt32(truncatingIfNeeded: route.hashValue))
        return half << 32 | half
    }

    /// The place of the route with this hash that `isEqual` knows for it.
    func place(_ hash: UInt64, _ isEqual: (Int) -> Bool) -> Int? {
        let mask = cells.count - 1
        var cell = Int(truncatingIfNeeded: hash) & mask
        while cells[cell] != 0 {
            let entry = cells[cell]
            if entry >> 32 == hash >> 32, entry & Self.lower > Self.removed {
                let place = Int(entry & Self.lower) - 2
                if isEqual(place) { return place }
            }
            cell = (cell + 1) & mask
        }
        return nil
    }

    /// Adds a route that is not there.
    mutating func insert(_ hash: UInt64, at place: Int) {
        if (used + 1) * 4 > cells.count * 3 { rebuild(capacity: count + 1) }
        put(hash, place)
        count += 1
    }

    mutating func remove(_ hash: UInt64, at place: Int) {
        let mask = cells.count - 1
        var cell = Int(truncatingIfNeeded: hash) & mask
        let wanted = entry(hash, place)
        while cells[cell] != 0 {
            if cells[cell] == wanted {
                cells[cell] = Self.removed
                count -= 1
                return
            }
            cell = (cell + 1) & mask
        }
    }

    mutating func reserve(_ more: Int) {
        if (used + more) * 4 > cells.count * 3 { rebuild(capacity: count + more) }
    }

    private func entry(_ hash: UInt64, _ place: Int) -> UInt64 {
        (hash & ~Self.lower) | UInt64(UInt32(truncatingIfNeeded: place + 2))
    }

    private mutating func put(_ hash: UInt64, _ place: Int) {
        let mask = cells.count - 1
        var cell = Int(truncatingIfNeeded: hash) & mask
        while cells[cell] != 0 { cell = (cell + 1) & mask }
        cells[cell] = entry(hash, place)
        used += 1
    }

    private mutating func rebuild(capacity: Int) {
        var size = 16
        while size * 2 < capacity * 4 { size *= 2 }
        let former = cells
        cells = [UInt64](repeating: 0, count: size)
        used = 0
        for entry in former where entry & Self.lower > Self.removed {
            put((entry & ~Self.lower) | (entry >> 32), Int(entry & Self.lower) - 2)
        }
    }
}
