public import NetworkTypes

/// A threshold that the recorded past proposes, and the alarms that it and the present one would have raised in it.
public struct ThresholdAdvice: Sendable, Hashable {
    /// An alarm that a threshold would have raised.
    public struct Alarm: Sendable, Hashable {
        /// The host or network; of a group as a whole its first prefix.
        public var member: IPPrefix
        public var began: Timestamp
        /// For how long, about.
        public var minutes: Int
        /// The highest rate, per second.
        public var peak: Double
        /// The attack that it was found to be; nil where it was not taken for one.
        public var attack: Attack.ID?
    }

    public var subject: PeakSubject
    public var aspect: PeakAspect
    /// Hours of which there is a record.
    public var hours: Int
    /// What is set, per second; nil where nothing is.
    public var present: Double?
    /// Per second; nil where no peak is known, from which nothing follows.
    public var proposed: Double?
    /// What is lower is not on record, per second.
    public var least: Double
    /// The highest that was not of an attack.
    public var highest: Alarm?
    /// In the order in which they would have begun.
    public var alarms: [Alarm] = []
    public var presentAlarms: [Alarm] = []
    /// Whether there may have been more of them than are named: of each hour only the highest are recorded.
    public var isComplete = true
    public var isPresentComplete = true
    /// Attacks that were found by this threshold as it was, and that would not be by the one that is proposed.
    public var missed: [Attack.ID] = []
    /// Whether it is worth a line of the configuration: a threshold for a part of the traffic that is hardly lower than that
    /// for all of it would find nothing that this does not.
    public var isWorthSetting = true

    public init(
        subject: PeakSubject,
        aspect: PeakAspect,
        hours: Int,
        present: Double?,
        proposed: Double? = nil,
        least: Double
    ) {
        self.subject = subject
        self.aspect = aspect
        self.hours = hours
        self.present = present
        self.proposed = proposed
        self.least = least
    }

    /// Of so many hours all but one are below what the proposal rests on.
    private static let hoursPerAlarm = 100.0
    /// How much more than that is proposed.
    private static let margin = 1.5
    /// Up to which share of what is proposed for all traffic a threshold for a part of it is worth setting.
    private static let notablyLess = 0.8

    /// Of everything that is recorded, in the order of the configuration.
    ///
    /// - Parameters:
    ///   - attacks: those that were found in the same time.
    ///   - time: now.
    public static func all(
        hours: [PeakHour],
        attacks: [Attack],
        configuration: DetectionConfiguration,
        at time: Timestamp
    ) -> [ThresholdAdvice] {
        let past = Dictionary(grouping: hours, by: \.subject).mapValues { $0.sorted { $0.hour < $1.hour } }
        let groups = PrefixTable(
            configuration.groups.enumerated().flatMap { index, group in
                group.measure == .network ? [] : group.prefixes.map { ($0, index) }
            }
        )
        func subject(of attack: Attack) -> PeakSubject {
            switch attack.target {
            case .host(let address):
                let group = groups.match(address).map { configuration.groups[$0.value] }
                return .hosts(group: group?.measure == .host ? group?.name : nil)
            case .network(let prefix): return .networks(group: configuration.group(measuring: prefix)?.name)
            case .group(let name, _): return .group(name)
            }
        }
        let found = Dictionary(grouping: attacks, by: subject)
        let order =
            [PeakSubject.hosts(group: nil), .networks(group: nil)]
            + configuration.groups.map { group in
                switch group.measure {
                case .host: .hosts(group: group.name)
                case .network: .networks(group: group.name)
                case .group: .group(group.name)
                }
            }
        var all: [ThresholdAdvice] = []
        // Of those from whom thresholds are inherited, which come first.
        var worth: Set<Inherited> = []
        for subject in order {
            var own = PeakAspect.all.compactMap { aspect in
                advice(
                    subject,
                    aspect,
                    past[subject] ?? [],
                    (found[subject] ?? []).filter { $0.direction == aspect.direction },
                    threshold: configuration.thresholds(of: subject, aspect.direction)[
                        aspect.trafficClass,
                        aspect.unit
                    ],
                    at: time
                )
            }
            for index in own.indices {
                let aspect = own[index].aspect
                let total = own.first { $0.aspect == PeakAspect(aspect.direction, .total, aspect.unit) }
                own[index].isWorthSetting =
                    aspect.trafficClass == .total || own[index].present != nil
                    || own[index].proposed ?? .infinity <= notablyLess * (total?.proposed ?? .infinity)
                    // It would be given that of the others, which may be lower than what it has itself.
                    || subject.parent.map { worth.contains(Inherited(subject: $0, aspect: aspect)) } ?? false
                if own[index].isWorthSetting, own[index].proposed != nil {
                    worth.insert(Inherited(subject: subject, aspect: aspect))
                }
            }
            all += own
        }
        return all
    }

