public import FlowSpec
public import NetworkTypes

/// How one route stands with one neighbor.
public struct NeighborRoute: Sendable {
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Waits for the connection to take it.
        case queued
        case sent
        /// The neighbor holds it, and its withdrawal is queued.
        case withdrawing
        case withdrawn
        /// There is no session.
        case waitsForSession = "waits for the session"
        /// The session does not carry its family.
        case familyNotAgreed = "family not agreed"
        /// Its next hop is not of its family, or there is none, and the session has no way to say that.
        case withoutNextHop = "no next hop of its family"
        /// No rule that the neighbor's router takes says the same.
        case refused
        /// The neighbor has as many as it may.
        case overLimit = "over the limit"
        /// Held back: one of those that the neighbor may have complained of.
        case suspected
        /// Held back: the one that the neighbor complained of.
        case quarantined
    }

    public var route: AnnouncedRoute
    /// Nil once it is to go.
    public var announcement: Announcement?
    public var state: State
    /// When its announcement was queued, also of a withdrawn one. Nil for a refused one.
    public var queuedAt: Timestamp?
    /// When it was last sent, on the session that stands; of a withdrawn one, on the one that stood then.
    public var sentAt: Timestamp?
    public var withdrawnAt: Timestamp?
    /// The rules that it is a piece of; none for a rule that stands for itself.
    public var parents: [AnnouncedRoute] = []
    /// Why the neighbor cannot be told it.
    public var refusal: CompatibilityProfile.Refusal?
}

/// A rule that is kept from a neighbor because it answered it with a NOTIFICATION.
public struct QuarantinedRoute: Sendable, Hashable {
    public var route: AnnouncedRoute
    public var error: BGPError
    public var since: Timestamp
}
