import NetworkTypes
import Telemetry
import Testing
import Traffic

@testable import Detection

/// Networks and groups that lie within others count in all of them.
struct NestedWholesTests {
    private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

    private func group(_ name: String, _ prefixes: [String], _ measure: GroupMeasure, _ packets: Double?) throws
        -> DetectionConfiguration.Group
    {
        .init(
            name: name,
            prefixes: try prefixes.map { try prefix($0) },
            measure: measure,
            thresholds: packets.map { limits($0) } ?? Thresholds()
        )
    }

    /// A /24 in a /22, with a threshold for each network.
    private func networks(_ threshold: Double) throws -> Bench {
        let all = try ["198.51.100.0/22", "198.51.100.0/24"].map { try prefix($0) }
        return Bench(thresholds: limits(1e9)) { traffic, detection in
            traffic.networks = all
            detection.networks = all
            detection.networkThresholds = limits(threshold)
        }
    }

    /// So many packets a second, sampled 1:100 in each tick, to a host each of a network's.
    private func flood(_ bench: inout Bench, third: UInt8, packetsPerSecond: Int) {
        for index in 0..<(packetsPerSecond / 1000) {
            let host = IPAddress(198, 51, third, UInt8(truncatingIfNeeded: index % 50))
            bench.add(sample(to: host, rate: 100, at: bench.now))
        }
    }

    private func rate(_ bench: borrowing Bench, _ key: TrafficKey) -> Double {
        bench.merger.position(of: key).map { bench.merger.state(at: $0).counters.sum(.total, .packets) } ?? 0
    }

    @Test func aNetworkWithinAnotherCountsForBothAndOnceForAll() throws {
        var bench = try networks(1e9)
        for _ in 0..<10 {
            flood(&bench, third: 100, packetsPerSecond: 60_000)
            flood(&bench, third: 101, packetsPerSecond: 40_000)
            bench.merger.merge(bench.table)
            bench.table.removeAll()
            bench.merger.advance(to: bench.merger.tick + 1)
        }
        // The window is about to lose the oldest tick of ten.
        #expect(rate(bench, TrafficKey(network: 0, isIncoming: true)) == 90_000)
        #expect(rate(bench, TrafficKey(network: 1, isIncoming: true)) == 54_000)
        #expect(bench.merger.totalRates(.incoming)[.total, .packets] == 90_000)
    }

    @Test func aCarpetOverBothIsAnAttackOnTheOuterOne() throws {
        var bench = try networks(100_000)
        for _ in 0..<20 {
            flood(&bench, third: 100, packetsPerSecond: 80_000)
            flood(&bench, third: 101, packetsPerSecond: 80_000)
            bench.tick()
        }
        #expect(bench.begun.map(\.target) == [.network(try prefix("198.51.100.0/22"))])
        // Of the outer one's samples some are the inner one's.
        let samples = bench.begun.first?.samples ?? []
        let inner = try prefix("198.51.100.0/24")
        #expect(
            samples.contains { inner.contains($0.destination) } && samples.contains { !inner.contains($0.destination) }
        )
    }

    @Test func aCarpetOverTheInnerOneIsNoneOfTheOuter() throws {
        var bench = try networks(100_000)
        for _ in 0..<20 {
            flood(&bench, third: 100, packetsPerSecond: 300_000)
            flood(&bench, third: 101, packetsPerSecond: 20_000)
            bench.tick()
        }
        #expect(bench.begun.map(\.target) == [.network(try prefix("198.51.100.0/24"))])
        for _ in 0..<20 {
            flood(&bench, third: 100, packetsPerSecond: 300_000)
            flood(&bench, third: 101, packetsPerSecond: 200_000)
            bench.tick()
        }
        #expect(bench.begun.map(\.target).last == .network(try prefix("198.51.100.0/22")), "what is left is too much")
    }

    /// A group whose hosts have thresholds of their own, in one that is measured as a whole, and one with prefixes in both.
    @Test func whatAGroupWithinAnotherGetsCountsForBoth() throws {
        let groups = [
            try group("all", ["198.51.100.0/24"], .group, 100_000),
            try group("web", ["198.51.100.0/26", "198.51.100.128/26"], .host, nil),
            try group("shop", ["198.51.100.0/27", "2001:db8:100::/64"], .group, 1e9),
        ]
        var bench = Bench(thresholds: limits(1e9), groups: groups)
        let hosts = [IPAddress(198, 51, 100, 5), IPAddress(198, 51, 100, 40), IPAddress(198, 51, 100, 200)]
        let distant = IPAddress(high: 0x2001_0DB8_0100_0000, low: 1)
        for _ in 0..<20 {
            for host in hosts + [distant] { bench.add(sample(to: host, rate: 100, at: bench.now), times: 40) }
            bench.tick()
        }
        #expect(
            bench.begun.map { "\($0.target)" } == ["\(AttackTarget.group(name: "all", prefixes: groups[0].prefixes))"]
        )
        #expect(Set(bench.begun.first?.samples.map(\.destination) ?? []) == Set(hosts))
        // 40 samples of 100 packets for each host and tick, ten ticks a second; the oldest has left the window.
        #expect(rate(bench, TrafficKey(group: 0, isIncoming: true)) == 108_000)
        #expect(rate(bench, TrafficKey(group: 1, isIncoming: true)) == 72_000)
        #expect(rate(bench, TrafficKey(group: 2, isIncoming: true)) == 72_000)
    }

    /// The same where flows are told of once in a minute.
    @Test func flowsOfAGroupWithinAnotherCountForBoth() throws {
        let groups = [
            try group("all", ["198.51.100.0/24"], .group, 8000), try group("web", ["198.51.100.0/26"], .group, 1e9),
        ]
        var bench = Bench(thresholds: limits(1e9), groups: groups)
        for step in 0..<100 {
            if step % 50 == 25 { bench.add(flow(packets: 600_000, seconds: 60, endingAt: bench.now)) }
            bench.tick()
        }
        #expect(
            bench.begun.map { "\($0.target)" } == ["\(AttackTarget.group(name: "all", prefixes: groups[0].prefixes))"]
        )
    }
}
