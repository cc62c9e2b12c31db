internal import NetworkTypes
internal import Telemetry

/// What some records of a tick added to one host's counters: those of the same classes and the same stretch of time.
struct TrafficDelta: Sendable, BitwiseCopyable {
    // In 48 octets, as there is one for nearly every record where hosts are many.
    let key: TrafficKey
    let classes: TrafficClassSet
    let ages: FlowAgeRange
    /// A record is kept as a sample by one chance in two to this power for each unit of its weight.
    private(set) var sampleLevel: UInt8 = 0
    /// The largest sampling rate of the records: what their evidence is to be judged by.
    private(set) var samplingRate: UInt32 = 1
    private var flows: UInt32 = 0
    private var packets: UInt64 = 0
    private var bytes: UInt64 = 0

    @inline(__always)
    init(key: TrafficKey, classes: TrafficClassSet, ages: FlowAgeRange) {
        self.key = key
        self.classes = classes
        self.ages = ages
    }

    var amount: TrafficAmount { TrafficAmount(packets: packets, bytes: bytes, flows: flows) }

    @inline(__always)
    func isFor(_ key: TrafficKey, _ classes: TrafficClassSet, _ ages: FlowAgeRange) -> Bool {
        self.key == key && self.classes == classes && self.ages == ages
    }

    /// The lower bits of a record's lot that must be less than its weight for it to be kept.
    @inline(__always)
    var sampleMask: UInt64 { 1 &<< UInt64(sampleLevel) &- 1 }

    /// Makes the chance such that 8 to 16 of the records so far are kept.
    mutating func raiseSampleLevel() {
        let level = 60 &- amount.weight.leadingZeroBitCount
        sampleLevel = max(sampleLevel, UInt8(clamping: level))
    }

    @inline(__always)
    mutating func add(_ contribution: Contribution) {
        packets &+= contribution.amount.packets
        bytes &+= contribution.amount.bytes
        flows &+= contribution.amount.flows
        samplingRate = max(samplingRate, contribution.rate)
    }
}

/// How long before the end of the tick the packets of a flow began and stopped to flow.
struct FlowAgeRange: Hashable, Sendable, BitwiseCopyable {
    /// In seconds plus one. Both 0: within the tick.
    private let first: UInt16
    private let last: UInt16

    static let withinTick = FlowAgeRange(first: 0, last: 0)

    private init(first: UInt16, last: UInt16) {
        self.first = first
        self.last = last
    }

    /// A packet, or a flow that began less than a second ago, is of the tick: windows are no shorter than a second. What
    /// lies beyond the oldest age is kept apart up to a day, so that a long flow is not squeezed into the present.
    @inline(__always)
    init(of record: FlowRecord, tickEnd: Timestamp) {
        let age = tickEnd.nanoseconds &- record.first.nanoseconds
        if record.traits.contains(.isPacket) || age < 1_000_000_000 {
            self = .withinTick
        } else {
            let end = (tickEnd.nanoseconds &- record.last.nanoseconds) / 1_000_000_000
            first = UInt16(clamping: min(age / 1_000_000_000, 65_534) &+ 1)
            last = UInt16(clamping: min(max(end, 0), 65_534) &+ 1)
        }
    }

    /// Whether the packets flowed over a time longer than the tick.
    @inline(__always)
    var isSpanned: Bool { first > 0 }

    var secondsToFirst: Int64 { Int64(first) &- 1 }
    var secondsToLast: Int64 { Int64(last) &- 1 }

    /// How many seconds its packets count in, at least 1.
    var duration: Int64 { max(1, secondsToFirst &- secondsToLast) }

    var bits: UInt64 { UInt64(first) << 16 | UInt64(last) }
}

/// What a tick added to the counters of a network, a group, or the rest.
struct AggregateDelta: Sendable, BitwiseCopyable {
    let key: TrafficKey
    private(set) var samplingRate: UInt32 = 1
    private(set) var counters = TrafficCounters()

    init(key: TrafficKey) { self.key = key }

    @inline(__always)
    mutating func add(_ contribution: Contribution) {
        counters.add(contribution.amount, to: contribution.classes)
        samplingRate = max(samplingRate, contribution.rate)
    }
}
