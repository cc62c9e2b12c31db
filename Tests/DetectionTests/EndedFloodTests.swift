import NetworkTypes
import Telemetry
import Testing
import Traffic

@testable import Detection

/// What one host had is not its network's: neither while it is under attack nor when that is over, though averages of
/// sampled traffic go back as far as a minute.
struct EndedFloodTests {
    /// Sampled traffic of 1:100, so many packets a second to each host.
    private func run(_ bench: inout Bench, ticks: Int, _ rates: [(host: IPAddress, perSecond: Int)]) {
        for _ in 0..<ticks {
            for (host, perSecond) in rates {
                let sampled = perSecond / 1000
                if sampled > 0 { bench.add(sample(to: host, rate: 100, at: bench.now), times: sampled) }
            }
            bench.tick()
        }
    }

    private func began(_ bench: borrowing Bench) -> [AttackTarget] {
        bench.events.compactMap {
            if case .began(let attack) = $0.event { attack.target } else { nil }
        }
    }

    private func bench() -> Bench {
        Bench(thresholds: limits(20_000)) { _, detection in detection.networkThresholds = limits(40_000) }
    }

    @Test func aNetworkIsNotUnderAttackByAFloodOfOneOfItsHostsThatIsOver() {
        var bench = bench()
        let usual = (1..<5).map { (host: IPAddress(198, 51, 100, UInt8($0)), perSecond: 2000) }
        run(&bench, ticks: 100, usual)
        run(&bench, ticks: 120, usual + [(host: IPAddress(198, 51, 100, 9), perSecond: 60_000)])
        run(&bench, ticks: 1000, usual)
        #expect(began(bench) == [.host(IPAddress(198, 51, 100, 9))])
    }

    @Test func aFloodOnTheWholeNetworkIsFoundBesideOneThatIsOver() throws {
        var bench = bench()
        run(&bench, ticks: 120, [(host: IPAddress(198, 51, 100, 9), perSecond: 60_000)])
        run(&bench, ticks: 100, (10..<40).map { (host: IPAddress(198, 51, 100, UInt8($0)), perSecond: 3000) })
        let network = try #require(IPPrefix("198.51.100.0/24"))
        #expect(began(bench) == [.host(IPAddress(198, 51, 100, 9)), .network(network)])
    }

    /// Nobody else's traffic hides an attack by coming from more hosts than can be tracked, though flows of seconds are in
    /// no window.
    @Test func atTheLimitHostsWhoseFlowsAreToldOfLateStay() {
        var bench = Bench(thresholds: limits(20_000), maximumHosts: 60)
        for step in 0..<200 {
            for number in 0..<30 {
                var other = flow(packets: 3, seconds: 0, endingAt: bench.now)
                other.destination = IPAddress(high: 0x2001_0db8_0100_0000, low: UInt64(step * 30 + number))
                bench.add(other)
            }
            // 60,000 packets a second, each flow of five seconds.
            bench.add(flow(packets: 30_000, seconds: 5, endingAt: bench.now))
            bench.tick()
        }
        #expect(began(bench) == [.host(victim)])
        let evicted = bench.merger.evictedHosts
        #expect(evicted > 100)
    }
}
