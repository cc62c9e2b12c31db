import NetworkTypes
import Simulation
import Telemetry
import Testing
import Traffic

@testable import Detection

/// Flows that exporters tell of once in an active time-out, each at a time of its own.
struct LongFlowTests {
    private struct Flow {
        var packetsPerSecond: Double
        var begins: Double
        var ends: Double
        /// When after the start its first record is due; then once in each time-out.
        var phase: Double
    }

    private struct Outcome {
        var begun: [Attack]
        /// Seconds after the start.
        var seen: Double?
        var known: Double?
    }

    /// What the records so far say of each second, with no bound on memory: what there is to know.
    private struct Ledger {
        private var seconds: [Double] = Array(repeating: 0, count: 8192)
        private(set) var peak = 0.0

        mutating func add(_ rate: Double, from: Double, to: Double) {
            var second = Int(from.rounded(.down))
            while Double(second) < to {
                let part = min(to, Double(second + 1)) - max(from, Double(second))
                seconds[second + 4096] += rate * part
                peak = max(peak, seconds[second + 4096])
                second += 1
            }
        }
    }

    /// Runs the flows through traffic and detection. When the records first held a second above the threshold, and when
    /// that was seen.
    private func run(
        _ flows: [Flow],
        timeout: Double,
        threshold: Double,
        seconds: Int,
        to destination: (Int) -> IPAddress = { _ in victim },
        network: Double? = nil
    ) -> Outcome {
        var bench = Bench(thresholds: limits(threshold)) { _, detection in
            if let network { detection.networkThresholds = limits(network) }
        }
        var told = flows.map(\.begins)
        var ledger = Ledger()
        var known: Double?
        for tick in 0..<(seconds * 10) {
            let now = Double(tick) / 10 + 0.05
            for (index, flow) in flows.enumerated() where told[index] < flow.ends {
                // It is told of when its time-out is up, or when it is over.
                let turn = ((now - flow.phase) / timeout).rounded(.down)
                let due = flow.phase + turn * timeout
                let isDue = turn >= 0 && due > told[index] && now - due < 0.1
                guard isDue && due <= flow.ends || now >= flow.ends else { continue }
                let end = min(now, flow.ends)
                var record = Self.record(flow, from: told[index], to: end)
                record.destination = destination(index)
                bench.add(record)
                ledger.add(flow.packetsPerSecond, from: told[index], to: end)
                told[index] = end
            }
            if known == nil, ledger.peak > network ?? threshold { known = now }
            bench.tick()
            if !bench.begun.isEmpty { break }
        }
        return Outcome(begun: bench.begun, seen: bench.firstAlarm, known: known)
    }

    private static func record(_ flow: Flow, from: Double, to: Double) -> FlowRecord {
        var record = sample(rate: 1, at: Bench.start + .milliseconds(Int64(to * 1000)))
        record.traits = []
        record.packets = UInt64(flow.packetsPerSecond * (to - from))
        record.bytes = record.packets * 1000
        record.first = Bench.start + .milliseconds(Int64(from * 1000))
        return record
    }

    /// Downloads and backups: a few strong flows and many weak ones, exports spread over the time-out, 0.7 to 0.9 of
    /// the threshold together at all times.
    @Test(arguments: [(60.0, 1), (60.0, 2), (300.0, 3), (300.0, 4), (1800.0, 5)])
    func downloadsAndBackupsAreNoAttack(_ timeout: Double, _ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var flows: [Flow] = []
        for rate in [8000.0, 3000, 2000] + Array(repeating: 50, count: 60) {
            let phase = Double.random(in: 0..<timeout, using: &random)
            // Under way since before we listened, and to the end.
            flows.append(Flow(packetsPerSecond: rate, begins: phase - timeout, ends: 900, phase: phase))
        }
        for start in stride(from: 0.0, to: 700, by: 20) {
            let phase = start + Double.random(in: 0..<timeout, using: &random)
            flows.append(Flow(packetsPerSecond: 2000, begins: start, ends: start + 20, phase: phase))
        }
        let outcome = run(flows, timeout: timeout, threshold: 20_000, seconds: 1000)
        #expect(outcome.known == nil, "the test itself: 18,000 a second at most")
        #expect(outcome.begun.isEmpty)
    }

