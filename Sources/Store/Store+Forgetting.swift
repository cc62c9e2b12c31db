internal import GRDB

/// What is too old to be remembered. What is in force or under way is never forgotten.
extension Store {
    /// How many attacks and withdrawn entries are remembered each; of events ten times as many.
    static let history = 100_000

    /// Where very many rules are in force, the past ones among them must not be searched row by row: it is looked for
    /// them every few hundred changes.
    static func registerForgetting(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("past entries") { database in
            try database.execute(sql: "CREATE INDEX entry_is_past ON entry (id) WHERE NOT in_force")
        }
    }

    /// Each with one question mark, for how many are kept. What was asked for goes before that of which it is known.
    static let forgettingStatements: [(sql: String, kept: Int)] = [
        (
            """
            DELETE FROM asked WHERE entry IN (SELECT id FROM entry INDEXED BY entry_is_past
                WHERE NOT in_force AND id <= (SELECT max(id) FROM entry) - ?)
            """, history
        ),
        (
            """
            DELETE FROM asked
                WHERE attack <= (SELECT max(id) FROM attack) - ? AND attack NOT IN (SELECT id FROM attack)
            """, history
        ),
        (
            """
            DELETE FROM entry INDEXED BY entry_is_past
                WHERE NOT in_force AND id <= (SELECT max(id) FROM entry) - ?
            """, history
        ),
        ("DELETE FROM attack WHERE NOT is_open AND id <= (SELECT max(id) FROM attack) - ?", history),
        ("DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", 10 * history),
    ]

    static func forgetOldest(in database: Database) throws {
        for statement in forgettingStatements { try database.run(statement.sql, [.integer(Int64(statement.kept))]) }
    }
}
