public import NetworkTypes

/// Of each class and unit the most that one host has, within the window and by flows that were reported late; apart for
/// each group, as each has limits of its own, and for each direction.
public struct HostPeaks: Sendable {
    /// A host and what it has, per second.
    public struct Peak: Sendable, Hashable {
        public var host: IPAddress
        public var rate: Double

        public init(host: IPAddress, rate: Double) {
            self.host = host
            self.rate = rate
        }
    }

    private struct Class: Sendable {
        var most = TrafficAmount()
        var hosts = InlineArray<3, IPAddress>(repeating: .unspecified)
    }

    private var seconds = 1.0
    /// By group, the first for hosts of none, then direction, then class.
    private var classes: [Class] = []

    private static let perGroup = TrafficDirection.allCases.count * TrafficClass.allCases.count

    private static func place(_ group: Int, _ direction: TrafficDirection) -> Int {
        (group + 1) * perGroup + (direction == .incoming ? 0 : TrafficClass.allCases.count)
    }

    @inline(__always)
    mutating func consider(_ state: TrafficState, over seconds: Double) {
        consider(state.counters, of: state.key, group: Int(state.group), over: seconds)
    }

    @inline(__always)
    mutating func consider(_ counters: TrafficCounters, of key: TrafficKey, group: Int, over seconds: Double) {
        self.seconds = seconds
        let first = Self.place(group, key.direction)
        while classes.count < first &+ TrafficClass.allCases.count { classes.append(Class()) }
        for trafficClass in TrafficClass.allCases {
            let amount = counters[trafficClass]
            guard !amount.isZero else { continue }
            let place = first &+ trafficClass.rawValue
            if amount.packets > classes[place].most.packets {
                classes[place].most.packets = amount.packets
                classes[place].hosts[0] = key.address
            }
            if amount.bytes > classes[place].most.bytes {
                classes[place].most.bytes = amount.bytes
                classes[place].hosts[1] = key.address
            }
            if amount.flows > classes[place].most.flows {
                classes[place].most.flows = amount.flows
                classes[place].hosts[2] = key.address
            }
        }
    }

    /// The most that a host of a group has, or of no group; nil where none has any.
    public func peak(
        ofGroup group: Int?,
        _ direction: TrafficDirection,
        _ trafficClass: TrafficClass,
        _ unit: TrafficUnit
    ) -> Peak? {
        let place = Self.place(group ?? -1, direction) + trafficClass.rawValue
        guard classes.indices.contains(place) else { return nil }
        let rate = classes[place].most.value(in: unit) / seconds
        return rate > 0 ? Peak(host: classes[place].hosts[unit.index], rate: rate) : nil
    }
}
