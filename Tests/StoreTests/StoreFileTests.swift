import Detection
import Foundation
import GRDB
import NetworkTypes
import Testing

@testable import Store

/// Who may read the store, and what is said when it cannot be read or written.
@Suite(.serialized)
struct StoreFileTests {
    private static let change = [Store.Change.event(.init(time: Timestamp(seconds: 1), text: "something"))]

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-store-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try body(folder)
    }

    private func modes(_ path: String) throws -> [Int] {
        try ["", "-wal", "-shm"].map { path + $0 }.filter { FileManager.default.fileExists(atPath: $0) }.map { path in
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
        }
    }

    private func set(_ mode: Int, of path: String) throws {
        for path in [path, path + "-wal", path + "-shm"] where FileManager.default.fileExists(atPath: path) {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
    }

    @Test func nobodyElseMayReadIt() throws {
        try withFolder { folder in
            let path = folder.appending(path: "floodgate.db").path()
            let store = try Store(path: path)
            try store.write(Self.change)
            #expect(try modes(path) == [0o600, 0o600, 0o600])
            // What a former release left, with the files of a daemon that was killed.
            try set(0o644, of: path)
            let second = try Store(path: path)
            #expect(try modes(path) == [0o600, 0o600, 0o600])
            // Somebody has opened it to a group, and to that only.
            try set(0o660, of: path)
            let third = try Store(path: path)
            #expect(try modes(path) == [0o640, 0o640, 0o640])
            #expect(try second.events(limit: 5).count == 1 && third.events(limit: 5).count == 1)
        }
    }

    @Test func whatCannotBeOpenedSaysWhyAndWhere() throws {
        try withFolder { folder in
            let failure = #expect(throws: Store.Failure.self) { _ = try Store(path: folder.path()) }
            let said = failure?.description ?? ""
            #expect(said.contains(folder.path()) && said.contains("Is a directory"), "\(said)")
            let file = folder.appending(path: "file")
            try Data("no database".utf8).write(to: file)
            let beneath = #expect(throws: Store.Failure.self) {
                _ = try Store(path: file.appending(path: "floodgate.db").path())
            }
            let why = beneath?.description ?? ""
            #expect(why.contains("the folder cannot be made: ") && why.contains("/file"), "\(why)")
            let other = #expect(throws: Store.Failure.self) { _ = try Store(path: file.path()) }
            #expect(other?.description.contains("file is not a database (SQLite error 26") == true, "\(other as Any)")
        }
    }

    #if os(Linux)
    /// The file that SQLite writes to becomes one that cannot be written.
    @Test func whatCannotBeWrittenSaysWhyAndWhere() throws {
        try withFolder { folder in
            let path = folder.appending(path: "floodgate.db").path()
            let store = try Store(path: path)
            try store.write(Self.change)
            let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                Int32($0)
            }
            let log = try #require(
                descriptors.first {
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path + "-wal"
                }
            )
            let unwritable = unsafe open(path + "-wal", O_RDONLY | O_CLOEXEC)
            #expect(dup2(unwritable, log) == log)
            close(unwritable)
            let failure = #expect(throws: Store.Failure.self) { try store.write(Self.change) }
            let said = failure?.description ?? ""
            #expect(said.hasPrefix("store \(path): disk I/O error: Bad file descriptor (SQLite error"), "\(said)")
        }
    }
    #endif

    /// Whoever reads it at night needs no list of columns.
    @Test func aFailureSaysWhatWasDoneToWhichTable() {
        let error = DatabaseError(
            resultCode: .SQLITE_FULL,
            message: "database or disk is full",
            sql: "INSERT OR REPLACE INTO entry\n    (id, body) VALUES (?, ?)"
        )
        #expect(
            Store.words(error, system: "No space left on device")
                == "database or disk is full: No space left on device (SQLite error 13, in INSERT OR REPLACE INTO entry)"
        )
    }
}
