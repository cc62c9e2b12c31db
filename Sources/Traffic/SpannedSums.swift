internal import NetworkTypes

/// What flows longer than a tick added to networks and groups: for each of these, and for the classes that flows are of,
/// how much there was in each of the last 64 seconds, and in each eight seconds of those before.
///
/// Every such record counts in up to 512 seconds. A record adds its share to the second in which it began and takes it
/// from the one after it ended; the sums of these steps are the amounts. So it costs the same however long it lasted.
// Safe: the buffers are allocated in init or when they grow, freed in deinit, and uniquely owned; what is read and written
// lies within `count` sums, and within the steps of one.
@safe
struct SpannedSums: ~Copyable, @unchecked Sendable {
    static let seconds = Int64(HistoryPool.seconds)
    private static let longBins = LongHistories.bins - HistoryPool.seconds / Int(LongHistories.secondsPerBin)
    private static let bins = HistoryPool.seconds + longBins
    /// Of so many networks, groups and sets of classes sums are kept: 12 MiB.
    static let maximumSums = 4096

    /// The sums of one network or group for flows of the same classes.
    struct Sum: Sendable, BitwiseCopyable {
        /// Index among the aggregates of the table.
        let aggregate: Int32
        let classes: TrafficClassSet
        /// The largest sampling rate of the records.
        fileprivate(set) var samplingRate: UInt32 = 1
        /// The longest of the flows, and how long ago the first of the packets flowed, in units of ages.
        private var longestUnits: Int64 = 0
        private var oldestUnit: Int64 = 0
        /// All that was added, whenever it flowed.
        fileprivate(set) var amount = TrafficAmount()

        fileprivate init(aggregate: Int32, classes: TrafficClassSet) {
            self.aggregate = aggregate
            self.classes = classes
        }

        /// The longest of the flows, in seconds.
        var longest: UInt16 { UInt16(clamping: FlowAgeRange.seconds(upFrom: longestUnits)) }

        /// How long ago the first of the packets flowed, in seconds, as far as is told apart.
        var oldest: Int64 { min(oldestUnit / FlowAgeRange.unitsPerSecond, LongHistories.seconds) }

        @inline(__always)
        fileprivate mutating func add(_ delta: TrafficDelta) {
            samplingRate = max(samplingRate, delta.samplingRate)
            longestUnits = max(longestUnits, delta.ages.units)
            oldestUnit = max(oldestUnit, delta.ages.unitsToFirst)
            amount &+= delta.amount
        }
    }

    /// How packets and octets per second change from one bin to the next, by age, and the flows that ended in it.
    private struct Step: Sendable, BitwiseCopyable {
        /// Packets and octets, which are added in one instruction.
        var change = SIMD2<Double>()
        var flows = 0.0
    }

    private var memory: UnsafeMutableBufferPointer<Sum>
    /// `bins` steps for each sum, by age.
    private var steps: UnsafeMutableBufferPointer<Step>
    private var count = 0
    /// For each aggregate and each set of classes, the position of its sum plus one. Classes have the lowest bit set.
    private var positions: [UInt16] = []

    private static let setsOfClasses = 32

    init() {
        unsafe memory = .allocate(capacity: 0)
        unsafe steps = .allocate(capacity: 0)
    }

    deinit {
        unsafe memory.deallocate()
        unsafe steps.deallocate()
    }

