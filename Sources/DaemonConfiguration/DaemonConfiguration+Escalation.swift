public import FlowSpec
public import NetworkTypes

extension DaemonConfiguration {
    /// When a step of the ladder is due, and what is done then.
    public struct EscalationStep: Sendable, Equatable {
        /// Any of these is exceeded; none: the power does not count.
        public var over: [(unit: TrafficUnit, perSecond: Double)] = []
        /// Over 0, at most 1.
        public var linkShare: Double?
        public var after: Duration?
        /// The actions and communities; of a blackhole route the communities alone.
        public var then: RuleTemplate
        public var isBlackhole = false

        public static func == (left: EscalationStep, right: EscalationStep) -> Bool {
            left.over.elementsEqual(right.over) { $0 == $1 } && left.linkShare == right.linkShare
                && left.after == right.after && left.then == right.then && left.isBlackhole == right.isBlackhole
        }
    }

    /// What is done otherwise for a group of the detection.
    public struct MitigationGroup: Sendable, Equatable {
        public var name: String
        /// Nil: as for all.
        public var enforces: Bool?
        /// Bits per second.
        public var capacity: Double?
        /// Nil: those for all.
        public var escalation: [EscalationStep]?
    }

    public struct Probe: Sendable, Equatable {
        public var every: Duration
        public var lasting: Duration
        public var bitsPerSecond: Double
    }

    public struct BanBackoff: Sendable, Equatable {
        public var factor = 2.0
        public var longest = Duration.seconds(86_400)
        public var within = Duration.seconds(3600)
    }

    // MARK: Reading

    private static let mostSteps = 16

    /// The ladder, what differs between groups, and how rules are let go.
    mutating func readEscalation(_ section: Section) {
        mitigation.escalation = Self.readSteps(section) ?? []
        mitigation.stepStay =
            section.duration("step_stay", in: .seconds(10)...(.seconds(3600)), "from 10s to 1h") ?? mitigation.stepStay
        mitigation.stepDownBelow = section.number("step_down_below", in: 0.01...1) ?? mitigation.stepDownBelow
        mitigation.capacity = Self.readCapacity(section)
        readGroups(section)
        if let probe = section.section("probe") { mitigation.probe = Self.readProbe(probe) }
        guard let backoff = section.section("ban_backoff") else { return }
        var read = BanBackoff()
        read.factor = backoff.number("factor", in: 1...100) ?? read.factor
        let limits = Duration.seconds(1)...(.seconds(30 * 86_400))
        read.longest = backoff.duration("max", in: limits, "from 1s to 30d") ?? read.longest
        read.within = backoff.duration("within", in: limits, "from 1s to 30d") ?? read.within
        if read.longest < mitigation.banTime {
            backoff.report("max", expected: "no less than ban_time, which is \(mitigation.banTime.inSeconds)s")
        }
        backoff.finish()
        mitigation.banBackoff = read
    }

    private static func readCapacity(_ section: Section) -> Double? {
        section.scalar("capacity", expected: Quantity.rateUnits(.bits)) { text in
            Quantity.rate(text, .bits).flatMap { $0 > 0 ? $0 : nil }
        }
    }

    private mutating func readGroups(_ section: Section) {
        for group in section.sections("groups") {
            defer { group.finish() }
            let name = group.string("name") ?? ""
            if !detection.groups.contains(where: { $0.name == name }) {
                let known = detection.groups.map(\.name)
                let list = known.isEmpty ? ", of which there is none" : ": \(known.joined(separator: ", "))"
                group.report("name", expected: "the name of one of detection.groups\(list)")
            } else if mitigation.groups.contains(where: { $0.name == name }) {
                group.report("name", expected: "each group once")
            }
            let enforces = group.scalar("mode", expected: "enforce or observe") {
                ["enforce": true, "observe": false][$0]
            }
            var steps = Self.readSteps(group)
            if group.has("then") {
                if steps != nil { group.report("then", expected: "either escalation or then, and not both") }
                steps = [Self.readStep(group)]
            }
            mitigation.groups.append(
                MitigationGroup(
                    name: name,
                    enforces: enforces,
                    capacity: Self.readCapacity(group),
                    escalation: steps
                )
            )
        }
    }

