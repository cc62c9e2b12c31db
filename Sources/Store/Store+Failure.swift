internal import GRDB
internal import GRDBSQLite

/// What SQLite says does not tell why, and what the operating system said is lost in it.
extension Store {
    /// What failed, with the operating system's reason where it gave one.
    func failure(_ error: any Error) -> Failure {
        guard let error = error as? DatabaseError else { return Failure(path: path, reason: "\(error)") }
        var code: Int32 = 0
        if error.resultCode == .SQLITE_IOERR || error.resultCode == .SQLITE_CANTOPEN {
            code = database.unsafeRead { database in
                // The connection is open for as long as the closure has it.
                unsafe database.sqliteConnection.map { unsafe Self.systemError(of: $0) } ?? 0
            }
        }
        return Failure(path: path, reason: Self.words(error, system: code == 0 ? nil : StoreFile.text(of: code)))
    }

    /// The error number that the operating system gave last. What fails at a commit stands with the file that was written
    /// to and nowhere else: that is the log as a rule.
    private static func systemError(of connection: SQLiteConnection) -> Int32 {
        var code: Int32 = 0
        // SQLite hands out its own file, which lives as long as the connection; one that is not open has no methods.
        var log: UnsafeMutablePointer<sqlite3_file>?
        _ = unsafe sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log)
        if let log = unsafe log, let methods = unsafe log.pointee.pMethods {
            _ = unsafe methods.pointee.xFileControl?(log, SQLITE_FCNTL_LAST_ERRNO, &code)
        }
        if code == 0 { _ = unsafe sqlite3_file_control(connection, "main", SQLITE_FCNTL_LAST_ERRNO, &code) }
        if code == 0 { code = unsafe sqlite3_system_errno(connection) }
        return code
    }

    /// `disk I/O error: No space left on device (SQLite error 778, in COMMIT TRANSACTION)`
    static func words(_ error: DatabaseError, system: String?) -> String {
        let message = error.message ?? "\(error.extendedResultCode)"
        let place = error.sql.map { ", in \(beginning(of: $0))" } ?? ""
        return message + (system.map { ": \($0)" } ?? "")
            + " (SQLite error \(error.extendedResultCode.rawValue)\(place))"
    }

    /// `INSERT OR REPLACE INTO entry`: what is done to which table is enough to know.
    private static func beginning(of sql: String) -> String {
        sql.prefix { $0 != "(" }.split(whereSeparator: \.isWhitespace).prefix(6).joined(separator: " ")
    }
}
