internal import FlowSpec
internal import NetworkTypes

/// A rule on fragments of either kind, told apart: the first ones have ports, by which those of an amplification differ
/// from others.
extension RuleSynthesis {
    /// Of how many later fragments there are hardly any first ones if none was seen.
    private static let fewestLater = 20.0
    /// How many first fragments must all be from one port.
    private static let fewestOfOnePort = 10
    /// Of normal traffic of the protocol, from that port: where it is more, first fragments from there are usual too.
    private static let mostFromPort = 0.2

    /// Those on fragments as those on later ones, and another for the first ones where there are any.
    func divided(_ rules: [Rule]) -> [Rule] {
        var rules = rules
        var isDivided = false
        for index in rules.indices where isOfFragments(rules[index]) {
            let conditions = rules[index].conditions
            let later = rule(conditions.map { $0 == .fragment ? .partOfDatagram(first: false) : $0 })
            let first = firstFragments(of: rules[index])
            // Where none has ports that any other rule could match, they are more likely to have been missed.
            let fewest = Self.fewestLater * (rules.count > 1 ? 1 : 2)
            let isAll =
                evidence.attackCount(of: later.members) >= fewest
                && evidence.weight(later.members.attack)
                    >= evidence.weight(rules[index].members.attack) * (1 - Self.mostLost)
            var found = rules
            found[index] = later
            if !isAll {
                guard let first else { continue }
                found.append(first)
            }
            if found.count <= settings.maximumRules, isEnough(found) == isEnough(rules),
                missing(found) <= missing(rules),
                evidence.weight(union(found).attack) >= evidence.weight(union(rules).attack) * (1 - Self.mostLost)
            {
                rules = found
                isDivided = true
            }
        }
        return isDivided ? narrowed(rules) : rules
    }

    /// Whether it is on nothing else, but for a protocol and lengths.
    private func isOfFragments(_ rule: Rule) -> Bool {
        rule.conditions.contains(.fragment)
            && rule.conditions.allSatisfy { [.ipProtocol, .fragment, .packetLength].contains($0.type) }
    }

    /// Those of the first fragments that a rule matches, by the port that all of them are from; nil where there is none, or
    /// where it is usual.
    private func firstFragments(of rule: Rule) -> Rule? {
        guard !settings.lacks.contains(.sourcePort), let ipProtocol = rule.conditions.first,
            ipProtocol.type == .ipProtocol
        else { return nil }
        let part = RuleCondition.partOfDatagram(first: true)
        let members = rule.members.intersection(known.members(of: part))
        let samples = SampleEvidence.samples(members.attack, evidence.attack)
        guard samples.count >= Self.fewestOfOnePort, let port = samples.first?.packet.sourcePort,
            samples.allSatisfy({ $0.packet.sourcePort == port })
        else { return nil }
        let ofPort = RuleCondition.sourcePort(ValueRanges(port...port))
        let base = known.members(of: ipProtocol).normal
        let usual = evidence.likelyShare(of: ofPort, known.members(of: ofPort), within: base)
        return usual <= Self.mostFromPort ? self.rule([ipProtocol, part, ofPort]) : nil
    }

    /// A rule of these conditions, the protocol first.
    private func rule(_ conditions: [RuleCondition]) -> Rule {
        var rule = Rule(conditions: conditions, members: evidence.all)
        var base: SampleSet?
        for condition in conditions {
            let all = known.members(of: condition)
            rule.members = rule.members.intersection(all)
            rule.likelyShare *= evidence.likelyShare(of: condition, all, within: base)
            rule.generalShare *= condition.generalShare
            base = base ?? all.normal
        }
        return rule
    }
}
