import Foundation
import NetworkTypes
import ScenarioSupport
import Simulation

/// What many scenarios came to.
struct Summary {
    struct Row: Encodable {
        var kind: String
        var telemetry: String
        /// Attacks of at least 1.5 times the threshold, those that the records prove, those of the latter that were found.
        var attacks = 0
        var provable = 0
        var found = 0
        /// Of those that were found, by the kind of their strongest flood.
        var named = 0
        /// Seconds from the attack's begin, and beyond the earliest at which it can be known.
        var delays: [Double] = []
        var excesses: [Double] = []
        var attackDropped: [Double] = []
        var normalDropped: [Double] = []
        var templateAttackDropped: [Double] = []
        var templateNormalDropped: [Double] = []

        mutating func add(_ outcome: ScenarioResult.AttackOutcome) {
            attacks += 1
            if outcome.provable != nil { provable += 1 }
            if let found = outcome.found {
                self.found += outcome.provable == nil ? 0 : 1
                delays.append(found)
                if let provable = outcome.provable { excesses.append(found - provable) }
                if outcome.foundKind == outcome.kind { named += 1 }
            }
            if let rules = outcome.announced {
                attackDropped.append(rules.attackShare)
                normalDropped.append(rules.normalShare)
            }
            if let rules = outcome.template {
                templateAttackDropped.append(rules.attackShare)
                templateNormalDropped.append(rules.normalShare)
            }
        }

        mutating func add(_ other: Row) {
            attacks += other.attacks
            provable += other.provable
            found += other.found
            named += other.named
            delays += other.delays
            excesses += other.excesses
            attackDropped += other.attackDropped
            normalDropped += other.normalDropped
            templateAttackDropped += other.templateAttackDropped
            templateNormalDropped += other.templateNormalDropped
        }
    }

    /// Rules against an attack that differs, where they miss a goal.
    struct Miss: Encodable {
        var number: Int
        var attackShare: Double
        var normalShare: Double
        /// Packets that exporters had looked at: of the attack and of the victim's normal traffic.
        var attackSeen: Int
        var normalSeen: Int
        /// Whether somebody who knew of each of these what it is could have shown that rules stay below 1 % (above 95 %).
        var isShowable: Bool
        var text: String
    }

    struct Goal: Encodable {
        var name: String
        var isMet: Bool
        var figures: String
    }

    private(set) var rows: [String: Row] = [:]
    private(set) var scenarios = 0
    private(set) var datagrams = 0
    private(set) var missed: [String] = []
    private(set) var broad: [Miss] = []
    private(set) var late: [(excess: Double, text: String)] = []
    private(set) var leaky: [Miss] = []
    private(set) var alarmsBelow: [String] = []
    private(set) var alarmsBetween: [String] = []
    /// Of hosts that truly got more than the threshold, though nobody attacked them.
    private(set) var alarmsAbove: [String] = []
    private(set) var hostDaysBelow = 0.0
    private(set) var hostDaysBetween = 0.0
    /// Attacks that differ from the normal traffic of their victim, and have rules.
    private(set) var distinct = 0
    /// Those weaker than what must be found.
    private(set) var weak = Row(kind: "weak", telemetry: "")

    mutating func add(_ result: ScenarioResult) {
        scenarios += 1
        datagrams += result.datagrams
        let scenario = result.scenario
        let label = "#\(scenario.number) \(scenario.telemetry.label)"
        var isBetween = false
        if case .normal(let load) = scenario.purpose { isBetween = load >= 0.8 }
        if isBetween { hostDaysBetween += result.hostDays } else { hostDaysBelow += result.hostDays }
        for alarm in result.falseAlarms {
            let text =
                "\(label) \(scenario.event): \(alarm.target) after \(rounded(alarm.time)) s, \(alarm.kind.rawValue), "
                + "\(alarm.ground); truly at \(rounded(alarm.excess)) of it"
            // In attack scenarios as well everybody but the victim is below; a burst may lead beyond what was planned.
            if alarm.excess >= 1 {
                alarmsAbove.append(text)
            } else if isBetween || alarm.excess >= 0.8 {
                alarmsBetween.append(text)
            } else {
                alarmsBelow.append(text)
            }
        }
        for outcome in result.outcomes { add(outcome, of: scenario, label) }
    }

