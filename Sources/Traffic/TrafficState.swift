internal import NetworkTypes

/// What is known of one host, network or group in one direction: the sums over the sliding window, and some more.
public struct TrafficState: Sendable, BitwiseCopyable {
    // In 192 octets: this is what a tracked host costs. With many hosts each look at one misses the caches, so what records
    // touch lies together. In an array that the system has mapped an element begins 48 octets into a line of the cache: all
    // from `key` on is in the last of its lines, and before it, with that of all TCP traffic, the sum of all.
    /// The sums over the window.
    public private(set) var counters = TrafficCounters()
    public let key: TrafficKey
    private var flags: Flags = []
    /// Tells a later tenant of the same place from the one that the window log means.
    var generation: UInt16 = 0
    /// The group of a host; -1 for none.
    public let group: Int16
    /// The longest flow that was reported of late, in seconds: how long silence may last between two reports of it.
    public var longestFlow: UInt16 = 0
    /// Where its history lies; -1 for none.
    var history: Int32 = -1
    /// Of flows that were reported late.
    var lateFlows = LateFlows()
    private var recentRate = RecentSamplingRate()
    /// The lower half of the number of the tick in which it was last added to.
    private var lastTouched: UInt32

    /// Where in a state lines of the cache lie that are asked for together: that of the key, and those of the sums that most
    /// records are added to.
    static let lineOfKey = 144
    static let linesOfSums = (80, 72)

    private struct Flags: OptionSet, Sendable, BitwiseCopyable {
        var rawValue: UInt8
        static let isFree = Flags(rawValue: 1)
        static let hasLateFlows = Flags(rawValue: 2)
        static let isSuspect = Flags(rawValue: 4)
        static let isNoted = Flags(rawValue: 8)
    }

    init(key: TrafficKey, group: Int16, tick: Int64) {
        self.key = key
        self.group = group
        lastTouched = UInt32(truncatingIfNeeded: tick)
    }

    /// The largest sampling rate of the last minutes; 1 where all packets were seen.
    public var samplingRate: UInt32 { recentRate.largest }

    /// Whether its place is nobody's.
    var isFree: Bool {
        get { flags.contains(.isFree) }
        set { set(.isFree, newValue) }
    }

    /// Whether late flows were reported within the tick.
    var hasLateFlows: Bool {
        get { flags.contains(.hasLateFlows) }
        set { set(.hasLateFlows, newValue) }
    }

    /// Whether it stands in the list of suspects of the tick.
    var isSuspect: Bool {
        get { flags.contains(.isSuspect) }
        set { set(.isSuspect, newValue) }
    }

    /// Whether it stands in the list of those that were heavy in the tick.
    var isNoted: Bool {
        get { flags.contains(.isNoted) }
        set { set(.isNoted, newValue) }
    }

    private mutating func set(_ flag: Flags, _ isOn: Bool) {
        if isOn { flags.insert(flag) } else { flags.remove(flag) }
    }

    /// How many ticks ago it was last added to.
    func idleTicks(at tick: Int64) -> Int64 { Int64(UInt32(truncatingIfNeeded: tick) &- lastTouched) }

    /// Adds to the window.
    @inline(__always)
    mutating func add(_ amount: TrafficAmount, to classes: TrafficClassSet, samplingRate rate: UInt32, tick: Int64) {
        touch(samplingRate: rate, tick: tick)
        counters.add(amount, to: classes)
    }

    @inline(__always)
    mutating func touch(samplingRate rate: UInt32, tick: Int64) {
        let tick = UInt32(truncatingIfNeeded: tick)
        recentRate.note(rate, tick: tick, last: lastTouched)
        lastTouched = tick
    }

    /// Notes flows that were reported late; whether they are to be followed second by second.
    @inline(__always)
    mutating func noteLate(
        _ amount: TrafficAmount,
        ofUpTo longest: UInt16,
        samplingRate rate: UInt32,
        tick: Int64,
        second: Int64,
        _ limits: LateFlows.Limits
    ) -> Bool {
        touch(samplingRate: rate, tick: tick)
        longestFlow = max(longestFlow, longest)
        lateFlows.add(amount, at: second)
        return history >= 0 || lateFlows.reaches(limits)
    }

    /// Notes flows that were reported late and are not to be followed second by second; else false, and nothing is noted.
    @inline(__always)
    mutating func noteFew(_ delta: TrafficDelta, tick: Int64, second: Int64, _ limits: LateFlows.Limits) -> Bool {
        guard history < 0 else { return false }
        var late = lateFlows
        late.add(delta.amount, at: second)
        guard !late.reaches(limits) else { return false }
        lateFlows = late
        longestFlow = max(longestFlow, UInt16(clamping: delta.ages.duration))
        touch(samplingRate: delta.samplingRate, tick: tick)
        return true
    }

    /// Takes from the window what has left it.
    @inline(__always)
    mutating func expire(_ entry: WindowLog.Entry) {
        guard generation == entry.generation, !isFree else { return }
        counters.subtract(entry.amount, from: entry.classes)
        if counters.isZero { recentRate = RecentSamplingRate() }
    }
}
