internal import NetworkTypes
internal import Traffic

/// What is normal for the hosts, networks and groups whose incoming traffic matters: at most `maximumHosts` of them, some
/// 850 octets each.
///
/// Each is looked at once a minute. What was seen is learnt a minute later, and only if no attack began meanwhile;
/// during an attack and for ten minutes after it nothing is.
struct BaselineTable: Sendable {
    static let maximumHosts = 20_000
    /// Minutes after an attack in which nothing is learnt.
    static let caution: Int64 = 10

    struct Entry: Sendable {
        let key: TrafficKey
        var baseline = Baseline()
        /// The minute of the last look.
        var minute: Int64 = 0
        /// What was seen then, to be learnt with the next look; unknown where there is nothing.
        var pending: (packets: BaselineLevel, bits: BaselineLevel) = (.unknown, .unknown)
        /// Until which minute nothing is learnt.
        var blockedUntil: Int64 = 0
    }

    private(set) var entries: [Entry] = []
    private var places: [TrafficKey: Int] = [:]
    private var evictionHand = 0
    /// How many there was no room for: in the minute under way, and in the one before.
    private var refused = 0
    private var lastRefused = 0
    private var refusalMinute: Int64 = 0

    /// How many were looked at within a minute for which there was no room.
    var unlearned: Int { max(refused, lastRefused) }

    private mutating func refuse(at minute: Int64) {
        if minute != refusalMinute {
            lastRefused = minute == refusalMinute + 1 ? refused : 0
            (refused, refusalMinute) = (0, minute)
        }
        refused += 1
    }

    static func minute(of time: Timestamp) -> Int64 { time.nanoseconds / 60_000_000_000 }

    func entry(of key: TrafficKey) -> Entry? { places[key].map { entries[$0] } }

    func knows(_ key: TrafficKey) -> Bool { places[key] != nil }

    /// What is normal at a time; nil where less than `learningTime` was learnt.
    func normal(_ key: TrafficKey, _ unit: TrafficUnit, _ configuration: BaselineConfiguration, at time: Timestamp)
        -> Double?
    {
        guard let place = places[key] else { return nil }
        let needed = configuration.learningTime.inSeconds / 60
        guard Double(entries[place].baseline.minutes) >= needed else { return nil }
        return entries[place].baseline.normal(unit, minute: Self.minute(of: time))
    }

    /// Takes note of what a host gets in this minute.
    mutating func observe(_ key: TrafficKey, packets: Double, bits: Double, at time: Timestamp) {
        let minute = Self.minute(of: time)
        guard let place = place(of: key, at: minute) else { return refuse(at: minute) }
        guard minute > entries[place].minute else { return }
        if entries[place].pending.packets != .unknown, minute >= entries[place].blockedUntil {
            entries[place].baseline.learn(
                packets: entries[place].pending.packets,
                bits: entries[place].pending.bits,
                minute: entries[place].minute
            )
        }
        entries[place].minute = minute
        let isTrusted = minute >= entries[place].blockedUntil
        entries[place].pending = isTrusted ? (.init(rate: packets), .init(rate: bits)) : (.unknown, .unknown)
    }

    /// Nothing is learnt of a host for the time being, nor what was seen of it last.
    mutating func distrust(_ key: TrafficKey, at time: Timestamp) {
        guard let place = places[key] else { return }
        entries[place].pending = (.unknown, .unknown)
        entries[place].blockedUntil = Self.minute(of: time) &+ Self.caution
    }

    /// Puts back what was kept; the later one of two for the same.
    mutating func restore(_ key: TrafficKey, _ baseline: Baseline, at time: Timestamp) {
        let minute = Self.minute(of: time)
        guard let place = place(of: key, at: minute) else { return refuse(at: minute) }
        entries[place].baseline = baseline
    }

    private mutating func place(of key: TrafficKey, at minute: Int64) -> Int? {
        if let place = places[key] { return place }
        if entries.count < Self.maximumHosts {
            places[key] = entries.count
            entries.append(Entry(key: key, minute: minute &- 1))
            return entries.count - 1
        }
        // Who was not seen for a week gives way.
        for _ in 0..<16 {
            evictionHand = (evictionHand + 1) % entries.count
            guard minute &- entries[evictionHand].minute > 7 * 24 * 60 else { continue }
            places[entries[evictionHand].key] = nil
            places[key] = evictionHand
            entries[evictionHand] = Entry(key: key, minute: minute &- 1)
            return evictionHand
        }
        return nil
    }
}
