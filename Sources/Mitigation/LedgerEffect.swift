public import Detection
public import FlowSpec
public import NetworkTypes

/// What the shell is to do, in the order in which the ledger says it.
public enum LedgerEffect: Sendable, Hashable {
    /// Write the entry to disk. Comes before the announcement of the same entry.
    case persist(LedgerEntry)
    case announce(LedgerEntry)
    case withdraw(LedgerEntry)
    /// Mode `observe`: would be announced.
    case observe(LedgerEntry)
    // Large and seldom: the others are kept small without it.
    indirect case refuse(Refusal)
    /// Write down that an operator wants no more rules against this attack.
    case overrule(Attack.ID)
    /// Write down where an attack stands on the ladder.
    indirect case climbed(Attack.ID, Climb)
    /// Write down what happened to a rule beside its announcement and withdrawal, in words.
    case note(LedgerEntry, String)

    var isRefusal: Bool {
        if case .refuse = self { true } else { false }
    }
}

/// A rule that was not made, and why.
public struct Refusal: Sendable, Hashable {
    public enum Reason: Error, Hashable {
        /// No network of the operator holds the prefix whole.
        case outsideNetworks
        /// The prefix is shorter than the policy allows.
        case tooShort(allowed: Int)
        /// The rule names neither destination nor source, so it would match everybody's traffic.
        case matchesAll
        /// The prefix holds or lies in a whitelisted one.
        case whitelisted(IPPrefix)
        /// As many rules as allowed are in force, all against worse attacks.
        case tooManyRules(allowed: Int)
        /// There is no template of that name.
        case noTemplate(String)
        /// The template cannot be filled in for this prefix.
        case invalidRule(FlowSpecError)
        /// A rule must end: the time asked for is zero, negative or beyond `Ledger.longestBan`.
        case invalidDuration
        /// As many changes as allowed were made within the minute, and the rule cannot wait: another of its route stands.
        case tooManyChanges(allowed: Int)
        /// The route stands with other actions that somebody else asked for.
        case conflict(LedgerEntry.ID)
        /// Attacks of this kind are told and not acted on.
        case kindNotActedOn(AttackKind)
        /// The template's rule would drop much of the target's usual traffic: for some seconds a narrower one is waited for.
        case awaitsSamples
        /// By the samples the template's rule would match hardly any of the attack, and much of the target's usual traffic.
        case missesAttack
    }

    public var reason: Reason
    public var target: IPPrefix
    public var requester: LedgerEntry.Requester
    public var time: Timestamp

    public init(reason: Reason, target: IPPrefix, requester: LedgerEntry.Requester, time: Timestamp) {
        self.reason = reason
        self.target = target
        self.requester = requester
        self.time = time
    }
}

extension Refusal: CustomStringConvertible {
    public var description: String { "no rule for \(target) (\(requester)): \(reason)" }
}

extension Refusal.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .outsideNetworks: "it is not inside one of the configured networks"
        case .tooShort(let allowed): "it is shorter than /\(allowed), the shortest allowed"
        case .matchesAll: "the rule would match everybody's traffic"
        case .whitelisted(let prefix): "\(prefix) is whitelisted"
        case .tooManyRules(let allowed): "\(allowed) rules are in force, the most allowed, against worse attacks"
        case .noTemplate(let name): "there is no template \(name)"
        case .invalidRule(let error): "the template cannot be filled in for it: \(error)"
        case .invalidDuration: "a rule lasts from 1 second to 30 days"
        case .tooManyChanges(let allowed): "\(allowed) changes a minute are allowed, and were made"
        case .conflict(let id):
            "\(id) has other actions for the same traffic, and others asked for it; floodgate withdraw \(id) takes it "
                + "away"
        case .missesAttack:
            "by the samples the template would match hardly any of the attack, and much of the usual traffic; floodgate ban "
                + "or announce makes a rule by hand"
        case .awaitsSamples:
            "the template would drop much of the usual traffic, so for some seconds it waits for samples that show a "
                + "narrower rule"
        case .kindNotActedOn(let kind): "\(kind.rawValue) is none of the kinds that are acted on"
        }
    }
}
