import BGP
import FlowSpec
import Mitigation
import NetworkTypes
import Speaker

/// An announced rule is not yet one that a router has: there may be no session, or none of its family.
extension MitigationService {
    /// What is to be added to the answer to who announced these, each for itself; empty where a router gets it.
    func notesOnHolders(of entries: [LedgerEntry?]) async -> [String] {
        let announced = entries.compactMap { $0 }.filter { $0.state == .announced }
        guard hasSpeakerOnly, !announced.isEmpty else { return entries.map { _ in "" } }
        let holders = await states(of: announced.map(\.announcement.route))
        return entries.map { entry in
            guard let entry, entry.state == .announced,
                let why = Reports.whyNobodyHas(entry.announcement.route, holders)
            else { return "" }
            return "; no router gets it: \(why)"
        }
    }
}

/// Which rules are still to be asked for, and when that was begun.
struct HoldersAsked {
    fileprivate var left: [LedgerEntry.ID] = []
    fileprivate var begun = Timestamp(nanoseconds: 0)
}

extension MitigationService {
    private static let holdersInterval = Duration.seconds(1)
    /// With each tick of at most so many rules: the sessions have other things to do.
    private static let holdersAtOnce = 1000

    /// Tells the ledger which rules against attacks under way no router has: what these do is not to be judged.
    func tellHolders(at time: Timestamp) async {
        if holdersAsked.left.isEmpty, time - holdersAsked.begun >= Self.holdersInterval {
            holdersAsked.left = ledger.watched
            holdersAsked.begun = time
        }
        guard !holdersAsked.left.isEmpty else { return }
        let asked = holdersAsked.left.suffix(Self.holdersAtOnce).compactMap { ledger.entries[$0] }
        holdersAsked.left.removeLast(min(Self.holdersAtOnce, holdersAsked.left.count))
        let held = await speaker.areHeld(asked.map(\.announcement.route))
        for (entry, isHeld) in zip(asked, held) {
            let isWritten = !isHeld && writers.contains { $0.holds(entry.announcement.route) }
            ledger.tell(entry.id, isHeld: isHeld || isWritten)
        }
    }
}

extension Reports {
    private static let namedNeighbors = 3

    /// Why no neighbor has a route nor is about to; nil where one is.
    static func whyNobodyHas(_ route: AnnouncedRoute, _ holders: Holders) -> String? {
        let states = holders[route, default: [:]]
        let isOnItsWay = states.values.contains { [.queued, .sent, .withdrawing].contains($0) }
        guard !isOnItsWay else { return nil }
        let reasons = states.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.rawValue)" }
        let more = reasons.count > namedNeighbors ? ", and \(reasons.count - namedNeighbors) more" : ""
        return reasons.isEmpty
            ? "no neighbor is there to have it" : reasons.prefix(namedNeighbors).joined(separator: ", ") + more
    }
}
