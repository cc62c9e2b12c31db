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
    }

    /// What was found of the limit that was exceeded the most.
    static func crossing(
        at position: Int,
        limits: [Limit],
        merger: TrafficMerger
    ) -> ThresholdCrossing? {
        let state = merger.state(at: position)
        let window = merger.configuration.window
        let seconds = window.inSeconds
        var worst: ThresholdCrossing?
        func consider(_ found: ThresholdCrossing?) {
            guard let found else { return }
            if let current = worst, current.rate / current.threshold >= found.rate / found.threshold { return }
            worst = found
        }
        for limit in limits {
            let sum = state.counters.sum(limit.trafficClass, limit.unit)
            consider(judge(sum, over: seconds, limit, samplingRate: state.samplingRate))
            guard merger.hasHistory(at: position) else { continue }
            consider(judgeHistory(at: position, limit, samplingRate: state.samplingRate, merger: merger))
        }
        return worst
    }

    /// A sum over a time, judged by what it rests on.
    private static func judge(
        _ sum: Double,
        over seconds: Double,
        _ limit: Limit,
        samplingRate: UInt32
    ) -> ThresholdCrossing? {
        let rate = sum / seconds
        guard rate > limit.perSecond else { return nil }
        var samples: Double
        var bounds = (lower: rate, upper: rate)
        switch limit.unit {
        case .packets: samples = SampledRate.samples(packets: sum, samplingRate: samplingRate)
        case .bits: samples = SampledRate.samples(bits: sum, samplingRate: samplingRate)
        // A flow is one record, sampled or not.
        case .flows: samples = sum
        }
        if samplingRate > 1, limit.unit != .flows {
            bounds = SampledRate.bounds(of: rate, samples: samples)
            guard bounds.lower > limit.perSecond else { return nil }
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
            group: limit.group
        )
    }

    /// Whole seconds of the past, which late reports may have filled; and, with samples for evidence, ever longer times
    /// up to now.
    private static func judgeHistory(
        at position: Int,
        _ limit: Limit,
        samplingRate: UInt32,
        merger: TrafficMerger
    ) -> ThresholdCrossing? {
        if merger.hasLateFlows(at: position) {
            let peak = merger.historyPeak(at: position, measure: limit.measure)
            if let found = judge(peak, over: 1, limit, samplingRate: samplingRate) { return found }
        }
        guard samplingRate > 1 else { return nil }
        var seconds = 2
        while seconds <= 64 {
            let sum = merger.historySum(at: position, measure: limit.measure, lastSeconds: seconds)
            let elapsed = Double(seconds - 1) + merger.elapsedOfSecond
            if let found = judge(sum, over: elapsed, limit, samplingRate: samplingRate) { return found }
            seconds *= 2
        }
        return nil
    }

    /// When traffic was last above a share of one of the limits; nil when it is not known to have been.
    static func lastActive(
        at position: Int,
        limits: [Limit],
        share: Double,
        merger: TrafficMerger
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
        merger: TrafficMerger
    ) -> TrafficRates {
        let state = merger.state(at: position)
        var rates = state.counters.rates(over: merger.configuration.window)
        guard state.longestFlow > 0 else { return rates }
        for (index, measure) in measures.enumerated() {
            let peak = merger.historyPeak(at: position, measure: index)
            rates[measure.trafficClass, measure.unit] = max(rates[measure.trafficClass, measure.unit], peak)
        }
        return rates
    }
}
