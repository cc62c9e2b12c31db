public import NetworkTypes

/// Adds the deltas of all workers to sliding windows, and tells what was touched.
///
/// For each tick: `merge` every worker's table in the order of the workers, then `advance` to the next one.
public struct TrafficMerger: Sendable {
    public let configuration: TrafficConfiguration
    public let measures: [TrafficMeasure]
    /// The tick whose deltas are being merged.
    public private(set) var tick: Int64 {
        didSet { (second, elapsedOfSecond) = Self.clock(tick, configuration) }
    }
    /// The second that is under way when the tick ends.
    var second: Int64
    /// How much of the second under way has passed when the tick ends, in seconds.
    public private(set) var elapsedOfSecond: Double
    /// Where the states stand that were added to within this tick and that may be above a limit: what has to be judged.
    public private(set) var suspects: [Int] = []
    /// Where those stand of which flows were reported late within this tick.
    var toldLate: [Int] = []
    /// Where the hosts stand that got something within this tick and have more within the window than `notices` says.
    public private(set) var heavyHosts: [Int] = []
    /// From what on hosts are noted in `heavyHosts`, by group, the first for hosts of none, then direction; of none where
    /// empty.
    public var notices: [HeavyNotice] = []
    /// Hosts that had to give way at the limit.
    public internal(set) var evictedHosts: UInt64 = 0
    /// Deltas of hosts that were not tracked because all others were heavier.
    public private(set) var untrackedDeltas: UInt64 = 0
    public private(set) var records: UInt64 = 0

    let view: NetworkView
    var states: StateTable
    var log: WindowLog
    var histories: HistoryPool
    let lateFlowLimits: LateFlows.Limits
    var samples: SampleShelves
    /// Memory for a worker's samples of a tick.
    var weighed = SampleChoice.WeighedSamples()
    var earlier: EarlierSamples
    /// Half of the lowest limits, as sums over a window: below them nothing has to be looked at.
    private let attention: TrafficCounters.Limits
    /// The place up to which was looked for hosts to let go of.
    var sweepHand = 0

    public init(configuration: TrafficConfiguration, measures: [TrafficMeasure], seed: UInt64, at time: Timestamp) {
        self.configuration = configuration
        self.measures = measures
        tick = configuration.tickIndex(of: time)
        view = NetworkView(configuration)
        log = WindowLog(ticks: configuration.ticksPerWindow)
        states = StateTable(seed: seed)
        histories = HistoryPool(limits: measures.map(\.lowestLimit))
        earlier = EarlierSamples(seed: seed)
        samples = SampleShelves(tickNanoseconds: configuration.tick.nanoseconds, tick: tick)
        attention = Self.attention(measures, configuration)
        lateFlowLimits = LateFlows.Limits(measures)
        (second, elapsedOfSecond) = Self.clock(tick, configuration)
    }

    private static func clock(_ tick: Int64, _ configuration: TrafficConfiguration) -> (second: Int64, elapsed: Double)
    {
        let second = configuration.second(ofTick: tick)
        let end = configuration.start(ofTick: tick &+ 1)
        return (second, Double(end.nanoseconds &- second &* 1_000_000_000) / 1e9)
    }

    private static func attention(_ measures: [TrafficMeasure], _ configuration: TrafficConfiguration)
        -> TrafficCounters.Limits
    {
        var limits = TrafficCounters.Limits()
        for measure in measures {
            let sum = max(0, measure.lowestLimit * configuration.window.inSeconds / 2)
            switch measure.unit {
            case .packets: limits[measure.trafficClass].packets = UInt64(min(sum, 1e18))
            case .bits: limits[measure.trafficClass].bytes = UInt64(min(sum / 8, 1e18))
            case .flows: limits[measure.trafficClass].flows = UInt32(min(sum, 4e9))
            }
        }
        return limits
    }

    /// When the current tick ends.
    public var tickEnd: Timestamp { configuration.start(ofTick: tick &+ 1) }

    // MARK: Merging

    /// Adds what one worker saw within the tick.
    public mutating func merge(_ delta: borrowing DeltaTable) {
        records &+= delta.records
        untrackedDeltas &+= delta.overflow
        for aggregate in delta.aggregates where !aggregate.counters.isZero {
            for key in view.wholes(of: aggregate.key) { add(aggregate, at: place(of: key)) }
        }
        for index in delta.spanned.sums.indices {
            let sum = delta.spanned.sums[index]
            for key in view.wholes(of: delta.aggregates[Int(sum.aggregate)].key) {
                add(sum, index, of: delta.spanned, at: place(of: key))
            }
        }
        merge(delta.entries)
        shelve(delta)
    }

