public import Detection
import Foundation
public import NetworkTypes
public import Simulation

/// How a scenario went, held against what is true of it.
public struct ScenarioResult: Sendable {
    /// An attack that was none, or before there was one.
    public struct FalseAlarm: Sendable {
        public var target: String
        /// Seconds from the start of the scenario.
        public var time: Double
        /// What it was taken for, and on what ground.
        public var kind: AttackKind
        public var ground: String
        /// How far the target's true rate was above the nearest threshold at the highest of the minute before: below 1.
        public var excess: Double
    }

    public struct AttackOutcome: Sendable {
        public var truth: Scenario.TrueAttack
        /// Seconds from the attack's begin to when the records first proved it; nil where they never did.
        public var provable: Double?
        /// Seconds from the attack's begin to when it was found; nil where it was missed.
        public var found: Double?
        public var foundKind: AttackKind?
        /// The attack as it was told first, and as it was told last before the rules were looked at: with its samples.
        public var evidence: [Detection.Attack] = []
        /// The rules in force ten seconds after the first, and where records come as late as that a minute later; or at the
        /// attack's end.
        public var announced: RuleReach?
        /// The rule of the built-in template for the kind that was found.
        public var template: RuleReach?
        /// Rules by somebody who knows how the attack was made, no more of them than an attack may have.
        public var oracle: RuleReach?
        /// Packets of the victim's normal traffic, and of the attack, that exporters had looked at when the rules were held
        /// against the truth: more than records had told of by then, where these are of flows.
        public var seen = (normal: 0, attack: 0)

        /// Of the normal ones among these, up to some thousands, how many the rules match.
        public var seenMatched = (count: 0, matched: 0)

        public var kind: AttackKind { truth.floods[0].kind }
        /// Whether there are rules that match hardly any of the normal traffic.
        public var differs: Bool { oracle.map { $0.normalShare < 0.01 && $0.attackShare >= 0.95 } ?? false }

        /// What share of the normal traffic somebody who knew of each record whether it is the attack's could be sure, in 19
        /// of 20 cases, that a rule stays below, if it matches none of the normal packets that were seen.
        public var showableNormalShare: Double { Self.leastShowable(seen.normal) }
        /// Whether the normal packets that were seen tell that the rules match 1 % or more: so many of them as they match
        /// would come less than one time in 20 if it were less. Rules of which that can be seen are no bad luck.
        public var isSeenTooBroad: Bool { Self.isSurely(seenMatched.matched, of: seenMatched.count, above: 0.01) }
        /// The same of what a rule that matches all that was seen of the attack lets through.
        public var showableMissingShare: Double { Self.leastShowable(seen.attack) }

        /// Whether so many of n or more come less than one time in 20 at a share, by the binomial distribution.
        private static func isSurely(_ matched: Int, of n: Int, above share: Double) -> Bool {
            guard matched > 0, n > 0 else { return false }
            var term = pow(1 - share, Double(n))
            var below = 0.0
            for count in 0..<matched {
                below += term
                term *= Double(n - count) / Double(count + 1) * share / (1 - share)
            }
            return 1 - below < 0.05
        }

        /// Of a share s none of n is seen with the chance (1 - s)^n: the s for which that is one in 20.
        private static func leastShowable(_ seen: Int) -> Double { 1 - pow(0.05, 1 / Double(max(1, seen))) }
    }

    public var scenario: Scenario
    public var outcomes: [AttackOutcome] = []
    public var falseAlarms: [FalseAlarm] = []
    public var datagrams = 0
    /// Alarms and rules in the order in which they came, in words.
    public var story: [String] = []

    /// Days in which one host might have been taken for attacked.
    public var hostDays: Double { Double(scenario.hosts.count) * scenario.duration / 86_400 }
}
