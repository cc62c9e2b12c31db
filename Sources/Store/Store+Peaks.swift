public import Detection
internal import Foundation
internal import GRDB
public import NetworkTypes

/// What was highest in the past hours, so that thresholds can be held against it.
extension Store {
    /// So many hours are remembered: as a rule 28 days.
    public static let rememberedPeakHours: Int64 = 28 * 24

    /// Writes hours; of one that is there already the later form counts. More hours than are remembered push out the oldest.
    public func write(_ hours: [PeakHour]) throws(Failure) {
        guard let latest = hours.map(\.hour).max() else { return }
        do {
            try database.write { database in
                for hour in hours {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO peak (hour, subject, body) VALUES (?, ?, ?)",
                        arguments: [hour.hour, Self.text(hour.subject), Data(Self.encode(hour))]
                    )
                }
                try Self.forgetHours(around: latest, in: database)
            }
        } catch {
            throw failure(error)
        }
    }

    /// By a clock that is wrong for a moment the present lies anywhere. So hours are counted, whatever their age: each that
    /// is written costs the oldest one at most, and those beyond the present cost none of the past.
    private static func forgetHours(around present: Int64, in database: Database) throws {
        let sides = [("<=", "<", "max", present), (">", ">", "min", present)]
        for (side, beyond, nearest, present) in sides {
            let surplus = try Int64.fetchOne(
                database,
                sql: """
                    WITH RECURSIVE kept (hour, number) AS (
                        SELECT \(nearest)(hour), 0 FROM peak WHERE hour \(side) ?
                        UNION ALL
                        SELECT (SELECT \(nearest)(hour) FROM peak WHERE hour \(beyond) kept.hour), number + 1 FROM kept
                        WHERE kept.hour IS NOT NULL AND number < ?)
                    SELECT hour FROM kept WHERE number = ?
                    """,
                arguments: [present, rememberedPeakHours, rememberedPeakHours]
            )
            guard let surplus else { continue }
            try database.execute(sql: "DELETE FROM peak WHERE hour \(beyond)= ?", arguments: [surplus])
        }
    }

    /// All hours from one to another, in their order. A damaged row is left out.
    public func peakHours(from hour: Int64, through last: Int64 = .max) throws(Failure) -> [PeakHour] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT hour, subject, body FROM peak WHERE hour BETWEEN ? AND ? ORDER BY hour, subject",
                arguments: [hour, last]
            ).compactMap { row in
                // Whatever is in a row, reading it must not trap.
                guard let hour = Int64.fromDatabaseValue(row["hour"]),
                    let subject = String.fromDatabaseValue(row["subject"]).flatMap(Self.subject),
                    let body = Data.fromDatabaseValue(row["body"])
                else { return nil }
                return Self.decode([UInt8](body), hour: hour, subject: subject)
            }
        }
    }

    /// Attacks that began at a time or later, or are under way, in the order of their numbers; of more than `limit` the
    /// latest.
    public func attacks(since time: Timestamp, limit: Int) throws(Failure) -> [Attack] {
        try attacks(limit: limit).filter { $0.ended.map { $0 >= time } ?? true }.reversed()
    }

    // MARK: As it stands on disk

    private static func text(_ subject: PeakSubject) -> String {
        switch subject {
        case .hosts(let group): group.map { "hosts \($0)" } ?? "hosts"
        case .networks(let group): group.map { "networks \($0)" } ?? "networks"
        case .group(let name): "group \(name)"
        }
    }

    private static func subject(_ text: String) -> PeakSubject? {
        let kind = text.prefix { $0 != " " }
        let name = kind.count < text.count ? String(text.dropFirst(kind.count + 1)) : nil
        switch kind {
        case "hosts": return .hosts(group: name)
        case "networks": return .networks(group: name)
        case "group": return name.map { .group($0) }
        default: return nil
        }
    }

    /// The form, the minutes, the members, and of each aspect that is known its place in the list of all, what lies beyond,
    /// and its peaks with the places of their members. Most members have several.
    private static func encode(_ hour: PeakHour) -> [UInt8] {
        var members: [IPPrefix] = []
        var places: [IPPrefix: UInt8] = [:]
        var aspects: [UInt8] = []
        var count: UInt8 = 0
        func append(_ number: UInt16, to octets: inout [UInt8]) {
            octets += [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
        }
        for (index, aspect) in PeakAspect.all.enumerated() {
            guard let series = hour[aspect] else { continue }
            let peaks = series.peaks.prefix(aspect.kept)
            count += 1
            aspects.append(UInt8(index))
            append(series.beyond, to: &aspects)
            aspects.append(UInt8(peaks.count))
            for peak in peaks {
                // At most 4 or 8 of each of the 36 aspects: a place is an octet.
                let place = places[peak.member] ?? UInt8(clamping: members.count)
                if places.updateValue(place, forKey: peak.member) == nil { members.append(peak.member) }
                aspects.append(place)
                append(peak.level, to: &aspects)
                aspects += [peak.minute, peak.minutes]
            }
        }
        var octets: [UInt8] = [2, hour.minutes, UInt8(clamping: members.count), count]
        for member in members {
            octets += [UInt8(member.address.bytes.count)] + member.address.bytes + [UInt8(member.length)]
        }
        return octets + aspects
    }

    private static func decode(_ octets: [UInt8], hour: Int64, subject: PeakSubject) -> PeakHour? {
        guard (0...10_000_000).contains(hour) else { return nil }
        var reader = PeakReader(octets)
        var result = PeakHour(subject: subject, hour: hour)
        let isWhole =
            switch reader.octet() {
            case 1: reader.readTotals(into: &result)
            case 2: reader.readAspects(into: &result)
            default: false
            }
        return isWhole ? result : nil
    }
}
