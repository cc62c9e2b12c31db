public import Detection
internal import Foundation
internal import GRDB
public import Mitigation

/// Which attacks asked for which rules, in a table of its own: to look through a hundred thousand rules would take so long
/// that orders had to wait.
extension Store {
    /// Makes the table, and fills it from the rules of a store that had none.
    static func registerAsked(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("asked") { database in
            try database.execute(
                sql: """
                    CREATE TABLE asked (attack INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (attack, entry))
                        WITHOUT ROWID;
                    CREATE INDEX asked_entry ON asked (entry);
                    INSERT OR IGNORE INTO asked (attack, entry)
                        SELECT CAST(substr(requester.value, 8) AS INTEGER), stored.id
                        FROM (SELECT id, CAST(body AS TEXT) AS body FROM entry
                            WHERE json_valid(CAST(body AS TEXT))) AS stored,
                            json_each(stored.body, '$.requesters') AS requester
                        WHERE requester.value GLOB 'attack [0-9]*'
                            AND substr(requester.value, 8) NOT GLOB '*[^0-9]*';
                    """
            )
        }
    }

    static func writeAsked(_ entry: LedgerEntry, to database: Database) throws {
        for case .attack(let attack) in entry.requesters {
            try database.run(
                "INSERT OR IGNORE INTO asked (attack, entry) VALUES (?, ?)",
                [.number(attack.rawValue), .number(entry.id.rawValue)]
            )
        }
    }

    /// The rules that an attack asked for or that came of it, in the order of their numbers, however long ago.
    ///
    /// - Parameter limit: of more than so many the latest.
    /// - Returns: these, and how many there are.
    public func entries(of attack: Attack.ID, limit: Int) throws(Failure) -> (entries: [LedgerEntry], total: Int) {
        let number = Int64(bitPattern: attack.rawValue)
        return try read { database in
            let numbers = try Int64.fetchAll(
                database,
                sql: """
                    SELECT id FROM entry
                    WHERE id IN (SELECT entry FROM asked WHERE attack = ?
                        UNION SELECT entry FROM event WHERE attack = ? AND entry IS NOT NULL)
                    ORDER BY id
                    """,
                arguments: [number, number]
            )
            let bodies = try numbers.suffix(limit).compactMap { number in
                try Data.fetchOne(database, sql: "SELECT body FROM entry WHERE id = ?", arguments: [number])
            }
            return (try bodies.map { try StoredEntry.decode($0).entry() }, numbers.count)
        }
    }
}
