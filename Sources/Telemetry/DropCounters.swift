/// Running totals that sources tell: by how much each has grown since it was told before.
struct DropCounters {
    /// In the order of sources: each sample of a switch with hundreds of ports asks for one.
    private var totals: [(source: UInt64, total: UInt32)] = []

    /// More data sources than a switch has ports; further ones are not followed.
    private static let maximumSources = 1024

    var count: Int { totals.count }

    mutating func growth(to total: UInt32, of source: UInt64) -> UInt64 {
        let place = place(of: source)
        guard place < totals.count, totals[place].source == source else {
            if totals.count < Self.maximumSources { totals.insert((source, total), at: place) }
            return 0
        }
        let growth = total &- totals[place].total
        totals[place].total = total
        // A counter that ran backwards began anew.
        return growth < 0x8000_0000 ? UInt64(growth) : 0
    }

    /// Where a source stands or belongs.
    private func place(of source: UInt64) -> Int {
        var low = 0
        var high = totals.count
        while low < high {
            let middle = (low + high) / 2
            if totals[middle].source < source { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
