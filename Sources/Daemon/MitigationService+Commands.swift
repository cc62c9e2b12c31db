import FlowSpec
import Mitigation
import NetworkTypes

/// One order of a command.
enum CommandOrder: Sendable {
    case announce(Announcement, reason: String)
    /// `known` are all neighbors there are, where `neighbors` names some.
    case withdraw(AnnouncedRoute, from: [IPAddress]?, of: [IPAddress])
    case withdrawRule(LedgerEntry.ID)
    /// All that the requester has announced.
    case clear
}

extension MitigationService {
    /// Carries out orders one after another: all on disk at once, then all to the neighbors.
    ///
    /// - Parameter duration: how long a rule lasts; nil: the ban time.
    func execute(
        _ orders: [CommandOrder],
        by requester: LedgerEntry.Requester,
        lasting duration: Duration?,
        at time: Timestamp
    ) async -> [CommandReply] {
        var effects: [LedgerEffect] = []
        var replies: [CommandReply] = []
        for order in orders {
            let answer: CommandAnswer
            switch order {
            case .announce(let announcement, let reason):
                answer = ledger.announce(
                    announcement,
                    for: duration ?? ledger.policy.banTime,
                    by: requester,
                    reason: reason,
                    at: time
                )
            case .withdraw(let route, let neighbors, let known):
                answer = ledger.withdraw(route, from: neighbors, of: known, by: requester, at: time)
            case .withdrawRule(let id): answer = ledger.withdraw(id, by: requester, at: time)
            case .clear: answer = ledger.clear(by: requester, at: time)
            }
            effects += answer.effects
            replies.append(CommandReply(text: answer.text, isRefused: answer.isRefused))
        }
        await carryOut(effects, changes: [], at: time)
        guard let storeFailure else {
            let announced = orders.enumerated().map { place, order in
                if case .announce(let announcement, _) = order, !replies[place].isRefused {
                    ledger.entry(of: announcement)
                } else {
                    nil as LedgerEntry?
                }
            }
            for (place, note) in await notesOnHolders(of: announced).enumerated() { replies[place].text += note }
            return replies
        }
        for (place, order) in orders.enumerated() {
            guard case .announce = order, !replies[place].isRefused else { continue }
            replies[place] = CommandReply(text: "nothing new can be announced: \(storeFailure)", isRefused: true)
        }
        await takeBackUnwritten(of: effects, by: requester, at: time)
        return replies
    }
}
