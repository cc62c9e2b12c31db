internal import NetworkTypes

/// What flows longer than a tick added to networks and groups: for each of these, and for the classes that flows are of,
/// how much there was in each of the last 64 seconds.
///
/// Every such record counts in up to 64 seconds. A record adds its share to the second in which it began and takes it
/// from the one after it ended; the sums of these steps are the amounts. So it costs the same however long it lasted.
struct SpannedSums: Sendable {
    static let seconds = HistoryPool.seconds
    /// Of so many networks, groups and sets of classes sums are kept: 8 MiB.
    static let maximumSums = 4096

    /// The sums of one network or group for flows of the same classes.
    struct Sum: Sendable, BitwiseCopyable {
        /// Index among the aggregates of the table.
        let aggregate: Int32
        let classes: TrafficClassSet
        /// The largest sampling rate of the records.
        fileprivate(set) var samplingRate: UInt32 = 1
        /// The longest of the flows, in seconds.
        fileprivate(set) var longest: UInt16 = 0
        /// All that was added, whenever it flowed.
        fileprivate(set) var amount = TrafficAmount()
    }

    /// How packets and octets per second change with the age of a second, and the flows that ended in it.
    private struct Step: Sendable, BitwiseCopyable {
        var packets = 0.0
        var bytes = 0.0
        var flows = 0.0
    }

    private(set) var sums: [Sum] = []
    /// `seconds` steps for each sum, by age.
    private var steps: [Step] = []
    /// For each aggregate and each set of classes, the position of its sum plus one. Classes have the lowest bit set.
    private var positions: [UInt16] = []

    private static let setsOfClasses = 32

    /// Adds a record's amounts; false when there is no room for another sum.
    @inline(__always)
    mutating func add(_ contribution: Contribution, _ ages: FlowAgeRange, aggregate: Int, of aggregates: Int) -> Bool {
        let slot = aggregate &* Self.setsOfClasses &+ Int(contribution.classes.bits >> 1)
        var position = slot < positions.count ? Int(positions[slot]) &- 1 : -1
        if position < 0 {
            position = open(slot, aggregate, contribution.classes, of: aggregates)
            guard position >= 0 else { return false }
        }
        let last = Int(ages.secondsToLast)
        let duration = ages.duration
        sums[position].samplingRate = max(sums[position].samplingRate, contribution.rate)
        sums[position].longest = max(sums[position].longest, UInt16(clamping: duration))
        sums[position].amount &+= contribution.amount
        guard last < Self.seconds else { return true }
        let share = 1 / Double(duration)
        let packets = Double(contribution.amount.packets) * share
        let bytes = Double(contribution.amount.bytes) * share
        let base = position &* Self.seconds
        steps[base &+ last].packets += packets
        steps[base &+ last].bytes += bytes
        // A flow is one flow however long it lasts: it counts when it ended.
        steps[base &+ last].flows += Double(contribution.amount.flows)
        let end = last &+ Int(duration)
        if end < Self.seconds {
            steps[base &+ end].packets -= packets
            steps[base &+ end].bytes -= bytes
        }
        return true
    }

    private mutating func open(_ slot: Int, _ aggregate: Int, _ classes: TrafficClassSet, of aggregates: Int) -> Int {
        guard sums.count < Self.maximumSums else { return -1 }
        if positions.isEmpty { positions = Array(repeating: 0, count: aggregates &* Self.setsOfClasses) }
        guard slot < positions.count else { return -1 }
        sums.append(Sum(aggregate: Int32(truncatingIfNeeded: aggregate), classes: classes))
        steps.append(contentsOf: repeatElement(Step(), count: Self.seconds))
        positions[slot] = UInt16(truncatingIfNeeded: sums.count)
        return sums.count &- 1
    }

    /// Hands out what flowed in each second that a sum has something of, by the second's age.
    func forEachSecond(
        ofSum position: Int,
        _ body: (_ age: Int64, _ packets: Double, _ bytes: Double, _ flows: Double) -> Void
    ) {
        var packets = 0.0
        var bytes = 0.0
        for age in 0..<Self.seconds {
            let step = steps[position &* Self.seconds &+ age]
            packets += step.packets
            bytes += step.bytes
            // What is left by rounding where all has been taken away again is nothing.
            body(Int64(age), packets < 1e-3 ? 0 : packets, bytes < 1e-3 ? 0 : bytes, step.flows)
        }
    }

    /// Empties the sums for the next tick; the memory stays.
    mutating func removeAll() {
        guard !sums.isEmpty else { return }
        for sum in sums {
            positions[Int(sum.aggregate) &* Self.setsOfClasses &+ Int(sum.classes.bits >> 1)] = 0
        }
        sums.removeAll(keepingCapacity: true)
        steps.removeAll(keepingCapacity: true)
    }
}
