public import NetworkTypes
public import Telemetry

/// One worker's deltas of one tick: what changed for which host, network and group.
///
/// A plain value: its lists are all there is, and could be sent to a merger on another machine. Entries stand in the
/// order of hosts' shares and then in that in which they came, so that the same records give the same table whatever the
/// hash seed. Of flows
/// that are older than the tick a host may have several entries for the same.
public struct DeltaTable: ~Copyable, Sendable {
    private(set) var entries = DeltaEntries()
    /// Networks, parts of groups and other traffic within the tick: two for each network, two for each part, one for the
    /// rest. What these lie in is the merger's business.
    private(set) var aggregates: [AggregateDelta] = []
    /// Networks and groups of flows that are older than the tick.
    private(set) var spanned = SpannedSums()
    /// Some of the records, as evidence.
    private var samples = SampleChoice()
    public private(set) var records: UInt64 = 0
    /// Records that were not told apart by host because the table was full.
    public private(set) var overflow: UInt64 = 0

    private var index = SlotIndex()
    private var recent = RecentEntries()
    private var ends = [End](repeating: End(), count: 2 * Self.stride)
    private let seed: UInt64
    private let capacity: Int

    /// - Parameters:
    ///   - capacity: the most entries of a tick; memory grows towards it only as needed.
    ///   - seed: for the hash; secret, and of no influence on the result.
    public init(capacity: Int = 4_000_000, seed: UInt64) {
        self.capacity = max(16, capacity)
        self.seed = seed
    }

    public var isEmpty: Bool { records == 0 }

    /// Adds records that arrived within the tick that ends at `tickEnd`.
    ///
    /// - Parameter exporters: what the records' numbers of exporters are places of, plus one.
    public mutating func add(
        _ records: Span<FlowRecord>,
        from exporters: [IPAddress] = [],
        tickEnd: Timestamp,
        view: NetworkView
    ) {
        if aggregates.isEmpty { aggregates = Self.aggregates(of: view) }
        add(records, from: exporters, tickEnd: tickEnd, view, hasPackets: false)
        samples.end()
    }

    /// The same of a batch, with the packets that its records were read from for those of them that are kept as samples.
    ///
    /// - Parameter memory: what the datagrams of the batch lie in, as it was when they were read.
    public mutating func add(
        _ batch: borrowing RecordBatch,
        in memory: RawSpan,
        tickEnd: Timestamp,
        view: NetworkView
    ) {
        if aggregates.isEmpty { aggregates = Self.aggregates(of: view) }
        add(batch.records, from: batch.exporters, tickEnd: tickEnd, view, hasPackets: batch.hasPackets)
        if batch.hasPackets { samples.takePackets(of: batch, in: memory) }
        samples.end()
    }

    private mutating func add(
        _ records: Span<FlowRecord>,
        from exporters: [IPAddress],
        tickEnd: Timestamp,
        _ view: NetworkView,
        hasPackets: Bool
    ) {
        samples.begin(exporters, tickEnding: tickEnd, after: self.records, hasPackets: hasPackets)
        let tick = FlowAgeRange.Tick(ending: tickEnd)
        var start = 0
        while start < records.count {
            let end = min(start &+ Self.stride, records.count)
            add(stride: records.extracting(start..<end), in: tick, view: view)
            start = end
        }
    }

    /// How many records are looked up together, for the reason given at `StateTable.stride`: as many as make no more ends
    /// than a word has bits.
    private static let stride = 32

    /// One end of a record that lies in a network of the operator.
    private struct End: BitwiseCopyable {
        // In 64 octets, a line of the cache.
        /// What the record adds to the host.
        var delta = TrafficDelta(key: .other, classes: .total, ages: .withinTick)
        /// The record's place in the stride.
        var record: UInt16 = 0
        /// The host's among `DeltaEntries`.
        var share: UInt16 = 0
        /// Index of the network.
        var network: Int32 = 0
        var hash: UInt32 = 0
        /// Where its entry may stand; negative where it has yet to be looked for.
        var place: Int32 = -1

        @inline(__always)
        mutating func assign(_ key: TrafficKey, record: Int, network: Int) {
            delta.key = key
            self.record = UInt16(truncatingIfNeeded: record)
            self.network = Int32(truncatingIfNeeded: network)
            share = UInt16(truncatingIfNeeded: DeltaEntries.share(of: key))
        }
    }

