internal import NetworkTypes

/// The states of all hosts, networks and groups that are tracked, each at a place of its own, and an index from keys to
/// places.
struct StateTable: Sendable {
    private var states: [TrafficState] = []
    private var free: [Int] = []
    private var index = SlotIndex()
    private let seed: UInt64
    private(set) var trackedHosts = 0

    /// - Parameter seed: for the hash; secret, as attackers choose the keys.
    init(seed: UInt64) { self.seed = seed }

    /// How many places there are, the free ones included.
    var count: Int { states.count }
    var memoryBytes: Int { states.capacity * MemoryLayout<TrafficState>.stride + index.memoryBytes }

    subscript(position: Int) -> TrafficState {
        @inline(__always) _read { yield states[position] }
        @inline(__always) _modify { yield &states[position] }
    }

    /// Where the state of a key stands; -1 for nowhere.
    func find(_ key: TrafficKey) -> Int { index.find(key.hash(seed: seed)) { states[$0].key == key } }

    @inline(__always)
    func holds(_ key: TrafficKey, at position: Int) -> Bool {
        states[position].key == key && !states[position].isFree
    }

    /// How many entries are looked up together. With many hosts nearly every look into the index and at a state misses
    /// the caches: in loops of their own, free of what depends on them, the processor waits for many at a time.
    static let stride = 64

    /// Where the states of the keys stand, -1 for those that have yet to be looked for.
    @inline(__always)
    func places(of entries: Span<TrafficDelta>) -> InlineArray<64, Int32> {
        var found = InlineArray<64, Int32>(repeating: -1)
        var allContents = InlineArray<64, UInt64>(repeating: 0)
        var allHashes = InlineArray<64, UInt32>(repeating: 0)
        var places = found.mutableSpan
        var contents = allContents.mutableSpan
        var hashes = allHashes.mutableSpan
        for offset in entries.indices {
            let hash = entries[offset].key.hash(seed: seed)
            hashes[offset] = hash
            contents[offset] = index.content(hash)
        }
        for offset in entries.indices {
            places[offset] = index.candidate(hashes[offset], beginningWith: contents[offset])
        }
        // A state lies in several lines of the cache: with its flags the one is asked for that will be added to.
        for offset in entries.indices where places[offset] >= 0 {
            if !holds(entries[offset].key, at: Int(places[offset])) { places[offset] = -1 }
        }
        return found
    }

    /// Adds a key that is not in the table.
    mutating func insert(_ key: TrafficKey, group: Int16, tick: Int64) -> Int {
        if key.isHost { trackedHosts += 1 }
        var state = TrafficState(key: key, group: group, tick: tick)
        let position = free.popLast() ?? states.count
        if position == states.count {
            states.append(state)
        } else {
            state.generation = states[position].generation
            states[position] = state
        }
        index.insert(key.hash(seed: seed), position)
        return position
    }

    /// Frees the place of a host.
    mutating func remove(at position: Int) {
        index.remove(states[position].key.hash(seed: seed), position)
        states[position].isFree = true
        states[position].generation &+= 1
        free.append(position)
        trackedHosts -= 1
    }
}
