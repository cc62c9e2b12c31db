public import NetworkTypes
internal import Traffic

extension Attack {
    /// What there is beside the target's usual traffic, per second in the unit: the attack itself. Where nothing is known of
    /// what is usual, and of flows, all that comes.
    ///
    /// - Parameter rates: the attack's, of now or at its worst.
    public func excess(_ unit: TrafficUnit, of rates: TrafficRates) -> Double {
        max(
            0,
            rates[.total, unit] - usual(.total, unit),
            // The usual traffic may have given way to the attack.
            rates[crossing.trafficClass, unit] - usual(crossing.trafficClass, unit)
        )
    }

    /// What is usual for the target of a class of traffic, per second in the unit; 0 where that is not known.
    public func usual(_ trafficClass: TrafficClass, _ unit: TrafficUnit) -> Double {
        let seconds = normalDuration.inSeconds
        guard seconds > 0, unit != .flows else { return 0 }
        let sum = normal.reduce(0.0) { sum, sample in
            guard sample.isOf(trafficClass) else { return sum }
            return sum + (unit == .bits ? Double(sample.bytes) * 8 : Double(sample.packets))
        }
        return sum / seconds
    }
}
