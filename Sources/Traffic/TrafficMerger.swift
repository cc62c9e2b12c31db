public import NetworkTypes

/// Adds the deltas of all workers to sliding windows, and tells what was touched.
///
/// For each tick: `merge` every worker's table in the order of the workers, then `advance` to the next one.
public struct TrafficMerger: Sendable {
    public let configuration: TrafficConfiguration
    public let measures: [TrafficMeasure]
    /// The tick whose deltas are being merged.
    public private(set) var tick: Int64
    /// Where the states stand that were touched within this tick.
    public private(set) var touched: [Int] = []
    /// Hosts that had to give way at the limit.
    public private(set) var evictedHosts: UInt64 = 0
    /// Deltas of hosts that were not tracked because all others were heavier.
    public private(set) var untrackedDeltas: UInt64 = 0
    public private(set) var records: UInt64 = 0
    public private(set) var trackedHosts = 0

    private let view: NetworkView
    private var states: [TrafficState] = []
    private var free: [Int] = []
    private var index: SlotIndex
    private let seed: UInt64
    private var log: WindowLog
    private var histories: HistoryPool
    private var samples: [[TrafficSample]]
    private var sweepHand = 0

    /// How long a host is remembered after its last packet: as long as its history goes back.
    private static let idleSeconds: Int64 = 64
    /// Ticks whose samples are kept.
    private static let sampleTicks = 10

    public init(configuration: TrafficConfiguration, measures: [TrafficMeasure], seed: UInt64, at time: Timestamp) {
        self.configuration = configuration
        self.measures = measures
        self.seed = seed
        tick = configuration.tickIndex(of: time)
        view = NetworkView(configuration)
        index = SlotIndex(capacity: 4096)
        log = WindowLog(ticks: configuration.ticksPerWindow)
        histories = HistoryPool(measures: measures.count)
        samples = Array(repeating: [], count: Self.sampleTicks)
    }

    /// When the current tick ends.
    public var tickEnd: Timestamp { configuration.start(ofTick: tick &+ 1) }

    private var second: Int64 { (tickEnd.nanoseconds &- 1) / 1_000_000_000 }

    // MARK: Merging

    /// Adds what one worker saw within the tick.
    public mutating func merge(_ delta: borrowing DeltaTable) {
        records &+= delta.records
        untrackedDeltas &+= delta.overflow
        for position in delta.aggregates.indices where !delta.aggregates[position].counters.isZero {
            add(delta.aggregates[position])
        }
        for position in delta.entries.indices { add(delta.entries[position]) }
        let slot = Int(tick % Int64(Self.sampleTicks))
        let room = DeltaTable.maximumSamples &- samples[slot].count
        if room > 0 { samples[slot] += delta.samples.prefix(room) }
    }

    private mutating func add(_ delta: TrafficDelta) {
        guard let position = place(of: delta) else {
            untrackedDeltas &+= 1
            return
        }
        if states[position].lastTouched != tick {
            states[position].lastTouched = tick
            touched.append(position)
        }
        if delta.samplingRate > states[position].samplingRate { states[position].samplingRate = delta.samplingRate }
        if delta.isSpanned {
            addSpanned(delta, at: position)
            return
        }
        states[position].counters.add(delta.counters)
        log.append(delta.counters, position: position, generation: states[position].generation)
        if states[position].history >= 0 {
            note(delta.counters, at: position)
        } else if isWorthHistory(states[position]) {
            // From here on: what the window holds already is in it, and is judged by the window.
            openHistory(at: position)
            note(states[position].counters, at: position)
        }
    }

    /// With samples for evidence, a rate near a limit has to be followed for longer than the window.
    private func isWorthHistory(_ state: TrafficState) -> Bool {
        guard state.samplingRate > 1 else { return false }
        let seconds = configuration.window.inSeconds
        return measures.contains { measure in
            state.counters.sum(measure.trafficClass, measure.unit) > measure.lowestLimit * seconds / 2
        }
    }

    private mutating func openHistory(at position: Int) {
        states[position].history = Int32(truncatingIfNeeded: histories.allocate(at: second))
    }

    private mutating func note(_ counters: TrafficCounters, at position: Int) {
        let slot = Int(states[position].history)
        histories.advance(slot, to: second)
        for (measure, wanted) in measures.enumerated() {
            let amount = counters.sum(wanted.trafficClass, wanted.unit)
            if amount > 0 { histories.add(amount, to: slot, measure: measure, second: second) }
        }
    }

    // MARK: Flows reported late

