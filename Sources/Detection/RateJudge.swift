internal import NetworkTypes
internal import Traffic

/// Holds the rates of one host, network or group against its limits.
struct RateJudge {
    /// A threshold, resolved to where its measure stands.
    struct Limit: Sendable {
        var measure: Int
        var trafficClass: TrafficClass
        var unit: TrafficUnit
        var perSecond: Double
        /// The group whose threshold it is; nil for the defaults.
        var group: String?
        /// What is normal, where the limit was made from it.
        var normal: Double?
    }

    /// What was found of the limit that was exceeded the most.
    static func crossing(
        at position: Int,
        limits: [Limit],
        merger: borrowing TrafficMerger
    ) -> ThresholdCrossing? {
        worst(of: crossings(at: position, limits: limits, merger: merger))
    }

    static func worst(of crossings: [ThresholdCrossing]) -> ThresholdCrossing? {
        var worst: ThresholdCrossing?
        for found in crossings {
            if let current = worst, current.rate / current.threshold >= found.rate / found.threshold { continue }
            worst = found
        }
        return worst
    }

    /// What was found of each limit that was exceeded: of now, and of a longer time where that has more or says it surely.
    static func crossings(
        at position: Int,
        limits: [Limit],
        merger: borrowing TrafficMerger
    ) -> [ThresholdCrossing] {
        let state = merger.state(at: position)
        let window = merger.configuration.window
        let seconds = window.inSeconds
        var crossings: [ThresholdCrossing] = []
        for limit in limits {
            if let smoothing = merger.configuration.smoothing {
                guard merger.hasHistory(at: position) else { continue }
                if let found = judgeSmoothed(at: position, limit, smoothing, merger: merger) { crossings.append(found) }
                continue
            }
            let sum = state.counters.sum(limit.trafficClass, limit.unit)
            if let found = judgeOfNow(sum, over: seconds, at: position, limit, merger: merger) {
                crossings.append(found)
            }
            guard merger.hasHistory(at: position) else { continue }
            let samplingRate = state.samplingRate
            if let found = judgeHistory(at: position, limit, samplingRate: samplingRate, merger: merger) {
                crossings.append(found)
            }
        }
        return crossings
    }

    /// A sum over a time, judged by what it rests on.
    private static func judge(
        _ sum: Double,
        over seconds: Double,
        _ limit: Limit,
        samplingRate: UInt32,
        typicalLength: Double = SampledRate.largestPacket
    ) -> ThresholdCrossing? {
        judge(
            sum / seconds,
            restingOn: sum,
            over: seconds,
            limit,
            samplingRate: samplingRate,
            typicalLength: typicalLength
        )
    }

    /// A moving average, judged by what of it is still of weight.
    private static func judgeSmoothed(
        at position: Int,
        _ limit: Limit,
        _ smoothing: ExponentialSmoothing,
        merger: borrowing TrafficMerger
    ) -> ThresholdCrossing? {
        let smoothed = merger.smoothedRate(at: position, measure: limit.measure, smoothing)
        let samplingRate = merger.state(at: position).samplingRate
        let seconds = smoothing.timeConstant.inSeconds
        if let found = judge(
            smoothed.rate,
            restingOn: smoothed.evidence,
            over: seconds,
            limit,
            samplingRate: samplingRate
        ) {
            return found
        }
        // The moving average is as sure as one over twice its time constant: what is longer smooths more.
        return judgeLonger(at: position, limit, atLeast: 2 * seconds, merger: merger)
    }

    private static func judge(
        _ rate: Double,
        restingOn amount: Double,
        over seconds: Double,
        _ limit: Limit,
        samplingRate: UInt32,
        typicalLength: Double = SampledRate.largestPacket
    ) -> ThresholdCrossing? {
        guard rate > limit.perSecond else { return nil }
        var samples: Double
        var bounds = (lower: rate, upper: rate)
        switch limit.unit {
        case .packets: samples = SampledRate.samples(packets: amount, samplingRate: samplingRate)
        case .bits:
            samples = SampledRate.samples(bits: amount, samplingRate: samplingRate, typical: typicalLength)
        // A flow is one record, sampled or not.
        case .flows: samples = amount
        }
        if samplingRate > 1, limit.unit != .flows {
            guard SampledRate.isSure(samples: samples, of: rate, above: limit.perSecond) else { return nil }
            bounds = SampledRate.bounds(of: rate, samples: samples)
        }
        samples = min(samples.rounded(.up), 1e18)
        return ThresholdCrossing(
            trafficClass: limit.trafficClass,
            unit: limit.unit,
            threshold: limit.perSecond,
            rate: rate,
            lowerBound: bounds.lower,
            upperBound: bounds.upper,
            window: .milliseconds(Int64(seconds * 1000)),
            samples: UInt64(max(samples, 0)),
            group: limit.group,
            normal: limit.normal
        )
    }

    /// Of what late reports tell, stretches of so many seconds are looked at wherever they lie.
    private static let longestOfThePast = 32

