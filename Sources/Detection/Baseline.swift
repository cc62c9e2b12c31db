internal import NetworkTypes

/// What is normal for one host, network or group, by hour of the week (UTC).
///
/// It is told of looks at the traffic, and of an hour that is over knows the level that 95 % of its minutes were below. An
/// hour that was not looked at for long enough teaches nothing. One that was learnt before is at most doubled and at most
/// halved by a visit: so it takes weeks, not an hour, to be taught that an attack is normal, or that silence is.
struct Baseline: Sendable, Hashable {
    static let hours = 168
    /// Packets and bits of all traffic.
    static let units: [TrafficUnit] = [.packets, .bits]
    /// Until so many minutes are learnt there is nothing that an hour could be held against.
    private static let beginning: UInt32 = 24 * 60

    /// Minutes that were learnt.
    private(set) var minutes: UInt32 = 0
    /// By hour, then unit.
    private var levels = [BaselineLevel](repeating: .unknown, count: hours * units.count)
    /// In how many weeks each hour was learnt, up to 3: two bits each. 0 where it is not known, and where it was learnt by a
    /// version that took an hour for known from its first minute on.
    private var visits = [UInt16](repeating: 0, count: visitWords)
    /// The hour that is being learnt.
    private(set) var visit = BaselineVisit()

    private static let visitWords = hours / 8

    init() {}

    // MARK: What is kept

    /// From what was kept, by an earlier version without how often each hour was learnt; nil where that cannot be.
    init?(minutes: UInt32, words: [UInt16]) {
        let count = Self.hours * Self.units.count
        guard words.count == count || words.count == count + Self.visitWords else { return nil }
        self.minutes = minutes
        levels = words.prefix(count).map { BaselineLevel(rawValue: $0) }
        if words.count > count { visits = Array(words.dropFirst(count)) }
    }

    /// To be kept: levels, then how often each hour was learnt.
    var words: [UInt16] { levels.map(\.rawValue) + visits }

    /// Whether any hour is known.
    var isKnown: Bool { levels.contains { $0 != .unknown } }

    static func == (left: Baseline, right: Baseline) -> Bool {
        left.minutes == right.minutes && left.levels == right.levels && left.visits == right.visits
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(minutes)
        hasher.combine(levels)
        hasher.combine(visits)
    }

    // MARK: Learning

    /// The hour of the week that one since the epoch is.
    private static func hourOfWeek(_ hour: Int64) -> Int { Int(max(0, hour) % Int64(hours)) }

    /// Learns some minutes of an hour.
    ///
    /// - Parameter hour: since the epoch.
    mutating func learn(packets: BaselineLevel, bits: BaselineLevel, minutes count: Int, hour: Int64) {
        if hour != visit.hour {
            endHour()
            visit = BaselineVisit(hour: hour)
        }
        visit.add(packets: packets, bits: bits, minutes: count)
        minutes += min(UInt32(clamping: count), .max - minutes)
    }

    /// The hour that was being learnt is over.
    mutating func endHour() {
        defer { visit = BaselineVisit() }
        guard visit.hour >= 0, visit.isEnough else { return }
        let hour = Self.hourOfWeek(visit.hour)
        let seen = visit.levels
        let (packets, bits) = (learnt(seen.packets, hour, 0), learnt(seen.bits, hour, 1))
        levels[hour * 2] = packets
        levels[hour * 2 + 1] = bits
        let count = min(weeks(hour) + 1, 3)
        visits[hour / 8] = visits[hour / 8] & ~(3 << UInt16(hour % 8 * 2)) | count << UInt16(hour % 8 * 2)
    }

    /// What an hour's level becomes.
    private func learnt(_ seen: BaselineLevel, _ hour: Int, _ unit: Int) -> BaselineLevel {
        let level = levels[hour * 2 + unit]
        let low = max(seen, level.lowered(by: BaselineLevel.doubling))
        if level != .unknown, weeks(hour) > 0 {
            return min(low, known(hour, unit).raised(by: BaselineLevel.doubling))
        }
        // A new hour of a host that is known is not believed to be more than four times the highest of the others.
        guard minutes >= Self.beginning else { return low }
        let highest = highest(unit: unit)
        return highest == .unknown ? low : min(low, highest.raised(by: 2 * BaselineLevel.doubling))
    }

    private func weeks(_ hour: Int) -> UInt16 { visits[hour / 8] >> UInt16(hour % 8 * 2) & 3 }

    private func highest(unit: Int) -> BaselineLevel {
        var highest = BaselineLevel.unknown
        for hour in 0..<Self.hours { highest = max(highest, levels[hour * 2 + unit]) }
        return highest
    }

    // MARK: What is normal

    /// The level of an hour. Until it was learnt in two weeks it is no less than the same hour of any other day.
    private func known(_ hour: Int, _ unit: Int) -> BaselineLevel {
        var found = levels[hour * 2 + unit]
        guard weeks(hour) < 2 || found == .unknown else { return found }
        for day in 1..<7 { found = max(found, levels[(hour + day * 24) % Self.hours * 2 + unit]) }
        return found
    }

    /// What is normal per second at a time: the highest of the hour and those beside it; of all hours, where that hour is
    /// known of no day. Nil while none is.
    func normal(_ unit: TrafficUnit, minute: Int64) -> Double? {
        guard let index = Self.units.firstIndex(of: unit) else { return nil }
        let now = Self.hourOfWeek(max(0, minute) / 60)
        var found = known(now, index)
        if found == .unknown {
            found = highest(unit: index)
        } else {
            for beside in [Self.hours - 1, 1] { found = max(found, known((now + beside) % Self.hours, index)) }
        }
        return found == .unknown ? nil : found.rate
    }
}
