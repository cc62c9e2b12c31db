public import DaemonConfiguration
import FlowSpec
import Mitigation
import NetworkTypes

extension DaemonConfiguration {
    /// What goes beyond templates: the ladder, groups of their own kind, and letting go.
    func addEscalation(to policy: inout MitigationPolicy) {
        policy.ladder = mitigation.escalation.isEmpty ? nil : ladder(mitigation.escalation)
        policy.capacity = mitigation.capacity
        policy.groups = mitigation.groups.compactMap { group in
            guard let detected = detection.groups.first(where: { $0.name == group.name }) else { return nil }
            return .init(
                name: group.name,
                prefixes: detected.prefixes,
                mode: group.enforces.map { $0 ? .enforce : .observe },
                capacity: group.capacity,
                ladder: group.escalation.map { ladder($0) }
            )
        }
        policy.probe = mitigation.probe.map {
            .init(every: $0.every, lasting: $0.lasting, bitsPerSecond: $0.bitsPerSecond)
        }
        policy.banBackoff = mitigation.banBackoff.map {
            .init(factor: $0.factor, longest: $0.longest, within: $0.within)
        }
        policy.samplesBeforeFilter = PrefixTable(
            telemetry.exporters.compactMap { exporter in exporter.samplesBeforeFilter.map { (exporter.prefix, $0) } }
        )
    }

    private func ladder(_ steps: [EscalationStep]) -> EscalationLadder {
        let read = steps.map { step in
            EscalationLadder.Step(
                .init(
                    over: step.over.map { .init($0.unit, $0.perSecond) },
                    linkShare: step.linkShare,
                    after: step.after
                ),
                step.isBlackhole ? .blackhole(step.then.communities) : .actions(step.then)
            )
        }
        return EscalationLadder(steps: read, stay: mitigation.stepStay, lowersBelow: mitigation.stepDownBelow)
    }

    /// All that is valid and hardly meant; of ladders what only the core can tell, too.
    public var allWarnings: [String] {
        let policy = mitigationPolicy
        var ladders = [(name: "mitigation.escalation", ladder: policy.ladder, capacity: policy.capacity)]
        ladders += policy.groups.map { group in
            (
                name: "mitigation.groups: escalation of \(group.name)",
                ladder: group.ladder, capacity: group.capacity ?? policy.capacity
            )
        }
        return warnings + machineWarnings
            + ladders.flatMap { name, ladder, capacity in
                (ladder?.unreachableSteps(hasCapacity: capacity != nil) ?? []).map { step, reason in
                    "\(name): step \(step + 1) can never be reached: \(reason)"
                }
            }
    }
}
