internal import Detection
internal import FlowSpec
internal import NetworkTypes
internal import Traffic

/// Follows what arrives of the traffic that a rule matches, from its announcement on.
///
/// A router limits for itself, and telemetry is of many: a limit counts once for each exporter that still sees traffic.
/// Telemetry that is taken before the filter (ingress sFlow on many routers) shows all of the attack for ever. Where
/// nobody said which it is, traffic that did not change at all is therefore no proof against the rule.
struct RuleWatch: Sendable {
    private struct Arrival: Sendable {
        var exporter: IPAddress
        var perSecond: Double
    }

    /// What the rule matched when it was announced: in all, and by exporter.
    private struct Baseline: Sendable {
        var unit: TrafficUnit
        var perSecond: Double
        var arrivals: [Arrival]

        /// What one exporter told of; of one that told of nothing then, all may have come its way since.
        func perSecond(at exporter: IPAddress) -> Double {
            arrivals.first { $0.exporter == exporter }?.perSecond ?? perSecond
        }
    }

    /// A step of the ladder may limit by another unit than the one before.
    private let bits: Baseline
    private let packets: Baseline
    /// From when on the routers can be expected to have the rule as it is now.
    private var ready: Timestamp
    private var verdicts = 0
    private var latest: RuleEffect?
    /// What is told: a verdict counts when it is given some times in a row.
    private(set) var effect: RuleEffect
    /// Since when it has been told.
    private(set) var since: Timestamp

    /// What is left may be this share of what was.
    private static let remainder = 0.1
    /// A policer is not exact, nor are samples.
    private static let slack = 1.25
    private static let unchanged = 0.8
    private static let fewestSamples = 10
    private static let patience = Duration.seconds(5)
    /// Older samples are not of now.
    private static let freshness = Duration.seconds(5)
    private static let repetitions = 3
    private static let maximumExporters = 8

    /// To be begun at once when the rule is announced, while the traffic is what it was.
    init(_ entry: LedgerEntry, against attack: Attack, at time: Timestamp) {
        let isFresh = time - (entry.announced ?? time) < Self.patience
        func baseline(_ unit: TrafficUnit) -> Baseline {
            let sums = Sums(attack.samples, unit, [entry.announcement.route])
            // One who comes late, as after a restart, takes the attack at its worst for what there was.
            let rate = isFresh ? attack.rates[.total, unit] : attack.peak[.total, unit]
            let share = sums.all > 0 && isFresh ? sums.matching / sums.all : 1
            let arrivals = sums.exporters(Self.maximumExporters).map { exporter, matching in
                Arrival(exporter: exporter, perSecond: sums.all > 0 ? rate * matching / sums.all : 0)
            }
            return Baseline(unit: unit, perSecond: rate * share, arrivals: arrivals)
        }
        bits = baseline(.bits)
        packets = baseline(.packets)
        let unit = Self.unit(of: entry.announcement, attack)
        effect = RuleEffect(.unknown, unit: unit, why: "it was announced just now")
        since = time
        ready = time + Self.patience
    }

    /// The rule has other actions from now on, or stands beside others than before.
    mutating func restart(at time: Timestamp) {
        ready = time + Self.patience
        verdicts = 0
        latest = nil
        // What was told is of what was done before.
        effect = RuleEffect(.unknown, unit: effect.unit, why: "what is done against the attack has changed just now")
        since = time
    }

    /// Since when the rule has done nothing against the attack; nil where it has, or where that is not proven.
    var failingSince: Timestamp? {
        switch effect.verdict {
        case .leaking: effect.isProven ? since : nil
        case .changedShape: since
        case .holding, .unknown: nil
        }
    }

    /// Takes note of how the attack looks now.
    ///
    /// - Parameter others: the routes of all rules against the attack, this one's too.
    /// - Returns: whether there is something else to be told.
    mutating func judge(
        _ announcement: Announcement,
        against attack: Attack,
        among others: [AnnouncedRoute],
        samplesBeforeFilter: PrefixTable<Bool>,
        at time: Timestamp
    ) -> Bool {
        guard time >= ready else { return false }
        let fresh = attack.samples.filter { Self.isFresh($0, at: time) }
        let seen = verdict(on: announcement, attack, among: others, fresh, samplesBeforeFilter)
        verdicts = seen.verdict == latest?.verdict ? verdicts + 1 : 1
        latest = seen
        guard seen.verdict != effect.verdict else {
            // The figures are those of now; nobody is told of each.
            let isOther = seen.why != effect.why && seen.verdict == .unknown && verdicts == Self.repetitions
            effect = seen
            return isOther
        }
        guard verdicts >= Self.repetitions else { return false }
        effect = seen
        since = time
        return true
    }

