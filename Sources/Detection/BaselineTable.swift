internal import NetworkTypes
internal import Traffic

/// What is normal for the hosts, networks and groups whose incoming traffic matters: at most `maximumHosts` of them, some
/// 1,000 octets each.
///
/// Each is looked at once a second, and what it has over a minute or some more is one look. It is learnt a minute later,
/// and only if no attack began meanwhile; during an attack and for ten minutes after it nothing is.
struct BaselineTable: Sendable {
    static let maximumHosts = 20_000
    /// Minutes after an attack in which nothing is learnt.
    static let caution: Int64 = 10
    /// How long a look waits before it is learnt.
    static let patience = Duration.seconds(60)

    struct Entry: Sendable {
        let key: TrafficKey
        var baseline = Baseline()
        /// The minute in which it last had traffic.
        var minute: Int64 = 0
        /// The hour of the look under way, since the epoch.
        var hour: Int64 = 0
        var look = BaselineLook()
        /// The look before, to be learnt.
        var pending: Pending?
        /// Until which minute nothing is learnt.
        var blockedUntil: Int64 = 0
    }

    struct Pending: Sendable {
        var packets: BaselineLevel
        var bits: BaselineLevel
        var minutes: Int
        var hour: Int64
        var time: Timestamp
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

    // MARK: Learning

    /// Begins to learn of what is worth it.
    mutating func admit(_ key: TrafficKey, at time: Timestamp) {
        let minute = Self.minute(of: time)
        if place(of: key, at: minute) == nil { refuse(at: minute) }
    }

    /// Adds what it has per second to the look at what stands at a place.
    mutating func look(
        at place: Int,
        packets: Double,
        bits: Double,
        samplingRate: UInt32,
        seconds: Double,
        at time: Timestamp
    ) {
        let minute = Self.minute(of: time)
        guard minute >= entries[place].blockedUntil else { return }
        // A look is of one hour: it ends with it.
        if minute / 60 != entries[place].hour {
            if entries[place].look.seconds >= BaselineLook.shortest { endLook(at: place, at: time) }
            entries[place].look = BaselineLook()
            entries[place].hour = minute / 60
        }
        entries[place].look.add(packets: packets, bits: bits, samplingRate: samplingRate, seconds: seconds)
        if packets > 0 || bits > 0 { entries[place].minute = minute }
        if entries[place].look.isComplete { endLook(at: place, at: time) }
    }

    private mutating func endLook(at place: Int, at time: Timestamp) {
        let look = entries[place].look
        entries[place].look = BaselineLook()
        // Silence teaches nothing: whether it is its own or that of its exporter nobody knows.
        guard look.isOfTraffic else { return }
        // One that has not waited for long enough is followed by the next.
        guard entries[place].pending == nil else { return }
        let (packets, bits) = look.levels
        entries[place].pending = Pending(
            packets: packets,
            bits: bits,
            minutes: look.minutes,
            hour: entries[place].hour,
            time: time
        )
    }

    /// Learns what has waited for long enough, and what an hour was that is over.
    mutating func settle(at place: Int, at time: Timestamp) {
        if let pending = entries[place].pending, time - pending.time >= Self.patience {
            entries[place].baseline.learn(
                packets: pending.packets,
                bits: pending.bits,
                minutes: pending.minutes,
                hour: pending.hour
            )
            entries[place].pending = nil
        }
        let hour = entries[place].baseline.visit.hour
        if hour >= 0, Self.minute(of: time) >= (hour + 1) * 60 + 2 { entries[place].baseline.endHour() }
    }

    /// Nothing is learnt of a host for the time being, nor what was seen of it last.
    mutating func distrust(_ key: TrafficKey, at time: Timestamp) {
        guard let place = places[key] else { return }
        distrust(at: place, at: time)
    }

    mutating func distrust(at place: Int, at time: Timestamp) {
        entries[place].pending = nil
        entries[place].look = BaselineLook()
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
