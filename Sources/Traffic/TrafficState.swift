internal import NetworkTypes

/// What is known of one host, network or group in one direction: the sums over the sliding window, and some more.
public struct TrafficState: Sendable, BitwiseCopyable {
    // In 192 octets: this is what a tracked host costs.
    public let key: TrafficKey
    var isFree = false
    /// Tells a later tenant of the same place from the one that the window log means.
    var generation: UInt16 = 0
    /// The group of a host; -1 for none.
    public let group: Int16
    /// The longest flow that was reported of late, in seconds: how long silence may last between two reports of it.
    public var longestFlow: UInt16 = 0
    /// Where its history lies; -1 for none.
    var history: Int32 = -1
    /// Where it stands among those of which flows were reported late; -1 for not at all.
    var lateFlows: Int32 = -1
    /// The largest sampling rate within the window.
    public private(set) var samplingRate: UInt32 = 1
    /// Whether late flows were reported within the tick.
    var hasLateFlows = false
    /// Whether it stands in the list of suspects of the tick.
    var isSuspect = false
    /// The tick in which it was last added to.
    private(set) var lastTouched: Int64
    /// The sums over the window.
    public private(set) var counters = TrafficCounters()

    init(key: TrafficKey, group: Int16, tick: Int64) {
        self.key = key
        self.group = group
        lastTouched = tick
    }

    /// Adds to the window.
    @inline(__always)
    mutating func add(_ amount: TrafficAmount, to classes: TrafficClassSet, samplingRate rate: UInt32, tick: Int64) {
        touch(samplingRate: rate, tick: tick)
        counters.add(amount, to: classes)
    }

    @inline(__always)
    mutating func touch(samplingRate rate: UInt32, tick: Int64) {
        lastTouched = tick
        samplingRate = max(samplingRate, rate)
    }

    /// Takes from the window what has left it.
    @inline(__always)
    mutating func expire(_ entry: WindowLog.Entry) {
        guard generation == entry.generation, !isFree else { return }
        counters.subtract(entry.amount, from: entry.classes)
        if counters.isZero { samplingRate = 1 }
    }
}
