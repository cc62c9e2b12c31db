import Detection
import Foundation
import GRDB
import NetworkTypes
import Testing

@testable import Store

/// What was highest in an hour, over a restart.
struct PeakRowTests {
    private func store() throws -> (Store, folder: URL) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "floodgate-store-\(UUID().uuidString)")
        return (try Store(path: folder.appending(path: "floodgate.db").path()), folder)
    }

    private func hour(_ number: Int64, _ subject: PeakSubject) throws -> PeakHour {
        var hour = PeakHour(subject: subject, hour: number)
        hour.minutes = 60
        let packets = try ["198.51.100.5", "2001:db8::/48"].map {
            TrafficPeak(member: try #require(IPPrefix($0)), level: 4000, minute: 59, minutes: 60)
        }
        let bits = [TrafficPeak(member: try #require(IPPrefix("0.0.0.0/0")), level: .max, minute: 0, minutes: 1)]
        hour[PeakAspect(.incoming, .total, .packets)] = PeakSeries(peaks: packets, beyond: 2300)
        hour[PeakAspect(.incoming, .total, .bits)] = PeakSeries(peaks: bits, beyond: 65_000)
        hour[PeakAspect(.incoming, .udp, .packets)] = PeakSeries(peaks: packets.reversed() + bits, beyond: 1)
        hour[PeakAspect(.outgoing, .fragments, .flows)] = PeakSeries(peaks: [], beyond: 7)
        return hour
    }

    /// All that can be of an hour, each member another.
    private func fullHour(_ number: Int64) -> PeakHour {
        var hour = PeakHour(subject: .hosts(group: nil), hour: number)
        for aspect in PeakAspect.all {
            let peaks = (0..<aspect.kept).map { place in
                let address = IPAddress(high: 1 << 61, low: UInt64(aspect.index * 100 + place))
                return TrafficPeak(member: IPPrefix(host: address), level: 4000, minute: 1, minutes: 2)
            }
            hour[aspect] = PeakSeries(peaks: peaks, beyond: UInt16(aspect.index))
        }
        return hour
    }

    @Test func hoursComeBackAsTheyWereAndTheLastFormCounts() throws {
        let (store, folder) = try store()
        defer { try? FileManager.default.removeItem(at: folder) }
        let subjects: [PeakSubject] = [
            .group("a b"), .hosts(group: nil), .hosts(group: "web"), .networks(group: nil), .networks(group: " x"),
        ]
        let hours = try subjects.map { try hour(500, $0) }
        var early = try hour(500, .hosts(group: "web"))
        early[PeakAspect(.incoming, .total, .packets)] = nil
        try store.write([early])
        try store.write(hours)
        #expect(Set(try store.peakHours(from: 500)) == Set(hours))
        #expect(try store.peakHours(from: 501).isEmpty)
        // What is more than four weeks goes, the oldest first.
        try store.write(try (1..<Store.rememberedPeakHours).map { try hour(500 + $0, .hosts(group: nil)) })
        #expect(try store.peakHours(from: 0).count == hours.count + Int(Store.rememberedPeakHours) - 1)
        try store.write([hour(500 + Store.rememberedPeakHours, .hosts(group: nil))])
        #expect(try store.peakHours(from: 0).map(\.hour) == Array(501...(500 + Store.rememberedPeakHours)))
    }

    /// A clock that is wrong for ten hours, years ahead or behind, costs the ten oldest at most.
    @Test(arguments: [10_000, 4_000_000] as [Int64]) func aClockThatIsWrongWipesNothing(present: Int64) throws {
        let (store, folder) = try store()
        defer { try? FileManager.default.removeItem(at: folder) }
        let recorded = (0..<Store.rememberedPeakHours).map { 490_000 + $0 }
        try store.write(try recorded.map { try hour($0, .hosts(group: nil)) })
        for number in 0..<10 as Range<Int64> { try store.write([hour(present + number, .hosts(group: nil))]) }
        let left = present > 490_000 ? Array(recorded.dropFirst(10)) : recorded
        #expect(try store.peakHours(from: 400_000, through: 500_000).map(\.hour) == left)
        // The clock is right again.
        let last = try #require(recorded.last)
        for number in 1...3 as ClosedRange<Int64> { try store.write([hour(last + number, .hosts(group: nil))]) }
        let now = Array((recorded + (1...3).map { last + $0 }).suffix(left.count == recorded.count ? 672 : 665))
        #expect(try store.peakHours(from: 400_000, through: 500_000).map(\.hour) == now)
        let all = try store.peakHours(from: 0).count
        #expect(all <= 2 * Int(Store.rememberedPeakHours), "and what is kept stays bounded")
    }

    @Test func whatIsDamagedIsLeftOut() throws {
        let (store, folder) = try store()
        defer { try? FileManager.default.removeItem(at: folder) }
        try store.write([hour(500, .hosts(group: nil))])
        let body = try store.database.read { try Data.fetchOne($0, sql: "SELECT body FROM peak") } ?? Data()
        #expect(!body.isEmpty)
        try store.database.write { database in
            for length in 0..<body.count {
                try database.execute(
                    sql: "INSERT INTO peak (hour, subject, body) VALUES (?, 'hosts', ?)",
                    arguments: [1000 + length, body.prefix(length)]
                )
            }
            for values in ["501, 'guests', x'01'", "502, 'group', x'01'", "'x', 'hosts', 'text'"] {
                try database.execute(sql: "INSERT INTO peak (hour, subject, body) VALUES (\(values))")
            }
        }
        #expect(try store.peakHours(from: 0) == [hour(500, .hosts(group: nil))])
    }

    @Test func aFullHourComesBackAndIsBounded() throws {
        let (store, folder) = try store()
        defer { try? FileManager.default.removeItem(at: folder) }
        let hour = fullHour(500)
        try store.write([hour])
        #expect(try store.peakHours(from: 0) == [hour])
        let size = try store.database.read { try Int.fetchOne($0, sql: "SELECT length(body) FROM peak") } ?? 0
        #expect(size > 3000 && size <= 4500, "\(size)")
    }

    /// An hour as versions wrote it that recorded packets and bits of all incoming traffic only.
    @Test func anHourOfAnEarlierVersionIsReadAndOfTheRestNothingIsKnown() throws {
        let (store, folder) = try store()
        defer { try? FileManager.default.removeItem(at: folder) }
        let body: [UInt8] =
            [1, 60, 0x08, 0xFC, 0xFD, 0xE8]
            + [2, 4, 198, 51, 100, 5, 32, 0x0F, 0xA0, 59, 60]
            + [16, 0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 12) + [48, 0x0F, 0xA0, 59, 60]
            + [1, 4, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 1]
        try store.database.write { database in
            for length in [body.count, body.count - 1] {
                try database.execute(
                    sql: "INSERT INTO peak (hour, subject, body) VALUES (?, 'hosts web', ?)",
                    arguments: [600 - (body.count - length), Data(body.prefix(length))]
                )
            }
        }
        var expected = try hour(600, .hosts(group: "web"))
        expected[PeakAspect(.incoming, .udp, .packets)] = nil
        expected[PeakAspect(.outgoing, .fragments, .flows)] = nil
        #expect(try store.peakHours(from: 0) == [expected])
    }
}
