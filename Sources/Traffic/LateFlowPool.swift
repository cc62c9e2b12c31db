internal import NetworkTypes

/// What is known of those hosts, networks and groups of which flows were reported late: how much that was of late, each
/// amount halved every 64 seconds. It tells whether a history is worth its memory.
struct LateFlowPool: Sendable {
    private struct Entry: Sendable, BitwiseCopyable {
        var packets: Float = 0
        var bytes: Float = 0
        var flows: Float = 0
        var since: Int64
    }

    private var entries: [Entry] = []
    private var free: [Int] = []

    var memoryBytes: Int { entries.capacity * MemoryLayout<Entry>.stride }

    mutating func allocate(at second: Int64) -> Int {
        if let slot = free.popLast() {
            entries[slot] = Entry(since: second)
            return slot
        }
        entries.append(Entry(since: second))
        return entries.count - 1
    }

    mutating func release(_ slot: Int) { free.append(slot) }

    mutating func add(_ amount: TrafficAmount, to slot: Int, at second: Int64) {
        decay(slot, at: second)
        entries[slot].packets += Float(amount.packets)
        entries[slot].bytes += Float(amount.bytes)
        entries[slot].flows += Float(amount.flows)
    }

    /// Below a sixteenth of a second's worth of the lowest limit a host can hide what an attack needs, but not more.
    func isWorthHistory(_ slot: Int, _ measures: [TrafficMeasure]) -> Bool {
        measures.contains { measure in
            switch measure.unit {
            case .packets: Double(entries[slot].packets) >= measure.lowestLimit / 16
            case .bits: Double(entries[slot].bytes) * 8 >= measure.lowestLimit / 16
            case .flows: Double(entries[slot].flows) >= measure.lowestLimit / 16
            }
        }
    }

    private mutating func decay(_ slot: Int, at second: Int64) {
        let elapsed = second &- entries[slot].since
        guard elapsed >= 64 else { return }
        let factor: Float = elapsed >= 1024 ? 0 : 1 / Float(1 << min(elapsed / 64, 20))
        entries[slot].packets *= factor
        entries[slot].bytes *= factor
        entries[slot].flows *= factor
        entries[slot].since = second
    }
}