    /// A flood of many long flows: nobody can know of it before enough of them have been told of.
    @Test(arguments: [(60.0, 1.5), (60.0, 5), (300.0, 1.5), (300.0, 2), (300.0, 10)])
    func aFloodOfLongFlowsIsSeenAsSoonAsTheRecordsAllow(_ timeout: Double, _ factor: Double) throws {
        var random = SeededGenerator(seed: UInt64(timeout * factor))
        let flows = (0..<187).map { _ in
            let begins = Double.random(in: 0..<5, using: &random)
            return Flow(
                packetsPerSecond: 20_000 * factor / 187,
                begins: begins,
                ends: 2000,
                phase: begins + Double.random(in: 0..<timeout, using: &random)
            )
        }
        let outcome = run(flows, timeout: timeout, threshold: 20_000, seconds: 700)
        let seen = try #require(outcome.seen)
        let possible = try #require(outcome.known)
        // The time between two records of these flows; and where it lies minutes back, until eight seconds as one are
        // full of them, which begin when the clock has it.
        let grain = timeout / 187 + (timeout > 60 ? 15 : 1)
        #expect(seen >= possible - 0.1, "nobody can")
        #expect(seen <= possible + grain, "seen after \(seen) s where \(possible) s were needed")
        let rate = try #require(outcome.begun.first?.crossing.rate)
        #expect(rate <= 20_000 * factor * 1.02)
    }

    /// The same against a network, none of whose hosts gets much.
    @Test(arguments: [60.0, 300.0])
    func aCarpetOfLongFlowsIsSeenAsSoonAsTheRecordsAllow(_ timeout: Double) throws {
        var random = SeededGenerator(seed: 77)
        let flows = (0..<256).map { _ in
            Flow(
                packetsPerSecond: 1000,
                begins: 0,
                ends: 2000,
                phase: Double.random(in: 0..<timeout, using: &random)
            )
        }
        let outcome = run(
            flows,
            timeout: timeout,
            threshold: 20_000,
            seconds: 700,
            to: { IPAddress(198, 51, 100, UInt8(truncatingIfNeeded: $0)) },
            network: 170_000
        )
        let seen = try #require(outcome.seen)
        let possible = try #require(outcome.known)
        #expect(outcome.begun.map(\.target.description) == ["198.51.100.0/24"])
        #expect(seen >= possible - 0.1 && seen <= possible + timeout / 256 + 8)
    }

    @Test(arguments: [30.0, 60, 300, 3600])
    func oneRecordOfALongFlowIsNoAttackHoweverOftenItComes(_ seconds: Double) {
        var bench = Bench(thresholds: limits(20_000))
        for step in 0..<3 {
            let end = Bench.start + .seconds(Int64(Double(step) * seconds))
            bench.add(flow(packets: UInt64(5000 * seconds), seconds: seconds, endingAt: end))
            for _ in 0..<Int(seconds * 10) { bench.tick() }
        }
        #expect(bench.begun.isEmpty)
    }

    /// 0.6 of the threshold, whatever part of a second the flow begins and ends in.
    @Test func aShortFlowLooksNoStrongerThanItWas() {
        for milliseconds in stride(from: 1000, through: 4000, by: 130) {
            var bench = Bench(thresholds: limits(20_000))
            let seconds = Double(milliseconds) / 1000
            let end = Bench.start + .milliseconds(50)
            bench.add(flow(packets: UInt64(12_000 * seconds), seconds: seconds, endingAt: end))
            for _ in 0..<20 { bench.tick() }
            #expect(bench.begun.isEmpty, "\(seconds) s")
        }
    }

    /// Exports five minutes apart: the attack is one as long as it lasts, and over when the records would have told.
    @Test func anAttackOfLongFlowsDoesNotEndBetweenTwoReports() {
        var bench = Bench(thresholds: limits(20_000))
        for tick in 0..<15_000 {
            if tick % 3000 == 0, tick <= 6000 {
                for _ in 0..<10 { bench.add(flow(packets: 1_500_000, seconds: 300, endingAt: bench.now)) }
            }
            bench.tick()
        }
        #expect(bench.begun.count == 1)
        #expect(bench.ended.count == 1)
        let ended = bench.ended.first?.ended.map { ($0 - Bench.start).inSeconds } ?? 0
        #expect(ended > 900 && ended < 920, "\(ended)")
    }

    /// Of an attack in pulses sampled flows tell when a pulse is long over: no second of it is sure by itself, all of them
    /// together are.
    @Test(arguments: [(45, true), (24, false)])
    func aPulseThatIsToldOfLateIsSeen(samplesPerSecond: Int, isSeen: Bool) {
        var bench = Bench(thresholds: limits(30_000))
        for tick in 0..<600 {
            for second in 2..<10 where tick == 400 {
                var record = sample(rate: 1000, at: Bench.start + .milliseconds(Int64(second * 1000 + 900)))
                record.traits = []
                record.packets = 1
                record.first = Bench.start + .milliseconds(Int64(second * 1000 + 100))
                bench.add(record, times: samplesPerSecond)
            }
            bench.tick()
        }
        #expect(bench.begun.count == (isSeen ? 1 : 0))
        #expect(bench.begun.allSatisfy { $0.crossing.window >= .seconds(2) })
    }
}
