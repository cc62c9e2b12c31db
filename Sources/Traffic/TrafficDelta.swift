internal import NetworkTypes
internal import Telemetry

/// What some records of a tick added to one host's counters: those of the same classes and the same stretch of time.
struct TrafficDelta: Sendable, BitwiseCopyable {
    // In 48 octets, as there is one for nearly every record where hosts are many.
    var key: TrafficKey
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

    /// With what the first record adds.
    @inline(__always)
    init(key: TrafficKey, ages: FlowAgeRange, _ contribution: Contribution) {
        self.init(key: key, classes: contribution.classes, ages: ages)
        add(contribution)
    }

    var amount: TrafficAmount { TrafficAmount(packets: packets, bytes: bytes, flows: flows) }

    /// Whether both are of the same host, classes and stretch of time.
    @inline(__always)
    func isForSame(as other: TrafficDelta) -> Bool {
        key == other.key && classes == other.classes && ages == other.ages
    }

    /// How much a record counts where samples are chosen.
    @inline(__always)
    var weight: UInt64 { amount.weight }

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

    /// Adds what another for the same has.
    @inline(__always)
    mutating func add(_ other: TrafficDelta) {
        packets &+= other.packets
        bytes &+= other.bytes
        flows &+= other.flows
        samplingRate = max(samplingRate, other.samplingRate)
    }

    /// The same amounts for another key.
    func moved(to key: TrafficKey) -> TrafficDelta {
        var moved = TrafficDelta(key: key, classes: classes, ages: ages)
        moved.add(self)
        return moved
    }
}

/// How long before the end of the second under way the packets of a flow began and stopped to flow, in 64ths of a second:
/// two records of a flow of which one begins where the other ends count in the same second only as far as they share it.
struct FlowAgeRange: Hashable, Sendable, BitwiseCopyable {
    /// Plus one; 0 for flows of the tick.
    private let last: UInt16
    /// In 64ths below 2^15, which is 512 s; above, in four seconds.
    private let length: UInt16

    static let withinTick = FlowAgeRange(last: 0, length: 0)
    static let unitsPerSecond: Int64 = 64
    private static let longUnit: Int64 = 256

    private init(last: UInt16, length: UInt16) {
        self.last = last
        self.length = length
    }

    /// What the ages of a tick's records are counted from.
    struct Tick: BitwiseCopyable {
        fileprivate let end: Int64
        /// What is left of the second under way, in nanoseconds.
        fileprivate let rest: Int64

        init(ending end: Timestamp) {
            self.end = end.nanoseconds
            rest = 999_999_999 &- (end.nanoseconds &- 1) % 1_000_000_000
        }
    }

    /// A packet, or a flow that began less than a second ago, is of the tick: windows are no shorter than a second. What
    /// lies beyond the oldest age is kept apart up to a day, so that a long flow is not squeezed into the present.
    @inline(__always)
    init(of record: FlowRecord, in tick: Tick) {
        let age = tick.end &- record.first.nanoseconds
        if record.traits.contains(.isPacket) || age < 1_000_000_000 {
            self = .withinTick
        } else {
            let end = max(0, tick.end &- record.last.nanoseconds)
            let first = Self.units(age, tick.rest)
            let last = min(Self.units(end, tick.rest), 65_534)
            let length = first > last ? first &- last : 0
            self.last = UInt16(truncatingIfNeeded: last &+ 1)
            self.length = UInt16(
                truncatingIfNeeded: length < 32_768 ? length : min(length / UInt64(Self.longUnit), 32_767) | 32_768
            )
        }
    }

    /// Of what is not negative. Bounded by two days, so that nothing overflows.
    @inline(__always)
    private static func units(_ nanoseconds: Int64, _ rest: Int64) -> UInt64 {
        // Without a sign a division is a multiplication and a shift.
        UInt64(bitPattern: min(nanoseconds, 172_800_000_000_000) &+ rest) / UInt64(1_000_000_000 / unitsPerSecond)
    }

    /// Whether the packets flowed over a time longer than the tick.
    @inline(__always)
    var isSpanned: Bool { last > 0 }

    /// How long before the end of the second under way the last packet flowed, in units.
    var unitsToLast: Int64 { Int64(last) &- 1 }

    /// For how long the packets flowed, at least one unit.
    var units: Int64 {
        max(1, length < 32_768 ? Int64(length) : Int64(length & 32_767) &* Self.longUnit)
    }

    /// The same in seconds, rounded up.
    var duration: Int64 { Self.seconds(upFrom: units) }

    static func seconds(upFrom units: Int64) -> Int64 { (units &+ unitsPerSecond &- 1) / unitsPerSecond }

    /// How long before the end of the second under way the first packet flowed, in units.
    var unitsToFirst: Int64 { unitsToLast &+ units &- 1 }

    /// How many seconds ago, the second under way being 0, the first and the last packet flowed.
    var secondsToFirst: Int64 { unitsToFirst / Self.unitsPerSecond }
    var secondsToLast: Int64 { unitsToLast / Self.unitsPerSecond }

    var bits: UInt64 { UInt64(length) << 16 | UInt64(last) }
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

    @inline(__always)
    mutating func add(_ delta: TrafficDelta) {
        counters.add(delta.amount, to: delta.classes)
        samplingRate = max(samplingRate, delta.samplingRate)
    }
}
