internal import CProcessor

/// The last 64 seconds of those few hosts that need more than a window: flows that were reported late, and rates that
/// few samples tell of. One bin for each second and measure; and longer ones from the first flow on that lasted longer.
struct HistoryPool: Sendable {
    static let seconds = 64

    private let measures: Int
    /// For each measure the least per second that is worth a look.
    private let limits: [Float]
    private var bins: [Float] = []
    private var heads: [Head] = []
    private var free: [Int] = []
    private var longer: LongHistories

    private struct Head: Sendable, BitwiseCopyable {
        /// The second up to which it is filled.
        var newest: Int64
        /// Whose it is; -1 for nobody's.
        var owner: Int32
        /// Where it has a long history; -1 for none.
        var long: Int32 = -1
        /// Whether a second of it, or eight of the long one, is above a limit; or was when the second under way began.
        var isHigh = false
    }

    /// - Parameter limits: for each measure the least per second that is worth a look.
    init(limits: [Double]) {
        measures = limits.count
        // A little less, as amounts are rounded.
        self.limits = limits.map { Float($0 * 0.999_999) }
        longer = LongHistories(measures: measures)
    }

    var memoryBytes: Int {
        bins.capacity * MemoryLayout<Float>.stride + heads.capacity * MemoryLayout<Head>.stride + longer.memoryBytes
    }
    var count: Int { heads.count - free.count }

    private var stride: Int { measures &* Self.seconds }

    /// - Parameter owner: where the state stands that it is of.
    mutating func allocate(at second: Int64, for owner: Int) -> Int {
        let head = Head(newest: second, owner: Int32(truncatingIfNeeded: owner))
        if let slot = free.popLast() {
            heads[slot] = head
            return slot
        }
        bins.append(contentsOf: repeatElement(0, count: stride))
        heads.append(head)
        return heads.count - 1
    }

    mutating func release(_ slot: Int) {
        for index in (slot &* stride)..<((slot &+ 1) &* stride) { bins[index] = 0 }
        if heads[slot].long >= 0 { longer.release(Int(heads[slot].long)) }
        heads[slot] = Head(newest: heads[slot].newest, owner: -1)
        free.append(slot)
    }

    /// Whose histories those of a part of all are.
    func owners(part: Int, of parts: Int) -> [Int] {
        Swift.stride(from: part, to: heads.count, by: parts).compactMap {
            heads[$0].owner < 0 ? nil : Int(heads[$0].owner)
        }
    }

    /// Whether it goes back beyond `seconds`.
    func isLong(_ slot: Int) -> Bool { heads[slot].long >= 0 }

    /// From now on it goes back as far as long histories do.
    mutating func lengthen(_ slot: Int) {
        guard heads[slot].long < 0 else { return }
        let long = longer.allocate(at: heads[slot].newest)
        heads[slot].long = Int32(truncatingIfNeeded: long)
        for measure in 0..<measures {
            for step in 0..<Int64(Self.seconds) {
                let second = heads[slot].newest &- step
                let amount = value(slot, measure, second)
                if amount > 0 { _ = longer.add(amount, to: long, measure: measure, second: second, back: 1) }
            }
        }
    }

    /// Empties the bins of the seconds that have begun since the history was last touched.
    mutating func advance(_ slot: Int, to second: Int64) {
        guard second > heads[slot].newest else { return }
        let fresh = Int(min(second &- heads[slot].newest, Int64(Self.seconds)))
        for step in 0..<fresh {
            for measure in 0..<measures { bins[place(slot, measure, second &- Int64(step))] = 0 }
        }
        heads[slot].newest = second
        if heads[slot].long >= 0 { longer.advance(Int(heads[slot].long), to: second) }
        if heads[slot].isHigh { heads[slot].isHigh = isAnyHigh(slot) }
    }

    private func isAnyHigh(_ slot: Int) -> Bool {
        for measure in 0..<measures {
            let first = slot &* stride &+ measure &* Self.seconds
            if Self.highest(bins.span.extracting(first..<(first &+ Self.seconds))) > limits[measure] { return true }
            if Float(longPeak(slot, measure: measure)) > limits[measure] { return true }
        }
        return false
    }

