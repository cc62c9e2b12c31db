internal import NetworkTypes
internal import Telemetry

/// Which records of a tick are kept as samples, and what each then stands for.
///
/// Threshold sampling: a record of weight w is kept by the chance w/t, and then counts for t; one that weighs more than t
/// always, for itself. Each entry has a t of its own, a power of two that grows with what the entry holds, so that 8 to
/// 16 of its records are kept whether they are ten or a million. A record's lot is drawn once: who was kept at a higher t
/// would have been at a lower, so t may grow while records come.
struct SampleChoice: Sendable {
    private struct Kept: Sendable {
        /// As the record was, not yet weighed.
        var sample: TrafficSample
        var lot: UInt64
        var entry: Int32
        /// Where the packet stands that it was read from; -1: nowhere. While its batch is counted -2 less the place of its
        /// record in it.
        var packet: Int32
    }

    /// A sample with the place of the entry that it is of.
    struct Weighed: Sendable {
        var entry: Int
        var sample: TrafficSample
        /// The number of its packet; negative for none.
        var packet: Int32
    }

    /// Those of a tick, an entry's one after another and entries in order.
    struct WeighedSamples: Sendable {
        fileprivate(set) var samples: [Weighed] = []
        /// Where each stands among what was kept, below the number of its entry.
        fileprivate var order: [UInt64] = []

        var memoryBytes: Int { samples.capacity * MemoryLayout<Weighed>.stride + order.capacity * 8 }
    }

    private var kept: [Kept] = []
    /// Packets of those, and of some that have been given up since.
    private var packets: [SampledPacket] = []
    /// How many records there were before the batch, and whether it has packets.
    private var recordsBefore: UInt64 = 0
    private var hasPackets = false
    /// The least mask of all entries: grows when there are so many that not each can have samples, and is about that of
    /// the last tick to begin with.
    private var floor: UInt64 = 0
    private var salt: UInt64 = 0
    /// Of the records that come.
    private var exporters: [IPAddress] = []

    /// More than this are not kept of a tick: ten times a second, so that a host with a thousandth of the traffic has
    /// forty a second.
    static let maximum = 4096

    /// Lots are of the tick, so that the same place among the records is not lucky each time; and of nothing else, so that
    /// a replay draws the same.
    mutating func begin(_ exporters: [IPAddress], tickEnding end: Timestamp, after records: UInt64, hasPackets: Bool) {
        self.exporters = exporters
        recordsBefore = records
        self.hasPackets = hasPackets
        salt = UInt64(bitPattern: end.nanoseconds) &* 0xD6E8_FEB8_6659_FD93
    }

    /// Lets go of the list, which is its owner's to use again.
    mutating func end() { exporters = [] }

    @inline(__always)
    func lot(ofRecord number: UInt64) -> UInt64 {
        var lot = (number ^ salt) &* 0x9E37_79B9_7F4A_7C15
        lot = (lot ^ lot &>> 29) &* 0xBF58_476D_1CE4_E5B9
        return lot ^ lot &>> 32
    }

    @inline(__always)
    func isDrawn(_ lot: UInt64, _ weight: UInt64, mask: UInt64) -> Bool { lot & (mask | floor) < weight }

    /// Keeps a record that was drawn, unless the entry's mask, which has grown, now says no.
    @inline(never)
    mutating func keep(
        _ record: FlowRecord,
        _ contribution: Contribution,
        lot: UInt64,
        at position: UInt64,
        ofEntry entry: Int,
        _ entries: borrowing DeltaEntries
    ) {
        if kept.count >= 2 * Self.maximum { thin(entries) }
        let number = Int(record.exporter)
        let exporter = number > 0 && number <= exporters.count ? exporters[number - 1] : .unspecified
        let sample = contribution.sample(of: record, exporter: exporter)
        // Numbers begin with 1.
        let place = Int32(truncatingIfNeeded: position &- recordsBefore &- 1)
        let candidate = Kept(
            sample: sample,
            lot: lot,
            entry: Int32(truncatingIfNeeded: entry),
            packet: hasPackets ? -2 &- place : -1
        )
        if Self.isKept(candidate, entries, floor) { kept.append(candidate) }
    }

    private static func isKept(_ kept: Kept, _ entries: borrowing DeltaEntries, _ floor: UInt64) -> Bool {
        kept.lot & (entries[Int(kept.entry)].sampleMask | floor) < kept.sample.weight
    }

    /// Copies the packets of what was kept since `begin`.
    mutating func takePackets(of batch: borrowing RecordBatch, in memory: RawSpan) {
        var index = kept.count - 1
        while index >= 0, kept[index].packet <= -2 {
            let place = Int(-2 - kept[index].packet)
            if let packet = batch.packet(ofRecord: place, in: memory, at: kept[index].sample.time) {
                kept[index].packet = Int32(truncatingIfNeeded: packets.count)
                packets.append(packet)
            } else {
                kept[index].packet = -1
            }
            index -= 1
        }
    }

    func packet(_ number: Int32) -> SampledPacket? {
        packets.indices.contains(Int(number)) ? packets[Int(number)] : nil
    }

    /// Lets go of packets of samples that were given up.
    private mutating func sweepPackets() {
        guard !packets.isEmpty else { return }
        var left: [SampledPacket] = []
        for index in kept.indices where kept[index].packet >= 0 {
            left.append(packets[Int(kept[index].packet)])
            kept[index].packet = Int32(truncatingIfNeeded: left.count - 1)
        }
        packets = left
    }

    private mutating func thin(_ entries: borrowing DeltaEntries) {
        defer { sweepPackets() }
        var floor = floor
        kept.removeAll { !Self.isKept($0, entries, floor) }
        // No record weighs as much as the last of these floors.
        while kept.count > Self.maximum, floor < 1 &<< 60 {
            floor = floor &<< 1 | 1
            kept.removeAll { !Self.isKept($0, entries, floor) }
        }
        self.floor = floor
    }

