internal import NetworkTypes
internal import Traffic

/// Rates of the units of which there are peaks, per second.
struct PeakRates: Sendable, Hashable {
    var packets: Double
    var bits: Double
}

/// The highest of a time.
struct PeakSpot: Sendable, Hashable {
    var level = BaselineLevel.unknown
    /// Of the hour.
    var minute: UInt8 = 0
    var minutes: UInt8 = 0

    /// A fifth less, in 256ths of a doubling.
    private static let near: UInt16 = 82

    /// Takes in the highest of another minute.
    mutating func take(_ other: PeakSpot) {
        guard other.level != .unknown else { return }
        if other.level > level {
            let isNear = level.raised(by: Self.near) >= other.level
            let former = isNear ? minutes : 0
            self = other
            minutes = min(former, 59) + 1
        } else if other.level.raised(by: Self.near) >= level {
            minutes = min(minutes, 59) + 1
        }
    }
}

struct PeakSpots: Sendable, Hashable {
    var packets = PeakSpot()
    var bits = PeakSpot()
}

/// A host, network or group whose peaks are followed.
struct PeakMember: Sendable {
    let key: TrafficKey
    let subject: Int
    /// A host or network; of a group as a whole its first prefix.
    let prefix: IPPrefix
    /// Of the minute under way, of the one before, and of the hour as far as it is believed.
    private var now = PeakSpots()
    private var before = PeakSpots()
    private(set) var peak = PeakSpots()
    /// The highest estimates of the hour, by how few samples ever.
    private(set) var estimate: (packets: BaselineLevel, bits: BaselineLevel) = (.unknown, .unknown)
    /// Sums over 2, 4, … 64 seconds under way: packets, then bits.
    private var sums = InlineArray<12, Float>(repeating: 0)
    private var seconds: UInt8 = 0
    /// The largest of the seconds that are summed up.
    private var samplingRate: UInt32 = 1

    init(key: TrafficKey, subject: Int, prefix: IPPrefix) {
        self.key = key
        self.subject = subject
        self.prefix = prefix
    }

    /// The highest that is known of it, believed or not.
    var rank: (packets: BaselineLevel, bits: BaselineLevel) {
        (
            max(now.packets.level, before.packets.level, peak.packets.level),
            max(now.bits.level, before.bits.level, peak.bits.level)
        )
    }

    mutating func note(_ certain: PeakRates, _ estimated: PeakRates, minute: Int64) {
        note(certain, minute: minute)
        estimate.packets = max(estimate.packets, BaselineLevel(rate: estimated.packets))
        estimate.bits = max(estimate.bits, BaselineLevel(rate: estimated.bits))
    }

    private mutating func note(_ certain: PeakRates, minute: Int64) {
        let minute = UInt8(truncatingIfNeeded: max(0, minute) % 60)
        let (packets, bits) = (BaselineLevel(rate: certain.packets), BaselineLevel(rate: certain.bits))
        if packets > now.packets.level { now.packets = PeakSpot(level: packets, minute: minute) }
        if bits > now.bits.level { now.bits = PeakSpot(level: bits, minute: minute) }
    }

    /// Adds a second of sampled traffic: few samples make a rate certain only over longer times.
    mutating func sumUp(_ rates: PeakRates, samplingRate rate: UInt32, minute: Int64) {
        samplingRate = max(samplingRate, rate)
        guard samplingRate > 1 else { return }
        seconds &+= 1
        defer { if seconds % 64 == 0 { samplingRate = rate } }
        for power in 0..<6 {
            sums[power] += Float(rates.packets)
            sums[6 + power] += Float(rates.bits)
            let length = UInt8(2) << UInt8(power)
            guard seconds % length == 0 else { continue }
            let (packets, bits) = (Double(sums[power]), Double(sums[6 + power]))
            let certain = PeakRates(
                packets: SampledRate.certain(
                    packets / Double(length),
                    samples: SampledRate.samples(packets: packets, samplingRate: samplingRate)
                ),
                bits: SampledRate.certain(
                    bits / Double(length),
                    samples: SampledRate.samples(bits: bits, samplingRate: samplingRate)
                )
            )
            note(certain, minute: minute)
            sums[power] = 0
            sums[6 + power] = 0
        }
    }

    /// What was seen the minute before is believed, and what was seen in this one is next.
    mutating func believe() {
        peak.packets.take(before.packets)
        peak.bits.take(before.bits)
        before = now
        now = PeakSpots()
    }

    /// What was seen last was of an attack.
    mutating func forgetLatest() {
        now = PeakSpots()
        before = PeakSpots()
        sums = InlineArray(repeating: 0)
        seconds = 0
    }

    func traffic(_ spot: PeakSpot) -> TrafficPeak {
        TrafficPeak(member: prefix, level: spot.level.rawValue, minute: spot.minute, minutes: spot.minutes)
    }

    mutating func beginHour() {
        peak = PeakSpots()
        estimate = (.unknown, .unknown)
    }

    /// Whether the hour knew nothing of it.
    var isIdle: Bool {
        let rank = rank
        return rank.packets == .unknown && rank.bits == .unknown
    }

    mutating func restore(_ kept: TrafficPeak, _ unit: TrafficUnit) {
        let spot = PeakSpot(
            level: BaselineLevel(rawValue: kept.level),
            minute: min(kept.minute, 59),
            minutes: min(kept.minutes, 60)
        )
        if unit == .bits { peak.bits = spot } else { peak.packets = spot }
    }
}