    /// Whether the rate over any time that ends now, or over any whole seconds that a history covers, may be above a limit:
    /// none is where no second of it is, nor what has passed of the one under way.
    @inline(__always)
    func mayExceedLimits(_ slot: Int, elapsedOfSecond: Double) -> Bool {
        if heads[slot].isHigh { return true }
        let elapsed = Float(elapsedOfSecond)
        for measure in 0..<measures where bins[place(slot, measure, heads[slot].newest)] > limits[measure] * elapsed {
            return true
        }
        return false
    }

    /// Adds to the bin of a second that lies within the history.
    mutating func add(_ amount: Double, to slot: Int, measure: Int, second: Int64) {
        if heads[slot].long >= 0 {
            let rate = longer.add(amount, to: Int(heads[slot].long), measure: measure, second: second, back: 1)
            raise(slot, measure, to: rate)
        }
        guard second <= heads[slot].newest, heads[slot].newest &- second < Int64(Self.seconds) else { return }
        let bin = place(slot, measure, second)
        bins[bin] += Float(amount)
        raise(slot, measure, to: bins[bin])
    }

    @inline(__always)
    private mutating func raise(_ slot: Int, _ measure: Int, to amount: Float) {
        if amount > limits[measure] { heads[slot].isHigh = true }
    }

    /// Spreads an amount over the time in which it flowed, back from the newest second: seconds that this was a part of get
    /// a part. Whether the history may be above a limit then.
    @inline(__always)
    mutating func spread(
        _ amount: Double,
        over stretch: Stretch,
        to slot: Int,
        measure: Int,
        elapsedOfSecond: Float
    ) -> Bool {
        let head = heads[slot]
        let (from, to) = (stretch.ageOfNewest, stretch.ageOfOldest)
        if head.long >= 0 { spreadFar(amount, over: stretch, to: slot, measure: measure) }
        guard from < Int64(Self.seconds) else { return heads[slot].isHigh }
        let first = slot &* stride &+ measure &* Self.seconds
        let mask = Self.seconds &- 1
        let newest = Int(truncatingIfNeeded: head.newest &- from)
        var highest = add(Float(amount * stretch.ofNewest), first &+ newest & mask)
        let isHighNow = from == 0 && highest > limits[measure] * elapsedOfSecond
        if to > from {
            // In one run or two: without a look at where they end the processor takes several at a time.
            let count = Int(min(to, Int64(Self.seconds)) &- from) &- 1
            let each = Float(amount * stretch.ofEach)
            let end = newest & mask
            let run = min(count, end)
            highest = max(highest, add(each, (first &+ end &- run)..<(first &+ end)))
            if count > run {
                let top = first &+ Self.seconds
                highest = max(highest, add(each, (top &- count &+ run)..<top))
            }
            if to < Int64(Self.seconds) {
                let oldest = Int(truncatingIfNeeded: head.newest &- to)
                highest = max(highest, add(Float(amount * stretch.ofOldest), first &+ oldest & mask))
            }
        }
        if highest > limits[measure] { heads[slot].isHigh = true }
        return isHighNow || heads[slot].isHigh
    }

    @inline(__always)
    private mutating func add(_ amount: Float, _ bin: Int) -> Float {
        let sum = bins[bin] + amount
        bins[bin] = sum
        return sum
    }

    @inline(never)
    private mutating func spreadFar(_ amount: Double, over stretch: Stretch, to slot: Int, measure: Int) {
        let (long, newest) = (Int(heads[slot].long), heads[slot].newest)
        let (from, to) = (newest &- stretch.ageOfNewest, newest &- stretch.ageOfOldest)
        var rate = longer.add(amount * stretch.ofNewest, to: long, measure: measure, second: from, back: 1)
        if to < from {
            rate = max(
                rate,
                longer.add(amount * stretch.ofOldest, to: long, measure: measure, second: to, back: 1),
                longer.add(
                    amount * stretch.ofEach,
                    to: long,
                    measure: measure,
                    second: from &- 1,
                    back: from &- to &- 1
                )
            )
        }
        raise(slot, measure, to: rate)
    }

