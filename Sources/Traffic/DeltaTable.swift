public import NetworkTypes
public import Telemetry

/// One worker's deltas of one tick: what changed for which host, network and group.
///
/// A plain value: its lists are all there is, and could be sent to a merger on another machine. Entries stand in the
/// order in which hosts were first seen, so that the same records give the same table whatever the hash seed. Of flows
/// that are older than the tick a host may have several entries for the same.
public struct DeltaTable: ~Copyable, Sendable {
    private(set) var entries: [TrafficDelta] = []
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

    /// What entries of a host are told apart by.
    private struct Kind: BitwiseCopyable {
        var classes = TrafficClassSet.total
        var ages = FlowAgeRange.withinTick

        init() {}

        @inline(__always)
        init(_ record: FlowRecord, in tick: FlowAgeRange.Tick) {
            classes = Contribution.classes(of: record)
            ages = FlowAgeRange(of: record, in: tick)
        }
    }

    /// One end of a record that lies in a network of the operator.
    private struct End: BitwiseCopyable {
        /// Index of the network; negative for none.
        var network: Int32 = -1
        var hash: UInt32 = 0
        /// Where its entry stands; negative where it has yet to be looked for.
        var place: Int32 = -1
        /// Whether the index knows.
        var isIndexed = false
    }

    private mutating func add(stride records: Span<FlowRecord>, in tick: FlowAgeRange.Tick, view: NetworkView) {
        var kinds = InlineArray<32, Kind>(repeating: Kind())
        var destinations = InlineArray<32, End>(repeating: End())
        var sources = InlineArray<32, End>(repeating: End())
        for position in records.indices {
            let record = records[position]
            let kind = Kind(record, in: tick)
            kinds[position] = kind
            destinations[position] = end(record.destination, isIncoming: true, kind, view)
            sources[position] = end(record.source, isIncoming: false, kind, view)
        }
        find(&destinations, of: records.count)
        find(&sources, of: records.count)
        verify(&destinations, areDestinations: true, of: records, kinds)
        verify(&sources, areDestinations: false, of: records, kinds)
        // Through spans: the compiler copies a whole array for each look into it.
        let (kindsOfAll, ends) = (kinds.span, (destinations.span, sources.span))
        for position in records.indices {
            add(records[position], kindsOfAll[position], ends.0[position], ends.1[position], view)
        }
    }

    /// Looks for entries of flows within the tick in the index. It is larger than the caches: its slots are read all
    /// together before the first is looked at, as nothing that depends on them then keeps the processor from reading on.
    @inline(__always)
    private func find(_ ends: inout InlineArray<32, End>, of count: Int) {
        var ends = ends.mutableSpan
        var contents = InlineArray<32, UInt64>(repeating: 0)
        var slots = contents.mutableSpan
        for position in 0..<count { slots[position] = index.content(ends[position].hash) }
        for position in 0..<count where ends[position].isIndexed {
            ends[position].place = index.candidate(ends[position].hash, beginningWith: slots[position])
        }
    }

    /// Forgets the places that are of another: entries as well miss the caches, and are waited for together.
    @inline(__always)
    private func verify(
        _ ends: inout InlineArray<32, End>,
        areDestinations: Bool,
        of records: Span<FlowRecord>,
        _ kinds: borrowing InlineArray<32, Kind>
    ) {
        var ends = ends.mutableSpan
        let kinds = kinds.span
        for position in records.indices where ends[position].place >= 0 {
            let record = records[position]
            let address = areDestinations ? record.destination : record.source
            let isSame = entries[Int(ends[position].place)].isFor(
                TrafficKey(host: address, isIncoming: areDestinations),
                kinds[position].classes,
                kinds[position].ages
            )
            if !isSame { ends[position].place = -1 }
        }
    }

    @inline(__always)
    private func end(_ address: IPAddress, isIncoming: Bool, _ kind: Kind, _ view: NetworkView) -> End {
        let network = Int32(truncatingIfNeeded: view.networks.index(of: address))
        guard network >= 0 else { return End() }
        let key = TrafficKey(host: address, isIncoming: isIncoming)
        if kind.ages.isSpanned {
            let hash = RecentEntries.hash(key, kind.classes, kind.ages)
            return End(network: network, hash: hash, place: recent.candidate(hash))
        }
        let hash = hash(key, kind.classes, kind.ages)
        return End(network: network, hash: hash, isIndexed: true)
    }

    @inline(__always)
    private func hash(_ key: TrafficKey, _ classes: TrafficClassSet, _ ages: FlowAgeRange) -> UInt32 {
        key.hash(seed: seed ^ ages.bits ^ UInt64(classes.bits) << 32)
    }

