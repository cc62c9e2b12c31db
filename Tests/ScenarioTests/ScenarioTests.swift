import NetworkTypes
import ScenarioSupport
import Simulation
import Testing

/// What must hold of detection, over scenarios whose truth is known. `Benchmarks/Scenarios` runs many more of the same.
struct ScenarioTests {
    /// Normal days and attacks in turn, over all kinds of telemetry.
    @Test(arguments: 0..<42)
    func whatIsProvableIsFoundAndNothingElse(_ number: Int) {
        let result = ScenarioRun.result(of: Scenario(number: number, seed: 6))
        if case .normal(let load) = result.scenario.purpose, load < 0.8 {
            #expect(result.falseAlarms.isEmpty)
        }
        for outcome in result.outcomes where outcome.truth.factor >= 1.5 && outcome.provable != nil {
            #expect(outcome.found != nil)
        }
    }
}