    private mutating func add(_ outcome: ScenarioResult.AttackOutcome, of scenario: Scenario, _ label: String) {
        guard outcome.truth.factor >= 1.5 else { return weak.add(outcome) }
        let key = "\(outcome.kind.rawValue) \(scenario.telemetry.label)"
        rows[key, default: Row(kind: outcome.kind.rawValue, telemetry: scenario.telemetry.label)].add(outcome)
        let text =
            "\(label) \(outcome.truth.form.rawValue) \(outcome.truth.floods.map(\.kind.rawValue).joined(separator: "+")) "
            + "\(rounded(outcome.truth.factor))x"
        if outcome.found == nil, let provable = outcome.provable {
            missed.append("\(text): provable after \(rounded(provable)) s")
        }
        if let found = outcome.found, let provable = outcome.provable, found - provable >= 1 {
            late.append(
                (found - provable, "\(text): found after \(rounded(found)) s, provable after \(rounded(provable)) s")
            )
        }
        guard outcome.differs, let rules = outcome.announced else { return }
        distinct += 1
        let shares = "\(percent(rules.attackShare)) of the attack, \(percent(rules.normalShare)) of normal traffic"
        func miss(_ seen: String, isShowable: Bool) -> Miss {
            Miss(
                number: scenario.number,
                attackShare: rules.attackShare,
                normalShare: rules.normalShare,
                attackSeen: outcome.seen.attack,
                normalSeen: outcome.seen.normal,
                isShowable: isShowable,
                text: "\(text): \(shares); \(seen)"
            )
        }
        if rules.attackShare < 0.95 {
            let least = outcome.showableMissingShare
            let seen =
                "\(outcome.seen.attack) of the attack seen, which show that no more than \(percent(least)) is let through"
            leaky.append(miss(seen, isShowable: least <= 0.05))
        }
        if rules.normalShare >= 0.01 {
            let least = outcome.showableNormalShare
            let seen =
                "\(outcome.seen.normal) normal packets seen, which show no less than \(percent(least)); of "
                + "\(outcome.seenMatched.count) of these \(outcome.seenMatched.matched) match"
            // Where those that were seen tell of the harm, anybody could have known.
            broad.append(miss(seen, isShowable: least < 0.01 || outcome.isSeenTooBroad))
        }
    }

    var goals: [Goal] {
        let attacks = rows.values.reduce(0) { $0 + $1.provable }
        return [
            Goal(
                name: "all attacks of at least 1.5 times the threshold found",
                isMet: missed.isEmpty,
                figures: "\(attacks - missed.count) of \(attacks) that the records prove"
            ),
            Goal(
                name: "no alarm below 0.8 times the threshold",
                isMet: alarmsBelow.isEmpty,
                figures: "\(alarmsBelow.count) in \(rounded(hostDaysBelow)) host-days"
            ),
            Goal(
                name: "rules match 95 % of attacks that differ",
                isMet: leaky.isEmpty,
                figures: Self.figures(leaky, of: distinct)
            ),
            Goal(
                name: "rules match less than 1 % of normal traffic where attacks differ",
                isMet: broad.isEmpty,
                figures: Self.figures(broad, of: distinct)
            ),
        ]
    }

    private static func figures(_ misses: [Miss], of all: Int) -> String {
        let text = "\(all - misses.count) of \(all)"
        let unshowable = misses.count { !$0.isShowable }
        guard unshowable > 0 else { return text }
        return text + "; of the \(misses.count) others in \(unshowable) too little was seen for anybody to show it"
    }
}

extension ScenarioExporter.Telemetry {
    var label: String {
        switch self {
        case .sFlow(let rate): "sFlow 1:\(rate)"
        case .netFlow9(let rate): "NetFlow 1:\(rate)"
        case .ipfix(let rate): "IPFIX 1:\(rate)"
        }
    }
}

func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
