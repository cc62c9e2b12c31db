internal import FlowSpec
internal import NetworkTypes

/// The search for the rule that a neighbor answers with a NOTIFICATION.
///
/// What is suspected is held back, and tried again in halves once the session stands: what the neighbor bears for a while
/// is acquitted, what it does not is halved again, until one rule is left. A rule that one router cannot read costs a
/// few sessions then, and not all of them for as long as it is in force.
///
/// What was sent last is suspected first. That is a guess: a slow router complains late, and one that comes back with
/// other software complains of what it bore before. So nothing is proven for good. A complaint that comes while all
/// suspects are held back refutes the guess; all that was sent on the session is suspected then, and what is tried has to
/// stand longer than that session did.
struct Quarantine: Sendable {
    /// Groups that have yet to be tried, the next one last.
    private(set) var groups: [[Int]] = []
    private(set) var trial: [Int]?
    /// When what the search waits for has gone well for long enough.
    private(set) var verdict: Timestamp?
    private(set) var found: [AnnouncedRoute: QuarantinedRoute] = [:]
    /// The neighbor has complained, and has not been content since with what was made of it.
    private(set) var isOpen = false
    /// How often it has, since then.
    private var complaints = 0
    /// Learned of the neighbor: how long it may take to complain.
    private var patience = Duration.zero
    /// Found, but the neighbor has yet to be content without them.
    private var unconfirmed: [AnnouncedRoute] = []
    /// How long it has to be.
    private var confirmation = Duration.zero
    private var hasConfirmed = false
    /// When all that waited at the beginning of the session was sent.
    private var saidAllAt: Timestamp?
    /// In that was something that nothing speaks for yet. Before it has stood for itself nothing is tried beside it.
    private var awaitsRest = false

    /// A session that fell after more than this says little of how long the neighbor takes to complain.
    static let longestLeap = Duration.seconds(120)
    /// The most that a trial takes. Whoever complains later than that is not searched.
    static let longestPatience = Duration.seconds(600)
    /// Rules that are found one after the other, on a session that the others bore, before the others are suspected.
    static let mostUnconfirmed = 4
    /// Sessions that the search may take without a pause in between.
    static let mostUndamped = 128

    var isSearching: Bool { trial != nil || !groups.isEmpty }
    /// A session that ended over a complaint which took the search on is no oscillation, unless there is no end to them.
    func excuses(_ outcome: Outcome) -> Bool { outcome != .nobody && complaints <= Self.mostUndamped }
    /// Nothing is known of the neighbor that a later session would need.
    var isEmpty: Bool { !isOpen && !isSearching && found.isEmpty }

    /// What a complaint came to.
    enum Outcome: Sendable, Hashable {
        /// Nothing that was sent comes into question.
        case nobody
        case suspects(Int)
        case found(QuarantinedRoute)
    }

    private func patience(_ probation: Duration) -> Duration { max(patience, probation) }

    // MARK: Complaints

    /// The neighbor has ended the session over an UPDATE. To be called before the session is forgotten.
    ///
    /// - Parameter standing: how long the session stood.
    static func complain(
        _ error: BGPError,
        about rib: inout AdjRIBOut,
        probation: Duration,
        standing: Duration,
        at time: Timestamp
    ) -> Outcome {
        let patience = rib.quarantine.patience(probation)
        let trial = rib.quarantine.trial ?? []
        let heard = trial.filter { rib.slots[$0].sentAt != nil && rib.isFree($0) }
        // What comes while a trial stands is not taken up: were there more of it with each session, the search would not
        // end. If it is the cause there will be another complaint once the trial's rules are held back.
        var suspects = heard.isEmpty && rib.quarantine.isHearingRest ? rib.suspects() : heard
        let isRefuted = suspects.isEmpty && rib.quarantine.refutes(patience, at: time)
        if suspects.isEmpty, !isRefuted {
            settle(&rib, patience, at: time)
            suspects = rib.suspects()
        }
        if suspects.isEmpty {
            suspects = rib.allSent()
            guard !suspects.isEmpty else { return .nobody }
            widen(&rib, beyond: patience, wasRefuted: isRefuted, standing: standing)
        }
        rib.quarantine.open()
        // Of the trial, what the neighbor has not heard yet.
        let left = trial.filter { rib.slots[$0].sentAt == nil && rib.isFree($0) }
        rib.hold(left, .suspected)
        if !left.isEmpty { rib.quarantine.groups.append(left) }
        guard let last = suspects.last, let route = rib.slots[last].route else { return .nobody }
        // One that is left of several because the others were withdrawn has to be tried by itself.
        let isAlone = suspects.count == 1 && (heard.isEmpty || trial.count - left.count == 1)
        guard !isAlone else {
            rib.hold([last], .quarantined)
            let entry = QuarantinedRoute(route: route, error: error, since: time)
            rib.quarantine.convict(entry, patience: patience, standing: standing)
            return .found(entry)
        }
        rib.hold(suspects, .suspected)
        let middle = suspects.count / 2
        for half in [suspects[middle...], suspects[..<middle]] where !half.isEmpty {
            rib.quarantine.groups.append(Array(half))
        }
        return .suspects(suspects.count)
    }

    /// A search goes on, and the session has yet to bear what stands beside the suspects.
    private var isHearingRest: Bool { isOpen && isSearching && (saidAllAt == nil || awaitsRest) }

