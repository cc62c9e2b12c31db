internal import FlowSpec
internal import NetworkTypes

/// The search for the rule that a neighbor answers with a NOTIFICATION.
///
/// All that was sent last is held back, and tried again in halves once the session stands: what the neighbor bears for
/// a while is acquitted, what it does not is halved again, until one rule is left. A rule that one router cannot read
/// costs a few sessions then, and not all of them for as long as it is in force.
struct Quarantine: Sendable {
    /// Groups that have yet to be tried, the next one last.
    private(set) var groups: [[Int]] = []
    private(set) var trial: [Int]?
    /// When the neighbor has had the trial's rules for long enough.
    private(set) var verdict: Timestamp?
    private(set) var found: [AnnouncedRoute: QuarantinedRoute] = [:]

    var isSearching: Bool { trial != nil || !groups.isEmpty }

    /// What a complaint came to.
    enum Outcome: Sendable, Hashable {
        /// Nothing that was sent comes into question.
        case nobody
        case suspects(Int)
        case found(QuarantinedRoute)
    }

    /// The neighbor has ended the session over an UPDATE. To be called before the session is forgotten.
    static func complain(_ error: BGPError, about rib: inout AdjRIBOut, probation: Duration, at time: Timestamp)
        -> Outcome
    {
        rib.settle(probation: probation, at: time)
        let suspects = rib.suspects()
        rib.quarantine.trial = nil
        rib.quarantine.verdict = nil
        guard let last = suspects.last, let route = rib.slots[last].route else { return .nobody }
        guard suspects.count > 1 else {
            rib.hold([last], .quarantined)
            let entry = QuarantinedRoute(route: route, error: error, since: time)
            rib.quarantine.found[entry.route] = entry
            return .found(entry)
        }
        rib.hold(suspects, .suspected)
        // The later half is the likelier one: tried last, it has had the most of its session proven before.
        let middle = suspects.count / 2
        rib.quarantine.groups.append(Array(suspects[middle...]))
        rib.quarantine.groups.append(Array(suspects[..<middle]))
        return .suspects(suspects.count)
    }

    /// The session was lost for another reason: the trial is taken up again on the next one.
    static func interrupt(_ rib: inout AdjRIBOut) {
        guard let trial = rib.quarantine.trial else { return }
        let wanted = trial.filter { rib.slots[$0].isWanted && rib.slots[$0].hold == .none }
        rib.hold(wanted, .suspected)
        rib.quarantine.groups.append(wanted)
        rib.quarantine.trial = nil
        rib.quarantine.verdict = nil
    }

    /// Goes on with the search on a session that stands and has sent all that waits.
    static func proceed(_ rib: inout AdjRIBOut, probation: Duration, at time: Timestamp) {
        if let trial = rib.quarantine.trial {
            if rib.quarantine.verdict == nil {
                if rib.isSent(trial) { rib.quarantine.verdict = time + probation }
                return
            }
            guard let verdict = rib.quarantine.verdict, verdict <= time else { return }
            rib.acquit(trial)
            rib.quarantine.trial = nil
            rib.quarantine.verdict = nil
        }
        while let group = rib.quarantine.groups.popLast() {
            let places = rib.stillSuspected(group)
            guard !places.isEmpty else { continue }
            rib.quarantine.trial = places
            rib.release(places, at: time)
            return
        }
    }

    /// A rule that is withdrawn, or announced anew with something else, is no longer in quarantine.
    mutating func forget(_ route: AnnouncedRoute) { found[route] = nil }
}
