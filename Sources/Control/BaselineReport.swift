/// What is normal for hosts, networks and groups now, as `baseline show` lists it.
public struct BaselineReport: Codable, Sendable, Hashable {
    /// One unit of incoming traffic.
    public struct Level: Codable, Sendable, Hashable {
        /// `packets` or `bits`.
        public var unit: String
        /// Per second, at this hour of the week.
        public var normal: Double
        /// What is too much, too, as it is too far from normal; absent until enough is learnt.
        public var limit: Double?
        /// The fixed threshold.
        public var threshold: Double?

        public init(unit: String, normal: Double, limit: Double?, threshold: Double?) {
            self.unit = unit
            self.normal = normal
            self.limit = limit
            self.threshold = threshold
        }
    }

    public struct Entry: Codable, Sendable, Hashable {
        /// An address, a network, or the name of a group as a whole.
        public var target: String
        /// `host`, `network` or `group`.
        public var kind: String
        /// The group of a host.
        public var group: String?
        /// How long was learnt, and how long must be before it is judged, counted in minutes with traffic.
        public var learntMinutes: UInt32
        public var neededMinutes: UInt32
        public var levels: [Level]

        public init(
            target: String,
            kind: String,
            group: String?,
            learntMinutes: UInt32,
            neededMinutes: UInt32,
            levels: [Level]
        ) {
            self.target = target
            self.kind = kind
            self.group = group
            self.learntMinutes = learntMinutes
            self.neededMinutes = neededMinutes
            self.levels = levels
        }
    }

    /// RFC 3339, UTC.
    public var time: String
    public var counts: BaselineCountsReport
    /// How many there are of what was asked for; those with most bits are in `entries`.
    public var total: Int
    public var entries: [Entry]
    /// Why there is nothing, in words.
    public var remark: String?

    public init(time: String, counts: BaselineCountsReport, total: Int, entries: [Entry], remark: String?) {
        self.time = time
        self.counts = counts
        self.total = total
        self.entries = entries
        self.remark = remark
    }
}

/// How many have a baseline.
public struct BaselineCountsReport: Codable, Sendable, Hashable {
    /// Hosts, networks and groups of which something is learnt, and of these those that are held against it.
    public var held: Int
    public var learnt: Int
    /// How many can be.
    public var limit: Int
    /// How many there was no room for.
    public var refused: Int

    public init(held: Int, learnt: Int, limit: Int, refused: Int) {
        self.held = held
        self.learnt = learnt
        self.limit = limit
        self.refused = refused
    }
}

/// Thresholds that the recorded past proposes.
public struct SuggestionReport: Codable, Sendable, Hashable {
    /// One that would have been raised.
    public struct Alarm: Codable, Sendable, Hashable {
        /// An address, a network, or the name of a group as a whole.
        public var target: String
        /// RFC 3339, UTC.
        public var began: String
        /// For how long, about.
        public var minutes: Int
        /// The highest rate, per second.
        public var peak: Double
        /// The attack that it was found to be; absent where it was not taken for one.
        public var attack: UInt64?

        public init(target: String, began: String, minutes: Int, peak: Double, attack: UInt64?) {
            self.target = target
            self.began = began
            self.minutes = minutes
            self.peak = peak
            self.attack = attack
        }
    }

    /// For one group, direction, class of traffic and unit.
    public struct Proposal: Codable, Sendable, Hashable {
        /// Absent for what is in none.
        public var group: String?
        /// `host`, `network` or `group`: what the threshold is for.
        public var measure: String
        /// `incoming` or `outgoing`.
        public var direction: String
        /// The class of traffic, as thresholds name it: `total`, `tcp`, `udp`, `icmp`, `tcp_syn` or `fragments`.
        public var traffic: String
        /// `packets`, `bits` or `flows`.
        public var unit: String
        /// Hours on record.
        public var hours: Int
        /// Per second; absent where nothing is set.
        public var present: Double?
        /// Per second; absent where no peak is on record.
        public var proposed: Double?
        /// Why nothing is proposed, in words.
        public var unknown: String?
        /// The highest that was not of an attack.
        public var highest: Alarm?
        /// How many alarms each would have raised; at least so many, where not complete.
        public var presentAlarmCount: Int
        public var presentIsComplete: Bool
        public var alarmCount: Int
        public var isComplete: Bool
        /// The latest of those that the proposal would have raised.
        public var alarms: [Alarm]
        /// The latest of those that the present threshold would have.
        public var presentAlarms: [Alarm]
        /// Attacks that the present threshold found, and the proposal would not have.
        public var missedAttacks: [UInt64]
        /// Whether it stands in the lines of the configuration: one for a part of the traffic that is hardly lower than that
        /// for all of it finds nothing that this does not.
        public var isWorthSetting: Bool

        public init(
            group: String?,
            measure: String,
            direction: String,
            traffic: String,
            unit: String,
            hours: Int,
            present: Double?,
            proposed: Double?,
            unknown: String?,
            highest: Alarm?,
            presentAlarmCount: Int,
            presentIsComplete: Bool,
            alarmCount: Int,
            isComplete: Bool,
            alarms: [Alarm],
            presentAlarms: [Alarm],
            missedAttacks: [UInt64],
            isWorthSetting: Bool
        ) {
            self.group = group
            self.measure = measure
            self.direction = direction
            self.traffic = traffic
            self.unit = unit
            self.hours = hours
            self.present = present
            self.proposed = proposed
            self.unknown = unknown
            self.highest = highest
            self.presentAlarmCount = presentAlarmCount
            self.presentIsComplete = presentIsComplete
            self.alarmCount = alarmCount
            self.isComplete = isComplete
            self.alarms = alarms
            self.presentAlarms = presentAlarms
            self.missedAttacks = missedAttacks
            self.isWorthSetting = isWorthSetting
        }
    }

    /// RFC 3339, UTC: from when on the record is looked at, and now.
    public var since: String
    public var time: String
    public var proposals: [Proposal]
    /// Lines of a configuration, to be pasted.
    public var configuration: [String]
    /// What should be known before they are, in words.
    public var remarks: [String]

    public init(
        since: String,
        time: String,
        proposals: [Proposal],
        configuration: [String],
        remarks: [String]
    ) {
        self.since = since
        self.time = time
        self.proposals = proposals
        self.configuration = configuration
        self.remarks = remarks
    }
}