    /// All that was suspected was held back or acquitted, and yet there is another complaint.
    private func refutes(_ patience: Duration, at time: Timestamp) -> Bool {
        guard isOpen else { return false }
        // A template that the router cannot bear makes one bad rule after the other: each of them is the last one sent,
        // on a session that bore the rest.
        guard !unconfirmed.isEmpty, unconfirmed.count < Self.mostUnconfirmed, groups.isEmpty, let said = saidAllAt
        else { return true }
        return time < said + patience
    }

    /// The guess was wrong: nothing is beyond suspicion any more, nor is what was found under it guilty.
    private static func widen(
        _ rib: inout AdjRIBOut,
        beyond patience: Duration,
        wasRefuted: Bool,
        standing: Duration
    ) {
        rib.doubt(rib.places)
        // All that was sent on the session was sent since it began: the complaint took no longer than that.
        if standing >= patience {
            let leap = min(standing + standing / 2, longestLeap)
            rib.quarantine.patience = min(max(patience, leap, wasRefuted ? patience * 2 : .zero), longestPatience)
        }
        let again = rib.quarantine.unconfirmed.compactMap { rib.heldPlace(of: $0, .quarantined) }
        for route in rib.quarantine.unconfirmed { rib.quarantine.found[route] = nil }
        rib.quarantine.unconfirmed = []
        rib.quarantine.hasConfirmed = false
        rib.hold(again, .suspected)
        if !again.isEmpty { rib.quarantine.groups.insert(again, at: 0) }
    }

    private mutating func open() {
        if !isOpen {
            isOpen = true
            complaints = 0
            hasConfirmed = false
        }
        complaints += 1
        trial = nil
        verdict = nil
    }

    /// Were it one of the others, the neighbor would complain without this one as soon as it did with it.
    private mutating func convict(_ entry: QuarantinedRoute, patience: Duration, standing: Duration) {
        found[entry.route] = entry
        unconfirmed.removeAll { $0 == entry.route }
        unconfirmed.append(entry.route)
        confirmation = max(patience, min(standing, Self.longestLeap) * 2)
        // Most often it was the only one: then all others are back after one trial.
        groups = [groups.flatMap { $0 }].filter { !$0.isEmpty }
    }

    // MARK: Sessions

    /// The session is over: a trial is taken up again on the next one. To be called before the session is forgotten.
    static func interrupt(_ rib: inout AdjRIBOut, probation: Duration, at time: Timestamp) {
        // In the middle of a search only trials prove anything.
        if !rib.quarantine.isOpen { settle(&rib, rib.quarantine.patience(probation), at: time) }
        rib.quarantine.verdict = nil
        rib.quarantine.saidAllAt = nil
        rib.quarantine.awaitsRest = false
        guard let trial = rib.quarantine.trial else { return }
        rib.quarantine.trial = nil
        let wanted = trial.filter { rib.isFree($0) }
        rib.hold(wanted, .suspected)
        if !wanted.isEmpty { rib.quarantine.groups.append(wanted) }
    }

    /// What the neighbor has had for long enough is the least likely. Of what waited when the session began, it has had
    /// nothing before it had all.
    private static func settle(_ rib: inout AdjRIBOut, _ patience: Duration, at time: Timestamp) {
        guard let said = rib.quarantine.saidAllAt, said + patience <= time else { return }
        rib.prove(sentUntil: time - patience)
    }

    /// Goes on with the search on a session that stands and has sent all that waits.
    static func proceed(_ rib: inout AdjRIBOut, probation: Duration, at time: Timestamp) {
        let patience = rib.quarantine.patience(probation)
        if rib.quarantine.saidAllAt == nil {
            rib.quarantine.saidAllAt = time
            rib.quarantine.awaitsRest = rib.quarantine.isSearching && !rib.suspects().isEmpty
        }
        if let trial = rib.quarantine.trial {
            guard rib.isSent(trial), rib.quarantine.stands(patience, at: time) else { return }
            rib.acquit(trial)
            rib.quarantine.trial = nil
        }
        if !rib.quarantine.unconfirmed.isEmpty {
            guard rib.quarantine.stands(rib.quarantine.confirmation, at: time) else { return }
            rib.quarantine.unconfirmed = []
            rib.quarantine.hasConfirmed = true
        } else if rib.quarantine.awaitsRest {
            guard rib.quarantine.stands(patience, at: time) else { return }
        }
        if rib.quarantine.awaitsRest {
            rib.quarantine.awaitsRest = false
            settle(&rib, patience, at: time)
        }
        while let group = rib.quarantine.groups.popLast() {
            let places = rib.stillSuspected(group)
            guard !places.isEmpty else { continue }
            rib.quarantine.trial = places
            rib.release(places, at: time)
            return
        }
        guard rib.quarantine.isOpen else { return }
        // Where none was found, the next complaint is taken for the same one, for a time.
        if rib.quarantine.hasConfirmed || rib.quarantine.stands(longestPatience, at: time) {
            rib.quarantine.isOpen = false
            rib.quarantine.complaints = 0
            rib.quarantine.verdict = nil
        }
    }

    /// Whether the neighbor has been content for so long, from the first time that this is asked.
    private mutating func stands(_ wait: Duration, at time: Timestamp) -> Bool {
        guard let end = verdict else {
            verdict = time + wait
            return false
        }
        guard end <= time else { return false }
        verdict = nil
        return true
    }

    /// A rule that is withdrawn, or announced anew with something else, is no longer in quarantine.
    mutating func forget(_ route: AnnouncedRoute) { found[route] = nil }
}
