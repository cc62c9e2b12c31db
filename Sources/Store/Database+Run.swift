internal import GRDB
internal import GRDBSQLite

/// What stands in one column of a row.
enum ColumnValue {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    /// Numbers of attacks and rules, of which SQLite has no unsigned ones.
    static func number(_ value: UInt64?) -> ColumnValue {
        value.map { .integer(Int64(bitPattern: $0)) } ?? .null
    }

    static func integer(_ value: Int64?) -> ColumnValue { value.map { .integer($0) } ?? .null }

    static func flag(_ value: Bool) -> ColumnValue { .integer(value ? 1 : 0) }
}

extension Database {
    /// Runs a statement that is prepared once and kept.
    ///
    /// Values go to SQLite by its own calls. GRDB's way to bind and run takes longer than the rest of the write, and no rule
    /// is announced before it is written. It has no observers here whom it would have to tell.
    ///
    /// - Parameter values: as many as there are question marks.
    func run(_ sql: String, _ values: [ColumnValue] = []) throws {
        let statement = try cachedStatement(sql: sql)
        // The statement lives to the end of this function, and with it what the pointer means.
        defer { withExtendedLifetime(statement) {} }
        let handle = unsafe statement.sqliteStatement
        // Without it the next run would be a misuse. What it returns is the error of the run itself, which is thrown below.
        defer { _ = unsafe sqlite3_reset(handle) }
        for (index, value) in values.enumerated() {
            try check(unsafe Self.bind(value, to: handle, at: Int32(clamping: index + 1)), SQLITE_OK, sql)
        }
        var code = SQLITE_ROW
        while code == SQLITE_ROW { code = unsafe sqlite3_step(handle) }
        try check(code, SQLITE_DONE, sql)
    }

    private func check(_ code: Int32, _ expected: Int32, _ sql: String) throws {
        guard code != expected else { return }
        let message = unsafe sqliteConnection.flatMap { unsafe sqlite3_errmsg($0) }.map { unsafe String(cString: $0) }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: sql)
    }

    private static func bind(_ value: ColumnValue, to statement: SQLiteStatement, at index: Int32) -> Int32 {
        // SQLite's name for "make a copy" is a destructor of this address, which is never called.
        let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: return unsafe sqlite3_bind_null(statement, index)
        case .integer(let value): return unsafe sqlite3_bind_int64(statement, index, value)
        case .text(var value):
            return value.withUTF8 { octets in
                unsafe octets.withMemoryRebound(to: CChar.self) { octets in
                    unsafe sqlite3_bind_text(
                        statement,
                        index,
                        octets.baseAddress,
                        Int32(clamping: octets.count),
                        copied
                    )
                }
            }
        case .blob(let value):
            return unsafe value.withUnsafeBytes { octets in
                unsafe sqlite3_bind_blob(statement, index, octets.baseAddress, Int32(clamping: octets.count), copied)
            }
        }
    }
}