    var sums: Span<Sum> {
        @_lifetime(borrow self)
        get {
            let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(rebasing: memory[..<count]))
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Adds a record's amounts; false when there is no room for another sum.
    @inline(__always)
    mutating func add(_ delta: TrafficDelta, aggregate: Int, of aggregates: Int) -> Bool {
        let slot = aggregate &* Self.setsOfClasses &+ Int(delta.classes.bits >> 1)
        var position = slot < positions.count ? Int(positions[slot]) &- 1 : -1
        if position < 0 {
            position = open(slot, aggregate, delta.classes, of: aggregates)
            guard position >= 0 else { return false }
        }
        let ages = delta.ages
        let last = ages.secondsToLast
        unsafe memory[position].add(delta)
        guard last < LongHistories.seconds else { return true }
        let share = Double(FlowAgeRange.unitsPerSecond) / Double(ages.units)
        let amount = delta.amount.packetsAndBytes * share
        let base = position &* Self.bins
        let (newest, oldest) = (ages.unitsToLast, ages.unitsToLast &+ ages.units)
        if oldest < Self.seconds &* FlowAgeRange.unitsPerSecond {
            stepWithinSeconds(base, at: newest, amount)
            stepWithinSeconds(base, at: oldest, -amount)
            unsafe steps[base &+ Int(last)].flows += Double(delta.amount.flows)
            return true
        }
        step(base, at: newest, amount)
        step(base, at: oldest, -amount)
        // A flow is one flow however long it lasts: it counts when it ended.
        let (bin, seconds) = Self.bin(ofAge: last)
        unsafe steps[base &+ bin].flows += Double(delta.amount.flows) * (seconds == 1 ? 1 : 0.125)
        return true
    }

    /// Where an age belongs, and how many seconds belong there.
    @inline(__always)
    private static func bin(ofAge age: Int64) -> (bin: Int, seconds: Int64) {
        age < seconds ? (Int(age), 1) : (Int(seconds &+ (age &- seconds) >> 3), LongHistories.secondsPerBin)
    }

    /// A change of what flowed per second, from an age in units on to older ones. In the bin that it falls into it
    /// counts for the part for which it holds.
    @inline(__always)
    private mutating func step(_ base: Int, at age: Int64, _ amount: SIMD2<Double>) {
        let second = age &>> 6
        guard second < LongHistories.seconds else { return }
        let (bin, seconds) = Self.bin(ofAge: second)
        let width = seconds &* FlowAgeRange.unitsPerSecond
        // Widths are powers of two: their reciprocals are exact.
        let rest = Double(width &- (age & (width &- 1))) * (seconds == 1 ? 0x1p-6 : 0x1p-9)
        unsafe steps[base &+ bin].change += amount * rest
        guard rest < 1, bin &+ 1 < Self.bins else { return }
        unsafe steps[base &+ bin &+ 1].change += amount * (1 - rest)
    }

    /// The same where bins are of a second, as they are for most: without a question. Behind the last of these bins there
    /// are longer ones.
    @inline(__always)
    private mutating func stepWithinSeconds(_ base: Int, at age: Int64, _ amount: SIMD2<Double>) {
        let bin = base &+ Int(age &>> 6)
        let rest = Double(64 &- (age & 63)) * 0x1p-6
        unsafe steps[bin].change += amount * rest
        unsafe steps[bin &+ 1].change += amount * (1 - rest)
    }

    @inline(never)
    private mutating func open(_ slot: Int, _ aggregate: Int, _ classes: TrafficClassSet, of aggregates: Int) -> Int {
        guard count < Self.maximumSums else { return -1 }
        if positions.isEmpty { positions = Array(repeating: 0, count: aggregates &* Self.setsOfClasses) }
        guard slot < positions.count else { return -1 }
        if unsafe count == memory.count { grow() }
        unsafe memory[count] = Sum(aggregate: Int32(truncatingIfNeeded: aggregate), classes: classes)
        for bin in 0..<Self.bins { unsafe steps[count &* Self.bins &+ bin] = Step() }
        count &+= 1
        positions[slot] = UInt16(truncatingIfNeeded: count)
        return count &- 1
    }

    private mutating func grow() {
        let (oldMemory, oldSteps) = unsafe (memory, steps)
        let capacity = max(16, 2 * count)
        unsafe memory = .allocate(capacity: capacity)
        unsafe steps = .allocate(capacity: capacity * Self.bins)
        unsafe memory.initialize(repeating: Sum(aggregate: 0, classes: .total))
        unsafe steps.initialize(repeating: Step())
        for position in 0..<count { unsafe memory[position] = oldMemory[position] }
        for position in 0..<(count * Self.bins) { unsafe steps[position] = oldSteps[position] }
        unsafe oldMemory.deallocate()
        unsafe oldSteps.deallocate()
    }

    /// Hands out what flowed per second in each bin that a sum has something of: the age of its latest second, and how
    /// many seconds it is of.
    func forEachBin(
        ofSum position: Int,
        _ body: (_ age: Int64, _ seconds: Int64, _ packets: Double, _ bytes: Double, _ flows: Double) -> Void
    ) {
        precondition((0..<count).contains(position))
        var (packets, bytes) = (0.0, 0.0)
        var age: Int64 = 0
        let oldest = sums[position].oldest
        for bin in 0..<Self.bins {
            let step = unsafe steps[position &* Self.bins &+ bin]
            let seconds = bin < Int(Self.seconds) ? 1 : LongHistories.secondsPerBin
            packets += step.change[0]
            bytes += step.change[1]
            // What is left by rounding where all has been taken away again is nothing.
            body(age, seconds, packets < 1e-3 ? 0 : packets, bytes < 1e-3 ? 0 : bytes, step.flows)
            age &+= seconds
            if age > oldest { return }
        }
    }

    /// Empties the sums for the next tick; the memory stays.
    mutating func removeAll() {
        for position in 0..<count {
            let sum = unsafe memory[position]
            positions[Int(sum.aggregate) &* Self.setsOfClasses &+ Int(sum.classes.bits >> 1)] = 0
        }
        count = 0
    }
}
