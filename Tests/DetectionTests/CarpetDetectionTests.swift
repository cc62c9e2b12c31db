import NetworkTypes
import Telemetry
import Testing
import Traffic

@testable import Detection

/// Attacks on a whole network, none of whose hosts gets much.
struct CarpetDetectionTests {
    private let v4 = "198.51.100.0/24"
    private let v6 = "2001:db8:100::/48"

    private func bench(_ network: Double = 200_000, groups: [DetectionConfiguration.Group] = []) -> Bench {
        Bench(thresholds: limits(20_000), groups: groups) { _, detection in
            detection.networkThresholds = limits(network)
        }
    }

    private func host(_ index: Int, isIPv6: Bool) -> IPAddress {
        isIPv6
            ? IPAddress(high: 0x2001_0DB8_0100_0000, low: UInt64(index))
            : IPAddress(198, 51, 100, UInt8(truncatingIfNeeded: index))
    }

    /// 256 hosts at 5 % of a host's threshold each: 256,000 packets a second in all.
    @Test(arguments: [false, true])
    func aCarpetOfSampledPacketsIsOneAttackOnTheNetwork(isIPv6: Bool) throws {
        var bench = bench()
        for _ in 0..<30 {
            for index in 0..<256 { bench.add(sample(to: host(index, isIPv6: isIPv6), rate: 100, at: bench.now)) }
            bench.tick()
        }
        let prefix = try #require(IPPrefix(isIPv6 ? v6 : v4))
        #expect(bench.begun.map(\.target) == [.network(prefix)])
        #expect(bench.begun.first?.kind == .udpFlood && bench.begun.first?.samples.isEmpty == false)
        let alarm = bench.firstAlarm ?? .infinity
        #expect(alarm <= 1, "within the window")
    }

    @Test func aCarpetToldByNetFlowIsOneAttackOnTheNetwork() throws {
        var bench = bench()
        // Each host has a flow of 1,000 packets a second, told of once in 60 s, one export after another.
        for tick in 0..<600 {
            for index in 0..<256 where index * 600 / 256 == tick {
                var record = flow(packets: 60_000, seconds: 60, endingAt: bench.now)
                record.destination = host(index, isIPv6: false)
                bench.add(record)
            }
            bench.tick()
        }
        #expect(bench.begun.map(\.target) == [.network(try #require(IPPrefix(v4)))])
        let rate = bench.begun.first?.crossing.rate ?? 0
        #expect(rate > 200_000 && rate < 256_000 * 1.05, "\(rate)")
    }

    @Test func aHostInACarpetIsAnAttackOfItsOwnToo() throws {
        var bench = bench()
        for step in 0..<300 {
            let isUnderAttack = step < 100
            for index in 0..<256 where isUnderAttack {
                bench.add(sample(to: host(index, isIPv6: false), rate: 100, at: bench.now))
            }
            if isUnderAttack { bench.add(sample(rate: 100, at: bench.now), times: 50) }
            bench.tick()
        }
        let prefix = try #require(IPPrefix(v4))
        #expect(Set(bench.begun.map(\.target)) == [.host(victim), .network(prefix)])
        #expect(bench.begun.count == 2 && bench.ended.count == 2)
    }

    @Test func theFloodOfOneHostIsNoneOfItsNetwork() {
        var bench = bench()
        for _ in 0..<50 {
            bench.add(sample(rate: 100, at: bench.now), times: 500)
            for index in 20..<40 { bench.add(sample(to: host(index, isIPv6: false), rate: 100, at: bench.now)) }
            bench.tick()
        }
        #expect(bench.begun.map(\.target) == [.host(victim)], "500,000 a second, and 20,000 of others")
    }

    @Test func networksOfAGroupHaveThresholdsOfTheirOwn() throws {
        let prefix = try #require(IPPrefix(v6))
        let group = DetectionConfiguration.Group(
            name: "v6",
            prefixes: [prefix],
            measure: .network,
            thresholds: limits(50_000)
        )
        var bench = bench(groups: [group])
        for _ in 0..<20 {
            for index in 0..<100 {
                bench.add(sample(to: host(index, isIPv6: true), rate: 100, at: bench.now))
                bench.add(sample(to: host(index, isIPv6: false), rate: 100, at: bench.now))
            }
            bench.tick()
        }
        #expect(bench.begun.map(\.target) == [.network(prefix)], "100,000 a second are too much for one of them")
        #expect(bench.begun.first?.crossing.group == "v6" && bench.begun.first?.crossing.threshold == 50_000)
    }

    @Test func whatANetworkSendsIsJudgedByItsOwnThresholds() throws {
        var bench = Bench(thresholds: limits(20_000)) { _, detection in
            detection.outgoingNetworkThresholds = limits(100_000)
        }
        for _ in 0..<20 {
            for index in 0..<200 {
                bench.add(
                    sample(to: IPAddress(192, 0, 2, 1), from: host(index, isIPv6: false), rate: 100, at: bench.now)
                )
            }
            bench.tick()
        }
        #expect(bench.begun.map(\.target) == [.network(try #require(IPPrefix(v4)))])
        #expect(bench.begun.first?.direction == .outgoing)
        #expect(bench.begun.first?.samples.isEmpty == false)
    }

    @Test func anAttackOnANetworkGoesOnAfterARestart() throws {
        var first = bench()
        for index in 0..<2560 { first.add(sample(to: host(index, isIPv6: false), rate: 100, at: first.now)) }
        first.tick()
        let attack = try #require(first.begun.first)
        var second = bench()
        #expect(second.detector.resume([attack], at: Bench.start).isEmpty)
        for _ in 0..<110 { second.tick() }
        #expect(second.ended.map(\.target) == [attack.target])
        var withoutIt = Bench(thresholds: limits(20_000)) { _, detection in detection.networks = [] }
        #expect(
            withoutIt.detector.resume([attack], at: Bench.start).count == 1,
            "the network is the operator's no more"
        )
    }
}
