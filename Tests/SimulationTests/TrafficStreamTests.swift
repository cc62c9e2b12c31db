import NetworkTypes
import Simulation
import Testing

/// The streams are as their truth says.
struct TrafficStreamTests {
    @Test(arguments: [1, 10, 1000] as [UInt32])
    func ratesAreThoseOfTheCurveHoweverFewPacketsAreLookedAt(_ thinning: UInt32) {
        var random = SeededGenerator(seed: 4)
        var curve = RateCurve.constant(1000 * Double(thinning), to: 5)
        curve.hold(0, until: 7)
        curve.hold(3000 * Double(thinning), until: 10)
        let source = TrafficSource(
            .normal("test"),
            [PacketShape(1, .udp, length: 100...300)],
            hosts: [IPAddress(198, 51, 100, 1)],
            population: Population(.hosts(3), isIPv4: true, using: &random),
            curve: curve,
            using: &random
        )
        var stream = TrafficStream([source], oneIn: thinning, seed: 1)
        var counts = [0, 0, 0]
        var octets = 0
        var last = 0.0
        while let next = stream.next() {
            #expect(next.time >= last)
            last = next.time
            counts[next.time < 5 ? 0 : next.time < 7 ? 1 : 2] += 1
            octets += next.packet.ipLength
        }
        // Six standard deviations of a Poisson number.
        #expect(abs(counts[0] - 5000) < 430 && counts[1] == 0 && abs(counts[2] - 9000) < 570)
        #expect(abs(Double(octets) / Double(counts[0] + counts[2]) - 200) < 4)
        #expect(abs(source.meanAmount(.udp, .bits) - 1600) < 1e-6 && source.meanAmount(.tcp, .packets) == 0)
    }

    @Test func theSameNumberIsTheSameScenario() {
        for number in [0, 1, 5, 9] {
            var one = Scenario(number: number, seed: 2).stream()
            var other = Scenario(number: number, seed: 2).stream()
            for _ in 0..<500 {
                let (mine, theirs) = (one.next(), other.next())
                #expect(mine?.packet == theirs?.packet && mine?.time == theirs?.time && mine?.source == theirs?.source)
            }
        }
    }

    /// Thresholds and strengths are fitted to the truth that the scenario itself tells.
    @Test(arguments: 0..<40)
    func loadsAndFactorsAreAsTheyAreCalled(_ number: Int) {
        let scenario = Scenario(number: number, seed: 3)
        func excess(_ hosts: [IPAddress], _ thresholds: Thresholds, _ times: StrideTo<Double>) -> Double {
            let wanted = Set(hosts)
            return times.reduce(0) { max($0, scenario.excess(over: thresholds, of: { wanted.contains($0) }, at: $1)) }
        }
        if case .normal(let load) = scenario.purpose {
            let times = stride(from: 0.25, to: scenario.duration, by: 0.5)
            let highest = scenario.hosts.reduce(0) { max($0, excess([$1], scenario.thresholds, times)) }
            #expect(abs(highest - load) < 0.02)
        }
        for attack in scenario.attacks {
            let limits = attack.group == nil ? scenario.thresholds : scenario.groups[0].thresholds
            let times = stride(from: attack.begins, to: attack.ends, by: 0.5)
            #expect(excess(attack.victims, limits, times) >= attack.factor * 0.99)
            #expect(excess(attack.victims, limits, stride(from: 0, to: attack.begins, by: 0.5)) < 0.8)
        }
    }

    @Test func everyKindHasPacketsOfItsOwn() {
        var random = SeededGenerator(seed: 8)
        for kind in AttackKind.allCases {
            for isIPv4 in [true, false] {
                let flood = Flood(kind, using: &random)
                let host = isIPv4 ? IPAddress(198, 51, 100, 1) : IPAddress(high: 0x2001_0DB8_0100_0000, low: 1)
                var source = TrafficSource(
                    .attack(kind),
                    flood.shapes,
                    hosts: [host],
                    population: Population(flood.spread, isIPv4: isIPv4, using: &random),
                    curve: .constant(1, to: 1),
                    using: &random
                )
                for _ in 0..<50 {
                    let packet = source.packet(oneIn: 1, using: &random)
                    let lengths = flood.shapes.map { $0.length.lowerBound }
                    #expect(packet.destination == host && packet.source.isIPv4 == isIPv4)
                    #expect(packet.ipLength >= (lengths.min() ?? 0) && packet.header.count >= (isIPv4 ? 34 : 54))
                }
            }
        }
    }
}
