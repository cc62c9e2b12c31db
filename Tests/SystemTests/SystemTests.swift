import Foundation
import Mitigation
import Testing

/// The promise that nothing is made worse, whatever befalls exporters, disk, clock, sessions and the daemon itself.
struct SystemTests {
    /// `FLOODGATE_LONG_SIMULATION` makes it many more.
    static let seeds = Array(1...(ProcessInfo.processInfo.environment["FLOODGATE_LONG_SIMULATION"] == nil ? 4 : 60))

    /// The same with ten thousand attacks at once, beside others that come and go; the daemon is killed while it announces
    /// their rules, and while it withdraws them.
    @Test func tenThousandAttacksAtOnceBreakNothing() {
        var system = SystemSimulation(seed: 5, isCrowded: true)
        system.flood(10_000)
        var most = (attacks: 0, rules: 0)
        for step in 0..<120 where system.broken.isEmpty {
            if step == 13 { system.kill(after: 700) }
            if step == 90 { system.flood(0) }
            system.step(withFaults: step > 20)
            let size = system.size()
            most = (max(most.attacks, size.attacks), max(most.rules, size.rules))
        }
        #expect(most.attacks >= 10_000 && most.rules >= 10_000, "\(most)")
        let killed = system.counts["killed", default: 0]
        var left = most.rules
        for _ in 0..<400 where left > 1000 && system.broken.isEmpty {
            system.step(withFaults: false)
            let rules = system.size().rules
            if rules < left { system.kill(after: 300) }
            left = rules
        }
        if system.broken.isEmpty { system.settle() }
        #expect(system.broken.isEmpty)
        #expect(killed > 0 && system.counts["killed", default: 0] > killed, "\(system.counts)")
    }

    @Test(arguments: seeds) func invariantsHoldWhateverBefallsTheSystem(seed: Int) {
        var system = SystemSimulation(seed: UInt64(seed))
        for _ in 0..<2000 {
            system.step(withFaults: true)
            guard system.broken.isEmpty else { break }
        }
        if system.broken.isEmpty { system.settle() }
        #expect(system.broken.isEmpty, "seed \(seed)")
        // A simulation in which nothing happens proves nothing.
        // Of more seeds some have no attack that is over for long enough.
        let isProbing = system.setting.policy.probe != nil && seed <= 4
        let events = ["ban", "killed", "started", "session lost", "disk full or free"]
        for event in events + (isProbing ? ["eased"] : []) {
            #expect(system.counts[event, default: 0] > 0, "\(event) in seed \(seed): \(system.counts)")
        }
    }
}
