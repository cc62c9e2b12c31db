public import NetworkTypes

/// A host or network with what it has of all traffic.
public struct TopEntry: Sendable, Hashable {
    public var key: TrafficKey
    /// Per second.
    public var packets: Double
    public var bits: Double
    public var flows: Double

    public init(key: TrafficKey, packets: Double, bits: Double, flows: Double) {
        self.key = key
        self.packets = packets
        self.bits = bits
        self.flows = flows
    }

    /// The rate in a unit, per second.
    public subscript(unit: TrafficUnit) -> Double {
        switch unit {
        case .packets: packets
        case .bits: bits
        case .flows: flows
        }
    }
}

/// The busiest hosts of each direction, by each unit.
///
/// To look at a million hosts takes longer than a tick can spare, so it is done in parts: `look` until it says that all
/// have been looked at.
public struct TopHosts: Sendable {
    /// The most that can be asked for.
    public static let largest = 1000

    private let limit: Int
    private var next = 0
    /// By direction and unit; a heap each, the least on top.
    private var heaps: [[TopEntry]]
    /// The most that one host has of each class.
    public private(set) var peaks = HostPeaks()

    /// A history takes as long to read as so many hosts without one.
    private static let costOfHistory = 8

    /// - Parameter limit: how many of each; from 1 to `largest`.
    public init(limit: Int = TopHosts.largest) {
        self.limit = min(max(limit, 1), Self.largest)
        heaps = Array(repeating: [], count: TrafficDirection.allCases.count * TrafficUnit.allCases.count)
    }

    /// Looks at some more hosts, about as many as `count`. True once all have been looked at.
    public mutating func look(into merger: TrafficMerger, atMost count: Int) -> Bool {
        let reader = RateReader(merger)
        var rest = count
        while next < merger.states.count, rest > 0 {
            let position = next
            next &+= 1
            rest &-= merger.states[position].history >= 0 ? Self.costOfHistory : 1
            guard !merger.states[position].isFree, merger.states[position].key.isHost else { continue }
            consider(reader.entry(at: position, of: merger))
            if merger.states[position].longestFlow > 0 {
                let state = merger.states[position]
                let amounts = reader.counters(at: position, of: merger)
                peaks.consider(amounts, of: state.key, group: Int(state.group), over: reader.seconds)
            } else {
                peaks.consider(merger.states[position], over: reader.seconds)
            }
        }
        return next >= merger.states.count
    }

    /// The busiest first.
    public func ranking(_ direction: TrafficDirection, by unit: TrafficUnit) -> [TopEntry] {
        heaps[Self.place(direction, unit)].sorted { first, second in
            first[unit] != second[unit] ? first[unit] > second[unit] : first.key.address < second.key.address
        }
    }

    private static func place(_ direction: TrafficDirection, _ unit: TrafficUnit) -> Int {
        (direction == .incoming ? 0 : TrafficUnit.allCases.count) + unit.index
    }

    @inline(__always)
    private mutating func consider(_ entry: TopEntry) {
        let direction = entry.key.direction
        consider(entry, entry.packets, .packets, Self.place(direction, .packets))
        consider(entry, entry.bits, .bits, Self.place(direction, .bits))
        consider(entry, entry.flows, .flows, Self.place(direction, .flows))
    }

    @inline(__always)
    private mutating func consider(_ entry: TopEntry, _ rate: Double, _ unit: TrafficUnit, _ heap: Int) {
        guard rate > 0 else { return }
        if heaps[heap].count == limit {
            guard rate > heaps[heap][0][unit] else { return }
            heaps[heap][0] = entry
            sink(unit, heap)
        } else {
            heaps[heap].append(entry)
            rise(unit, heap)
        }
    }

    private mutating func rise(_ unit: TrafficUnit, _ heap: Int) {
        var child = heaps[heap].count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heaps[heap][child][unit] < heaps[heap][parent][unit] else { return }
            heaps[heap].swapAt(child, parent)
            child = parent
        }
    }

    private mutating func sink(_ unit: TrafficUnit, _ heap: Int) {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heaps[heap].count {
                if heaps[heap][child][unit] < heaps[heap][least][unit] { least = child }
            }
            guard least != parent else { return }
            heaps[heap].swapAt(least, parent)
            parent = least
        }
    }
}

/// What one place has of all traffic: within the window, and as flows that were reported late.
private struct RateReader {
    let seconds: Double
    private let second: Int64
    /// Where the histories of all packets, bits and flows stand, of those that are kept.
    private let measures: [(index: Int, unit: TrafficUnit)]

    init(_ merger: TrafficMerger) {
        seconds = max(merger.configuration.window.inSeconds, 0.001)
        second = merger.second
        measures = merger.measures.enumerated().filter { $0.element.trafficClass == .total }.map {
            ($0.offset, $0.element.unit)
        }
    }

