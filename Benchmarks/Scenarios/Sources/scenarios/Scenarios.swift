import Detection
import Foundation
import NetworkTypes
import ScenarioSupport
import Simulation
import Traffic

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
        for number in options.numbers.isEmpty ? Array(0..<options.scenarios) : options.numbers {
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
        for line in result.story { print("  \(line)") }
        for alarm in result.falseAlarms { print("  false alarm: \(alarm)") }
        for outcome in result.outcomes {
            let attack = outcome.truth
            print(
                "  \(attack.form.rawValue) on \(attack.victims.prefix(1)) \(attack.begins)...\(attack.ends), \(attack.factor)x"
            )
            for flood in attack.floods { print("    \(flood)") }
            print("  provable \(outcome.provable as Any), found \(outcome.found as Any) as \(outcome.foundKind as Any)")
            for attack in outcome.evidence { tell(attack) }
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

    /// What was known of an attack: its samples and those from before it, by what they are of, in shares of the weight.
    private static func tell(_ attack: Detection.Attack) {
        let vectors = attack.vectors.map { "\($0.kind.rawValue) \(percent($0.share))" }
        print("  taken for \(vectors.joined(separator: ", ")) by \(attack.crossing.unit)")
        for (name, samples, duration) in [
            ("now", attack.samples, attack.samplesDuration), ("before", attack.normal, attack.normalDuration),
        ] {
            func weight(_ sample: TrafficSample) -> Double {
                Double(attack.crossing.unit == .bits ? sample.bytes : sample.packets)
            }
            let total = samples.reduce(0) { $0 + weight($1) }
            var shares: [String: Double] = [:]
            for sample in samples {
                let ports = [sample.sourcePort, sample.destinationPort].map { $0 < 32_768 ? "\($0)" : "high" }
                let text =
                    "\(sample.ipProtocol) \(ports.joined(separator: ">")) \(sample.tcpFlags) ~\(sample.packetLength / 100)00"
                shares[text, default: 0] += weight(sample) / total
            }
            let packets = Double(samples.reduce(0) { $0 + $1.packets })
            let rate = RateText.describe(packets / max(duration.inSeconds, 0.001), .packets)
            print("    \(name): \(samples.count) samples of \(duration.inSeconds) s, \(rate)")
            for (text, share) in shares.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(12) {
                print("      \(percent(share)) \(text)")
            }
        }
    }
}
