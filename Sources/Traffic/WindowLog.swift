internal import NetworkTypes

/// What each of the last ticks added to which counters, so that it can be taken away again when the tick leaves the
/// window.
struct WindowLog: Sendable {
    /// An amount in 16 octets. What does not fit is split into entries that count for more.
    struct Entry: Sendable, BitwiseCopyable {
        let position: UInt32
        private let packets: UInt32
        private let bytes: UInt32
        let generation: UInt16
        private let flows: UInt8
        /// Classes in the lower six bits, the weight above: each step stands for 32 bits of packets and octets, and for
        /// 8 of flows.
        private let classesAndWeight: UInt8

        @inline(__always)
        init(_ amount: TrafficAmount, _ classes: TrafficClassSet, weight: UInt8, position: Int, generation: UInt16) {
            self.position = UInt32(truncatingIfNeeded: position)
            self.generation = generation
            packets = UInt32(truncatingIfNeeded: amount.packets >> (UInt64(weight) &* 32))
            bytes = UInt32(truncatingIfNeeded: amount.bytes >> (UInt64(weight) &* 32))
            flows = UInt8(truncatingIfNeeded: amount.flows >> (UInt32(weight) &* 8))
            classesAndWeight = classes.bits | weight << 6
        }

        @inline(__always)
        var classes: TrafficClassSet { TrafficClassSet(bits: classesAndWeight) }

        @inline(__always)
        var amount: TrafficAmount {
            let weight = classesAndWeight >> 6
            return TrafficAmount(
                packets: UInt64(packets) << (UInt64(weight) &* 32),
                bytes: UInt64(bytes) << (UInt64(weight) &* 32),
                flows: UInt32(flows) << (UInt32(weight) &* 8)
            )
        }
    }

    /// Of the tick under way.
    private var open: [Entry] = []
    /// Of the ticks before it within the window.
    private var closed: [[Entry]]
    private var oldest = 0

    init(ticks count: Int) { closed = Array(repeating: [], count: max(0, count - 1)) }

    var memoryBytes: Int {
        (closed.reduce(open.capacity) { $0 + $1.capacity }) * MemoryLayout<Entry>.stride
    }

    /// Notes what was added to the counters at `position` within the current tick.
    @inline(__always)
    mutating func append(_ amount: TrafficAmount, _ classes: TrafficClassSet, position: Int, generation: UInt16) {
        open.append(Entry(amount, classes, weight: 0, position: position, generation: generation))
        if (amount.packets | amount.bytes) >> 32 != 0 || amount.flows >> 8 != 0 {
            appendRest(of: amount, classes, position: position, generation: generation)
        }
    }

    private mutating func appendRest(
        of amount: TrafficAmount,
        _ classes: TrafficClassSet,
        position: Int,
        generation: UInt16
    ) {
        for weight in 1...(3 as UInt8) {
            let entry = Entry(amount, classes, weight: weight, position: position, generation: generation)
            if !entry.amount.isZero { open.append(entry) }
        }
    }

    /// Begins the next tick, and hands out what the tick that leaves the window had added. Give it back to `recycle`.
    mutating func takeOldest() -> [Entry] {
        var entries: [Entry] = []
        swap(&entries, &open)
        guard !closed.isEmpty else { return entries }
        swap(&entries, &closed[oldest])
        oldest = (oldest + 1) % closed.count
        return entries
    }

    /// Keeps the memory of entries that were handed out for the tick under way, unless it is far more than was needed.
    mutating func recycle(_ entries: inout [Entry]) {
        guard entries.count * 4 >= entries.capacity else { return }
        entries.removeAll(keepingCapacity: true)
        swap(&entries, &open)
    }
}