    private mutating func add(stride records: Span<FlowRecord>, in tick: FlowAgeRange.Tick, view: NetworkView) {
        // Taken out of the table for as long as it is in use: to make it anew each time costs more than to fill it.
        var memory: [End] = []
        swap(&memory, &self.ends)
        defer { swap(&memory, &self.ends) }
        var ends = memory.mutableSpan
        // Loop by loop, each with as few values as fit the processor's registers.
        let count = assign(records, view, to: &ends)
        let indexed = measure(records, in: tick, &ends, count)
        if indexed != 0 { find(&ends, indexed) }
        addToHosts(ends.span.extracting(first: count), of: records)
        addToAggregates(ends.span.extracting(first: count), view)
        self.records &+= UInt64(records.count)
    }

    /// Puts down which ends of which records are hosts of the operator; how many there are.
    private mutating func assign(
        _ records: Span<FlowRecord>,
        _ view: NetworkView,
        to ends: inout MutableSpan<End>
    ) -> Int {
        var count = 0
        let ignores = !view.ignoredSources.isEmpty
        for position in records.indices {
            let destination = view.network(of: records[position].destination)
            let source = view.network(of: records[position].source)
            let isBetweenOwn = destination >= 0 && source >= 0
            if ignores, !isBetweenOwn, view.ignoredSources.contains(records[position].source) { continue }
            if destination >= 0 {
                let key = TrafficKey(host: records[position].destination, isIncoming: true)
                ends[count].assign(key, record: position, network: destination)
                count &+= 1
            }
            if source >= 0 {
                let key = TrafficKey(host: records[position].source, isIncoming: false)
                ends[count].assign(key, record: position, network: source)
                count &+= 1
            }
            if destination < 0, source < 0 { countAsOther(records[position]) }
        }
        return count
    }

    @inline(never)
    private mutating func countAsOther(_ record: FlowRecord) {
        aggregates[aggregates.count &- 1].add(Contribution(record, classes: Contribution.classes(of: record)))
    }

    /// Puts down what the records add; a bit for each end that is of a flow within the tick.
    private func measure(
        _ records: Span<FlowRecord>,
        in tick: FlowAgeRange.Tick,
        _ ends: inout MutableSpan<End>,
        _ count: Int
    ) -> UInt64 {
        var indexed: UInt64 = 0
        for number in 0..<count {
            let record = records[Int(ends[number].record)]
            let ages = FlowAgeRange(of: record, in: tick)
            let classes = Contribution.classes(of: record)
            let key = ends[number].delta.key
            let hash = hash(key, classes, ages)
            ends[number].hash = hash
            ends[number].place = -1
            ends[number].delta = TrafficDelta(key: key, ages: ages, Contribution(record, classes: classes))
            guard !ages.isSpanned else { continue }
            index.fetch(hash)
            indexed |= 1 &<< UInt64(truncatingIfNeeded: number)
        }
        return indexed
    }

    /// Looks for where the entries of flows within the tick may stand. The index is larger than the caches, and so are the
    /// entries: the slots of all were asked for as soon as their hashes were known, and the entries are asked for here,
    /// long before each is looked at.
    private func find(_ ends: inout MutableSpan<End>, _ indexed: UInt64) {
        var rest = indexed
        while rest != 0 {
            let number = rest.trailingZeroBitCount
            rest &= rest &- 1
            let place = index.candidate(ends[number].hash)
            ends[number].place = place
            if place >= 0 { entries.fetch(at: Int(place)) }
        }
    }

    @inline(__always)
    private func hash(_ key: TrafficKey, _ classes: TrafficClassSet, _ ages: FlowAgeRange) -> UInt32 {
        ages.isSpanned && key.isHost
            ? RecentEntries.hash(key, classes, ages) : key.hash(seed: seed ^ ages.bits ^ UInt64(classes.bits) << 32)
    }

    /// In the order in which `count` finds them.
    private static func aggregates(of view: NetworkView) -> [AggregateDelta] {
        var all: [AggregateDelta] = []
        for index in 0..<view.networkCount {
            all.append(AggregateDelta(key: TrafficKey(network: index, isIncoming: true)))
            all.append(AggregateDelta(key: TrafficKey(network: index, isIncoming: false)))
        }
        for index in 0..<view.partCount {
            all.append(AggregateDelta(key: TrafficKey(group: index, isIncoming: true)))
            all.append(AggregateDelta(key: TrafficKey(group: index, isIncoming: false)))
        }
        return all + [AggregateDelta(key: .other)]
    }

