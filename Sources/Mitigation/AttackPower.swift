internal import Detection
internal import NetworkTypes
internal import Traffic

/// How much there is of an attack beside what is usual for its target, as surely as samples tell.
///
/// Few samples are weak evidence: with five in a second one second shows twice what there is, and the next half of it. As
/// with thresholds, the time looked at grows as far as it must.
struct AttackPower: Sendable {
    private struct Look: Sendable {
        var time: Timestamp
        /// All that came, and what of it was usual.
        var bits: Double
        var packets: Double
        var usualBits: Double
        var usualPackets: Double

        func perSecond(_ unit: TrafficUnit) -> Double { unit == .bits ? bits : packets }
        func usual(_ unit: TrafficUnit) -> Double { unit == .bits ? usualBits : usualPackets }
    }

    /// Those of the last seconds, the latest first.
    private var looks: [Look] = []
    private var flows = 0.0
    private var window = 1.0
    private var samplingRate: UInt32 = 1
    /// Octets of the packet that an octet comes in.
    private var typicalLength = SampledRate.largestPacket

    private static let longest = 32

    /// Takes the rates of an update.
    mutating func note(_ attack: Attack, at time: Timestamp) {
        let rates = attack.rates
        flows = rates[.total, .flows]
        window = max(0.001, attack.rateWindow.inSeconds)
        samplingRate = attack.samplingRate
        typicalLength = Self.typicalLength(attack.present.samples.isEmpty ? attack.samples : attack.present.samples)
        let look = Look(
            time: time,
            bits: rates[.total, .bits],
            packets: rates[.total, .packets],
            usualBits: rates[.total, .bits] - attack.excess(.bits, of: rates),
            usualPackets: rates[.total, .packets] - attack.excess(.packets, of: rates)
        )
        // What comes within a second of the last overlaps with it.
        if let last = looks.first, looks.count > 1, last.time - looks[1].time < .milliseconds(900) {
            looks[0] = look
        } else {
            looks.insert(look, at: 0)
        }
        if looks.count > Self.longest { looks.removeLast() }
    }

    private static func typicalLength(_ samples: [TrafficSample]) -> Double {
        var (sum, squares) = (0.0, 0.0)
        for sample in samples {
            sum += Double(sample.bytes)
            squares += Double(sample.bytes) * Double(sample.packetLength)
        }
        return sum > 0 && squares > 0 ? squares / sum : SampledRate.largestPacket
    }

    /// Whether it is surely above a limit.
    func isAbove(_ limit: Double, _ unit: TrafficUnit) -> Bool { compare(limit, unit).isSure == true }

    /// Whether it may be above a limit: it surely is, or samples do not tell and it is by the mean of them.
    func mayBeAbove(_ limit: Double, _ unit: TrafficUnit) -> Bool {
        let found = compare(limit, unit)
        return found.isSure ?? found.isAboveByMean
    }

    /// - Returns: nil where samples do not tell.
    private func compare(_ limit: Double, _ unit: TrafficUnit) -> (isSure: Bool?, isAboveByMean: Bool) {
        guard unit != .flows else { return (flows > limit, flows > limit) }
        guard let latest = looks.first else { return (false, false) }
        guard samplingRate > 1 else {
            let isAbove = latest.perSecond(unit) - latest.usual(unit) > limit
            return (isAbove, isAbove)
        }
        var count = 1
        var isAboveByMean = false
        while count <= looks.count {
            let recent = looks.prefix(count)
            let mean = recent.reduce(0) { $0 + $1.perSecond(unit) } / Double(count)
            let bound = limit + recent.reduce(0) { $0 + $1.usual(unit) } / Double(count)
            // Looks may be closer than a second.
            let covered = (looks[0].time - looks[count - 1].time).inSeconds + window
            let seconds = min(window < 1 ? Double(count) * window : Double(count - 1) + window, max(covered, window))
            let samples =
                unit == .bits
                ? SampledRate.samples(bits: mean * seconds, samplingRate: samplingRate, typical: typicalLength)
                : SampledRate.samples(packets: mean * seconds, samplingRate: samplingRate)
            if SampledRate.isSure(samples: samples, of: mean, above: bound) { return (true, true) }
            if SampledRate.bounds(of: mean, samples: samples).upper < bound { return (false, false) }
            isAboveByMean = mean > bound
            count *= 2
        }
        return (nil, isAboveByMean)
    }
}
