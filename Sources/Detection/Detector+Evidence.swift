internal import NetworkTypes
internal import Traffic

/// Which samples an attack is looked at by.
extension Detector {
    /// Those that a crossing rests on, as far back as these lie; where they are few, those of some seconds more for which
    /// the attack has lasted.
    static func evidence(
        of key: TrafficKey,
        _ limit: Int,
        _ crossing: ThresholdCrossing,
        _ longestFlow: Duration,
        lasting: Duration = .zero,
        _ merger: borrowing TrafficMerger
    ) -> (samples: [TrafficSample], packets: [SampledPacket], seconds: Double) {
        let window = max(crossing.window, updateInterval)
        guard longestFlow == .zero else {
            return merger.evidence(of: key, limit: limit, over: window, upTo: max(window, longestFlow))
        }
        let longest = max(window, min(lasting, longestEvidence))
        return merger.evidence(of: key, limit: limit, over: window, upTo: longest, enough: enoughPackets)
    }
    private static let longestEvidence = Duration.seconds(5)
    private static let enoughPackets = 96.0

    /// Those of now, however little it is.
    static func present(
        of key: TrafficKey,
        _ limit: Int,
        _ longestFlow: Duration,
        _ merger: borrowing TrafficMerger
    ) -> PresentTraffic {
        guard longestFlow == .zero else {
            return PresentTraffic(samples: merger.samples(of: key, limit: limit, over: PresentTraffic.longestOfFlows))
        }
        let (samples, _, seconds) = merger.evidence(
            of: key,
            limit: limit,
            upTo: PresentTraffic.longest,
            enough: PresentTraffic.enough
        )
        return PresentTraffic(samples: samples, duration: .seconds(seconds))
    }
}
