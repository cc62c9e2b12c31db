internal import Detection
internal import GRDB
internal import Mitigation
internal import NetworkTypes

/// Where attacks stand on the ladder, so that a restart makes none of them start over.
extension Store {
    static func write(_ climb: Climb, of attack: Attack.ID, to database: Database) throws {
        try database.run(
            "INSERT OR REPLACE INTO climb (attack, step, since, taken, relapses, last_left) VALUES (?, ?, ?, ?, ?, ?)",
            [
                .number(attack.rawValue), .integer(Int64(climb.step)), .integer(climb.since.nanoseconds),
                .integer(Int64(climb.taken)), .integer(Int64(climb.relapses)),
                .integer(climb.lastLeft.map { Int64($0) }),
            ]
        )
    }

    /// Those of attacks under way. Of a damaged row is known what is known where there is none.
    static func climbs(in database: Database) throws -> [Attack.ID: Climb] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT attack, step, since, taken, relapses, last_left FROM climb
                WHERE attack IN (SELECT id FROM attack WHERE is_open)
                """
        )
        let read = rows.compactMap { row -> (Attack.ID, Climb)? in
            // Whatever is in a row, reading it must not trap.
            guard let attack = Int64.fromDatabaseValue(row["attack"]), let step = Int64.fromDatabaseValue(row["step"]),
                let since = Int64.fromDatabaseValue(row["since"]), let taken = Int64.fromDatabaseValue(row["taken"]),
                let relapses = Int64.fromDatabaseValue(row["relapses"])
            else { return nil }
            let climb = Climb(
                step: Int(clamping: step),
                since: Timestamp(nanoseconds: since),
                taken: UInt32(truncatingIfNeeded: taken),
                relapses: Int(clamping: relapses),
                lastLeft: Int64.fromDatabaseValue(row["last_left"]).map { Int(clamping: $0) }
            )
            return (Attack.ID(rawValue: UInt64(bitPattern: attack)), climb)
        }
        return Dictionary(read, uniquingKeysWith: { first, _ in first })
    }
}
