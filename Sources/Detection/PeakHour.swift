public import NetworkTypes

/// Whose peaks are recorded together, as one threshold is for all of them.
public enum PeakSubject: Sendable, Hashable {
    /// The hosts of a group, or with nil those that are judged by the thresholds for all.
    case hosts(group: String?)
    /// The networks that a group measures, or with nil those that are judged by the thresholds for all.
    case networks(group: String?)
    /// A group as a whole.
    case group(String)

    /// From whose thresholds gaps in its own are filled.
    public var parent: PeakSubject? {
        switch self {
        case .hosts(let group): group == nil ? nil : .hosts(group: nil)
        case .networks(let group): group == nil ? nil : .networks(group: nil)
        case .group: nil
        }
    }
}

/// The most that a host, network or group had in an hour, of one aspect of its traffic.
public struct TrafficPeak: Sendable, Hashable {
    /// A host or network; of a group as a whole its first prefix.
    public var member: IPPrefix
    /// In 256ths of a doubling.
    public var level: UInt16
    /// The minute of the hour in which it was reached: 0…59.
    public var minute: UInt8
    /// In how many minutes it had more than 0.8 of it.
    public var minutes: UInt8

    public init(member: IPPrefix, level: UInt16, minute: UInt8, minutes: UInt8) {
        self.member = member
        self.level = level
        self.minute = minute
        self.minutes = minutes
    }

    /// Per second: the highest threshold that would have been found crossed.
    public var rate: Double { BaselineLevel(rawValue: level).rate }
}

/// The peaks of one aspect of an hour's traffic.
public struct PeakSeries: Sendable, Hashable {
    /// The highest first, at most so many as the aspect says, each member once.
    public var peaks: [TrafficPeak]
    /// No member that is left out had more, in 256ths of a doubling: with thresholds above this all is known.
    public var beyond: UInt16

    public init(peaks: [TrafficPeak] = [], beyond: UInt16 = 0) {
        self.peaks = peaks
        self.beyond = beyond
    }

    /// Per second: with thresholds above this all is known.
    public var beyondRate: Double { BaselineLevel(rawValue: beyond).rate }

    /// The highest that is known, or else what all are below.
    var highestRate: Double { peaks.first?.rate ?? beyondRate }
}

/// What was highest of the traffic within an hour, apart from attacks that were found.
public struct PeakHour: Sendable, Hashable {
    public var subject: PeakSubject
    /// Hours since the epoch.
    public var hour: Int64
    /// How many minutes of it were watched.
    public var minutes: UInt8 = 0
    /// By the place of the aspect.
    private var series: [PeakSeries?]

    public init(subject: PeakSubject, hour: Int64) {
        self.subject = subject
        self.hour = hour
        series = Array(repeating: nil, count: PeakAspect.all.count)
    }

    /// The peaks of an aspect; nil where nothing is known of it.
    public subscript(aspect: PeakAspect) -> PeakSeries? {
        get { series[aspect.index] }
        set { series[aspect.index] = newValue }
    }

    /// When it began.
    public var start: Timestamp {
        Timestamp(nanoseconds: hour.multipliedReportingOverflow(by: 3_600_000_000_000).partialValue)
    }

    /// The hour that a time lies in.
    public static func hour(of time: Timestamp) -> Int64 { time.nanoseconds / 3_600_000_000_000 }
}
