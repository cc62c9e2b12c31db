/// What lies beyond a history of seconds, for the few hosts whose flows are reported after minutes: 512 seconds in bins
/// of eight.
///
/// With an active time-out of 300 s and exports that are spread over it, a second is told of in full only 300 s later:
/// the last minute alone holds a fifth of the traffic.
struct LongHistories: Sendable {
    static let secondsPerBin: Int64 = 8
    static let bins = 64
    static let seconds = secondsPerBin * Int64(bins)

    private let measures: Int
    private var values: [Float] = []
    /// The bin, counted from the epoch, up to which each is filled.
    private var newest: [Int64] = []
    private var free: [Int] = []

    init(measures: Int) { self.measures = measures }

    var memoryBytes: Int { values.capacity * MemoryLayout<Float>.stride + newest.capacity * 8 }

    private var stride: Int { measures &* Self.bins }

    mutating func allocate(at second: Int64) -> Int {
        if let slot = free.popLast() {
            newest[slot] = second >> 3
            return slot
        }
        values.append(contentsOf: repeatElement(0, count: stride))
        newest.append(second >> 3)
        return newest.count - 1
    }

    mutating func release(_ slot: Int) {
        for index in (slot &* stride)..<((slot &+ 1) &* stride) { values[index] = 0 }
        free.append(slot)
    }

    mutating func advance(_ slot: Int, to second: Int64) {
        let bin = second >> 3
        guard bin > newest[slot] else { return }
        for step in 0..<min(bin &- newest[slot], Int64(Self.bins)) {
            for measure in 0..<measures { values[place(slot, measure, bin &- step)] = 0 }
        }
        newest[slot] = bin
    }

    /// Adds the same to each of `count` seconds, back from the given one, as far as they lie within; the highest rate per
    /// second over a bin of them.
    mutating func add(_ amount: Double, to slot: Int, measure: Int, second: Int64, back count: Int64) -> Float {
        var bin = second >> 3
        var highest: Float = 0
        guard bin <= newest[slot] else { return 0 }
        let first = second &- min(count, Self.seconds &+ 8) &+ 1
        var last = second
        while last >= first, newest[slot] &- bin < Int64(Self.bins) {
            let from = max(first, bin << 3)
            let place = place(slot, measure, bin)
            values[place] += Float(amount * Double(last &- from &+ 1))
            highest = max(highest, values[place])
            last = from &- 1
            bin &-= 1
        }
        return highest / Float(Self.secondsPerBin)
    }

    /// The highest rate per second over a bin, but for the newest, which is not over yet.
    func peak(_ slot: Int, measure: Int) -> Double {
        let first = slot &* stride &+ measure &* Self.bins
        let newest = Int(newest[slot] & Int64(Self.bins - 1))
        let peak = HistoryPool.highest(values.span.extracting(first..<(first &+ Self.bins)), but: newest)
        return Double(peak) / Double(Self.secondsPerBin)
    }

    /// The last second of the latest bin whose rate is above a level.
    func lastSecond(_ slot: Int, measure: Int, above level: Double) -> Int64? {
        let sum = Float(level * Double(Self.secondsPerBin))
        for step in 0..<Int64(Self.bins) where values[place(slot, measure, newest[slot] &- step)] > sum {
            return (newest[slot] &- step) << 3 &+ 7
        }
        return nil
    }

    private func place(_ slot: Int, _ measure: Int, _ bin: Int64) -> Int {
        slot &* stride &+ measure &* Self.bins &+ Int(bin & Int64(Self.bins - 1))
    }
}