    /// Block by block, while what the next ones need is on its way from memory: with many hosts nearly every look into the
    /// index and at a state misses the caches, and what a worker wrote lies in those of another processor.
    private mutating func merge(_ entries: borrowing DeltaEntries) {
        let blocks = entries.blocks()
        var hashes = InlineArray<64, UInt32>(repeating: 0)
        for step in 0..<(blocks.count + 2) {
            if step >= 2 { merge(entries.block(at: blocks[step - 2]), hashes) }
            if step >= 1, step <= blocks.count { states.hash(entries.block(at: blocks[step - 1]), into: &hashes) }
            if step < blocks.count { entries.fetch(blockAt: blocks[step]) }
        }
    }

    private mutating func merge(_ entries: Span<TrafficDelta>, _ hashes: borrowing InlineArray<64, UInt32>) {
        let found = states.places(of: entries, hashes)
        // Through a span: the compiler copies a whole array for each look into it.
        let places = found.places.span
        // What is known is added first, in a loop that does no more: counters lie in lines of the cache of their own.
        Self.count(entries, places, found.ofWindow, in: &states, &log, tick: tick)
        let followed = addSpanned(entries, places)
        let evicted = evictedHosts
        var offset = 0
        while offset < entries.count {
            // A host that came in just before may have taken the place of another, with what was added to it.
            if evictedHosts == evicted {
                offset = pass(entries, places, followed, from: offset)
                guard offset < entries.count else { return }
            } else if followed &>> UInt64(truncatingIfNeeded: offset) & 1 != 0 {
                offset &+= 1
                continue
            }
            merge(entries[offset], Int(places[offset]))
            offset &+= 1
        }
    }

    /// Adds to the windows of known hosts.
    ///
    /// - Parameter chosen: a bit for each entry to add.
    @inline(__always)
    private static func count(
        _ entries: Span<TrafficDelta>,
        _ places: Span<Int32>,
        _ chosen: UInt64,
        in states: inout StateTable,
        _ log: inout WindowLog,
        tick: Int64
    ) {
        var all = states.mutableSpan
        var rest = chosen
        while rest != 0 {
            let offset = rest.trailingZeroBitCount
            rest &= rest &- 1
            let position = Int(places[offset])
            let (amount, classes) = (entries[offset].amount, entries[offset].classes)
            all[position].add(amount, to: classes, samplingRate: entries[offset].samplingRate, tick: tick)
            log.append(amount, classes, position: position, generation: all[position].generation)
        }
    }

    /// Goes through entries of known hosts that need no more than a look, as nearly all do: of the window what is far from
    /// any limit, and of late flows what is too little to be followed second by second, which it notes. Where the first
    /// stands with which there is more to do.
    @inline(__always)
    private mutating func pass(
        _ entries: Span<TrafficDelta>,
        _ places: Span<Int32>,
        _ done: UInt64,
        from start: Int
    ) -> Int {
        let (tick, second, limits, attention) = (tick, second, lateFlowLimits, attention)
        // Through a span: the compiler copies a notice for each look into an array.
        let held = notices
        let notices = held.span
        var all = states.mutableSpan
        var offset = start
        while offset < entries.count {
            if done &>> UInt64(truncatingIfNeeded: offset) & 1 != 0 {
                offset &+= 1
                continue
            }
            let position = Int(places[offset])
            guard position >= 0, entries[offset].key.isHost else { return offset }
            if entries[offset].ages.isSpanned {
                guard all[position].noteFew(entries[offset], tick: tick, second: second, limits) else { return offset }
            } else {
                guard all[position].history < 0,
                    notices.isEmpty || !Self.isToBeNoted(all[position], entries[offset].classes, notices),
                    !attention.areExceeded(by: all[position].counters, in: entries[offset].classes)
                else { return offset }
            }
            offset &+= 1
        }
        return offset
    }

    /// - Parameter place: where the state of the entry's key was, with what is of the window added; -1 for nowhere.
    private mutating func merge(_ delta: TrafficDelta, _ place: Int) {
        guard delta.key.isHost else {
            for key in view.wholes(of: delta.key) { addSpanned(delta, at: self.place(of: key)) }
            return
        }
        let isKnown = place >= 0 && states.holds(delta.key, at: place)
        let position = isKnown ? place : self.place(of: delta)
        guard position >= 0 else {
            untrackedDeltas &+= 1
            return
        }
        guard !delta.ages.isSpanned else { return addSpanned(delta, at: position) }
        if !isKnown { count(delta, at: position) }
        look(at: position, after: delta.amount, delta.classes)
    }

    @inline(__always)
    private mutating func count(_ delta: TrafficDelta, at position: Int) {
        count(delta.amount, delta.classes, samplingRate: delta.samplingRate, at: position)
    }

