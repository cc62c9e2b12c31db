public import Detection
public import FlowSpec
public import NetworkTypes

/// One rule of the ledger: what is announced, for whom, why, and until when.
public struct LedgerEntry: Sendable, Hashable, Identifiable {
    public struct ID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
        public var rawValue: UInt64
        public init(rawValue: UInt64) { self.rawValue = rawValue }
        public static func < (left: ID, right: ID) -> Bool { left.rawValue < right.rawValue }
        public var description: String { "r\(rawValue)" }
    }

    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Held back until the change budget allows it.
        case waiting
        /// In the Adj-RIB-Out of every neighbor of its family.
        case announced
        /// Mode `observe`: would be announced.
        case observed
        /// Gone; kept as history.
        case withdrawn
    }

    /// Who wants the rule. It goes when nobody does any more.
    public enum Requester: Sendable, Hashable {
        case attack(Attack.ID)
        case `operator`
        /// Who sends commands of the ExaBGP API: `pipe /run/exabgp.cmd`, `process watcher`.
        case client(String)
        /// It stands in the configuration.
        case configuration
    }

    public let id: ID
    /// What never changes stands apart: an entry is copied wherever it goes, and there may be a hundred thousand.
    private var facts: Shared<Facts>
    /// Apart as well: most entries have none.
    private var withdrawal: Shared<Withdrawal>?

    public var announcement: Announcement { facts.value.announcement }
    /// What the rule protects (or, for outgoing attacks, holds back).
    public var target: IPPrefix { facts.value.target }
    public var direction: TrafficDirection { facts.value.direction }
    /// The template that made the rule.
    public var template: String { facts.value.template }
    /// Why, in words, from the first requester.
    public var reason: String { facts.value.reason }
    /// What the rule was expected to match when it was made; nil for those that no samples speak for.
    public var expectation: RuleExpectation? { facts.value.expectation }
    public var created: Timestamp { facts.value.created }
    /// How long it stays at least once it is announced, where that is not the policy's ban time.
    public var banTime: Duration? { facts.value.banTime }
    /// In the order in which they asked; empty once withdrawn for want of any.
    public var requesters: [Requester]
    /// Until when each asked for it, of those who did while others had as well: who goes takes his time with him.
    public internal(set) var terms: [Requester: Timestamp] {
        get { ownTerms?.value ?? [:] }
        set { ownTerms = newValue.isEmpty ? nil : Shared(newValue) }
    }
    private var ownTerms: Shared<[Requester: Timestamp]>?
    /// When it goes unless renewed. While an attack asks for it, a lease that is renewed ahead of time.
    public var expires: Timestamp
    /// When it was announced; the ban time counts from here. Nil while waiting.
    public var announced: Timestamp?
    public var state: State
    /// How often it was eased and the attack was still there: so much later it is eased again.
    public internal(set) var failedProbes: UInt8

    public var withdrawn: Timestamp? { withdrawal?.value.time }
    /// Why it was withdrawn, in words.
    public var withdrawnBecause: String? { withdrawal?.value.reason }

    public init(
        id: ID,
        announcement: Announcement,
        target: IPPrefix,
        direction: TrafficDirection,
        template: String,
        reason: String,
        expectation: RuleExpectation? = nil,
        created: Timestamp,
        requesters: [Requester],
        terms: [Requester: Timestamp] = [:],
        announced: Timestamp?,
        expires: Timestamp,
        state: State,
        withdrawn: Timestamp? = nil,
        withdrawnBecause: String? = nil,
        banTime: Duration? = nil,
        failedProbes: UInt8 = 0
    ) {
        self.id = id
        facts = Shared(
            Facts(
                announcement: announcement,
                target: target,
                direction: direction,
                template: template,
                reason: reason,
                ownExpectation: expectation.map { Shared($0) },
                created: created,
                banTime: banTime
            )
        )
        self.requesters = requesters
        ownTerms = terms.isEmpty ? nil : Shared(terms)
        self.announced = announced
        self.expires = expires
        self.state = state
        self.failedProbes = failedProbes
        withdrawal = withdrawn.map { Shared(Withdrawal(time: $0, reason: withdrawnBecause)) }
    }

    mutating func withdraw(at time: Timestamp, because reason: String?) {
        state = .withdrawn
        withdrawal = Shared(Withdrawal(time: time, reason: reason))
    }
}

private struct Withdrawal: Sendable, Hashable {
    var time: Timestamp
    var reason: String?
}

extension LedgerEntry {
    /// The same route with other actions, or for other neighbors.
    mutating func replace(_ announcement: Announcement) {
        guard announcement.route == self.announcement.route else { return }
        var changed = facts.value
        changed.announcement = announcement
        facts = Shared(changed)
    }

    /// Stays for so long at least.
    mutating func ban(for duration: Duration) {
        var changed = facts.value
        changed.banTime = duration
        facts = Shared(changed)
    }
}

extension LedgerEntry {
    /// Another is about to ask for it: until now all that was asked for was the rule's own time.
    mutating func noteTerms() {
        for requester in requesters where terms[requester] == nil { terms[requester] = expires }
    }

    /// What had to wait lasts from its announcement.
    mutating func putOffTerms(by time: Duration) {
        if !terms.isEmpty, time > .zero { terms = terms.mapValues { $0 + time } }
    }
}

extension LedgerEntry {
    /// By a clock that was set back, what has happened did so at the latest now.
    mutating func correctTimes(notAfter time: Timestamp) {
        announced = announced.map { min($0, time) }
        guard created > time else { return }
        var changed = facts.value
        changed.created = time
        facts = Shared(changed)
    }
}

private struct Facts: Sendable, Hashable {
    var announcement: Announcement
    var target: IPPrefix
    var direction: TrafficDirection
    var template: String
    var reason: String
    /// Apart: most rules of operators and programs have none.
    var ownExpectation: Shared<RuleExpectation>?
    var created: Timestamp
    var banTime: Duration?

    var expectation: RuleExpectation? { ownExpectation?.value }
}

/// A value that many copies share.
private final class Shared<Value: Sendable & Hashable>: Sendable, Hashable {
    let value: Value

    init(_ value: Value) { self.value = value }

    static func == (left: Shared, right: Shared) -> Bool { left === right || left.value == right.value }
    func hash(into hasher: inout Hasher) { hasher.combine(value) }
}

extension LedgerEntry.Requester: CustomStringConvertible {
    /// `attack 3`, `operator`, or the client's name.
    public var description: String {
        switch self {
        case .attack(let id): "attack \(id)"
        case .operator: "operator"
        case .client(let name): name
        case .configuration: "configuration"
        }
    }

    private static let clientKinds = ["pipe ", "process "]

    public init?(_ text: String) {
        if text == "operator" {
            self = .operator
        } else if text == "configuration" {
            self = .configuration
        } else if text.hasPrefix("attack "), let number = UInt64(text.dropFirst(7)) {
            self = .attack(Attack.ID(rawValue: number))
        } else if Self.clientKinds.contains(where: { text.hasPrefix($0) }) {
            self = .client(text)
        } else {
            return nil
        }
    }
}