    /// A flow of many seconds counts in the seconds in which it flowed.
    private mutating func addSpanned(_ delta: TrafficDelta, at position: Int) {
        let firstAge = Int64(delta.firstAge) &- 1
        let lastAge = Int64(delta.lastAge) &- 1
        let duration = max(1, firstAge &- lastAge)
        states[position].lastSpanned = tick
        states[position].longestFlow = max(states[position].longestFlow, UInt16(clamping: duration))
        if states[position].history < 0 {
            decaySpanned(at: position)
            states[position].spannedPackets += Float(delta.counters.packets[0])
            states[position].spannedBytes += Float(delta.counters.bytes[0])
            states[position].spannedFlows += Float(delta.counters.flows[0])
            guard isSpannedWorthHistory(states[position]) else { return }
            openHistory(at: position)
        }
        let slot = Int(states[position].history)
        histories.advance(slot, to: second)
        for (measure, wanted) in measures.enumerated() {
            let amount = delta.counters.sum(wanted.trafficClass, wanted.unit)
            guard amount > 0 else { continue }
            // A flow is one flow however long it lasts: it counts when it ended.
            if wanted.unit == .flows {
                histories.add(amount, to: slot, measure: measure, second: second &- lastAge)
                continue
            }
            let share = amount / Double(duration)
            let reach = min(duration, Int64(HistoryPool.seconds) &- lastAge)
            guard reach > 0 else { continue }
            for step in 0..<reach {
                histories.add(share, to: slot, measure: measure, second: second &- lastAge &- step)
            }
        }
    }

    private mutating func decaySpanned(at position: Int) {
        let elapsed = second &- states[position].spannedSince
        guard elapsed >= 64 else { return }
        let factor: Float = elapsed >= 1024 ? 0 : 1 / Float(1 << min(elapsed / 64, 20))
        states[position].spannedPackets *= factor
        states[position].spannedBytes *= factor
        states[position].spannedFlows *= factor
        states[position].spannedSince = second
    }

    /// Below a sixteenth of a second's worth of the lowest limit a host can hide what an attack needs, but not more.
    private func isSpannedWorthHistory(_ state: TrafficState) -> Bool {
        measures.contains { measure in
            switch measure.unit {
            case .packets: Double(state.spannedPackets) >= measure.lowestLimit / 16
            case .bits: Double(state.spannedBytes) * 8 >= measure.lowestLimit / 16
            case .flows: Double(state.spannedFlows) >= measure.lowestLimit / 16
            }
        }
    }

    // MARK: Time

    /// Slides the windows on to a later tick. What was touched is forgotten.
    public mutating func advance(to next: Int64) {
        guard next > tick else { return }
        touched.removeAll(keepingCapacity: true)
        let window = Int64(configuration.ticksPerWindow)
        // After a pause longer than the window everything has left it, whatever the number of ticks.
        if next &- tick > window &+ Int64(Self.sampleTicks) {
            for _ in 0..<window { expireOldestTick() }
            for slot in samples.indices { samples[slot].removeAll() }
            tick = next
        }
        while tick < next {
            tick &+= 1
            expireOldestTick()
            samples[Int(tick % Int64(Self.sampleTicks))].removeAll(keepingCapacity: true)
        }
        sweep()
    }

    private mutating func expireOldestTick() {
        var states = states
        self.states = []
        log.advance { position, generation, counters in
            guard position < states.count, states[position].generation == generation, !states[position].isFree else {
                return
            }
            states[position].counters.subtract(counters)
            if states[position].counters.isZero { states[position].samplingRate = 1 }
        }
        self.states = states
    }

    /// Lets go of hosts that have been silent, a part of them each tick so that no tick takes long.
    private mutating func sweep() {
        guard !states.isEmpty else { return }
        let idleTicks = max(1, Self.idleSeconds &* 1_000_000_000 / configuration.tick.nanoseconds)
        for _ in 0..<(states.count / 128 + 16) {
            sweepHand = sweepHand + 1 < states.count ? sweepHand + 1 : 0
            let state = states[sweepHand]
            guard !state.isFree, state.key.isHost else { continue }
            if tick &- state.lastTouched > idleTicks { evict(sweepHand) }
        }
    }

    // MARK: Places

    private mutating func place(of delta: TrafficDelta) -> Int? {
        let key = delta.key
        let hash = key.hash(seed: seed)
        let found = index.find(hash) { states[$0].key == key }
        if found >= 0 { return found }
        if key.isHost {
            if trackedHosts >= configuration.maximumHosts, !makeRoom(for: delta) { return nil }
            trackedHosts += 1
        }
        if index.isCrowded { growIndex() }
        let position = free.popLast() ?? states.count
        var state = TrafficState(key: key)
        state.spannedSince = second
        state.lastTouched = -1
        if position == states.count {
            states.append(state)
        } else {
            state.generation = states[position].generation &+ 1
            states[position] = state
        }
        if key.isHost { states[position].group = Int16(clamping: view.group(of: key.address)) }
        index.insert(hash, position)
        return position
    }

