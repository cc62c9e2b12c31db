/// A hash index by linear probing: from hashes to positions in an array that somebody else keeps.
struct SlotIndex: Sendable {
    /// Position plus one; 0 is free.
    private var slots: [UInt32]
    private var mask: Int
    private(set) var count = 0

    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size <<= 1 }
        slots = Array(repeating: 0, count: size)
        mask = size &- 1
    }

    var memoryBytes: Int { slots.count * MemoryLayout<UInt32>.stride }

    var isCrowded: Bool { count &* 8 >= slots.count &* 5 }

    /// The position for which `matches` holds; -1 when there is none.
    @inline(__always)
    func find(_ hash: UInt64, matches: (Int) -> Bool) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let position = Int(slots[slot]) &- 1
            if matches(position) { return position }
            slot = (slot &+ 1) & mask
        }
        return -1
    }

    /// Adds a position that is not in the index. The caller grows the index when it is crowded.
    @inline(__always)
    mutating func insert(_ hash: UInt64, _ position: Int) {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot &+ 1) & mask }
        slots[slot] = UInt32(truncatingIfNeeded: position &+ 1)
        count &+= 1
    }

    /// Takes a position out, and moves back what had to stand behind it.
    mutating func remove(_ hash: UInt64, _ position: Int, hashOf: (Int) -> UInt64) {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0, Int(slots[slot]) &- 1 != position { slot = (slot &+ 1) & mask }
        guard slots[slot] != 0 else { return }
        count &-= 1
        var hole = slot
        var next = (slot &+ 1) & mask
        while slots[next] != 0 {
            let home = Int(truncatingIfNeeded: hashOf(Int(slots[next]) &- 1)) & mask
            // It may move into the hole unless its home lies behind it.
            if ((next &- home) & mask) >= ((next &- hole) & mask) {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        slots[hole] = 0
    }

    mutating func removeAll() {
        guard count > 0 else { return }
        unsafe slots.withUnsafeMutableBufferPointer { buffer in unsafe buffer.update(repeating: 0) }
        count = 0
    }
}