    /// Whole seconds of the past, which late reports may have filled, and longer times.
    private static func judgeHistory(
        at position: Int,
        _ limit: Limit,
        samplingRate: UInt32,
        merger: borrowing TrafficMerger
    ) -> ThresholdCrossing? {
        let peak = merger.historyPeak(at: position, measure: limit.measure)
        if merger.hasLateFlows(at: position) {
            if let found = judge(peak, over: 1, limit, samplingRate: samplingRate) { return found }
            let longPeak = merger.longHistoryPeak(at: position, measure: limit.measure)
            if let found = judge(longPeak * 8, over: 8, limit, samplingRate: samplingRate) { return found }
            // Of an attack that came in pulses flows tell when it is over again: it was up to a minute ago. The mean of
            // several seconds is no more than the fullest of them.
            var seconds = samplingRate > 1 && peak > limit.perSecond ? 2 : 64
            while seconds <= longestOfThePast {
                let most = merger.historyPeak(at: position, measure: limit.measure, overSeconds: seconds)
                if let found = judge(most, over: Double(seconds), limit, samplingRate: samplingRate) { return found }
                seconds *= 2
            }
        }
        // Nor is a longer time up to now above a limit that no second of it is above.
        guard max(peak, merger.historyRateOfNow(at: position, measure: limit.measure)) > limit.perSecond else {
            return nil
        }
        return judgeLonger(at: position, limit, atLeast: 2, merger: merger)
    }

    /// With samples for evidence, ever longer times up to now.
    private static func judgeLonger(
        at position: Int,
        _ limit: Limit,
        atLeast least: Double,
        merger: borrowing TrafficMerger
    ) -> ThresholdCrossing? {
        guard merger.state(at: position).samplingRate > 1 else { return nil }
        var seconds = 2
        while Double(seconds) < least { seconds *= 2 }
        while seconds <= 64 {
            let sum = merger.historySum(at: position, measure: limit.measure, lastSeconds: seconds)
            let elapsed = Double(seconds - 1) + merger.elapsedOfSecond
            if let found = judgeOfNow(sum, over: elapsed, at: position, limit, merger: merger) { return found }
            seconds *= 2
        }
        return nil
    }

    /// A sum over a time up to now. Where sampled bits do not suffice, were all packets as long as they can be, the samples
    /// are asked how long they are.
    private static func judgeOfNow(
        _ sum: Double,
        over seconds: Double,
        at position: Int,
        _ limit: Limit,
        merger: borrowing TrafficMerger
    ) -> ThresholdCrossing? {
        let state = merger.state(at: position)
        let samplingRate = state.samplingRate
        if let found = judge(sum, over: seconds, limit, samplingRate: samplingRate) { return found }
        // Of flows the samples are of the time in which they were told of, not of that in which they flowed.
        // Of networks and groups those of all hosts would have to be looked through, and they have more samples anyway.
        guard limit.unit == .bits, samplingRate > 1, state.key.isHost, !merger.isToldLate(at: position) else {
            return nil
        }
        // They are many to look through, so only where it would suffice if all were as long as they are on average.
        let average =
            state.counters.sum(limit.trafficClass, .bits) / 8 / max(1, state.counters.sum(limit.trafficClass, .packets))
        let most = SampledRate.samples(bits: sum, samplingRate: samplingRate, typical: average)
        guard SampledRate.isSure(samples: most, of: sum / seconds, above: limit.perSecond) else { return nil }
        let time = Duration.milliseconds(Int64(seconds * 1000))
        let samples = merger.samples(of: state.key, limit: .max, over: time).lazy.filter { $0.isOf(limit.trafficClass) }
        let typical = PacketLengths(samples, samplingRate: samplingRate).typical(in: sum / 8)
        return judge(sum, over: seconds, limit, samplingRate: samplingRate, typicalLength: typical)
    }

    /// When traffic was last above a share of one of the limits; nil when it is not known to have been.
    static func lastActive(
        at position: Int,
        limits: [Limit],
        share: Double,
        merger: borrowing TrafficMerger
    ) -> Timestamp? {
        let state = merger.state(at: position)
        let seconds = merger.configuration.window.inSeconds
        var latest: Timestamp?
        for limit in limits {
            if state.counters.sum(limit.trafficClass, limit.unit) / seconds > limit.perSecond * share {
                return merger.tickEnd
            }
            // Sampled packets are judged by the window alone; bins of a second are for flows that were reported late.
            guard state.longestFlow > 0 else { continue }
            let time = merger.lastTime(at: position, measure: limit.measure, above: limit.perSecond * share)
            if let time { latest = max(latest ?? time, time) }
        }
        return latest
    }

    /// The rates as they are known: of the window, or of the fullest late second where that is more.
    static func rates(
        at position: Int,
        measures: [TrafficMeasure],
        merger: borrowing TrafficMerger
    ) -> TrafficRates {
        let state = merger.state(at: position)
        var rates = state.counters.rates(over: merger.configuration.window)
        guard state.longestFlow > 0 else { return rates }
        for (index, measure) in measures.enumerated() {
            let peak = max(
                merger.historyPeak(at: position, measure: index),
                merger.longHistoryPeak(at: position, measure: index)
            )
            rates[measure.trafficClass, measure.unit] = max(rates[measure.trafficClass, measure.unit], peak)
        }
        return rates
    }
}
