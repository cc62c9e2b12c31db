public import NetworkTypes
public import Telemetry

/// One worker's deltas of one tick: what changed for which host, network and group.
///
/// A plain value: its lists are all there is, and could be sent to a merger on another machine. Entries stand in the
/// order in which hosts were first seen, so that the same records give the same table whatever the hash seed.
public struct DeltaTable: ~Copyable, Sendable {
    private(set) var entries: [TrafficDelta] = []
    /// Networks, groups and other traffic within the tick: two for each network, two for each group, one for the rest.
    private(set) var aggregates: [AggregateDelta] = []
    /// Some of the records, as evidence: at most `samplesPerEntry` of an entry.
    private(set) var samples: [TrafficSample] = []
    public private(set) var records: UInt64 = 0
    /// Records that were not told apart by host because the table was full.
    public private(set) var overflow: UInt64 = 0

    private var index = SlotIndex()
    private let seed: UInt64
    private let capacity: Int

    static let samplesPerEntry: UInt8 = 8
    static let maximumSamples = 8192

    /// - Parameters:
    ///   - capacity: the most entries of a tick; memory grows towards it only as needed.
    ///   - seed: for the hash; secret, and of no influence on the result.
    public init(capacity: Int = 4_000_000, seed: UInt64) {
        self.capacity = max(16, capacity)
        self.seed = seed
    }

    public var isEmpty: Bool { records == 0 }

    /// Adds records that arrived within the tick that ends at `tickEnd`.
    public mutating func add(_ records: Span<FlowRecord>, tickEnd: Timestamp, view: NetworkView) {
        if aggregates.isEmpty { aggregates = Self.aggregates(of: view) }
        for position in records.indices { add(records[position], tickEnd: tickEnd, view: view) }
    }

    @inline(__always)
    private mutating func add(_ record: FlowRecord, tickEnd: Timestamp, view: NetworkView) {
        records &+= 1
        let destination = view.networks.index(of: record.destination)
        let source = view.networks.index(of: record.source)
        let isBetweenOwn = destination >= 0 && source >= 0
        if !isBetweenOwn, !view.ignoredSources.isEmpty, view.ignoredSources.contains(record.source) { return }
        let rate = record.samplingRate == 0 ? view.defaultSamplingRate : record.samplingRate
        let contribution = Contribution(record, rate: rate)
        guard destination >= 0 || source >= 0 else {
            aggregates[aggregates.count &- 1].add(contribution)
            return
        }
        var ages = FlowAgeRange.withinTick
        if !record.traits.contains(.isPacket) {
            ages = FlowAgeRange(from: record.first, to: record.last, tickEnd: tickEnd)
        }
        if destination >= 0 {
            count(contribution, record, ages, TrafficKey(host: record.destination, isIncoming: true))
            count(contribution, record, ages, network: destination, isIncoming: true, view)
        }
        if source >= 0 {
            count(contribution, record, ages, TrafficKey(host: record.source, isIncoming: false))
            count(contribution, record, ages, network: source, isIncoming: false, view)
        }
    }

    /// In the order in which `count` finds them.
    private static func aggregates(of view: NetworkView) -> [AggregateDelta] {
        var all: [AggregateDelta] = []
        for index in 0..<view.networkCount {
            all.append(AggregateDelta(key: TrafficKey(network: index, isIncoming: true)))
            all.append(AggregateDelta(key: TrafficKey(network: index, isIncoming: false)))
        }
        for index in 0..<view.groupCount {
            all.append(AggregateDelta(key: TrafficKey(group: index, isIncoming: true)))
            all.append(AggregateDelta(key: TrafficKey(group: index, isIncoming: false)))
        }
        return all + [AggregateDelta(key: .other)]
    }

    @inline(__always)
    private mutating func count(
        _ contribution: Contribution,
        _ record: FlowRecord,
        _ ages: FlowAgeRange,
        _ key: TrafficKey
    ) {
        let classes = contribution.classes
        let hash = key.hash(seed: seed ^ ages.bits ^ UInt64(classes.bits) << 32)
        var position = index.find(hash) { entries[$0].isFor(key, classes, ages) }
        if position < 0 {
            guard entries.count < capacity else {
                overflow &+= 1
                return
            }
            position = entries.count
            entries.append(TrafficDelta(key: key, classes: classes, ages: ages))
            index.insert(hash, position)
        }
        entries[position].add(contribution)
        guard key.isHost, samples.count < Self.maximumSamples, entries[position].samples < Self.samplesPerEntry else {
            return
        }
        entries[position].samples &+= 1
        samples.append(contribution.sample(of: record))
    }

    /// The network of one end, and its group.
    @inline(__always)
    private mutating func count(
        _ contribution: Contribution,
        _ record: FlowRecord,
        _ ages: FlowAgeRange,
        network: Int,
        isIncoming: Bool,
        _ view: NetworkView
    ) {
        let group = view.groupCount == 0 ? -1 : view.group(of: isIncoming ? record.destination : record.source)
        guard ages.isSpanned else {
            let direction = isIncoming ? 0 : 1
            aggregates[2 &* network &+ direction].add(contribution)
            if group >= 0 { aggregates[2 &* (view.networkCount &+ group) &+ direction].add(contribution) }
            return
        }
        count(contribution, record, ages, TrafficKey(network: network, isIncoming: isIncoming))
        if group >= 0 { count(contribution, record, ages, TrafficKey(group: group, isIncoming: isIncoming)) }
    }

    /// Empties the table for the next tick. The memory stays, unless it is far more than was needed.
    public mutating func removeAll() {
        guard records > 0 else { return }
        entries.removeAll(keepingCapacity: entries.count * 32 >= entries.capacity)
        samples.removeAll(keepingCapacity: true)
        index.removeAll()
        for position in aggregates.indices { aggregates[position] = AggregateDelta(key: aggregates[position].key) }
        records = 0
        overflow = 0
    }
}
