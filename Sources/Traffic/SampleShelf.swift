internal import NetworkTypes

/// The samples of one tick, so that those of a host are found without a look at the others.
struct SampleShelf: Sendable {
    private(set) var samples: [TrafficSample] = []
    /// For each sample where its packet stands; negative for none. Up to the last that has one.
    private var packetPlaces: [Int32] = []
    private var packets: [SampledPacket] = []
    /// In ascending order: the place of the host's state plus one, a bit for outgoing traffic, and where the sample stands.
    private var order: [UInt64] = []

    /// Of all workers together.
    static let maximum = 4 * SampleChoice.maximum

    var memoryBytes: Int {
        samples.capacity * MemoryLayout<TrafficSample>.stride + order.capacity * 8 + packetPlaces.capacity * 4
            + packets.capacity * MemoryLayout<SampledPacket>.stride
    }

    /// Adds a sample of the host whose state is at a place; -1 for a host that is not tracked; false where there is
    /// no room. To be followed by `sort`.
    mutating func add(_ sample: TrafficSample, place: Int, isIncoming: Bool) -> Bool {
        guard samples.count < Self.maximum else { return false }
        order.append(Self.start(of: place, isIncoming: isIncoming) | UInt64(samples.count))
        samples.append(sample)
        return true
    }

    /// Adds the packet that the sample was read from that was added last.
    mutating func add(_ packet: SampledPacket) {
        guard packetPlaces.count < samples.count else { return }
        while packetPlaces.count < samples.count - 1 { packetPlaces.append(-1) }
        packetPlaces.append(Int32(truncatingIfNeeded: packets.count))
        packets.append(packet)
    }

    mutating func sort() { order.sort() }

    /// Makes room for so many more samples.
    mutating func reserve(_ more: Int) {
        let count = min(samples.count + more, Self.maximum)
        samples.reserveCapacity(count)
        packetPlaces.reserveCapacity(count)
        order.reserveCapacity(count)
    }

    /// Lets go of all samples; the memory stays.
    mutating func removeAll() {
        samples.removeAll(keepingCapacity: true)
        packetPlaces.removeAll(keepingCapacity: true)
        packets.removeAll(keepingCapacity: true)
        order.removeAll(keepingCapacity: true)
    }

    /// The packet that a sample was read from.
    func packet(ofSample number: Int) -> SampledPacket? {
        guard packetPlaces.indices.contains(number), packetPlaces[number] >= 0 else { return nil }
        return packets[Int(packetPlaces[number])]
    }

    private static func start(of place: Int, isIncoming: Bool) -> UInt64 {
        UInt64(UInt32(truncatingIfNeeded: place &+ 1)) << 33 | (isIncoming ? 0 : 1 << 32)
    }

    /// The samples of one host in one direction, with their numbers.
    func forEach(ofPlace place: Int, isIncoming: Bool, _ body: (TrafficSample, Int) -> Void) {
        let start = Self.start(of: place, isIncoming: isIncoming)
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle] < start { low = middle + 1 } else { high = middle }
        }
        while low < order.count, order[low] >> 32 == start >> 32 {
            let number = Int(order[low] & 0xFFFF_FFFF)
            body(samples[number], number)
            low += 1
        }
    }

    /// The samples of all hosts in one direction, with their numbers.
    func forEach(isIncoming: Bool, _ body: (TrafficSample, Int) -> Void) {
        for key in order where (key >> 32 & 1 == 0) == isIncoming {
            let number = Int(key & 0xFFFF_FFFF)
            body(samples[number], number)
        }
    }
}

/// The samples of the last ticks, up to a minute of them, as far as there is room.
struct SampleShelves: Sendable {
    private var shelves: [SampleShelf]
    private var count = 0
    /// Memory of a shelf that was cleared, for the next: new memory costs more than what is put into it.
    private var spare = SampleShelf()
    /// The oldest tick that may have any.
    private var oldest: Int64

    private static let seconds: Int64 = 64
    /// Over all ticks: four seconds of one worker's, if there are as many as may be.
    private static let maximum = 40 * SampleChoice.maximum

    init(tickNanoseconds: Int64, tick: Int64) {
        shelves = Array(
            repeating: SampleShelf(),
            count: Int(max(10, min(Self.seconds * 1_000_000_000 / max(1, tickNanoseconds), 640)))
        )
        oldest = tick
    }

    var memoryBytes: Int { shelves.reduce(spare.memoryBytes) { $0 + $1.memoryBytes } }

    private func slot(_ tick: Int64) -> Int { Int(tick.magnitude % UInt64(shelves.count)) }

    /// Puts what a worker saw within the tick on its shelf.
    mutating func add(tick: Int64, _ fill: (inout SampleShelf) -> Void) {
        let before = shelves[slot(tick)].samples.count
        if shelves[slot(tick)].memoryBytes == 0 { swap(&spare, &shelves[slot(tick)]) }
        fill(&shelves[slot(tick)])
        count += shelves[slot(tick)].samples.count - before
        while count > Self.maximum, oldest < tick {
            clear(oldest)
            oldest += 1
        }
    }

    private mutating func clear(_ tick: Int64) {
        count -= shelves[slot(tick)].samples.count
        var cleared = SampleShelf()
        swap(&cleared, &shelves[slot(tick)])
        guard cleared.memoryBytes > spare.memoryBytes else { return }
        cleared.removeAll()
        spare = cleared
    }

    /// Makes room for the samples of a tick that begins.
    mutating func begin(tick: Int64) {
        clear(tick)
        oldest = max(oldest, tick - Int64(shelves.count) + 1)
    }

    /// Empties all shelves and goes on with a tick.
    mutating func restart(at tick: Int64) {
        for index in shelves.indices { shelves[index] = SampleShelf() }
        count = 0
        oldest = tick
    }

    /// Of how many ticks up to one samples are kept.
    func ticksHeld(upTo tick: Int64) -> Int { Int(clamping: max(1, min(tick - oldest + 1, Int64(shelves.count)))) }

    /// The shelves of so many ticks up to one, the latest first, each with how many ticks ago it was.
    func forEach(upTo tick: Int64, count: Int, _ body: (SampleShelf, _ slot: Int, _ ticksAgo: Int) -> Void) {
        for step in 0..<min(max(count, 1), shelves.count) {
            guard tick - Int64(step) >= oldest else { return }
            let slot = slot(tick - Int64(step))
            body(shelves[slot], slot, step)
        }
    }

    func packet(ofSample number: Int, inSlot slot: Int) -> SampledPacket? { shelves[slot].packet(ofSample: number) }
}