    private struct Inherited: Hashable {
        var subject: PeakSubject
        var aspect: PeakAspect
    }

    /// - Parameter hours: in their order.
    private static func advice(
        _ subject: PeakSubject,
        _ aspect: PeakAspect,
        _ hours: [PeakHour],
        _ attacks: [Attack],
        threshold present: Double?,
        at time: Timestamp
    ) -> ThresholdAdvice? {
        let past = hours.compactMap { hour in hour[aspect].map { Past(hour: hour, series: $0) } }
        guard !past.isEmpty else { return nil }
        let least = Detector.leastPeak(present, aspect.unit)
        // Of incoming traffic it is said as well that there is little.
        let isWanted = aspect.direction == .incoming && aspect.trafficClass == .total && aspect.unit != .flows
        guard isWanted || present != nil || past.contains(where: { ($0.series.peaks.first?.rate ?? 0) > least }) else {
            return nil
        }
        var advice = ThresholdAdvice(
            subject: subject,
            aspect: aspect,
            hours: past.count,
            present: present,
            least: least
        )
        let normal = alarms(past, above: 0)
        advice.highest = normal.max { $0.peak != $1.peak ? $0.peak < $1.peak : $0.began > $1.began }
        let beyond = past.map(\.series.beyondRate).max() ?? 0
        if let present {
            advice.presentAlarms = alarms(past, above: present) + found(attacks, aspect, present, time)
            advice.isPresentComplete = present >= beyond
            advice.presentAlarms.sort(by: precedes)
        }
        // That nothing is on record may be for little traffic, or for few samples, or as none was seen yet.
        guard advice.highest != nil else { return advice }
        let highest = past.map(\.series.highestRate).sorted()
        // Of a hundred hours one may be higher: an attack that was not found must not raise it.
        let leftOut = Int(Double(highest.count) / hoursPerAlarm)
        let base = max(highest[highest.count - 1 - leftOut], 2 * least / margin)
        let proposed = rounded(up: base * margin)
        advice.proposed = proposed
        advice.alarms = alarms(past, above: proposed) + found(attacks, aspect, proposed, time)
        advice.isComplete = proposed >= beyond
        advice.alarms.sort(by: precedes)
        advice.missed = attacks.filter { attack in
            attack.crossing.trafficClass == aspect.trafficClass && attack.crossing.unit == aspect.unit
                && attack.peak[aspect.trafficClass, aspect.unit] <= proposed
        }.map(\.id).sorted()
        return advice
    }

    /// What is known of one aspect of an hour.
    private struct Past {
        var hour: PeakHour
        var series: PeakSeries
    }

    private static func precedes(_ first: Alarm, _ second: Alarm) -> Bool {
        first.began != second.began ? first.began < second.began : first.member < second.member
    }

    /// What was no attack and would have been an alarm; of one member in adjacent hours it is one.
    private static func alarms(_ past: [Past], above threshold: Double) -> [Alarm] {
        var all: [Alarm] = []
        // By member: the last hour that is in, and its alarm.
        var open: [IPPrefix: (hour: Int64, place: Int)] = [:]
        for (hour, series) in past.map({ ($0.hour, $0.series) }) {
            for peak in series.peaks where peak.rate > threshold {
                if threshold > 0, let last = open[peak.member], last.hour == hour.hour - 1 {
                    all[last.place].peak = max(all[last.place].peak, peak.rate)
                    all[last.place].minutes += Int(peak.minutes)
                    open[peak.member] = (hour.hour, last.place)
                    continue
                }
                open[peak.member] = (hour.hour, all.count)
                all.append(
                    Alarm(
                        member: peak.member,
                        began: hour.start + .seconds(60 * Int64(peak.minute)),
                        minutes: max(1, Int(peak.minutes)),
                        peak: peak.rate
                    )
                )
            }
        }
        return all
    }

    /// Attacks that were found and would have been again.
    private static func found(_ attacks: [Attack], _ aspect: PeakAspect, _ threshold: Double, _ time: Timestamp)
        -> [Alarm]
    {
        attacks.compactMap { attack in
            let peak = attack.peak[aspect.trafficClass, aspect.unit]
            guard peak > threshold, let member = attack.target.prefixes.first else { return nil }
            return Alarm(
                member: member,
                began: attack.began,
                minutes: Int(max(1, (((attack.ended ?? time) - attack.began).inSeconds / 60).rounded(.up))),
                peak: peak,
                attack: attack.id
            )
        }
    }

    /// To two significant digits; what is hardly more than such a number is that.
    static func rounded(up rate: Double) -> Double {
        guard rate.isFinite, rate > 0 else { return 1 }
        var scale = 1.0
        while rate / scale >= 100 { scale *= 10 }
        return max(1, (rate * 0.995 / scale).rounded(.up) * scale)
    }
}
