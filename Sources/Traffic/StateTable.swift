internal import CProcessor
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

    /// All of them, for a loop that changes many.
    var mutableSpan: MutableSpan<TrafficState> {
        @inline(__always) @_lifetime(&self) mutating get { states.mutableSpan }
    }

    /// Where the state of a key stands; -1 for nowhere.
    func find(_ key: TrafficKey) -> Int { index.find(key.hash(seed: seed)) { states[$0].key == key } }

    @inline(__always)
    func holds(_ key: TrafficKey, at position: Int) -> Bool {
        states[position].key == key && !states[position].isFree
    }

    /// How many entries are looked up together.
    static let stride = 64

    /// Works out the hashes of entries, and has what the index says of them brought into the caches.
    @inline(__always)
    func hash(_ entries: Span<TrafficDelta>, into all: inout InlineArray<64, UInt32>) {
        var hashes = all.mutableSpan
        for offset in entries.indices {
            let hash = entries[offset].key.hash(seed: seed)
            hashes[offset] = hash
            index.fetch(hash)
        }
    }

    /// Where the states of the entries' keys stand, -1 for those that have yet to be looked for; and a bit for each entry
    /// of a host that has one and was added to within the tick.
    @inline(__always)
    func places(of entries: Span<TrafficDelta>, _ all: borrowing InlineArray<64, UInt32>)
        -> (places: InlineArray<64, Int32>, ofWindow: UInt64)
    {
        var found = InlineArray<64, Int32>(repeating: -1)
        var ofWindow: UInt64 = 0
        var places = found.mutableSpan
        let hashes = all.span
        for offset in entries.indices {
            let place = index.candidate(hashes[offset])
            places[offset] = place
            if place >= 0 { fetch(Int(place), withSums: !entries[offset].ages.isSpanned) }
        }
        for offset in entries.indices where places[offset] >= 0 {
            if !holds(entries[offset].key, at: Int(places[offset])) {
                places[offset] = -1
            } else if !entries[offset].ages.isSpanned, entries[offset].key.isHost {
                // Of networks and groups only what is older comes as entries.
                ofWindow |= 1 &<< UInt64(truncatingIfNeeded: offset)
            }
        }
        return (found, ofWindow)
    }

    /// Has of a state brought into the caches its key and what late flows touch; and the sums of the classes that most
    /// records are of.
    @inline(__always)
    private func fetch(_ position: Int, withSums: Bool = false) {
        unsafe states.withUnsafeBufferPointer { states in
            // A hint needs no memory that is there.
            guard let base = states.baseAddress else { return }
            let state = unsafe UnsafeRawPointer(base + position)
            unsafe processor_prefetch_for_write(state + TrafficState.lineOfKey)
            guard withSums else { return }
            unsafe processor_prefetch_for_write(state + TrafficState.linesOfSums.0)
            unsafe processor_prefetch_for_write(state + TrafficState.linesOfSums.1)
        }
    }

    /// Has the slot of the index brought into the caches that a key belongs into; then, with `fetchState`, its state.
    func fetchSlot(_ key: TrafficKey) { index.fetch(key.hash(seed: seed)) }

    func fetchState(_ key: TrafficKey) {
        let place = index.candidate(key.hash(seed: seed))
        if place >= 0 { fetch(Int(place)) }
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
