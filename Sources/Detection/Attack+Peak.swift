public import NetworkTypes

extension Attack {
    /// Takes the present rates into account for the highest.
    mutating func notePeak(at time: Timestamp, samplingRate: UInt32) {
        let before = peak[crossing.trafficClass, crossing.unit]
        peak = peak.maximum(rates)
        guard peak[crossing.trafficClass, crossing.unit] > before else { return }
        peakTime = time
        peakSamplingRate = samplingRate
    }

    /// The interval in which the true rate of all traffic at the peak lies in all but one case of a thousand. Of flows, which
    /// are told or not, it is the rate itself.
    public func peakInterval(_ unit: TrafficUnit) -> ClosedRange<Double> {
        let rate = peak[.total, unit]
        guard peakSamplingRate > 1, unit != .flows, rate > 0, rate.isFinite else { return rate...rate }
        let seconds = max(0.001, crossing.window.inSeconds)
        let samples =
            unit == .bits
            ? SampledRate.samples(bits: rate * seconds, samplingRate: peakSamplingRate)
            : SampledRate.samples(packets: rate * seconds, samplingRate: peakSamplingRate)
        let bounds = SampledRate.bounds(of: rate, samples: samples)
        return min(bounds.lower, rate)...max(bounds.upper, rate)
    }
}
