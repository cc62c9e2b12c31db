public import NetworkTypes
public import Telemetry

/// What changed for one host, network or group and stretch of time within a tick.
public struct TrafficDelta: Sendable, BitwiseCopyable {
    public var key: TrafficKey
    /// How many of the samples kept are this entry's.
    var samples: UInt8 = 0
    /// How long before the tick's end the packets began and stopped to flow, in seconds plus one. Both 0: within the
    /// tick.
    public var firstAge: UInt16
    public var lastAge: UInt16
    /// The largest sampling rate of the records: what their evidence is to be judged by.
    public var samplingRate: UInt32 = 1
    public var counters = TrafficCounters()

    init(key: TrafficKey, firstAge: UInt16 = 0, lastAge: UInt16 = 0) {
        self.key = key
        self.firstAge = firstAge
        self.lastAge = lastAge
    }

    /// Whether the packets flowed over a time longer than the tick.
    public var isSpanned: Bool { firstAge > 0 }
}

/// One worker's deltas of one tick: what changed for which host, network and group.
///
/// A plain value: its lists are all there is, and could be sent to a merger on another machine. Entries stand in the
/// order in which hosts were first seen, so that the same records give the same table whatever the hash seed.
public struct DeltaTable: ~Copyable, Sendable {
    /// One entry for each host (or, of spanned flows, network or group), direction and stretch of time.
    public private(set) var entries: [TrafficDelta] = []
    /// Networks, groups and other traffic within the tick: two for each network, two for each group, one for the rest.
    public private(set) var aggregates: [TrafficDelta] = []
    /// Some of the records, as evidence: at most `samplesPerHost` of an entry.
    public private(set) var samples: [TrafficSample] = []
    public private(set) var records: UInt64 = 0
    /// Records that were not told apart by host because the table was full.
    public private(set) var overflow: UInt64 = 0

    private var index: SlotIndex
    private let seed: UInt64
    private let capacity: Int

    static let samplesPerHost: UInt8 = 8
    static let maximumSamples = 8192