    /// Has what a flow of these ages is added to brought into the caches.
    @inline(__always)
    func fetch(_ slot: Int, measure: Int, _ ages: FlowAgeRange, second: Int64) {
        let first = slot &* stride &+ measure &* Self.seconds
        let perLine: Int64 = 16
        let from = second &- min(ages.secondsToFirst, Int64(Self.seconds) &- 1)
        unsafe bins.withUnsafeBufferPointer { bins in
            // A hint needs no memory that is there.
            guard let base = bins.baseAddress else { return }
            var next = from
            while next < second &- ages.secondsToLast &+ perLine {
                let place = Int(truncatingIfNeeded: min(next, second)) & (Self.seconds &- 1)
                unsafe processor_prefetch_for_write(base + first + place)
                next &+= perLine
            }
        }
    }

    /// Has what is known of the whole history brought into the caches.
    @inline(__always)
    func fetchHead(_ slot: Int) {
        unsafe heads.withUnsafeBufferPointer { heads in
            guard let base = heads.baseAddress else { return }
            unsafe processor_prefetch_for_write(base + slot)
        }
    }

    /// Adds the same to each of `count` seconds, back from the given one, as far as they lie within the history.
    mutating func add(_ amount: Double, to slot: Int, measure: Int, second: Int64, back count: Int64) {
        if heads[slot].long >= 0 {
            let rate = longer.add(amount, to: Int(heads[slot].long), measure: measure, second: second, back: count)
            raise(slot, measure, to: rate)
        }
        let reach = Int(min(count, Int64(Self.seconds) &- (heads[slot].newest &- second)))
        guard second <= heads[slot].newest, reach > 0 else { return }
        let first = slot &* stride &+ measure &* Self.seconds
        let end = Int(second & Int64(Self.seconds - 1)) &+ 1
        if reach <= end {
            raise(slot, measure, to: add(Float(amount), (first &+ end &- reach)..<(first &+ end)))
        } else {
            let early = add(Float(amount), (first &+ Self.seconds &+ end &- reach)..<(first &+ Self.seconds))
            raise(slot, measure, to: max(early, add(Float(amount), first..<(first &+ end))))
        }
    }

    /// The most that one of the bins holds then.
    @inline(__always)
    private mutating func add(_ amount: Float, _ range: Range<Int>) -> Float {
        var all = bins.mutableSpan
        var highest: Float = 0
        for bin in range {
            let sum = all[bin] + amount
            all[bin] = sum
            if sum > highest { highest = sum }
        }
        return highest
    }

    /// Measure by measure: a flow fills a stretch of bins that lie together.
    @inline(__always)
    private func place(_ slot: Int, _ measure: Int, _ second: Int64) -> Int {
        slot &* stride &+ measure &* Self.seconds &+ Int(second & Int64(Self.seconds - 1))
    }

    /// The sum over the last `count` seconds, the newest included.
    func sum(_ slot: Int, measure: Int, lastSeconds count: Int) -> Double {
        var total = 0.0
        for step in 0..<min(count, Self.seconds) { total += value(slot, measure, heads[slot].newest &- Int64(step)) }
        return total
    }

    /// The fullest second but the newest, which is not over yet.
    func peak(_ slot: Int, measure: Int) -> Double {
        let first = slot &* stride &+ measure &* Self.seconds
        let all = bins.span.extracting(first..<(first &+ Self.seconds))
        return Double(Self.highest(all, but: Int(heads[slot].newest & Int64(Self.seconds - 1))))
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
        for step in 1...count { sum += value(slot, measure, heads[slot].newest &- Int64(step)) }
        var peak = sum
        for step in (count + 1)..<Self.seconds {
            sum += value(slot, measure, heads[slot].newest &- Int64(step))
            sum -= value(slot, measure, heads[slot].newest &- Int64(step - count))
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
            let amount = value(slot, measure, heads[slot].newest &- step)
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
        heads[slot].long < 0 ? 0 : longer.peak(Int(heads[slot].long), measure: measure)
    }

    /// The latest second whose bin is above a level.
    func lastSecond(_ slot: Int, measure: Int, above level: Double) -> Int64? {
        for step in 0..<Int64(Self.seconds) where value(slot, measure, heads[slot].newest &- step) > level {
            return heads[slot].newest &- step
        }
        return heads[slot].long < 0 ? nil : longer.lastSecond(Int(heads[slot].long), measure: measure, above: level)
    }

    private func value(_ slot: Int, _ measure: Int, _ second: Int64) -> Double {
        Double(bins[place(slot, measure, second)])
    }
}
