internal import NetworkTypes
internal import Traffic

/// The highest of a time.
struct PeakSpot: Sendable, Hashable, BitwiseCopyable {
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

/// A host, network or group whose peaks of one class of traffic are followed.
struct PeakMember: Sendable {
    let key: TrafficKey
    let trafficClass: TrafficClass
    /// A host or network; of a group as a whole its first prefix.
    let prefix: IPPrefix
    let lane: Int
    /// Of the minute under way, of the one before, and of the hour as far as it is believed.
    private var now = PeakUnits(repeating: PeakSpot())
    private var before = PeakUnits(repeating: PeakSpot())
    private(set) var peak = PeakUnits(repeating: PeakSpot())
    /// The highest estimates of the hour, by how few samples ever.
    private(set) var estimate = PeakUnits(repeating: BaselineLevel.unknown)
    /// Sums over 2, 4, … 64 seconds under way: packets, then bits. Flows are told or not, and need none.
    private var sums = InlineArray<12, Float>(repeating: 0)
    private var seconds: UInt8 = 0
    /// The largest of the seconds that are summed up.
    private var samplingRate: UInt32 = 1

    init(key: TrafficKey, trafficClass: TrafficClass, lane: Int, prefix: IPPrefix) {
        self.key = key
        self.trafficClass = trafficClass
        self.lane = lane
        self.prefix = prefix
    }

    /// The highest that is known of it, believed or not.
    var rank: PeakUnits<BaselineLevel> {
        var rank = PeakUnits(repeating: BaselineLevel.unknown)
        for unit in PeakRates.indices { rank[unit] = max(now[unit].level, before[unit].level, peak[unit].level) }
        return rank
    }

    mutating func note(_ certain: PeakRates, _ estimated: PeakRates, minute: Int64) {
        note(certain, minute: minute)
        for unit in PeakRates.indices {
            estimate[unit] = max(estimate[unit], BaselineLevel(rate: estimated[unit]))
        }
    }

    private mutating func note(_ certain: PeakRates, minute: Int64) {
        let minute = UInt8(truncatingIfNeeded: max(0, minute) % 60)
        for unit in PeakRates.indices where certain[unit] > 0 {
            let level = BaselineLevel(rate: certain[unit])
            if level > now[unit].level { now[unit] = PeakSpot(level: level, minute: minute) }
        }
    }

    /// Adds a second of sampled traffic: few samples make a rate certain only over longer times.
    mutating func sumUp(packets: Double, bits: Double, samplingRate rate: UInt32, minute: Int64) {
        samplingRate = max(samplingRate, rate)
        guard samplingRate > 1 else { return }
        seconds &+= 1
        defer { if seconds % 64 == 0 { samplingRate = rate } }
        for power in 0..<6 {
            sums[power] += Float(packets)
            sums[6 + power] += Float(bits)
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
                ),
                flows: 0
            )
            note(certain, minute: minute)
            sums[power] = 0
            sums[6 + power] = 0
        }
    }

    /// What was seen the minute before is believed, and what was seen in this one is next.
    mutating func believe() {
        for unit in PeakRates.indices { peak[unit].take(before[unit]) }
        before = now
        now = PeakUnits(repeating: PeakSpot())
    }

    /// What was seen last was of an attack.
    mutating func forgetLatest() {
        now = PeakUnits(repeating: PeakSpot())
        before = PeakUnits(repeating: PeakSpot())
        sums = InlineArray(repeating: 0)
        seconds = 0
    }

    func traffic(_ unit: Int) -> TrafficPeak {
        let spot = peak[unit]
        return TrafficPeak(member: prefix, level: spot.level.rawValue, minute: spot.minute, minutes: spot.minutes)
    }

    mutating func beginHour() {
        peak = PeakUnits(repeating: PeakSpot())
        estimate = PeakUnits(repeating: .unknown)
    }

    /// Whether the hour knew nothing of it.
    var isIdle: Bool { !rank.exceeds(PeakUnits(repeating: .unknown)) }

    mutating func restore(_ kept: TrafficPeak, _ unit: TrafficUnit) {
        peak[unit] = PeakSpot(
            level: BaselineLevel(rawValue: kept.level),
            minute: min(kept.minute, 59),
            minutes: min(kept.minutes, 60)
        )
    }
}
