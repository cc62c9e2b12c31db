/// The last 64 seconds of those few hosts that need more than a window: flows that were reported late, and rates that
/// few samples tell of. One bin for each second and measure; and longer ones from the first flow on that lasted longer.
struct HistoryPool: Sendable {
    static let seconds = 64

    private let measures: Int
    private var bins: [Float] = []
    /// The second up to which each history is filled.
    private var newest: [Int64] = []
    private var free: [Int] = []
    private var longer: LongHistories
    /// Where each has a long history; -1 for none.
    private var longSlots: [Int32] = []

    init(measures: Int) {
        self.measures = measures
        longer = LongHistories(measures: measures)
    }

    var memoryBytes: Int {
        bins.capacity * MemoryLayout<Float>.stride + newest.capacity * 8 + longSlots.capacity * 4 + longer.memoryBytes
    }
    var count: Int { newest.count - free.count }

    private var stride: Int { measures &* Self.seconds }

    mutating func allocate(at second: Int64) -> Int {
        if let slot = free.popLast() {
            newest[slot] = second
            return slot
        }
        bins.append(contentsOf: repeatElement(0, count: stride))
        newest.append(second)
        longSlots.append(-1)
        return newest.count - 1
    }

    mutating func release(_ slot: Int) {
        for index in (slot &* stride)..<((slot &+ 1) &* stride) { bins[index] = 0 }
        if longSlots[slot] >= 0 { longer.release(Int(longSlots[slot])) }
        longSlots[slot] = -1
        free.append(slot)
    }

    /// Whether it goes back beyond `seconds`.
    func isLong(_ slot: Int) -> Bool { longSlots[slot] >= 0 }

    /// From now on it goes back as far as long histories do.
    mutating func lengthen(_ slot: Int) {
        guard longSlots[slot] < 0 else { return }
        let long = longer.allocate(at: newest[slot])
        longSlots[slot] = Int32(truncatingIfNeeded: long)
        for measure in 0..<measures {
            for step in 0..<Int64(Self.seconds) {
                let second = newest[slot] &- step
                let amount = value(slot, measure, second)
                if amount > 0 { longer.add(amount, to: long, measure: measure, second: second, back: 1) }
            }
        }
    }

    /// Empties the bins of the seconds that have begun since the history was last touched.
    mutating func advance(_ slot: Int, to second: Int64) {
        guard second > newest[slot] else { return }
        let fresh = Int(min(second &- newest[slot], Int64(Self.seconds)))
        for step in 0..<fresh {
            for measure in 0..<measures { bins[place(slot, measure, second &- Int64(step))] = 0 }
        }
        newest[slot] = second
        if longSlots[slot] >= 0 { longer.advance(Int(longSlots[slot]), to: second) }
    }

    /// Adds to the bin of a second that lies within the history.
    mutating func add(_ amount: Double, to slot: Int, measure: Int, second: Int64) {
        if longSlots[slot] >= 0 {
            longer.add(amount, to: Int(longSlots[slot]), measure: measure, second: second, back: 1)
        }
        guard second <= newest[slot], newest[slot] &- second < Int64(Self.seconds) else { return }
        bins[place(slot, measure, second)] += Float(amount)
    }

    /// Adds the same to each of `count` seconds, back from the given one, as far as they lie within the history.
    mutating func add(_ amount: Double, to slot: Int, measure: Int, second: Int64, back count: Int64) {
        if longSlots[slot] >= 0 {
            longer.add(amount, to: Int(longSlots[slot]), measure: measure, second: second, back: count)
        }
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
        let first = slot &* stride &+ measure &* Self.seconds
        let all = bins.span.extracting(first..<(first &+ Self.seconds))
        return Double(Self.highest(all, but: Int(newest[slot] & Int64(Self.seconds - 1))))
    }

    /// The highest of amounts, which are not negative, but for one. Without a look at which it is the processor takes
    /// several at a time.
    @inline(__always)
    static func highest(_ amounts: Span<Float>, but place: Int) -> Float {
        max(highest(amounts.extracting(first: place)), highest(amounts.extracting(droppingFirst: place + 1)))
    }

    @inline(__always)
    private static func highest(_ amounts: Span<Float>) -> Float {
        var highest: Float = 0
        for index in amounts.indices where amounts[index] > highest { highest = amounts[index] }
        return highest
    }

    /// The most that came in so many whole seconds in a row, be they now or earlier.
    func peak(_ slot: Int, measure: Int, over count: Int) -> Double {
        guard (1..<Self.seconds).contains(count) else { return 0 }
        var sum = 0.0
        for step in 1...count { sum += value(slot, measure, newest[slot] &- Int64(step)) }
        var peak = sum
        for step in (count + 1)..<Self.seconds {
            sum += value(slot, measure, newest[slot] &- Int64(step))
            sum -= value(slot, measure, newest[slot] &- Int64(step - count))
            peak = max(peak, sum)
        }
        return peak
    }

    /// The moving average over the whole seconds and what has passed of the newest; or the highest that it ever was.
    func smoothed(
        _ slot: Int,
        measure: Int,
        _ smoothing: ExponentialSmoothing,
        elapsedOfSecond: Double,
        findsPeak: Bool
    ) -> SmoothedRate {
        var average = 0.0
        // The sum of the squared weights, which says how much one packet's presence by chance does to the average.
        var squares = 0.0
        var best = SmoothedRate(rate: 0, evidence: 0)
        for step in (0..<Int64(Self.seconds)).reversed() {
            let amount = value(slot, measure, newest[slot] &- step)
            let seconds = step == 0 ? max(elapsedOfSecond, 0.001) : 1
            let decay = step == 0 ? smoothing.decay(after: seconds) : smoothing.decayOfSecond
            let weight = (1 - decay) / seconds
            average = weight * amount + decay * average
            squares = weight * weight * amount + decay * decay * squares
            guard step == 0 || findsPeak, average >= best.rate, squares > 0 else { continue }
            best = SmoothedRate(rate: average, evidence: average * average / squares)
        }
        return best
    }

    /// The highest rate over eight whole seconds that lie further back.
    func longPeak(_ slot: Int, measure: Int) -> Double {
        longSlots[slot] < 0 ? 0 : longer.peak(Int(longSlots[slot]), measure: measure)
    }

    /// The latest second whose bin is above a level.
    func lastSecond(_ slot: Int, measure: Int, above level: Double) -> Int64? {
        for step in 0..<Int64(Self.seconds) where value(slot, measure, newest[slot] &- step) > level {
            return newest[slot] &- step
        }
        return longSlots[slot] < 0 ? nil : longer.lastSecond(Int(longSlots[slot]), measure: measure, above: level)
    }

    private func value(_ slot: Int, _ measure: Int, _ second: Int64) -> Double {
        Double(bins[place(slot, measure, second)])
    }
}
