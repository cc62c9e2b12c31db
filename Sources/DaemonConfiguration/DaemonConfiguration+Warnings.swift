internal import FlowSpec
internal import NetworkTypes

extension DaemonConfiguration {
    /// What is valid and hardly meant: the daemon would run, and not do what it is there for.
    public var warnings: [String] {
        var warnings: [String] = []
        if telemetry.sFlow.isEmpty, telemetry.netFlow.isEmpty, telemetry.ipfixTCP.isEmpty,
            telemetry.mirror.interfaces.isEmpty
        {
            warnings.append("telemetry: none of sflow, netflow, ipfix_tcp and mirror is set, so no attack will be seen")
        }
        let all =
            [
                detection.thresholds, detection.outgoingThresholds, detection.networkThresholds,
                detection.outgoingNetworkThresholds,
            ]
            + detection.groups.flatMap { [$0.thresholds, $0.outgoingThresholds] }
        if all.allSatisfy(\.isEmpty) {
            warnings.append("detection.thresholds: none is set, so no attack will be detected")
        }
        if mitigation.enforces, exabgpWriters.isEmpty {
            warnings += missingFamilies
        }
        if mitigation.kinds?.isEmpty == true || !mitigation.announcesRules && !mitigation.blackholes.isAny {
            warnings.append(
                "mitigation: attacks are told and not acted on; what operators and commands say is announced"
            )
        }
        if bgp.keepsRulesOnStop, !bgp.neighbors.contains(where: { $0.gracefulRestart != nil }) {
            warnings.append("bgp.on_stop: no neighbor has graceful_restart, so none will keep the rules")
        }
        return warnings + templateWarnings + escalationWarnings
    }

    /// What the operator has written is announced as it is, to routers as well that cannot match it.
    private var templateWarnings: [String] {
        let lacks = bgp.neighbors.reduce(into: Set<MatchFeature>()) { $0.formUnion($1.lacks) }
        return mitigation.fixedTemplates.sorted().filter { name in
            mitigation.templates[name].map { $0.avoiding(lacks) != $0 } ?? false
        }.map { "mitigation.templates.\($0).match: a neighbor's router lacks a part of it by its `lacks`" }
    }
}