    @inline(__always)
    func entry(at position: Int, of merger: TrafficMerger) -> TopEntry {
        let total = merger.states[position].counters[.total]
        var entry = TopEntry(
            key: merger.states[position].key,
            packets: Double(total.packets) / seconds,
            bits: Double(total.bytes) * 8 / seconds,
            flows: Double(total.flows) / seconds
        )
        if merger.states[position].longestFlow > 0 { addLateFlows(at: position, of: merger, to: &entry) }
        return entry
    }

    /// The rates of every class and unit: as `entry`, where only all traffic is known of flows without a history.
    func rates(at position: Int, of merger: TrafficMerger) -> TrafficRates {
        var rates = merger.states[position].counters.rates(over: merger.configuration.window)
        guard merger.states[position].longestFlow > 0 else { return rates }
        let total = entry(at: position, of: merger)
        for unit in TrafficUnit.allCases { rates[.total, unit] = max(rates[.total, unit], total[unit]) }
        guard merger.hasHistory(at: position) else { return rates }
        for (index, measure) in merger.measures.enumerated() {
            let peak = merger.historyPeak(at: position, measure: index)
            rates[measure.trafficClass, measure.unit] = max(rates[measure.trafficClass, measure.unit], peak)
        }
        return rates
    }

    /// The same as amounts of the window's length.
    func counters(at position: Int, of merger: TrafficMerger) -> TrafficCounters {
        let rates = rates(at: position, of: merger)
        func amount(_ trafficClass: TrafficClass, _ unit: TrafficUnit, limit: Double) -> Double {
            min((rates[trafficClass, unit] * seconds).rounded(), limit)
        }
        var counters = TrafficCounters()
        for trafficClass in TrafficClass.allCases {
            counters[trafficClass] = TrafficAmount(
                packets: UInt64(amount(trafficClass, .packets, limit: 1e18)),
                bytes: UInt64(amount(trafficClass, .bits, limit: 1e18) / 8),
                flows: UInt32(amount(trafficClass, .flows, limit: 4e9))
            )
        }
        return counters
    }

    /// The fullest second of late, as an attack's rates are told; without a history the mean.
    private func addLateFlows(at position: Int, of merger: TrafficMerger, to entry: inout TopEntry) {
        guard merger.hasHistory(at: position) else {
            let late = merger.states[position].lateFlows.means(at: second)
            entry.packets += late.packets
            entry.bits += late.bits
            entry.flows += late.flows
            return
        }
        for measure in measures {
            let peak = merger.historyPeak(at: position, measure: measure.index)
            switch measure.unit {
            case .packets: entry.packets = max(entry.packets, peak)
            case .bits: entry.bits = max(entry.bits, peak)
            case .flows: entry.flows = max(entry.flows, peak)
            }
        }
    }
}

extension TrafficMerger {
    /// The busiest hosts as of now, all at once: a million take some forty milliseconds.
    public func topHosts(limit: Int) -> TopHosts {
        var top = TopHosts(limit: limit)
        while !top.look(into: self, atMost: .max) {}
        return top
    }

    /// What the state at a position has of all traffic.
    func topEntry(at position: Int) -> TopEntry { RateReader(self).entry(at: position, of: self) }

    /// What each of the operator's networks has, in the order of `NetworkView.networkPrefixes`.
    public func networkEntries(_ direction: TrafficDirection) -> [TopEntry] {
        entries((0..<view.networkCount).map { TrafficKey(network: $0, isIncoming: direction == .incoming) })
    }

    /// What each of the operator's networks has of every class, in the same order.
    public func networkRates(_ direction: TrafficDirection) -> [TrafficRates] {
        rates((0..<view.networkCount).map { TrafficKey(network: $0, isIncoming: direction == .incoming) })
    }

    /// What each group has of every class, in the order of the configuration.
    public func groupRates(_ direction: TrafficDirection) -> [TrafficRates] {
        rates((0..<view.groupCount).map { TrafficKey(group: $0, isIncoming: direction == .incoming) })
    }

    private func rates(_ keys: [TrafficKey]) -> [TrafficRates] {
        let reader = RateReader(self)
        return keys.map { key in position(of: key).map { reader.rates(at: $0, of: self) } ?? TrafficRates() }
    }

    private func entries(_ keys: [TrafficKey]) -> [TopEntry] {
        let reader = RateReader(self)
        return keys.map { key in
            guard let position = position(of: key) else { return TopEntry(key: key, packets: 0, bits: 0, flows: 0) }
            return reader.entry(at: position, of: self)
        }
    }

    /// The indices of the networks that lie in no other.
    public var outermostNetworks: [Int] { view.outermostNetworks }

    /// The operator's networks in the order of their indices.
    public var networkPrefixes: [IPPrefix] { view.networkPrefixes }
}
