public import NetworkTypes

/// Whose peaks are recorded together, as one threshold is for all of them.
public enum PeakSubject: Sendable, Hashable {
    /// The hosts of a group, or with nil those that are judged by the thresholds for all.
    case hosts(group: String?)
    /// The networks that a group measures, or with nil those that are judged by the thresholds for all.
    case networks(group: String?)
    /// A group as a whole.
    case group(String)
}

/// The most that a host, network or group had in an hour, of one unit.
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

/// What was highest of incoming traffic within an hour, apart from attacks that were found.
public struct PeakHour: Sendable, Hashable {
    public var subject: PeakSubject
    /// Hours since the epoch.
    public var hour: Int64
    /// How many minutes of it were watched.
    public var minutes: UInt8 = 0
    /// The highest first, at most `kept`, each member once.
    public var packets: [TrafficPeak] = []
    public var bits: [TrafficPeak] = []
    /// No member that is left out had more, in 256ths of a doubling: with thresholds above this all is known.
    public var packetsBeyond: UInt16 = 0
    public var bitsBeyond: UInt16 = 0

    /// How many peaks of each unit are kept of an hour.
    public static let kept = 8

    public init(subject: PeakSubject, hour: Int64) {
        self.subject = subject
        self.hour = hour
    }

    /// The units of which there are peaks.
    public static let units: [TrafficUnit] = [.packets, .bits]

    public func peaks(_ unit: TrafficUnit) -> [TrafficPeak] { unit == .bits ? bits : packets }

    /// Per second: with thresholds above this all is known.
    public func beyond(_ unit: TrafficUnit) -> Double {
        BaselineLevel(rawValue: unit == .bits ? bitsBeyond : packetsBeyond).rate
    }

    /// When it began.
    public var start: Timestamp {
        Timestamp(nanoseconds: hour.multipliedReportingOverflow(by: 3_600_000_000_000).partialValue)
    }

    /// The hour that a time lies in.
    public static func hour(of time: Timestamp) -> Int64 { time.nanoseconds / 3_600_000_000_000 }
}
