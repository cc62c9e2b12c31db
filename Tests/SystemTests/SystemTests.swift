import Foundation
import Mitigation
import Testing

/// The promise that nothing is made worse, whatever befalls exporters, disk, clock, sessions and the daemon itself.
struct SystemTests {
    /// `FLOODGATE_LONG_SIMULATION` makes it many more.
    static let seeds = Array(1...(ProcessInfo.processInfo.environment["FLOODGATE_LONG_SIMULATION"] == nil ? 4 : 60))

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
