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
    /// A step of the ladder may limit by another unit than the one before.
    private var bits: RuleBaseline
    private var packets: RuleBaseline
    /// Which of what was most they were raised to.
    private var raisedTo: Int
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

    /// To be begun at once when the rule is announced, while the traffic is what it was.
    ///
    /// - Parameter most: what came when it was most: where the rule takes another's place, that has held it since.
    init(_ entry: LedgerEntry, against attack: Attack, most: StrongestTraffic, at time: Timestamp) {
        let route = entry.announcement.route
        if time - (entry.announced ?? time) < Self.patience {
            bits = RuleBaseline(route, of: attack.samples, rate: attack.rates[.total, .bits], .bits)
            packets = RuleBaseline(route, of: attack.samples, rate: attack.rates[.total, .packets], .packets)
        } else {
            // One who comes late, as after a restart, takes the attack at its worst for what there was.
            bits = RuleBaseline(route, ofAllOf: attack.samples, rate: attack.peak[.total, .bits], .bits)
            packets = RuleBaseline(route, ofAllOf: attack.samples, rate: attack.peak[.total, .packets], .packets)
        }
        let unit = Self.unit(of: entry.announcement, attack)
        effect = RuleEffect(.unknown, unit: unit, why: "it was announced just now")
        since = time
        ready = time + Self.patience
        raisedTo = most.version
        raise(route, most.samples, most.rates)
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

    /// No router has the rule: it cannot have done anything, and what comes is what there was without it.
    ///
    /// - Returns: whether there is something else to be told.
    mutating func withhold(
        _ announcement: Announcement,
        against attack: Attack,
        most: StrongestTraffic,
        at time: Timestamp
    ) -> Bool {
        raise(announcement.route, against: attack, most)
        ready = time + Self.patience
        verdicts = 0
        latest = nil
        guard effect.why != Self.isHeldByNobody else { return false }
        effect = RuleEffect(.unknown, unit: effect.unit, why: Self.isHeldByNobody)
        since = time
        return true
    }
    private static let isHeldByNobody = "no router has it"

    /// Since when the rule has done nothing against the attack; nil where it has, or where that is not proven.
    var failingSince: Timestamp? {
        switch effect.verdict {
        case .leaking: effect.isProven ? since : nil
        // What comes beside the rules is there whether telemetry is taken before the filter or after it.
        case .changedShape: since
        case .holding, .unknown: nil
        }
    }

    /// Takes note of how the attack looks now.
    ///
    /// - Parameters:
    ///   - others: the routes of all rules against the attack, this one's too.
    ///   - isDeaf: whether no exporter was heard for some seconds.
    /// - Returns: whether there is something else to be told.
    mutating func judge(
        _ announcement: Announcement,
        against attack: Attack,
        most: StrongestTraffic,
        among others: [AnnouncedRoute],
        samplesBeforeFilter: PrefixTable<Bool>,
        isDeaf: Bool = false,
        at time: Timestamp
    ) -> Bool {
        guard time >= ready else {
            // A flood is seen in its first tenth of a second: it was not yet what it is.
            raise(announcement.route, against: attack, most)
            if effect.why == Self.isHeldByNobody { effect.why = "routers have had it for some seconds only" }
            return false
        }
        let seen: RuleEffect
        if isDeaf {
            seen = RuleEffect(.unknown, unit: Self.unit(of: announcement, attack), why: "nothing was heard")
        } else {
            let fresh = attack.present.samples.filter { Self.isFresh($0, at: time) }
            seen = verdict(on: announcement, attack, among: others, fresh, samplesBeforeFilter)
        }
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

    /// While the rule cannot work yet, what comes is what there was without it.
    private mutating func raise(_ route: AnnouncedRoute, against attack: Attack, _ most: StrongestTraffic) {
        raise(route, attack.present.samples, attack.rates)
        guard most.version != raisedTo else { return }
        raisedTo = most.version
        raise(route, most.samples, most.rates)
    }

    private mutating func raise(_ route: AnnouncedRoute, _ samples: [TrafficSample], _ rates: TrafficRates) {
        guard !samples.isEmpty else { return }
        bits.raise(to: RuleBaseline(route, of: samples, rate: rates[.total, .bits], .bits))
        packets.raise(to: RuleBaseline(route, of: samples, rate: rates[.total, .packets], .packets))
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
        let sums = SampleSums(samples, unit, others, subject: announcement.route)
        // What there is in one window is by chance where samples are few: then that of some seconds.
        let isLonger = attack.present.duration > attack.rateWindow && !samples.isEmpty
        let rate = isLonger ? sums.all / attack.present.duration.inSeconds : attack.rates[.total, unit]
        let exporters = sums.exporters(RuleBaseline.maximumExporters)
        let allowed = allowance.perSecond * Self.slack * Double(max(1, exporters.count))
        let bound = max(baseline.perSecond * Self.remainder, allowed)
        guard sums.samples >= Self.fewestSamples, sums.all > 0 else {
            // Whatever it is made of: so little is what may arrive.
            if rate <= bound { return RuleEffect(.holding, arriving: rate, unit: unit) }
            return RuleEffect(.unknown, unit: unit, why: "too few samples")
        }
        let arriving = rate * sums.matching / sums.all
        if arriving <= bound {
            let isOther = Self.isAttacked(beside: others, attack, samples)
            return RuleEffect(isOther ? .changedShape : .holding, arriving: arriving, unit: unit)
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

    /// Whether what none of the rules matches makes an attack by itself: it is above a limit that is exceeded now, in the
    /// class of traffic that the limit is of. What rules let through, and what is usual, is no other attack.
    private static func isAttacked(
        beside routes: [AnnouncedRoute],
        _ attack: Attack,
        _ samples: [TrafficSample]
    ) -> Bool {
        attack.exceeded.contains { crossing in
            guard crossing.unit != .flows else { return false }
            let own = samples.filter { $0.isOf(crossing.trafficClass) }
            let sums = SampleSums(own, crossing.unit, routes)
            guard sums.samples > 0, sums.all > 0 else { return false }
            let share = (sums.all - sums.matchingAny) / sums.all
            // A few of them by chance are none either.
            let sure = share - 3 * (share * (1 - share) / Double(sums.samples)).squareRoot()
            return attack.rates[crossing.trafficClass, crossing.unit] * sure > crossing.threshold
        }
    }

    /// What is to be made of traffic that still arrives.
    private func leak(
        _ exporters: [(exporter: IPAddress, matching: Double)],
        _ perSecondEach: Double,
        _ arriving: Double,
        _ baseline: RuleBaseline,
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

extension AnnouncedRoute {
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