    private func verdict(
        on announcement: Announcement,
        _ attack: Attack,
        among others: [AnnouncedRoute],
        _ samples: [TrafficSample],
        _ samplesBeforeFilter: PrefixTable<Bool>
    ) -> RuleEffect {
        let baseline = Self.unit(of: announcement, attack) == .bits ? bits : packets
        let unit = baseline.unit
        guard let allowance = announcement.allowance else {
            return RuleEffect(.unknown, unit: unit, why: "telemetry does not tell what the rule does with the traffic")
        }
        if announcement.route.looksBeyondSamples {
            return RuleEffect(.unknown, unit: unit, why: "the rule matches what no sample tells of")
        }
        let rate = attack.rates[.total, unit]
        let sums = Sums(samples, unit, others, subject: announcement.route)
        let exporters = sums.exporters(Self.maximumExporters)
        let allowed = allowance.perSecond * Self.slack * Double(max(1, exporters.count))
        let bound = max(baseline.perSecond * Self.remainder, allowed)
        // Whatever it is made of: so little is what may arrive.
        if rate <= bound { return RuleEffect(.holding, arriving: rate, unit: unit) }
        guard sums.samples >= Self.fewestSamples, sums.all > 0 else {
            return RuleEffect(.unknown, unit: unit, why: "too few samples")
        }
        let arriving = rate * sums.matching / sums.all
        if arriving <= bound {
            let beside = rate * (sums.all - sums.matchingAny) / sums.all
            let isAttack = attack.crossing.unit == unit && beside > attack.crossing.threshold
            return RuleEffect(isAttack ? .changedShape : .holding, arriving: arriving, unit: unit)
        }
        return leak(
            exporters,
            rate / sums.all,
            arriving,
            baseline,
            allowance.perSecond * Self.slack,
            samplesBeforeFilter
        )
    }

    /// What is to be made of traffic that still arrives.
    private func leak(
        _ exporters: [(exporter: IPAddress, matching: Double)],
        _ perSecondEach: Double,
        _ arriving: Double,
        _ baseline: Baseline,
        _ allowed: Double,
        _ samplesBeforeFilter: PrefixTable<Bool>
    ) -> RuleEffect {
        let unit = baseline.unit
        var leaking: [IPAddress] = []
        var isUncertain = false
        var isBefore = false
        for (exporter, matching) in exporters {
            let perSecond = matching * perSecondEach
            let former = baseline.perSecond(at: exporter)
            guard perSecond > max(former * Self.remainder, allowed) else { continue }
            switch samplesBeforeFilter.match(exporter)?.value {
            case true?: isBefore = true
            case false?: leaking.append(exporter)
            case nil where perSecond >= former * Self.unchanged: isUncertain = true
            case nil: leaking.append(exporter)
            }
        }
        if !leaking.isEmpty {
            var effect = RuleEffect(.leaking, arriving: arriving, unit: unit, exporters: leaking)
            effect.isProven = leaking.allSatisfy { samplesBeforeFilter.match($0)?.value == false }
            return effect
        }
        if isUncertain {
            let why = "all of it still arrives: the rule is not in force, or telemetry is taken before the filter"
            return RuleEffect(.unknown, arriving: arriving, unit: unit, why: why)
        }
        let why = isBefore ? "telemetry is taken before the filter" : "too few samples of each exporter"
        return RuleEffect(.unknown, arriving: arriving, unit: unit, why: why)
    }

    private static func unit(of announcement: Announcement, _ attack: Attack) -> TrafficUnit {
        announcement.allowance?.unit ?? (attack.crossing.unit == .bits ? .bits : .packets)
    }

    /// Samples without a time are those of the update.
    private static func isFresh(_ sample: TrafficSample, at time: Timestamp) -> Bool {
        sample.time.nanoseconds == 0 || time - sample.time <= freshness
    }
}

/// What samples weigh, in all and matched.
private struct Sums {
    var samples = 0
    var all = 0.0
    /// By the rule in question, and by any of the rules.
    var matching = 0.0
    var matchingAny = 0.0
    private var byExporter: [IPAddress: Double] = [:]

    init(
        _ samples: [TrafficSample],
        _ unit: TrafficUnit,
        _ routes: [AnnouncedRoute],
        subject: AnnouncedRoute? = nil
    ) {
        let subject = subject ?? routes.first
        for sample in samples {
            let weight = unit == .bits ? Double(sample.bytes) * 8 : Double(sample.packets)
            all += weight
            let packet = sample.matchedPacket
            if subject?.matches(packet) == true {
                matching += weight
                matchingAny += weight
                byExporter[sample.exporter, default: 0] += weight
            } else if routes.contains(where: { $0 != subject && $0.matches(packet) }) {
                matchingAny += weight
            }
        }
        self.samples = samples.count
    }

    /// Those from which most of it came.
    func exporters(_ limit: Int) -> [(exporter: IPAddress, matching: Double)] {
        let sorted = byExporter.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        return sorted.prefix(limit).map { (exporter: $0.key, matching: $0.value) }
    }
}

extension AnnouncedRoute {
    fileprivate func matches(_ packet: MatchedPacket) -> Bool {
        switch self {
        case .flowSpec(let rule): rule.matches(packet)
        case .unicast(let prefix): prefix.contains(packet.destination)
        }
    }

    /// Whether it matches fields that samples do not have.
    fileprivate var looksBeyondSamples: Bool {
        guard case .flowSpec(let rule) = self else { return false }
        return rule.components.contains { component in
            switch component {
            case .dscp, .flowLabel: true
            default: false
            }
        }
    }
}
