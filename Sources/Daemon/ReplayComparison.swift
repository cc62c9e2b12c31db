import Detection
import FlowSpec
import Mitigation
public import NetworkTypes

/// What a replay came to: its attacks and rules from their beginning to their end.
public struct ReplayOutcome: Sendable {
    /// An attack, or a rule.
    public struct Item: Sendable, Hashable {
        /// What both sides are compared by: the target and direction of an attack, the route of a rule.
        public var subject: String
        /// The attack's kind; what the rule asks of whom, all its attributes included, and whether it is only observed.
        public var nature: String
        public var began: Timestamp
        /// Nil where it lasted to the end of the replay.
        public var ended: Timestamp?
    }

    public private(set) var attacks: [Item] = []
    public private(set) var rules: [Item] = []
    public private(set) var refusals = 0
    private var openAttacks: [Attack.ID: Int] = [:]
    private var openRules: [LedgerEntry.ID: Int] = [:]

    public init() {}

    public mutating func note(_ event: Replay.Event, at time: Timestamp) {
        switch event {
        case .attack(.began(let attack)):
            openAttacks[attack.id] = attacks.count
            let subject = "\(attack.target) \(attack.direction.rawValue)"
            attacks.append(Item(subject: subject, nature: attack.kind.rawValue, began: time))
        case .attack(.updated(let attack)):
            // What it is called in the end is what counts.
            if let place = openAttacks[attack.id] { attacks[place].nature = attack.kind.rawValue }
        case .attack(.ended(let attack)):
            if let place = openAttacks.removeValue(forKey: attack.id) { attacks[place].ended = time }
        case .announced(let entry), .observed(let entry):
            let nature = Self.nature(of: entry)
            if let place = openRules[entry.id] {
                if rules[place].nature != nature { rules[place].nature += ", then \(nature)" }
            } else {
                openRules[entry.id] = rules.count
                rules.append(Item(subject: "\(entry.announcement.route)", nature: nature, began: time))
            }
        case .withdrawn(let entry), .lapsed(let entry):
            if let place = openRules.removeValue(forKey: entry.id) { rules[place].ended = time }
        case .refused: refusals += 1
        }
    }

    private static func nature(of entry: LedgerEntry) -> String {
        let announcement = entry.announcement
        var parts = [announcement.actionText]
        if entry.state == .observed { parts.insert("only observed:", at: 0) }
        // An IPv6 address that is redirected to stands elsewhere in the rule.
        if let hop = announcement.nextHop, !parts.contains(where: { $0.contains("\(hop)") }) {
            parts.append("next-hop \(hop)")
        }
        if let neighbors = announcement.neighbors {
            parts.append("to \(neighbors.map(\.description).joined(separator: " "))")
        }
        return parts.joined(separator: " ")
    }
}

/// In what two replays of one capture differ: what another configuration would have done.
public struct ReplayComparison: Sendable {
    public enum Sort: String, Sendable, Hashable {
        case attack, rule
    }

    /// An attack or rule that is not the same on both sides.
    public struct Difference: Sendable, Hashable {
        public var sort: Sort
        public var subject: String
        /// Nil where the side has nothing of the kind.
        public var first: ReplayOutcome.Item?
        public var second: ReplayOutcome.Item?
    }

    /// By the time at which either began.
    public private(set) var differences: [Difference] = []
    /// What both have alike.
    public private(set) var alikeAttacks = 0
    public private(set) var alikeRules = 0

    public init(_ first: ReplayOutcome, _ second: ReplayOutcome) {
        alikeAttacks = compare(.attack, first.attacks, second.attacks)
        alikeRules = compare(.rule, first.rules, second.rules)
        differences.sort { Self.beginning($0) < Self.beginning($1) }
    }

    private static func beginning(_ difference: Difference) -> Timestamp {
        [difference.first, difference.second].compactMap { $0?.began }.min() ?? .distantFuture
    }

    /// The first of a subject with the first, the second with the second; how many are alike.
    private mutating func compare(_ sort: Sort, _ first: [ReplayOutcome.Item], _ second: [ReplayOutcome.Item]) -> Int {
        var alike = 0
        var others = Dictionary(grouping: second, by: \.subject)
        for item in first {
            var candidates = others[item.subject] ?? []
            let other = candidates.isEmpty ? nil : candidates.removeFirst()
            others[item.subject] = candidates
            if item == other {
                alike += 1
            } else {
                differences.append(Difference(sort: sort, subject: item.subject, first: item, second: other))
            }
        }
        for item in second where others[item.subject]?.contains(item) == true {
            differences.append(Difference(sort: sort, subject: item.subject, first: nil, second: item))
        }
        return alike
    }
}