    /// Networks and groups have amounts of several classes at once.
    private mutating func add(_ aggregate: AggregateDelta, at position: Int) {
        for trafficClass in TrafficClass.allCases where !aggregate.counters[trafficClass].isZero {
            let amount = aggregate.counters[trafficClass]
            let classes = TrafficClassSet(trafficClass)
            count(amount, classes, samplingRate: aggregate.samplingRate, at: position)
            look(at: position, after: amount, classes)
        }
    }

    @inline(__always)
    private mutating func count(
        _ amount: TrafficAmount,
        _ classes: TrafficClassSet,
        samplingRate: UInt32,
        at position: Int
    ) {
        states[position].add(amount, to: classes, samplingRate: samplingRate, tick: tick)
        log.append(amount, classes, position: position, generation: states[position].generation)
    }

    /// Whether there is reason to look closer at what was added to.
    @inline(__always)
    private mutating func look(at position: Int, after amount: TrafficAmount, _ classes: TrafficClassSet) {
        if !notices.isEmpty { noteIfHeavy(position, classes) }
        let isNear = attention.areExceeded(by: states[position].counters, in: classes)
        if isNear { suspect(position) }
        if isNear || states[position].history >= 0 { follow(amount, classes, at: position) }
    }

    @inline(__always)
    private mutating func noteIfHeavy(_ position: Int, _ classes: TrafficClassSet) {
        guard Self.isToBeNoted(states[position], classes, notices.span) else { return }
        states[position].isNoted = true
        heavyHosts.append(position)
    }

    @inline(__always)
    private static func isToBeNoted(
        _ state: borrowing TrafficState,
        _ classes: TrafficClassSet,
        _ notices: Span<HeavyNotice>
    ) -> Bool {
        guard state.key.isHost, !state.isNoted else { return false }
        let place = HeavyNotice.place(group: Int(state.group), state.key.scope)
        guard place < notices.count else { return false }
        return notices[place].limits.areExceeded(by: state.counters, in: classes)
    }

    /// What is near a limit is followed for longer than the window if need be.
    private mutating func follow(_ amount: TrafficAmount, _ classes: TrafficClassSet, at position: Int) {
        if states[position].history >= 0 {
            for (measure, wanted) in measures.enumerated() where classes.contains(wanted.trafficClass) {
                note(amount.value(in: wanted.unit), at: position, measure: measure)
            }
            suspectIfHigh(position)
        } else if states[position].samplingRate > 1 || configuration.smoothing != nil {
            // With samples for evidence, a rate near a limit has to be followed for longer than the window.
            openHistory(at: position)
            noteWindow(at: position)
        }
    }

    /// Puts what the window holds into the seconds that it covers, evenly. Put into the second under way, that would count
    /// for up to twice what it is as soon as the next one begins.
    private mutating func noteWindow(at position: Int) {
        let slot = Int(states[position].history)
        let window = configuration.window.inSeconds
        var rest = window
        var back: Int64 = 0
        while rest > 0, back < Int64(HistoryPool.seconds) {
            let covered = min(rest, back == 0 ? elapsedOfSecond : 1)
            for (measure, wanted) in measures.enumerated() {
                let sum = states[position].counters.sum(wanted.trafficClass, wanted.unit)
                histories.add(sum * covered / window, to: slot, measure: measure, second: second &- back)
            }
            rest -= covered
            back += 1
        }
    }

    mutating func suspect(_ position: Int) {
        guard !states[position].isSuspect else { return }
        states[position].isSuspect = true
        suspects.append(position)
    }

    mutating func openHistory(at position: Int) {
        states[position].history = Int32(truncatingIfNeeded: histories.allocate(at: second, for: position))
    }

    private mutating func note(_ amount: Double, at position: Int, measure: Int) {
        let slot = Int(states[position].history)
        histories.advance(slot, to: second)
        if amount > 0 { histories.add(amount, to: slot, measure: measure, second: second) }
    }

    // MARK: Time

    /// Slides the windows on to a later tick. What was suspected is forgotten.
    public mutating func advance(to next: Int64) {
        guard next > tick else { return }
        for position in suspects { states[position].isSuspect = false }
        suspects.removeAll(keepingCapacity: true)
        for position in toldLate { states[position].hasLateFlows = false }
        toldLate.removeAll(keepingCapacity: true)
        for position in heavyHosts { states[position].isNoted = false }
        heavyHosts.removeAll(keepingCapacity: true)
        let window = Int64(configuration.ticksPerWindow)
        // After a pause longer than the window everything has left it, whatever the number of ticks.
        if next &- tick > max(window, 1000) {
            for _ in 0..<window { expireOldestTick() }
            samples.restart(at: next)
            tick = next
        }
        while tick < next {
            tick &+= 1
            expireOldestTick()
            samples.begin(tick: tick)
        }
        sweep()
    }

    private mutating func expireOldestTick() {
        var entries = log.takeOldest()
        for entry in entries { states[Int(entry.position)].expire(entry) }
        log.recycle(&entries)
    }
}
