// Store: what must outlast the process. The ledger, attacks and what happened to them, in one SQLite file. Written
// before anything is announced; read at the start and by those who ask for history.

public import Detection
internal import Foundation
internal import GRDB
public import Mitigation
public import NetworkTypes
internal import Synchronization

/// The daemon's memory on disk. All changes of one `write` are on disk when it returns, or none is.
public final class Store: Sendable {
    let database: DatabaseQueue

    /// Why the store is of no use.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public var path: String
        public var reason: String
        public var description: String { "store \(path): \(reason)" }
    }

    /// Something that happened, in a sentence.
    public struct Event: Sendable, Hashable {
        public var time: Timestamp
        public var attack: Attack.ID?
        public var entry: LedgerEntry.ID?
        public var text: String

        public init(time: Timestamp, attack: Attack.ID? = nil, entry: LedgerEntry.ID? = nil, text: String) {
            self.time = time
            self.attack = attack
            self.entry = entry
            self.text = text
        }
    }

    /// One thing to write.
    public enum Change: Sendable {
        case entry(LedgerEntry)
        case attack(Attack)
        case event(Event)
        /// An operator wants no more rules against the attack.
        case overruled(Attack.ID)
        /// Where the attack stands on the ladder.
        case climb(Attack.ID, Climb)
    }

    /// What a former daemon left.
    public struct Remains: Sendable {
        /// Entries in force.
        public var entries: [LedgerEntry] = []
        /// Attacks under way.
        public var attacks: [Attack] = []
        /// Those of them against which an operator wants no more rules.
        public var overruled: Set<Attack.ID> = []
        /// Where they stand on the ladder, as far as that is known.
        public var climbs: [Attack.ID: Climb] = [:]
        public var highestAttack = Attack.ID(rawValue: 0)
        public var highestEntry = LedgerEntry.ID(rawValue: 0)
    }

    /// So many changes may be written before it is looked what is too old.
    private static let changesBetweenLooks = 256

    let path: String
    /// Changes until it is next looked what is too old.
    private let changesLeft = Mutex(0)

    /// Opens the file, or makes it with its folder. `:memory:` keeps all in memory, for replays and tests.
    public init(path: String) throws(Failure) {
        self.path = path
        do {
            var configuration = GRDB.Configuration()
            configuration.prepareDatabase { database in
                // What was written must survive the machine, not just the process.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.execute(sql: "PRAGMA busy_timeout = 2000")
            }
            if path == ":memory:" {
                database = try DatabaseQueue(configuration: configuration)
            } else {
                try StoreFile.prepare(path)
                database = try DatabaseQueue(path: path, configuration: configuration)
                try database.writeWithoutTransaction { database in
                    try database.execute(sql: "PRAGMA journal_mode = WAL")
                }
            }
            try Self.migrator.migrate(database)
        } catch let failure as Failure {
            throw failure
        } catch let error as DatabaseError {
            throw Failure(path: path, reason: Self.words(error, system: StoreFile.reasonNotToOpen(path)))
        } catch {
            throw Failure(path: path, reason: "\(error)")
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: ledger, attacks, events") { database in
            try database.execute(
                sql: """
                    CREATE TABLE entry (id INTEGER PRIMARY KEY, in_force INTEGER NOT NULL, target TEXT NOT NULL,
                        body BLOB NOT NULL);
                    CREATE INDEX entry_in_force ON entry (in_force) WHERE in_force;
                    CREATE TABLE attack (id INTEGER PRIMARY KEY, is_open INTEGER NOT NULL, target TEXT NOT NULL,
                        body BLOB NOT NULL);
                    CREATE INDEX attack_is_open ON attack (is_open) WHERE is_open;
                    CREATE TABLE event (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, attack INTEGER, entry INTEGER,
                        text TEXT NOT NULL);
                    CREATE INDEX event_attack ON event (attack) WHERE attack IS NOT NULL;
                    CREATE INDEX event_entry ON event (entry) WHERE entry IS NOT NULL;
                    """
            )
        }
        migrator.registerMigration("2: overruled attacks") { database in
            try database.execute(sql: "CREATE TABLE overruled (attack INTEGER PRIMARY KEY)")
        }
        migrator.registerMigration("3: what exporters told") { database in
            try database.execute(
                sql: "CREATE TABLE exporter (address TEXT PRIMARY KEY, time INTEGER NOT NULL, body BLOB NOT NULL)"
            )
        }
        migrator.registerMigration("baselines") { database in
            try database.execute(
                sql: """
                    CREATE TABLE baseline (subject TEXT PRIMARY KEY, time INTEGER NOT NULL, minutes INTEGER NOT NULL,
                        levels BLOB NOT NULL)
                    """
            )
        }
        migrator.registerMigration("peaks") { database in
            try database.execute(
                sql: """
                    CREATE TABLE peak (hour INTEGER NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL,
                        PRIMARY KEY (hour, subject)) WITHOUT ROWID
                    """
            )
        }
        migrator.registerMigration("climbs") { database in
            try database.execute(
                sql: """
                    CREATE TABLE climb (attack INTEGER PRIMARY KEY, step INTEGER NOT NULL, since INTEGER NOT NULL,
                        taken INTEGER NOT NULL, relapses INTEGER NOT NULL, last_left INTEGER)
                    """
            )
        }
        registerAsked(in: &migrator)
        registerForgetting(in: &migrator)
        return migrator
    }

    // MARK: Writing

    /// Writes all changes in one transaction, and returns when they are on disk.
    public func write(_ changes: [Change]) throws(Failure) {
        guard !changes.isEmpty else { return }
        do {
            try database.writeWithoutTransaction { database in
                try database.transact {
                    for change in changes { try Self.write(change, to: database) }
                    if isTimeToForget(after: changes.count) { try Self.forgetOldest(in: database) }
                }
            }
        } catch {
            throw failure(error)
        }
    }

    private static func write(_ change: Change, to database: Database) throws {
        switch change {
        case .entry(let entry):
            let stored = StoredEntry(entry)
            try database.run(
                "INSERT OR REPLACE INTO entry (id, in_force, target, body) VALUES (?, ?, ?, ?)",
                [
                    .number(entry.id.rawValue), .flag(entry.state != .withdrawn), .text(stored.target),
                    .blob(stored.encoded()),
                ]
            )
            try writeAsked(entry, to: database)
        case .attack(let attack):
            try database.run(
                "INSERT OR REPLACE INTO attack (id, is_open, target, body) VALUES (?, ?, ?, ?)",
                [
                    .number(attack.id.rawValue), .flag(attack.ended == nil), .text(attack.target.description),
                    .blob(Array(try StoredAttack(attack).encoded())),
                ]
            )
            guard attack.ended != nil else { return }
            for table in ["overruled", "climb"] {
                try database.run("DELETE FROM \(table) WHERE attack = ?", [.number(attack.id.rawValue)])
            }
        case .overruled(let attack):
            try database.run("INSERT OR IGNORE INTO overruled (attack) VALUES (?)", [.number(attack.rawValue)])
        case .climb(let attack, let climb): try write(climb, of: attack, to: database)
        case .event(let event):
            try database.run(
                "INSERT INTO event (time, attack, entry, text) VALUES (?, ?, ?, ?)",
                [
                    .integer(event.time.nanoseconds), .number(event.attack?.rawValue), .number(event.entry?.rawValue),
                    .text(event.text),
                ]
            )
        }
    }

    private func isTimeToForget(after count: Int) -> Bool {
        changesLeft.withLock { left in
            left -= count
            guard left < 0 else { return false }
            left = Self.changesBetweenLooks
            return true
        }
    }

    // MARK: Reading

    /// What a former daemon left. A row that cannot be read is a failure: a rule must not be forgotten in silence.
    public func load() throws(Failure) -> Remains {
        try read { database in
            var remains = Remains()
            let entries = try Data.fetchAll(database, sql: "SELECT body FROM entry WHERE in_force ORDER BY id")
            remains.entries = try entries.map { try StoredEntry.decode($0).entry() }
            let attacks = try Data.fetchAll(database, sql: "SELECT body FROM attack WHERE is_open ORDER BY id")
            remains.attacks = try attacks.map { try StoredAttack.decode($0).attack() }
            remains.overruled = Set(
                try Int64.fetchAll(database, sql: "SELECT attack FROM overruled")
                    .map { Attack.ID(rawValue: UInt64(bitPattern: $0)) }
            )
            remains.climbs = try Self.climbs(in: database)
            let highestAttack = try Int64.fetchOne(database, sql: "SELECT max(id) FROM attack") ?? 0
            let highestEntry = try Int64.fetchOne(database, sql: "SELECT max(id) FROM entry") ?? 0
            remains.highestAttack = Attack.ID(rawValue: UInt64(bitPattern: highestAttack))
            remains.highestEntry = LedgerEntry.ID(rawValue: UInt64(bitPattern: highestEntry))
            return remains
        }
    }

    /// The last attacks, latest first; those under way included.
    public func attacks(limit: Int) throws(Failure) -> [Attack] {
        try read { database in
            try Data.fetchAll(database, sql: "SELECT body FROM attack ORDER BY id DESC LIMIT ?", arguments: [limit])
                .map { try StoredAttack.decode($0).attack() }
        }
    }

    /// The last rules, latest first; those in force included.
    public func entries(limit: Int) throws(Failure) -> [LedgerEntry] {
        try read { database in
            try Data.fetchAll(database, sql: "SELECT body FROM entry ORDER BY id DESC LIMIT ?", arguments: [limit])
                .map { try StoredEntry.decode($0).entry() }
        }
    }

    public func attack(_ id: Attack.ID) throws(Failure) -> Attack? {
        try read { database in
            try Data.fetchOne(
                database,
                sql: "SELECT body FROM attack WHERE id = ?",
                arguments: [Int64(bitPattern: id.rawValue)]
            ).map { try StoredAttack.decode($0).attack() }
        }
    }

    public func entry(_ id: LedgerEntry.ID) throws(Failure) -> LedgerEntry? {
        try read { database in
            try Data.fetchOne(
                database,
                sql: "SELECT body FROM entry WHERE id = ?",
                arguments: [Int64(bitPattern: id.rawValue)]
            ).map { try StoredEntry.decode($0).entry() }
        }
    }

    /// What happened to an attack and to rules, in order.
    public func events(attack: Attack.ID?, entries: [LedgerEntry.ID]) throws(Failure) -> [Event] {
        try read { database in
            let attackNumber = attack.map { Int64(bitPattern: $0.rawValue) } ?? -1
            let marks = entries.map { _ in "?" }.joined(separator: ", ")
            let numbers = entries.map { Int64(bitPattern: $0.rawValue) }
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT time, attack, entry, text FROM event WHERE attack = ? OR entry IN (\(marks)) ORDER BY id",
                arguments: StatementArguments([attackNumber] + numbers)
            )
            return rows.map(Event.init(row:))
        }
    }

    /// The last things that happened, oldest first.
    public func events(limit: Int) throws(Failure) -> [Event] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT time, attack, entry, text FROM event ORDER BY id DESC LIMIT ?",
                arguments: [limit]
            )
            return rows.reversed().map(Event.init(row:))
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(Failure) -> Value {
        do {
            return try database.read(body)
        } catch {
            throw failure(error)
        }
    }
}

extension Database {
    /// All of it or nothing, as `inTransaction`, which has SQLite read the words anew each time.
    fileprivate func transact(_ body: () throws -> Void) throws {
        try run("BEGIN IMMEDIATE TRANSACTION")
        do {
            try body()
            try run("COMMIT TRANSACTION")
        } catch {
            // After some errors SQLite has taken everything back itself.
            if isInsideTransaction { try? rollback() }
            throw error
        }
    }
}

extension Store.Event {
    fileprivate init(row: Row) {
        self.init(
            time: Timestamp(nanoseconds: row["time"]),
            attack: (row["attack"] as Int64?).map { Attack.ID(rawValue: UInt64(bitPattern: $0)) },
            entry: (row["entry"] as Int64?).map { LedgerEntry.ID(rawValue: UInt64(bitPattern: $0)) },
            text: row["text"]
        )
    }
}
