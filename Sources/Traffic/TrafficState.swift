internal import NetworkTypes

/// What is known of one host, network or group in one direction: the sums over the sliding window, and some more.
public struct TrafficState: Sendable, BitwiseCopyable {
    public var key: TrafficKey
    /// Tells a later tenant of the same place from the one that the window log means.
    var generation: UInt16 = 0
    var isFree = false
    /// The group of a host; -1 for none.
    public var group: Int16 = -1
    /// The longest flow that was reported of late, in seconds: how long silence may last between two reports of it.
    public var longestFlow: UInt16 = 0
    /// Where its history lies; -1 for none.
    var history: Int32 = -1
    /// The largest sampling rate within the window.
    public var samplingRate: UInt32 = 1
    /// Packets, octets and count of flows that were reported late, each halved every 64 seconds: what tells whether a
    /// history is worth its memory.
    var spannedPackets: Float = 0
    var spannedBytes: Float = 0
    var spannedFlows: Float = 0
    var spannedSince: Int64 = 0
    /// The tick in which a late flow was last added.
    var lastSpanned: Int64 = -1
    /// The tick in which it was last added to.
    var lastTouched: Int64 = 0
    /// The sums over the window.
    public var counters = TrafficCounters()

    init(key: TrafficKey) { self.key = key }
}
