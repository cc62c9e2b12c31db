internal import Foundation
internal import GRDB
public import NetworkTypes

/// What is normal for hosts, networks and groups, so that a restart does not have to learn it again.
extension Store {
    /// One of them as it stands on disk.
    public struct BaselineRow: Sendable, Hashable {
        /// `host 198.51.100.5`, `network 198.51.100.0/24` or `group web`.
        public var subject: String
        public var minutes: UInt32
        public var levels: [UInt16]

        public init(subject: String, minutes: UInt32, levels: [UInt16]) {
            self.subject = subject
            self.minutes = minutes
            self.levels = levels
        }
    }

    /// As many as a detector keeps; of more those that were written last stay.
    static let rememberedBaselines = 20_000

    public func write(_ rows: [BaselineRow], at time: Timestamp) throws(Failure) {
        guard !rows.isEmpty else { return }
        do {
            try database.write { database in
                for row in rows {
                    let levels = row.levels.flatMap {
                        [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
                    }
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO baseline (subject, time, minutes, levels) VALUES (?, ?, ?, ?)",
                        arguments: [row.subject, time.nanoseconds, Int64(row.minutes), Data(levels)]
                    )
                }
                let surplus = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM baseline") ?? 0
                guard surplus > Self.rememberedBaselines else { return }
                // In the order in which they were written, which needs no clock.
                try database.execute(
                    sql: "DELETE FROM baseline WHERE rowid IN (SELECT rowid FROM baseline ORDER BY rowid LIMIT ?)",
                    arguments: [surplus - Self.rememberedBaselines]
                )
            }
        } catch {
            throw failure(error)
        }
    }

    /// All that is kept, in the order of their subjects. Of a damaged row the levels are as they stand: whoever takes
    /// them finds that they are none.
    public func baselines() throws(Failure) -> [BaselineRow] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT subject, minutes, levels FROM baseline ORDER BY subject").compactMap
            {
                row in
                // Whatever is in a row, reading it must not trap.
                guard let subject = String.fromDatabaseValue(row["subject"]),
                    let minutes = Int64.fromDatabaseValue(row["minutes"]),
                    let octets = Data.fromDatabaseValue(row["levels"])
                else { return BaselineRow(subject: "", minutes: 0, levels: []) }
                let bytes = [UInt8](octets)
                let levels = stride(from: 0, to: bytes.count - bytes.count % 2, by: 2).map {
                    UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
                }
                return BaselineRow(subject: subject, minutes: UInt32(clamping: minutes), levels: levels)
            }
        }
    }
}
