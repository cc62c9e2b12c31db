internal import NetworkTypes

/// Since when hosts' traffic has risen, as what rises up to an alarm is of the attack.
extension EarlierSamples {
    /// When the traffic of some hosts began to rise that was more than before at a time: an attack that rises for a while
    /// is seen late, and what came of it until then is not usual. The time itself where nothing rose, or where little
    /// would be left.
    func beginOfRise(_ places: [Int], until time: Int64, isToldLate: Bool) -> Int64 {
        let rings = places.map { ring($0).filter { $0.time <= time } }
        for seconds in (isToldLate ? [64, 32, 16, 8, 4] : [16, 8, 4]) as [Int64] {
            let begin = time - seconds * 1_000_000_000
            var (now, before, counts) = (0.0, 0.0, (now: 0, before: 0))
            for ring in rings {
                let parts = (ring.filter { $0.time > begin }, ring.filter { $0.time <= begin })
                now += Self.rate(parts.0, besidesHeaviest: seconds > 16)
                before += Self.rate(parts.1)
                counts.now += parts.0.count
                counts.before += parts.1.count
            }
            // A few samples more or less are no rise, unless there is twice as much as before.
            let isKnown = counts.before >= max(Self.fewestBeforeRise, 2 * counts.now)
            guard counts.before >= Self.fewestToBeHeld else { continue }
            let rise = seconds > 16 ? Self.longRise : Self.rise
            if now > (isKnown ? rise : Self.sureRise) * before { return begin }
        }
        return time
    }

    /// So many times the rate before is a rise.
    private static let rise = 1.2
    /// The same of the last half minute and more: what is usual changes as well, though less than an attack changes it.
    private static let longRise = 1.5
    private static let sureRise = 2.0
    private static let fewestBeforeRise = 32
    private static let fewestToBeHeld = 8

    /// - Parameter besidesHeaviest: without the one at the other end that has most of it, as backups and downloads begin at
    ///   any time.
    private static func rate(_ samples: [Sample], besidesHeaviest: Bool = false) -> Double {
        let seconds = samples.reduce(0) { $0 + Double($1.seconds) }
        guard seconds > 0 else { return 0 }
        var weight = samples.reduce(0) { $0 + $1.weight }
        if besidesHeaviest {
            let parts = samples.reduce(into: [IPAddress: Double]()) { $0[$1.remote, default: 0] += $1.weight }
            weight -= parts.values.max() ?? 0
        }
        return weight / seconds
    }
}
