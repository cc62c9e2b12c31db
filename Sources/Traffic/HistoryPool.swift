/// The last 64 seconds of those few hosts that need more than a window: flows that were reported late, and rates that
/// few samples tell of. One bin for each second and measure.
struct HistoryPool: Sendable {
    static let seconds = 64

    private let measures: Int
    private var bins: [Float] = []
    /// The second up to which each history is filled.
    private var newest: [Int64] = []
    private var free: [Int] = []

    init(measures: Int) { self.measures = measures }

    var memoryBytes: Int { bins.capacity * MemoryLayout<Float>.stride + newest.capacity * 8 }
    var count: Int { newest.count - free.count }

    private var stride: Int { measures &* Self.seconds }

    mutating func allocate(at second: Int64) -> Int {
        if let slot = free.popLast() {
            newest[slot] = second
            return slot
        }
        bins.append(contentsOf: repeatElement(0, count: stride))
        newest.append(second)
        return newest.count - 1
    }

    mutating func release(_ slot: Int) {
        for index in (slot &* stride)..<((slot &+ 1) &* stride) { bins[index] = 0 }
        free.append(slot)
    }

    /// Empties the bins of the seconds that have begun since the history was last touched.
    mutating func advance(_ slot: Int, to second: Int64) {
        guard second > newest[slot] else { return }
        let fresh = Int(min(second &- newest[slot], Int64(Self.seconds)))
        for step in 0..<fresh {
            for measure in 0..<measures { bins[place(slot, measure, second &- Int64(step))] = 0 }
        }
        newest[slot] = second
    }

    /// Adds to the bin of a second that lies within the history.
    mutating func add(_ amount: Double, to slot: Int, measure: Int, second: Int64) {
        guard second <= newest[slot], newest[slot] &- second < Int64(Self.seconds) else { return }
        bins[place(slot, measure, second)] += Float(amount)
    }

    /// Adds the same to each of `count` seconds, back from the given one, as far as they lie within the history.
    mutating func add(_ amount: Double, to slot: Int, measure: Int, second: Int64, back count: Int64) {
        let reach = Int(min(count, Int64(Self.seconds) &- (newest[slot] &- second)))
        guard second <= newest[slot], reach > 0 else { return }
        let first = slot &* stride &+ measure &* Self.seconds
        let end = Int(second & Int64(Self.seconds - 1)) &+ 1
        if reach <= end {
            add(Float(amount), (first &+ end &- reach)..<(first &+ end))
        } else {
            add(Float(amount), first..<(first &+ end))
            add(Float(amount), (first &+ Self.seconds &+ end &- reach)..<(first &+ Self.seconds))
        }
    }

    @inline(__always)
    private mutating func add(_ amount: Float, _ range: Range<Int>) {
        var all = bins.mutableSpan
        for bin in range { all[bin] += amount }
    }

    /// Measure by measure: a flow fills a stretch of bins that lie together.
    @inline(__always)
    private func place(_ slot: Int, _ measure: Int, _ second: Int64) -> Int {
        slot &* stride &+ measure &* Self.seconds &+ Int(second & Int64(Self.seconds - 1))
    }

    /// The sum over the last `count` seconds, the newest included.
    func sum(_ slot: Int, measure: Int, lastSeconds count: Int) -> Double {
        var total = 0.0
        for step in 0..<min(count, Self.seconds) { total += value(slot, measure, newest[slot] &- Int64(step)) }
        return total
    }

    /// The fullest second but the newest, which is not over yet.
    func peak(_ slot: Int, measure: Int) -> Double {
        var peak = 0.0
        for step in 1..<Self.seconds { peak = max(peak, value(slot, measure, newest[slot] &- Int64(step))) }
        return peak
    }

    /// The latest second whose bin is above a level.
    func lastSecond(_ slot: Int, measure: Int, above level: Double) -> Int64? {
        for step in 0..<Int64(Self.seconds) where value(slot, measure, newest[slot] &- step) > level {
            return newest[slot] &- step
        }
        return nil
    }

    private func value(_ slot: Int, _ measure: Int, _ second: Int64) -> Double {
        Double(bins[place(slot, measure, second)])
    }
}
