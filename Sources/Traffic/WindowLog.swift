/// What each of the last ticks added to which counters, so that it can be taken away again when the tick leaves the
/// window. Packed into words: most entries are of one class besides the total, and take four.
struct WindowLog: Sendable {
    private var ticks: [[UInt64]]
    private var current = 0

    init(ticks count: Int) { ticks = Array(repeating: [], count: max(1, count)) }

    var memoryBytes: Int { ticks.reduce(0) { $0 + $1.capacity * 8 } }

    private static let isUniform: UInt64 = 1 << 62

    /// Notes what was added to the counters at `position` within the current tick.
    mutating func append(_ counters: TrafficCounters, position: Int, generation: UInt16) {
        var mask: UInt64 = 0
        var isUniform = true
        for index in 1..<6 {
            let isUsed = counters.packets[index] | counters.bytes[index] | UInt64(counters.flows[index])
            guard isUsed != 0 else { continue }
            mask |= (1 as UInt64) << UInt64(index)
            if counters.packets[index] != counters.packets[0] { isUniform = false }
            if counters.bytes[index] != counters.bytes[0] { isUniform = false }
            if counters.flows[index] != counters.flows[0] { isUniform = false }
        }
        var head = UInt64(UInt32(truncatingIfNeeded: position))
        head |= UInt64(generation) << 32
        head |= mask << 48
        if isUniform { head |= Self.isUniform }
        ticks[current].append(head)
        append(counters, 0)
        guard !isUniform else { return }
        for index in 1..<6 where (mask >> UInt64(index)) & 1 == 1 { append(counters, index) }
    }

    private mutating func append(_ counters: TrafficCounters, _ index: Int) {
        ticks[current].append(counters.packets[index])
        ticks[current].append(counters.bytes[index])
        ticks[current].append(UInt64(counters.flows[index]))
    }

    /// Begins the next tick: hands out what the tick that leaves the window had added, and forgets it.
    mutating func advance(_ expire: (_ position: Int, _ generation: UInt16, _ counters: TrafficCounters) -> Void) {
        current = (current + 1) % ticks.count
        let words = ticks[current]
        ticks[current].removeAll(keepingCapacity: words.count * 4 >= words.capacity)
        var next = 0
        while next &+ 3 < words.count {
            let head = words[next]
            var counters = TrafficCounters()
            next &+= 1
            counters.packets[0] = words[next]
            counters.bytes[0] = words[next &+ 1]
            counters.flows[0] = UInt32(truncatingIfNeeded: words[next &+ 2])
            next &+= 3
            for index in 1..<6 where (head >> UInt64(48 &+ index)) & 1 == 1 {
                if head & Self.isUniform != 0 {
                    counters.packets[index] = counters.packets[0]
                    counters.bytes[index] = counters.bytes[0]
                    counters.flows[index] = counters.flows[0]
                } else {
                    counters.packets[index] = words[next]
                    counters.bytes[index] = words[next &+ 1]
                    counters.flows[index] = UInt32(truncatingIfNeeded: words[next &+ 2])
                    next &+= 3
                }
            }
            expire(Int(UInt32(truncatingIfNeeded: head)), UInt16(truncatingIfNeeded: head >> 32), counters)
        }
    }
}
