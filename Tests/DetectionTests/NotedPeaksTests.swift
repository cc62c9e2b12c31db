import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

@testable import Detection

/// What spares the look at what hosts had before changes nothing of what is recorded.
struct NotedPeaksTests {
    private func host(_ number: UInt64) -> IPAddress { IPAddress(198, 51, 100, UInt8(truncatingIfNeeded: number)) }

    private func bench() -> Bench {
        var thresholds = limits(1_000_000)
        thresholds[.udp, .packets] = 1_000_000
        return Bench(thresholds: thresholds)
    }

    /// Traffic of many hosts that rises and falls, some of it sampled.
    private func hours(forgetting: Bool) -> [PeakHour] {
        var bench = bench()
        var generator = SeededGenerator(seed: 5)
        for tick in 0..<1500 {
            for _ in 0..<12 {
                let number = generator.next() % 40
                var record = sample(to: host(number), rate: generator.next() % 8 == 0 ? 100 : 1, at: bench.now)
                record.packets = 50 + generator.next() % (number * 40 + 1) * UInt64(tick % 300 < 60 ? 3 : 1)
                record.bytes = record.packets * (64 + generator.next() % 1400)
                bench.add(record)
            }
            bench.tick()
            if forgetting { bench.detector.noted.forget() }
        }
        return bench.detector.openPeakHours
    }

    @Test func theRecordIsTheSameAsIfEveryHostWereLookedAtEachTick() throws {
        let (usual, without) = (hours(forgetting: false), hours(forgetting: true))
        #expect(usual == without)
        let hour = try #require(usual.first { $0.subject == .hosts(group: nil) })
        #expect(hour[PeakAspect(.incoming, .total, .packets)]?.peaks.count ?? 0 >= 8)
    }

    @Test func aHostIsLookedAtAgainOnceItHasMore() throws {
        var bench = bench()
        func add(_ packets: UInt64, to host: IPAddress, rate: UInt32 = 1) throws -> TrafficState {
            var record = sample(to: host, rate: rate, at: bench.now)
            (record.packets, record.bytes) = (packets, packets * 100)
            bench.add(record)
            bench.tick()
            let position = try #require(bench.merger.position(of: TrafficKey(host: host, isIncoming: true)))
            return bench.merger.state(at: position)
        }
        var noted = NotedPeaks()
        func raise(_ state: TrafficState, _ minute: Int64) -> Bool { noted.raise(state, at: 7, minute: minute) }
        let first = try add(1000, to: host(1))
        #expect(raise(first, 3))
        #expect(!raise(first, 3))
        #expect(raise(first, 4), "of each minute what was highest is recorded")
        let more = try add(1, to: host(1))
        #expect(raise(more, 4))
        #expect(!raise(first, 4), "it had more")
        #expect(raise(try add(1, to: host(2)), 4), "another has taken its place")
        #expect(raise(more, 4))
        #expect(raise(try add(1, to: host(1), rate: 10), 4), "what few samples say is worth less")
        noted.forget()
        #expect(raise(first, 4))
    }

    @Test func whatCannotBeToldIsNotLookedAtAnyMoreWithinTheHour() throws {
        // No threshold is set for UDP: its late flows are put into no seconds.
        var bench = Bench(thresholds: limits(1_000_000)) { traffic, _ in traffic.tick = .seconds(1) }
        for _ in 0..<20 {
            var record = sample(to: host(1), rate: 1, at: bench.now)
            (record.packets, record.bytes) = (600, 600 * 100)
            bench.add(record)
            var late = flow(packets: 600, seconds: 10, endingAt: bench.now)
            late.destination = host(1)
            bench.add(late)
            bench.tick()
        }
        // All traffic is told of as before, and so the host is looked at for that.
        let notice = try #require(bench.merger.notices.first)
        #expect(notice[.udp].packets > 1 << 40 && notice[.total].packets <= 500)
        #expect(bench.detector.openPeakHours.first?[PeakAspect(.incoming, .udp, .packets)] == nil)
    }
}