    /// At the limit the heaviest stay: the lightest of a few looked at gives way to a host that just sent more.
    private mutating func makeRoom(for delta: TrafficDelta) -> Bool {
        var lightest = -1
        var weight = UInt64.max
        for _ in 0..<16 {
            sweepHand = sweepHand + 1 < states.count ? sweepHand + 1 : 0
            let state = states[sweepHand]
            guard !state.isFree, state.key.isHost, state.counters.bytes[0] < weight else { continue }
            lightest = sweepHand
            weight = state.counters.bytes[0]
        }
        guard lightest >= 0, weight < delta.counters.bytes[0] else { return false }
        evict(lightest)
        evictedHosts &+= 1
        return true
    }

    private mutating func evict(_ position: Int) {
        let key = states[position].key
        index.remove(key.hash(seed: seed), position) { states[$0].key.hash(seed: seed) }
        if states[position].history >= 0 { histories.release(Int(states[position].history)) }
        states[position].history = -1
        states[position].isFree = true
        states[position].generation &+= 1
        free.append(position)
        trackedHosts -= 1
    }

    private mutating func growIndex() {
        index = SlotIndex(capacity: index.count * 4)
        for (position, state) in states.enumerated() where !state.isFree {
            index.insert(state.key.hash(seed: seed), position)
        }
    }

    // MARK: Reading

    /// The state at a position of `touched`.
    public func state(at position: Int) -> TrafficState { states[position] }

    /// Where a key's state stands; nil when it is not tracked.
    public func position(of key: TrafficKey) -> Int? {
        let found = index.find(key.hash(seed: seed)) { states[$0].key == key }
        return found < 0 ? nil : found
    }

    /// Whether more than the window is known.
    public func hasHistory(at position: Int) -> Bool { states[position].history >= 0 }

    /// Whether flows were reported within this tick that flowed before it, so that past seconds may have filled.
    public func hasLateFlows(at position: Int) -> Bool { states[position].lastSpanned == tick }

    /// Forgets all but the window: what an attack that is over had filled must not begin another.
    public mutating func forgetHistory(of key: TrafficKey) {
        guard let position = position(of: key), states[position].history >= 0 else { return }
        histories.release(Int(states[position].history))
        states[position].history = -1
        states[position].longestFlow = 0
        states[position].spannedPackets = 0
        states[position].spannedBytes = 0
        states[position].spannedFlows = 0
    }

    /// The sum of a measure over the last seconds, the one under way included.
    public func historySum(at position: Int, measure: Int, lastSeconds: Int) -> Double {
        guard states[position].history >= 0 else { return 0 }
        return histories.sum(Int(states[position].history), measure: measure, lastSeconds: lastSeconds)
    }

    /// The fullest of the last 63 whole seconds.
    public func historyPeak(at position: Int, measure: Int) -> Double {
        guard states[position].history >= 0 else { return 0 }
        return histories.peak(Int(states[position].history), measure: measure)
    }

    /// When the latest second ended in which a measure was above a level; nil when none of the history was.
    public func lastTime(at position: Int, measure: Int, above level: Double) -> Timestamp? {
        guard states[position].history >= 0,
            let last = histories.lastSecond(Int(states[position].history), measure: measure, above: level)
        else { return nil }
        return Timestamp(nanoseconds: min((last &+ 1) &* 1_000_000_000, tickEnd.nanoseconds))
    }

    /// How much of the second under way has passed, in seconds.
    public var elapsedOfSecond: Double {
        Double(tickEnd.nanoseconds &- second &* 1_000_000_000) / 1e9
    }

    /// Samples of the last ticks that have the address at the given end, latest first.
    public func samples(of key: TrafficKey, limit: Int) -> [TrafficSample] {
        var found: [TrafficSample] = []
        for step in 0..<Int64(Self.sampleTicks) {
            let slot = Int((tick &- step) % Int64(Self.sampleTicks))
            guard slot >= 0 else { break }
            for sample in samples[slot] where matches(sample, key) {
                found.append(sample)
                if found.count == limit { return found }
            }
        }
        return found
    }

    private func matches(_ sample: TrafficSample, _ key: TrafficKey) -> Bool {
        let address = key.direction == .incoming ? sample.destination : sample.source
        switch key.scope {
        case .hostIncoming, .hostOutgoing: return address == key.address
        case .groupIncoming, .groupOutgoing: return view.group(of: address) == key.index
        default: return false
        }
    }

    /// The rates of all traffic in a direction.
    public func totalRates(_ direction: TrafficDirection) -> TrafficRates {
        var sum = TrafficCounters()
        for network in 0..<view.networkCount {
            if let position = position(of: TrafficKey(network: network, isIncoming: direction == .incoming)) {
                sum.add(states[position].counters)
            }
        }
        return sum.rates(over: configuration.window)
    }

    /// The rates of traffic with neither end in the operator's networks.
    public var otherRates: TrafficRates {
        guard let position = position(of: .other) else { return TrafficRates() }
        return states[position].counters.rates(over: configuration.window)
    }

    /// Octets of memory that the counters take.
    public var memoryBytes: Int {
        states.capacity * MemoryLayout<TrafficState>.stride + index.memoryBytes + log.memoryBytes
            + histories.memoryBytes
    }
}