    private static func readSteps(_ section: Section) -> [EscalationStep]? {
        guard section.has("escalation") else { return nil }
        let steps = section.sections("escalation")
        if steps.count > mostSteps {
            section.report("escalation", expected: "at most \(mostSteps) steps, from mild to hard")
        }
        return steps.enumerated().map { index, step in
            defer { step.finish() }
            var read = readStep(step)
            if let when = step.section("when") {
                readCondition(when, into: &read)
                when.finish()
            } else if index > 0 {
                step.report("when", expected: "a condition: only the first step may go without one")
            }
            return read
        }
    }

    private static func readCondition(_ when: Section, into step: inout EscalationStep) {
        let units = "rates such as 10 Gbit/s or 5M packets/s"
        step.over =
            when.list("over", expected: units) { text in
                TrafficUnit.allCases.lazy.compactMap { unit in
                    Quantity.rate(text, unit).map { (unit: unit, perSecond: $0) }
                }.first
            } ?? []
        if when.isEmptyList("over") { when.report("over", expected: units) }
        step.linkShare = when.scalar("link_share", expected: "a share such as 80%, over 0 and at most 100%") { text in
            guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent > 0, percent <= 100 else {
                return nil
            }
            return percent / 100
        }
        step.after = when.duration("after", in: .seconds(1)...(.seconds(86_400)), "from 1s to 1d")
        if when.keys.isEmpty {
            when.problems.report(when.node.place, when.path, expected: "one or more of over, link_share and after")
        }
    }

    private static func readStep(_ section: Section) -> EscalationStep {
        guard let then = section.section("then") else {
            section.report("then", expected: "what is to be done, as in a template, or blackhole: true")
            return EscalationStep(then: RuleTemplate(components: [], actions: []))
        }
        defer { then.finish() }
        if then.bool("blackhole") == true {
            let communities = then.communities("communities")
            let template = RuleTemplate(components: [], actions: [], communities: communities)
            return EscalationStep(then: template, isBlackhole: true)
        }
        return EscalationStep(then: TemplateReader.actions(then))
    }

    private static func readProbe(_ section: Section) -> Probe? {
        defer { section.finish() }
        let every = section.duration("every", in: .seconds(10)...(.seconds(86_400)), "from 10s to 1d")
        let lasting = section.duration("for", in: .seconds(1)...(.seconds(60)), "from 1s to 60s")
        let rate = section.scalar("rate_limit", expected: Quantity.rateUnits(.bits)) { text in
            Quantity.rate(text, .bits).flatMap { $0 > 0 ? $0 : nil }
        }
        for key in ["every", "for", "rate_limit"] where !section.has(key) {
            section.report(key, expected: "all of every, for and rate_limit")
        }
        guard let every, let lasting, let rate else { return nil }
        return Probe(every: every, lasting: lasting, bitsPerSecond: rate)
    }
}

extension DaemonConfiguration.Mitigation {
    /// All ladders there are.
    var ladders: [[DaemonConfiguration.EscalationStep]] {
        ([escalation] + groups.compactMap(\.escalation)).filter { !$0.isEmpty }
    }
}

extension DaemonConfiguration {
    /// What of the ladder and of probes will not do what it is there for, as far as it can be said without them.
    var escalationWarnings: [String] {
        var warnings: [String] = []
        if !mitigation.enforces {
            for group in mitigation.groups where group.enforces == true {
                warnings.append(
                    "mitigation.groups: mode enforce of \(group.name) has no effect while mitigation.mode is observe"
                )
            }
        }
        let waits = mitigation.ladders.contains { $0.contains { $0.after != nil } }
        if waits, !telemetry.exporters.contains(where: { $0.samplesBeforeFilter != nil }) {
            warnings.append(
                "mitigation.escalation: no telemetry.exporters.settings say by samples where an exporter samples, so "
                    + "traffic that does not change at all never counts as no effect for after"
            )
        }
        let lowest = ([detection.thresholds] + detection.groups.map(\.thresholds)).compactMap { $0[.total, .bits] }
            .min()
        if let probe = mitigation.probe, let lowest, probe.bitsPerSecond <= lowest {
            warnings.append(
                "mitigation.probe.rate_limit: no attack can be seen through it, as it is not above the threshold of "
                    + RateText.describe(lowest, .bits)
            )
        }
        return warnings
    }
}