    /// The hosts at the ends of records.
    private mutating func addToHosts(_ ends: Span<End>, of records: Span<FlowRecord>) {
        let before = self.records
        for number in ends.indices {
            let isOfTick = !ends[number].delta.ages.isSpanned
            var position = isOfTick ? place(of: ends[number]) : recent.position(ends[number].hash)
            var mask: UInt64 = 0
            if position >= 0, isOfTick || entries[position].isForSame(as: ends[number].delta) {
                entries[position].add(ends[number].delta)
                mask = entries[position].sampleMask
            } else if hasRoom() {
                position = entries.append(ends[number].delta, toShare: Int(ends[number].share))
                // What was just written is not read again: the processor would wait until it has the line of the cache.
                if isOfTick {
                    index.insert(ends[number].hash, position)
                } else {
                    recent.note(ends[number].hash, position)
                }
            } else {
                continue
            }
            let place = Int(ends[number].record)
            let lot = samples.lot(ofRecord: before &+ UInt64(truncatingIfNeeded: place) &+ 1)
            if samples.isDrawn(lot, ends[number].delta.weight, mask: mask) {
                keep(records[place], lot, before &+ UInt64(truncatingIfNeeded: place) &+ 1, ofEntry: position)
            }
        }
    }

    /// The networks and the parts of the groups in which they lie.
    private mutating func addToAggregates(_ ends: Span<End>, _ view: NetworkView) {
        for number in ends.indices {
            let direction = ends[number].delta.key.scope == .hostIncoming ? 0 : 1
            count(ends[number].delta, aggregate: 2 &* Int(ends[number].network) &+ direction)
        }
        guard view.groupCount > 0 else { return }
        for number in ends.indices {
            let direction = ends[number].delta.key.scope == .hostIncoming ? 0 : 1
            let part = view.part(of: ends[number].delta.key.address)
            guard part >= 0 else { continue }
            count(ends[number].delta, aggregate: 2 &* (view.networkCount &+ part) &+ direction)
        }
    }

    /// A network or group.
    @inline(__always)
    private mutating func count(_ delta: TrafficDelta, aggregate: Int) {
        guard delta.ages.isSpanned else { return aggregates[aggregate].add(delta) }
        if !spanned.add(delta, aggregate: aggregate, of: aggregates.count) {
            countApart(delta, aggregates[aggregate].key)
        }
    }

    /// Where the entry for flows within the tick stands; -1 where there is none yet.
    @inline(__always)
    private func place(of end: End) -> Int {
        let place = Int(end.place)
        let isFound = place >= 0 && entries[place].isForSame(as: end.delta)
        return isFound ? place : find(end.delta, hash: end.hash)
    }

    private func find(_ delta: TrafficDelta, hash: UInt32) -> Int {
        index.find(hash) { entries[$0].isForSame(as: delta) }
    }

    private mutating func keep(_ record: FlowRecord, _ lot: UInt64, _ number: UInt64, ofEntry position: Int) {
        entries[position].raiseSampleLevel()
        let contribution = Contribution(record, classes: entries[position].classes)
        samples.keep(record, contribution, lot: lot, at: number, ofEntry: position, entries)
    }

    /// A network or group of which there is no room for another sum has entries as hosts have.
    private mutating func countApart(_ delta: TrafficDelta, _ key: TrafficKey) {
        let own = delta.moved(to: key)
        let hash = hash(key, own.classes, own.ages)
        let position = find(own, hash: hash)
        if position >= 0 {
            entries[position].add(own)
        } else if hasRoom() {
            index.insert(hash, entries.append(own, toShare: DeltaEntries.share(of: key)))
        }
    }

    @inline(__always)
    private mutating func hasRoom() -> Bool {
        if entries.count < capacity { return true }
        overflow &+= 1
        return false
    }

    /// The samples, each with what it stands for.
    func weighSamples(into weighed: inout SampleChoice.WeighedSamples) { samples.weigh(entries, into: &weighed) }

    /// What a sample was read from, by its number.
    func packet(_ number: Int32) -> SampledPacket? { samples.packet(number) }

    /// Empties the table for the next tick. The memory stays, unless it is far more than was needed.
    public mutating func removeAll() {
        guard records > 0 else { return }
        entries.removeAll()
        samples.removeAll()
        index.removeAll()
        recent.removeAll()
        spanned.removeAll()
        for position in aggregates.indices { aggregates[position] = AggregateDelta(key: aggregates[position].key) }
        records = 0
        overflow = 0
    }
}
