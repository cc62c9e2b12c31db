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

    /// The form, the minutes, what lies beyond, and of packets and bits how many peaks there are and these.
    private static func encode(_ hour: PeakHour) -> [UInt8] {
        var octets: [UInt8] = [1, hour.minutes]
        func append(_ number: UInt16) { octets += [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }
        append(hour.packetsBeyond)
        append(hour.bitsBeyond)
        for peaks in [hour.packets.prefix(PeakHour.kept), hour.bits.prefix(PeakHour.kept)] {
            octets.append(UInt8(peaks.count))
            for peak in peaks {
                let address = peak.member.address.bytes
                octets += [UInt8(address.count)] + address + [UInt8(peak.member.length)]
                append(peak.level)
                octets += [peak.minute, peak.minutes]
            }
        }
        return octets
    }

    private static func decode(_ octets: [UInt8], hour: Int64, subject: PeakSubject) -> PeakHour? {
        var rest = octets[...]
        func number() -> UInt16? {
            guard let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
            return UInt16(high) << 8 | UInt16(low)
        }
        func peak() -> TrafficPeak? {
            guard let width = rest.popFirst(), rest.count >= width else { return nil }
            let address = IPAddress(bytes: rest.prefix(Int(width)))
            rest = rest.dropFirst(Int(width))
            guard let address, let length = rest.popFirst(), let level = number(), let minute = rest.popFirst(),
                let minutes = rest.popFirst(), let member = IPPrefix(address, length: Int(length))
            else { return nil }
            return TrafficPeak(member: member, level: level, minute: min(minute, 59), minutes: min(minutes, 60))
        }
        func peaks() -> [TrafficPeak]? {
            guard let count = rest.popFirst(), count <= PeakHour.kept else { return nil }
            let all = (0..<count).compactMap { _ in peak() }
            return all.count == count ? all : nil
        }
        var result = PeakHour(subject: subject, hour: hour)
        guard rest.popFirst() == 1, let minutes = rest.popFirst(), let packetsBeyond = number(),
            let bitsBeyond = number(), let packets = peaks(), let bits = peaks(), (0...10_000_000).contains(hour)
        else { return nil }
        result.minutes = min(minutes, 60)
        (result.packetsBeyond, result.bitsBeyond) = (packetsBeyond, bitsBeyond)
        (result.packets, result.bits) = (packets, bits)
        return result
    }
}