    /// What was kept, with amounts that add up to what each entry holds; in memory that is used again.
    func weigh(_ entries: borrowing DeltaEntries, into weighed: inout WeighedSamples) {
        var floor = floor
        weighed.samples.removeAll(keepingCapacity: true)
        weighed.order.removeAll(keepingCapacity: true)
        for index in kept.indices where Self.isKept(kept[index], entries, floor) {
            weighed.order.append(UInt64(UInt32(bitPattern: kept[index].entry)) << 32 | UInt64(index))
        }
        while weighed.order.count > Self.maximum, floor < 1 &<< 60 {
            floor = floor &<< 1 | 1
            weighed.order.removeAll { !Self.isKept(kept[Int($0 & 0xFFFF_FFFF)], entries, floor) }
        }
        weighed.order.sort()
        let order = weighed.order
        var start = 0
        while start < order.count {
            let entry = Int(order[start] >> 32)
            var next = start
            while next < order.count, Int(order[next] >> 32) == entry {
                let place = Int(order[next] & 0xFFFF_FFFF)
                weighed.samples.append(Weighed(entry: entry, sample: kept[place].sample, packet: kept[place].packet))
                next += 1
            }
            Self.weigh(&weighed.samples, from: start, of: entries[entry], floor: floor)
            start = next
        }
    }

    /// Weighs the samples of an entry, which are the last ones.
    private static func weigh(_ samples: inout [Weighed], from start: Int, of entry: TrafficDelta, floor: UInt64) {
        let threshold = Double((entry.sampleMask | floor) &+ 1)
        // Weights are rounded; what they are held against must not be, as the sum of many is.
        func exact(_ packets: UInt64, _ bytes: UInt64) -> Double { Double(packets) + Double(bytes) / 512 }
        let stoodFor = samples[start...].reduce(0) { sum, own in
            sum + exact(own.sample.packets, own.sample.bytes) * max(1, threshold / Double(own.sample.weight))
        }
        let total = exact(entry.amount.packets, entry.amount.bytes)
        // An entry below the floor had the luck to have a sample at all: it stands for those that had not.
        let norm = total >= threshold && stoodFor > 0 ? total / stoodFor : 1
        var carry = 0.0
        for place in start..<samples.count {
            let factor = max(1, threshold / Double(samples[place].sample.weight)) * norm
            samples[place].sample = samples[place].sample.scaled(by: factor, carry: &carry)
        }
    }

    /// Lets go of all samples. The next tick begins with a floor at which it would keep as many as may be kept, if it is
    /// like the last.
    mutating func removeAll() {
        var count = max(kept.count, 1)
        while floor > 0, count < Self.maximum {
            floor &>>= 1
            count *= 2
        }
        kept.removeAll(keepingCapacity: kept.count * 32 >= kept.capacity)
        packets.removeAll(keepingCapacity: packets.count * 32 >= packets.capacity)
    }
}

extension TrafficSample {
    /// How much it counts where samples are chosen.
    @inline(__always)
    var weight: UInt64 { TrafficAmount(packets: packets, bytes: bytes).weight }

    /// The same packets, so many times as many. Their length stays; what rounding takes is carried over to the next.
    func scaled(by factor: Double, carry: inout Double) -> TrafficSample {
        var result = self
        guard packets > 0 else {
            result.bytes = UInt64(min(Double(bytes) * factor, 1e18))
            return result
        }
        let exact = min(Double(packets) * factor + carry, 1e18)
        let whole = max(1, (exact + 1e-6).rounded(.down))
        carry = exact - whole
        result.isPartOfAverage = !isOfOneLength
        result.packets = UInt64(whole)
        result.bytes = UInt64(min(Double(bytes) / Double(packets) * whole, 1e18).rounded())
        return result
    }

    /// At most `limit` of the samples, by their weights, in the order in which they are: each then stands for what was
    /// left out as well.
    public static func fairChoice(of samples: [TrafficSample], limit: Int) -> [TrafficSample] {
        samples.count > limit ? fairPlaces(of: samples, limit: limit).map(\.sample) : samples
    }

    /// The same with the place of each.
    static func fairPlaces(of samples: [TrafficSample], limit: Int) -> [(place: Int, sample: TrafficSample)] {
        guard samples.count > limit else { return samples.enumerated().map { ($0, $1) } }
        guard limit > 0 else { return [] }
        let step = fairStep(of: samples, limit: limit)
        var chosen: [(place: Int, sample: TrafficSample)] = []
        chosen.reserveCapacity(limit)
        var passed = 0.0
        var next = step / 2
        var carry = 0.0
        for (place, sample) in samples.enumerated() {
            let weight = Double(sample.weight)
            // Stands for itself alone.
            if weight > step {
                chosen.append((place, sample))
                continue
            }
            passed += weight
            guard passed > next else { continue }
            next += step
            chosen.append((place, sample.scaled(by: step / weight, carry: &carry)))
        }
        return chosen
    }

    /// What each of those that are chosen stands for, but for those that weigh more than that: they are chosen for sure, and
    /// the others share the rest of the places.
    private static func fairStep(of samples: [TrafficSample], limit: Int) -> Double {
        var left = samples.reduce(0) { $0 + Double($1.weight) }
        var places = Double(limit)
        guard samples.contains(where: { Double($0.weight) * places > left }) else { return left / places }
        // With each that is taken out the others' mean falls.
        for weight in samples.map({ Double($0.weight) }).sorted(by: >) {
            guard places > 1, weight * places > left else { break }
            left -= weight
            places -= 1
        }
        return left / places
    }
}
