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
    }

    public let id: ID
    public let announcement: Announcement
    /// What the rule protects (or, for outgoing attacks, holds back).
    public let target: IPPrefix
    public let direction: TrafficDirection
    /// The template that made the rule.
    public let template: String
    /// Why, in words, from the first requester.
    public let reason: String
    public let created: Timestamp
    /// In the order in which they asked; empty once withdrawn for want of any.
    public var requesters: [Requester]
    /// When it was announced; the ban time counts from here. Nil while waiting.
    public var announced: Timestamp?
    /// When it goes unless renewed. While an attack asks for it, a lease that is renewed ahead of time.
    public var expires: Timestamp
    public var state: State
    public var withdrawn: Timestamp?
    /// Why it was withdrawn, in words.
    public var withdrawnBecause: String?

    public init(
        id: ID,
        announcement: Announcement,
        target: IPPrefix,
        direction: TrafficDirection,
        template: String,
        reason: String,
        created: Timestamp,
        requesters: [Requester],
        announced: Timestamp?,
        expires: Timestamp,
        state: State,
        withdrawn: Timestamp? = nil,
        withdrawnBecause: String? = nil
    ) {
        self.id = id
        self.announcement = announcement
        self.target = target
        self.direction = direction
        self.template = template
        self.reason = reason
        self.created = created
        self.requesters = requesters
        self.announced = announced
        self.expires = expires
        self.state = state
        self.withdrawn = withdrawn
        self.withdrawnBecause = withdrawnBecause
    }
}

extension LedgerEntry.Requester: CustomStringConvertible {
    /// `attack 3` or `operator`.
    public var description: String {
        switch self {
        case .attack(let id): "attack \(id)"
        case .operator: "operator"
        }
    }

    public init?(_ text: String) {
        if text == "operator" {
            self = .operator
        } else if text.hasPrefix("attack "), let number = UInt64(text.dropFirst(7)) {
            self = .attack(Attack.ID(rawValue: number))
        } else {
            return nil
        }
    }
}
