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

    /// How many records are looked up together, for the reason given at `StateTable.stride`.
    private static let stride = 32

    /// One end of a record that lies in a network of the operator.
    private struct End: BitwiseCopyable {
        /// The record's place in the stride.
        var record: Int32 = 0
        /// Index of the network.
        var network: Int32 = 0
        var hash: UInt32 = 0
        /// Where its entry may stand; negative where it has yet to be looked for.
        var place: Int32 = -1
        var ages = FlowAgeRange.withinTick
        var classes = TrafficClassSet.total
        var isIncoming = false

        @inline(__always)
        func key(_ record: borrowing FlowRecord) -> TrafficKey {
            TrafficKey(host: isIncoming ? record.destination : record.source, isIncoming: isIncoming)
        }
    }

    private mutating func add(stride records: Span<FlowRecord>, in tick: FlowAgeRange.Tick, view: NetworkView) {
        // Taken out of the table for as long as it is in use: to make it anew each time costs more than to fill it.
        var memory: [End] = []
        swap(&memory, &self.ends)
        defer { swap(&memory, &self.ends) }
        var ends = memory.mutableSpan
        var count = 0
        var areIndexed = false
        let ignores = !view.ignoredSources.isEmpty
        for position in records.indices {
            let record = records[position]
            let destination = view.network(of: record.destination)
            let source = view.network(of: record.source)
            let isBetweenOwn = destination >= 0 && source >= 0
            if ignores, !isBetweenOwn, view.ignoredSources.contains(record.source) { continue }
            var end = End()
            end.classes = Contribution.classes(of: record)
            guard destination >= 0 || source >= 0 else {
                aggregates[aggregates.count &- 1].add(Contribution(record, classes: end.classes))
                continue
            }
            end.ages = FlowAgeRange(of: record, in: tick)
            end.record = Int32(truncatingIfNeeded: position)
            let isOfTick = !end.ages.isSpanned
            areIndexed = areIndexed || isOfTick
            if destination >= 0 {
                end.isIncoming = true
                end.network = Int32(truncatingIfNeeded: destination)
                end.hash = hash(end.key(record), end.classes, end.ages)
                if isOfTick { index.fetch(end.hash) }
                ends[count] = end
                count &+= 1
            }
            if source >= 0 {
                end.isIncoming = false
                end.network = Int32(truncatingIfNeeded: source)
                end.hash = hash(end.key(record), end.classes, end.ages)
                if isOfTick { index.fetch(end.hash) }
                ends[count] = end
                count &+= 1
            }
        }
        if areIndexed { find(&ends, count) }
        let before = self.records
        for number in 0..<count {
            let end = ends[number]
            add(records[Int(end.record)], number: before &+ UInt64(end.record) &+ 1, end, view)
        }
        self.records &+= UInt64(records.count)
    }

    /// Looks for where the entries of flows within the tick may stand. The index is larger than the caches, and so are the
    /// entries: the slots of all were asked for as soon as their hashes were known, and the entries are asked for here,
    /// long before each is looked at.
    private func find(_ ends: inout MutableSpan<End>, _ count: Int) {
        for number in 0..<count where !ends[number].ages.isSpanned {
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

    /// The host at one end of a record, its network and its part of the groups.
    @inline(__always)
    private mutating func add(_ record: FlowRecord, number: UInt64, _ end: End, _ view: NetworkView) {
        let contribution = Contribution(record, classes: end.classes)
        let key = end.key(record)
        let lot = samples.lot(ofRecord: number)
        let isOfTick = !end.ages.isSpanned
        var position = isOfTick ? place(of: end, key) : recent.position(end.hash)
        if position >= 0, isOfTick || entries[position].isFor(key, end.classes, end.ages) {
            entries[position].add(contribution)
            if samples.isDrawn(lot, contribution.amount.weight, mask: entries[position].sampleMask) {
                keep(record, contribution, lot, number, ofEntry: position)
            }
        } else if hasRoom() {
            position = entries.append(TrafficDelta(key: key, ages: end.ages, contribution))
            if isOfTick { index.insert(end.hash, position) } else { recent.note(end.hash, position) }
            // What was just written is not read again: the processor would wait until it has the line of the cache.
            if samples.isDrawn(lot, contribution.amount.weight, mask: 0) {
                keep(record, contribution, lot, number, ofEntry: position)
            }
        }
        let direction = end.isIncoming ? 0 : 1
        count(contribution, end.ages, aggregate: 2 &* Int(end.network) &+ direction)
        guard view.groupCount > 0 else { return }
        let part = view.part(of: key.address)
        if part >= 0 { count(contribution, end.ages, aggregate: 2 &* (view.networkCount &+ part) &+ direction) }
    }

    /// A network or group.
    @inline(__always)
    private mutating func count(_ contribution: Contribution, _ ages: FlowAgeRange, aggregate: Int) {
        guard ages.isSpanned else { return aggregates[aggregate].add(contribution) }
        if !spanned.add(contribution, ages, aggregate: aggregate, of: aggregates.count) {
            countApart(contribution, ages, aggregates[aggregate].key)
        }
    }

    /// Where the entry for flows within the tick stands; -1 where there is none yet.
    @inline(__always)
    private func place(of end: End, _ key: TrafficKey) -> Int {
        let place = Int(end.place)
        let isFound = place >= 0 && entries[place].isFor(key, end.classes, end.ages)
        return isFound ? place : find(key, end.classes, end.ages, hash: end.hash)
    }

    private func find(_ key: TrafficKey, _ classes: TrafficClassSet, _ ages: FlowAgeRange, hash: UInt32) -> Int {
        index.find(hash) { entries[$0].isFor(key, classes, ages) }
    }

    private mutating func keep(
        _ record: FlowRecord,
        _ contribution: Contribution,
        _ lot: UInt64,
        _ number: UInt64,
        ofEntry position: Int
    ) {
        entries[position].raiseSampleLevel()
        samples.keep(record, contribution, lot: lot, at: number, ofEntry: position, entries)
    }

    /// A network or group of which there is no room for another sum has entries as hosts have.
    private mutating func countApart(_ contribution: Contribution, _ ages: FlowAgeRange, _ key: TrafficKey) {
        let hash = hash(key, contribution.classes, ages)
        let position = find(key, contribution.classes, ages, hash: hash)
        if position >= 0 {
            entries[position].add(contribution)
        } else if hasRoom() {
            index.insert(hash, entries.append(TrafficDelta(key: key, ages: ages, contribution)))
        }
    }

    @inline(__always)
    private mutating func hasRoom() -> Bool {
        if entries.count < capacity { return true }
        overflow &+= 1
        return false
    }

    /// The samples, those of an entry one after another and entries in order, each with what it stands for.
    func weighedSamples() -> [SampleChoice.Weighed] { samples.weighed(entries) }

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
