import DaemonConfiguration
import Detection
import NetworkTypes
import Traffic

/// What is counted and judged, as the core wants it.
extension DaemonConfiguration {
    /// In the order of the configuration, so that indices agree.
    var trafficGroups: [TrafficConfiguration.Group] {
        detection.groups.map { group in
            // Networks are counted as such.
            .init(name: group.name, prefixes: group.measure == .network ? [] : group.prefixes)
        }
    }

    var detectionConfiguration: DetectionConfiguration {
        var configuration = DetectionConfiguration(
            thresholds: detection.thresholds,
            outgoingThresholds: detection.outgoingThresholds,
            groups: detection.groups.map { group in
                var mapped = DetectionConfiguration.Group(
                    name: group.name,
                    prefixes: group.prefixes,
                    measure: group.measure,
                    thresholds: group.thresholds,
                    outgoingThresholds: group.outgoingThresholds
                )
                mapped.baseline = group.baseline.map(Self.baseline)
                return mapped
            },
            endsBelow: detection.endsBelow,
            quietPeriod: detection.quietPeriod
        )
        configuration.networks = networks
        configuration.networkThresholds = detection.networkThresholds
        configuration.outgoingNetworkThresholds = detection.outgoingNetworkThresholds
        configuration.baseline = detection.baseline.map(Self.baseline)
        return configuration
    }

    private static func baseline(_ baseline: Baseline) -> BaselineConfiguration {
        BaselineConfiguration(
            factor: baseline.factor,
            packetsFloor: baseline.packetsFloor,
            bitsFloor: baseline.bitsFloor,
            learningTime: baseline.learningTime
        )
    }
}
