import NetworkTypes
import ScenarioSupport
import Simulation
import Testing

/// What must hold of detection, over scenarios whose truth is known. `Benchmarks/Scenarios` runs many more of the same.
///
/// One after the other: each computes for seconds, and two at once would leave no thread to tests that wait for a peer.
@Suite(.serialized)
struct ScenarioTests {
    private static let telemetries: [ScenarioExporter.Telemetry] = [.sFlow(1000), .sFlow(10_000), .netFlow9(1000)]

    /// Days well below the thresholds, with flash crowds, backups, downloads and speed tests.
    @Test(arguments: 0..<24)
    func nothingIsFoundWhereNothingIs(_ index: Int) {
        // Every tenth of the series is near the thresholds.
        let number = 2 * (index / 4 * 5 + index % 4)
        let setting = Scenario.Setting(telemetry: Self.telemetries[index % Self.telemetries.count])
        let scenario = Scenario(number: number, seed: 6, setting: setting)
        guard case .normal(let load) = scenario.purpose else { return #expect(Bool(false), "an attack") }
        #expect(load < 0.8)
        let alarms = ScenarioRun.result(of: scenario).falseAlarms
        #expect(alarms.isEmpty, "\(scenario.event) \(alarms)")
    }

    /// One of each kind, over what is sampled in turn.
    @Test(arguments: AttackKind.allCases.indices)
    func whatIsProvableIsFoundAndNothingElse(_ index: Int) {
        let setting = Scenario.Setting(telemetry: Self.telemetries[index % Self.telemetries.count])
        let kind = AttackKind.allCases[index]
        let result = ScenarioRun.result(of: Scenario(number: index, seed: 6, kind: kind, setting: setting))
        #expect(result.falseAlarms.isEmpty, "\(result.falseAlarms)")
        for outcome in result.outcomes where outcome.truth.factor >= 1.5 {
            #expect(outcome.provable != nil)
            #expect(outcome.found != nil, "\(kind) \(outcome.truth.form)")
            #expect(outcome.oracle != nil && outcome.announced != nil, "a rule was made")
            // There may be four rules: of more shapes some are left.
            let shapes = outcome.truth.floods.reduce(0) { $0 + $1.shapes.count }
            let least = shapes <= 4 ? 0.95 : 0.75
            #expect(outcome.oracle.map { $0.attackShare > least } ?? false, "who knows the flood matches all of it")
        }
    }

    /// At 1:1 nothing is left to chance but the traffic itself.
    @Test func unsampledFloodsAreFoundAtOnce() {
        let setting = Scenario.Setting(telemetry: .sFlow(1), form: .steady)
        for number in 0..<2 {
            let result = ScenarioRun.result(of: Scenario(number: number, seed: 7, kind: .synFlood, setting: setting))
            for outcome in result.outcomes where outcome.truth.factor >= 1.5 {
                let (found, provable) = (outcome.found ?? .infinity, outcome.provable ?? -1)
                #expect(found - provable < 0.25, "provable after \(provable) s, found after \(found) s")
            }
        }
    }
}