    /// - Parameters:
    ///   - capacity: the most entries of a tick; memory grows towards it only as needed.
    ///   - seed: for the hash; secret, and of no influence on the result.
    public init(capacity: Int = 4_000_000, seed: UInt64) {
        self.capacity = max(16, capacity)
        self.seed = seed
        index = SlotIndex(capacity: 1024)
    }

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
        if destination < 0, !view.ignoredSources.isEmpty, view.ignoredSources.contains(record.source) { return }
        if destination >= 0, source < 0, !view.ignoredSources.isEmpty, view.ignoredSources.contains(record.source) {
            return
        }
        let rate = record.samplingRate == 0 ? view.defaultSamplingRate : record.samplingRate
        let contribution = Contribution(record, rate: rate)
        guard destination >= 0 || source >= 0 else {
            count(contribution, rate: rate, aggregate: aggregates.count &- 1)
            return
        }
        let ages = Self.ages(of: record, tickEnd: tickEnd)
        if destination >= 0 {
            let key = TrafficKey(host: record.destination, isIncoming: true)
            count(contribution, record, rate: rate, ages: ages, key: key)
            count(contribution, record, rate: rate, ages: ages, network: destination, isIncoming: true, view: view)
        }
        if source >= 0 {
            let key = TrafficKey(host: record.source, isIncoming: false)
            count(contribution, record, rate: rate, ages: ages, key: key)
            count(contribution, record, rate: rate, ages: ages, network: source, isIncoming: false, view: view)
        }
    }

    /// In the order in which `count` finds them.
    private static func aggregates(of view: NetworkView) -> [TrafficDelta] {
        var all: [TrafficDelta] = []
        for index in 0..<view.networkCount {
            all.append(TrafficDelta(key: TrafficKey(network: index, isIncoming: true)))
            all.append(TrafficDelta(key: TrafficKey(network: index, isIncoming: false)))
        }
        for index in 0..<view.groupCount {
            all.append(TrafficDelta(key: TrafficKey(group: index, isIncoming: true)))
            all.append(TrafficDelta(key: TrafficKey(group: index, isIncoming: false)))
        }
        return all + [TrafficDelta(key: .other)]
    }

    /// A packet, or a flow that began less than a second ago, is of the tick: windows are no shorter than a second.
    /// Another flow is told apart by the seconds it covers.
    @inline(__always)
    private static func ages(of record: FlowRecord, tickEnd: Timestamp) -> (first: UInt16, last: UInt16) {
        if record.traits.contains(.isPacket) { return (0, 0) }
        let first = (tickEnd.nanoseconds &- record.first.nanoseconds) / 1_000_000_000
        let last = (tickEnd.nanoseconds &- record.last.nanoseconds) / 1_000_000_000
        if first < 1 { return (0, 0) }
        // One more than the age in whole seconds: 0 stands for the tick itself. What lies beyond the oldest age is
        // kept apart up to a day, so that a long flow is not squeezed into the present.
        return (UInt16(clamping: min(first, 65_534) &+ 1), UInt16(clamping: min(max(last, 0), 65_534) &+ 1))
    }

    @inline(__always)
    private mutating func count(
        _ contribution: Contribution,
        _ record: FlowRecord,
        rate: UInt32,
        ages: (first: UInt16, last: UInt16),
        key: TrafficKey
    ) {
        let hash = key.hash(seed: seed ^ UInt64(ages.first) << 16 ^ UInt64(ages.last))
        var position = index.find(hash) { position in
            entries[position].key == key && entries[position].firstAge == ages.first
                && entries[position].lastAge == ages.last
        }
        if position < 0 {
            guard entries.count < capacity else {
                overflow &+= 1
                return
            }
            if index.isCrowded { grow() }
            position = entries.count
            entries.append(TrafficDelta(key: key, firstAge: ages.first, lastAge: ages.last))
            index.insert(hash, position)
        }
        if rate > entries[position].samplingRate { entries[position].samplingRate = rate }
        contribution.add(to: &entries[position].counters)
        if key.isHost, entries[position].samples < Self.samplesPerHost, samples.count < Self.maximumSamples {
            entries[position].samples &+= 1
            samples.append(contribution.sample(of: record))
        }
    }

    /// The network of one end, and its group.
    @inline(__always)
    private mutating func count(
        _ contribution: Contribution,
        _ record: FlowRecord,
        rate: UInt32,
        ages: (first: UInt16, last: UInt16),
        network: Int,
        isIncoming: Bool,
        view: NetworkView
    ) {
        let group = view.groupCount == 0 ? -1 : view.group(of: isIncoming ? record.destination : record.source)
        let direction = isIncoming ? 0 : 1
        if ages.first == 0 {
            count(contribution, rate: rate, aggregate: 2 &* network &+ direction)
            if group >= 0 { count(contribution, rate: rate, aggregate: 2 &* (view.networkCount &+ group) &+ direction) }
        } else {
            count(
                contribution,
                record,
                rate: rate,
                ages: ages,
                key: TrafficKey(network: network, isIncoming: isIncoming)
            )
            if group >= 0 {
                count(
                    contribution,
                    record,
                    rate: rate,
                    ages: ages,
                    key: TrafficKey(group: group, isIncoming: isIncoming)
                )
            }
        }
    }

    @inline(__always)
    private mutating func count(_ contribution: Contribution, rate: UInt32, aggregate position: Int) {
        contribution.add(to: &aggregates[position].counters)
        if rate > aggregates[position].samplingRate { aggregates[position].samplingRate = rate }
    }

    private mutating func grow() {
        index = SlotIndex(capacity: index.count * 4)
        for (position, entry) in entries.enumerated() {
            let seed = seed ^ UInt64(entry.firstAge) << 16 ^ UInt64(entry.lastAge)
            index.insert(entry.key.hash(seed: seed), position)
        }
    }

    public var isEmpty: Bool { records == 0 }

    /// Empties the table for the next tick; the memory stays.
    public mutating func removeAll() {
        guard records > 0 else { return }
        entries.removeAll(keepingCapacity: true)
        samples.removeAll(keepingCapacity: true)
        index.removeAll()
        for position in aggregates.indices { aggregates[position] = TrafficDelta(key: aggregates[position].key) }
        records = 0
        overflow = 0
    }
}