    @inline(__always)
    private mutating func add(
        _ record: FlowRecord,
        _ kind: Kind,
        _ destination: End,
        _ source: End,
        _ view: NetworkView
    ) {
        records &+= 1
        let isBetweenOwn = destination.network >= 0 && source.network >= 0
        if !isBetweenOwn, !view.ignoredSources.isEmpty, view.ignoredSources.contains(record.source) { return }
        let rate = max(1, record.samplingRate)
        let contribution = Contribution(record, rate: rate, classes: kind.classes)
        if destination.network < 0, source.network < 0 {
            aggregates[aggregates.count &- 1].add(contribution)
            return
        }
        let ages = kind.ages
        let lot = samples.lot(ofRecord: records)
        if destination.network >= 0 { count(contribution, record, lot, ages, destination, isIncoming: true, view) }
        if source.network >= 0 { count(contribution, record, lot, ages, source, isIncoming: false, view) }
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
    private mutating func count(
        _ contribution: Contribution,
        _ record: FlowRecord,
        _ lot: UInt64,
        _ ages: FlowAgeRange,
        _ end: End,
        isIncoming: Bool,
        _ view: NetworkView
    ) {
        let address = isIncoming ? record.destination : record.source
        let key = TrafficKey(host: address, isIncoming: isIncoming)
        let position = count(contribution, ages, key, hash: end.hash, place: end.place)
        if position >= 0, samples.isDrawn(lot, contribution.amount.weight, mask: entries[position].sampleMask) {
            entries[position].raiseSampleLevel()
            samples.keep(record, contribution, lot: lot, at: records, ofEntry: position, entries)
        }
        let network = Int(end.network)
        let part = view.groupCount == 0 ? -1 : view.part(of: address)
        let direction = isIncoming ? 0 : 1
        count(contribution, ages, aggregate: 2 &* network &+ direction)
        if part >= 0 { count(contribution, ages, aggregate: 2 &* (view.networkCount &+ part) &+ direction) }
    }

    /// A network or group.
    @inline(__always)
    private mutating func count(_ contribution: Contribution, _ ages: FlowAgeRange, aggregate: Int) {
        guard ages.isSpanned else { return aggregates[aggregate].add(contribution) }
        if !spanned.add(contribution, ages, aggregate: aggregate, of: aggregates.count) {
            let key = aggregates[aggregate].key
            _ = count(contribution, ages, key, hash: hash(key, contribution.classes, ages), place: -1)
        }
    }

    /// Adds to an entry, a new one if need be; -1 when there is no room.
    @inline(__always)
    private mutating func count(
        _ contribution: Contribution,
        _ ages: FlowAgeRange,
        _ key: TrafficKey,
        hash: UInt32,
        place: Int32
    ) -> Int {
        var position = Int(place)
        if position < 0 {
            position = self.place(of: key, contribution.classes, ages, hash: hash)
            guard position >= 0 else { return -1 }
        }
        entries[position].add(contribution)
        return position
    }

    private mutating func place(
        of key: TrafficKey,
        _ classes: TrafficClassSet,
        _ ages: FlowAgeRange,
        hash: UInt32
    ) -> Int {
        let isRecent = ages.isSpanned && key.isHost
        let found = isRecent ? -1 : index.find(hash) { entries[$0].isFor(key, classes, ages) }
        if found >= 0 { return found }
        guard entries.count < capacity else {
            overflow &+= 1
            return -1
        }
        entries.append(TrafficDelta(key: key, classes: classes, ages: ages))
        if isRecent {
            recent.note(hash, entries.count &- 1)
        } else {
            index.insert(hash, entries.count &- 1)
        }
        return entries.count &- 1
    }

    /// The samples, those of an entry one after another and entries in order, each with what it stands for.
    func weighedSamples() -> [SampleChoice.Weighed] { samples.weighed(entries) }

    /// What a sample was read from, by its number.
    func packet(_ number: Int32) -> SampledPacket? { samples.packet(number) }

    /// Empties the table for the next tick. The memory stays, unless it is far more than was needed.
    public mutating func removeAll() {
        guard records > 0 else { return }
        entries.removeAll(keepingCapacity: entries.count * 32 >= entries.capacity)
        samples.removeAll()
        index.removeAll()
        recent.removeAll()
        spanned.removeAll()
        for position in aggregates.indices { aggregates[position] = AggregateDelta(key: aggregates[position].key) }
        records = 0
        overflow = 0
    }
}
