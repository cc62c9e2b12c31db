internal import NetworkTypes
internal import Traffic

/// What the window of hosts held at most when it was last noted within a minute. A busy host is looked at each tick, and
/// nearly always has less than it had before: who knows that need not ask what is recorded.
///
/// A place is that of any number of hosts, of which the last is known: who is not, is looked at once more.
struct NotedPeaks: Sendable {
    private struct Entry: Sendable, BitwiseCopyable {
        var key = TrafficKey.other
        var samplingRate: UInt32 = 0
        var minute: Int64 = -1
        /// By class. Of what a flow can count for as few bits are lost as the levels of the record lose.
        var most = InlineArray<6, SIMD4<Float>>(repeating: .zero)
    }

    private static let count = 8192
    private var entries: [Entry] = []

    /// Whether a window holds more of any class than was noted of it in the minute; what it holds is noted then.
    ///
    /// - Parameter position: where the state stands.
    mutating func raise(_ state: TrafficState, at position: Int, minute: Int64) -> Bool {
        if entries.isEmpty { entries = Array(repeating: Entry(), count: Self.count) }
        let place = position & (Self.count - 1)
        let isKnown =
            entries[place].minute == minute && entries[place].key == state.key
            && entries[place].samplingRate == state.samplingRate
        if !isKnown { entries[place] = Entry(key: state.key, samplingRate: state.samplingRate, minute: minute) }
        var isHigher = !isKnown
        for trafficClass in TrafficClass.allCases {
            let amount = state.counters[trafficClass]
            let values = SIMD4(Float(amount.packets), Float(amount.bytes), Float(amount.flows), 0)
            let most = entries[place].most[trafficClass.rawValue]
            guard any(values .> most) else { continue }
            isHigher = true
            entries[place].most[trafficClass.rawValue] = pointwiseMax(values, most)
        }
        return isHigher
    }

    /// What is recorded has changed otherwise: all are looked at once more.
    mutating func forget() { entries = [] }
}
