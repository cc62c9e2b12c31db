internal import NetworkTypes

/// What is normal for one host, network or group, by hour of the week (UTC).
///
/// Once a minute it is told a rate. Each hour has a level that goes up by a quarter of a doubling where the rate is
/// higher, and down by a nineteenth of that where it is lower: so 95 % of the rates are below it, and how far above the
/// others are does not matter. Within one visit of an hour that was learnt before the level at most doubles, so that it
/// takes weeks, not minutes, to be taught that an attack is normal.
struct Baseline: Sendable, Hashable {
    static let hours = 168
    /// Packets and bits of all traffic.
    static let units: [TrafficUnit] = [.packets, .bits]

    /// Minutes that were learnt.
    private(set) var minutes: UInt32 = 0
    /// By hour, then unit.
    private(set) var levels = [BaselineLevel](repeating: .unknown, count: hours * units.count)
    /// The hour that is being learnt, and what its levels were before.
    private var hour = -1
    private var before: (BaselineLevel, BaselineLevel) = (.unknown, .unknown)

    private static let up: UInt16 = BaselineLevel.doubling / 4
    /// In a quarter of the minutes a step more, so that it is 64 / 19.
    private static let down: UInt16 = 3

    init() {}

    /// From what was kept; nil where that cannot be.
    init?(minutes: UInt32, levels: [UInt16]) {
        guard levels.count == Self.hours * Self.units.count else { return nil }
        self.minutes = minutes
        self.levels = levels.map { BaselineLevel(rawValue: $0) }
    }

    static func == (left: Baseline, right: Baseline) -> Bool {
        left.minutes == right.minutes && left.levels == right.levels
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(minutes)
        hasher.combine(levels)
    }

    /// The hour of the week that a minute since the epoch lies in.
    static func hour(ofMinute minute: Int64) -> Int { Int((minute / 60) % Int64(hours)) }

    /// Learns a minute.
    mutating func learn(packets: BaselineLevel, bits: BaselineLevel, minute: Int64) {
        let now = Self.hour(ofMinute: max(0, minute))
        if now != hour {
            hour = now
            before = (levels[now * 2], levels[now * 2 + 1])
        }
        learn(packets, at: now * 2, before: before.0, minute)
        learn(bits, at: now * 2 + 1, before: before.1, minute)
        if minutes < .max { minutes += 1 }
    }

    private mutating func learn(_ value: BaselineLevel, at index: Int, before: BaselineLevel, _ minute: Int64) {
        let level = levels[index]
        if level == .unknown {
            // A new hour of a host that is known is not believed to be more than four times the highest of the others.
            let highest = minutes < 60 ? nil : highest(unit: index % 2)
            levels[index] = min(value, highest?.raised(by: 2 * BaselineLevel.doubling) ?? value)
        } else if value > level {
            let raised = min(value, level.raised(by: Self.up))
            levels[index] = before == .unknown ? raised : min(raised, before.raised(by: BaselineLevel.doubling))
        } else {
            let step = Self.down + (minute % 3 == 0 ? 1 : 0)
            levels[index] = max(value, BaselineLevel(rawValue: level.rawValue > step ? level.rawValue - step : 1))
        }
    }

    private func highest(unit: Int) -> BaselineLevel? {
        var highest = BaselineLevel.unknown
        for hour in 0..<Self.hours { highest = max(highest, levels[hour * 2 + unit]) }
        return highest == .unknown ? nil : highest
    }

    /// What is normal per second at a time: the highest of the hour and those beside it; where none of these is known,
    /// of the same hours on other days; else of all hours.
    func normal(_ unit: TrafficUnit, minute: Int64) -> Double? {
        guard let index = Self.units.firstIndex(of: unit) else { return nil }
        let now = Self.hour(ofMinute: max(0, minute))
        func highest(days: Range<Int>) -> BaselineLevel {
            var found = BaselineLevel.unknown
            for day in days {
                for step in -1...1 {
                    let hour = (now + day * 24 + step + Self.hours) % Self.hours
                    found = max(found, levels[hour * Self.units.count + index])
                }
            }
            return found
        }
        for days in [0..<1, 1..<7] {
            let found = highest(days: days)
            if found != .unknown { return found.rate }
        }
        return self.highest(unit: index)?.rate
    }
}
