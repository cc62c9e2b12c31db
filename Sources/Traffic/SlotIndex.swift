internal import CProcessor

/// A hash index by linear probing: from hashes to positions in an array that somebody else keeps.
///
/// A slot holds 32 bits of the hash beside the position: neighbors are told apart without a look at the array, and the
/// index grows and closes its gaps by itself.
struct SlotIndex: Sendable {
    /// The hash in the upper half, the position plus one in the lower. 0 is free.
    private var slots: [UInt64]
    private(set) var count = 0

    private static let smallest = 1024

    init() { slots = Array(repeating: 0, count: Self.smallest) }

    var memoryBytes: Int { slots.capacity * MemoryLayout<UInt64>.stride }

    /// What stands where an entry of this hash belongs first.
    @inline(__always)
    func content(_ hash: UInt32) -> UInt64 { slots[Int(truncatingIfNeeded: hash) & (slots.count &- 1)] }

    /// The first position that an entry of this hash may stand at; -1 for none. Most times it is the only one.
    ///
    /// - Parameter first: the `content` of the hash, which can so be read long before.
    @inline(__always)
    func candidate(_ hash: UInt32, beginningWith first: UInt64) -> Int32 {
        var content = first
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while content != 0 {
            if Self.hash(content) == hash { return Self.position(content) }
            slot = (slot &+ 1) & mask
            content = slots[slot]
        }
        return -1
    }

    @inline(__always)
    func candidate(_ hash: UInt32) -> Int32 { candidate(hash, beginningWith: content(hash)) }

    /// Has what stands where an entry of this hash belongs brought into the caches.
    @inline(__always)
    func fetch(_ hash: UInt32) {
        unsafe slots.withUnsafeBufferPointer { slots in
            guard let base = slots.baseAddress else { return }
            unsafe processor_prefetch(base + (Int(truncatingIfNeeded: hash) & (slots.count &- 1)))
        }
    }

    /// The position for which `matches` holds; -1 when there is none.
    @inline(__always)
    func find(_ hash: UInt32, matches: (Int) -> Bool) -> Int {
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            if Self.hash(slots[slot]) == hash {
                let position = Int(Self.position(slots[slot]))
                if matches(position) { return position }
            }
            slot = (slot &+ 1) & mask
        }
        return -1
    }

    /// Adds a position that is not in the index.
    mutating func insert(_ hash: UInt32, _ position: Int) {
        if count &* 8 >= slots.count &* 5 { resize(to: slots.count * 2) }
        place(UInt64(hash) << 32 | UInt64(UInt32(truncatingIfNeeded: position &+ 1)))
        count &+= 1
    }

    /// Takes a position out, and moves back what had to stand behind it.
    mutating func remove(_ hash: UInt32, _ position: Int) {
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0, Int(Self.position(slots[slot])) != position { slot = (slot &+ 1) & mask }
        guard slots[slot] != 0 else { return }
        count &-= 1
        var hole = slot
        var next = (slot &+ 1) & mask
        while slots[next] != 0 {
            let home = Int(truncatingIfNeeded: Self.hash(slots[next])) & mask
            // It may move into the hole unless its home lies behind it.
            if ((next &- home) & mask) >= ((next &- hole) & mask) {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        slots[hole] = 0
    }

    /// Empties the index. The memory stays, unless it is far more than was needed.
    mutating func removeAll() {
        guard count > 0 else { return }
        if count &* 32 < slots.count, slots.count > Self.smallest {
            slots = Array(repeating: 0, count: slots.count / 2)
        } else {
            for slot in slots.indices { slots[slot] = 0 }
        }
        count = 0
    }

    private mutating func resize(to size: Int) {
        let old = slots
        slots = Array(repeating: 0, count: size)
        for slot in old where slot != 0 { place(slot) }
    }

    @inline(__always)
    private mutating func place(_ content: UInt64) {
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: Self.hash(content)) & mask
        while slots[slot] != 0 { slot = (slot &+ 1) & mask }
        slots[slot] = content
    }

    @inline(__always)
    private static func hash(_ slot: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: slot >> 32) }

    @inline(__always)
    private static func position(_ slot: UInt64) -> Int32 { Int32(truncatingIfNeeded: slot) &- 1 }
}
