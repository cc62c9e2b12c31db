import Foundation
import NetworkTypes
import ScenarioSupport
import Simulation

/// Plays scenarios with known truth to the core, one after the other, and prints how it did.
@main
enum Scenarios {
    static func main() throws {
        let setting = Scenario.Setting(hasHistory: true)
        let options = Options(Array(CommandLine.arguments.dropFirst()))
        if let number = options.number {
            tell(Scenario(number: number, seed: options.seed, kind: options.only, setting: setting))
            return
        }
        if let folder = options.export { return try Export.write(to: folder, seed: options.seed) }
        var summary = Summary()
        for number in 0..<options.scenarios {
            summary.add(
                ScenarioRun.result(
                    of: Scenario(number: number, seed: options.seed, kind: options.only, setting: setting)
                )
            )
        }
        if options.isJSON {
            try summary.printJSON()
        } else {
            summary.printTable()
            summary.printGoals()
        }
        if options.checks, summary.goals.contains(where: { !$0.isMet }) { exit(1) }
    }

    /// One scenario in full.
    private static func tell(_ scenario: Scenario) {
        print(
            "#\(scenario.number) \(scenario.purpose), \(scenario.telemetry.label), \(scenario.event), \(scenario.duration) s"
        )
        for limit in scenario.thresholds.all {
            print("  threshold \(limit.trafficClass.name): \(RateText.describe(limit.perSecond, limit.unit))")
        }
        for host in scenario.hosts {
            let rate = scenario.rate(.total, .packets, of: { $0 == host }, at: scenario.duration / 2)
            print("  \(host) \(scenario.services[host]?.rawValue ?? "") \(RateText.describe(rate, .packets))")
        }
        let result = ScenarioRun.result(of: scenario)
        for alarm in result.falseAlarms { print("  false alarm: \(alarm)") }
        for outcome in result.outcomes {
            let attack = outcome.truth
            print(
                "  \(attack.form.rawValue) on \(attack.victims.prefix(1)) \(attack.begins)...\(attack.ends), \(attack.factor)x"
            )
            for flood in attack.floods { print("    \(flood)") }
            print("  provable \(outcome.provable as Any), found \(outcome.found as Any) as \(outcome.foundKind as Any)")
            for (name, reach) in [
                ("announced", outcome.announced), ("template", outcome.template), ("oracle", outcome.oracle),
            ] {
                guard let reach else { continue }
                print(
                    "  \(name): \(percent(reach.attackShare)) of the attack, \(percent(reach.normalShare)) of normal traffic"
                )
                for rule in reach.rules.prefix(10) { print("    \(rule)") }
            }
        }
    }
}
