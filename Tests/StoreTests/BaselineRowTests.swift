import Foundation
import GRDB
import NetworkTypes
import Testing

@testable import Store

/// What was learnt to be normal, over a restart.
struct BaselineRowTests {
    @Test func rowsComeBackAsTheyWereAndTheLastCounts() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-store-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "floodgate.db").path()
        let levels = (0..<336).map { UInt16($0 * 195) }
        let row = Store.BaselineRow(subject: "host 2001:db8::1", minutes: 77, levels: levels)
        do {
            let store = try Store(path: path)
            try store.write([row, .init(subject: "group web", minutes: 1, levels: levels)], at: Timestamp(seconds: 10))
            try store.write([.init(subject: "group web", minutes: .max, levels: [])], at: Timestamp(seconds: 11))
        }
        let kept = try Store(path: path).baselines()
        #expect(kept == [.init(subject: "group web", minutes: .max, levels: []), row])
    }

    @Test func thereAreNoMoreThanADetectorKeeps() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-store-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try Store(path: folder.appending(path: "floodgate.db").path())
        let many = (0..<Store.rememberedBaselines).map { Store.BaselineRow(subject: "\($0)", minutes: 1, levels: [1]) }
        try store.write(many, at: Timestamp(seconds: 10))
        try store.write([.init(subject: "new", minutes: 1, levels: [1])], at: Timestamp(seconds: 11))
        let kept = try store.baselines()
        #expect(kept.count == Store.rememberedBaselines)
        #expect(kept.contains { $0.subject == "new" })
        // The clock was far ahead then, and is right now.
        try store.write([.init(subject: "newer", minutes: 1, levels: [1])], at: Timestamp(seconds: 9))
        let later = try store.baselines()
        #expect(later.count == Store.rememberedBaselines && later.contains { $0.subject == "newer" })
    }

    @Test func aDamagedRowIsReadAsOneThatIsNoUse() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-store-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try Store(path: folder.appending(path: "floodgate.db").path())
        try store.database.write { database in
            for values in ["'a', 1, 'many', x'0102'", "'b', 1, -5, 'text'", "'c', 1, 3, x'010203'"] {
                try database.execute(sql: "INSERT INTO baseline (subject, time, minutes, levels) VALUES (\(values))")
            }
        }
        let kept = try store.baselines()
        #expect(kept.count == 3 && kept.allSatisfy { $0.levels.count < 336 })
    }
}
