import FlowSpec
import Logging
import Mitigation
import NetworkTypes

extension MitigationService {
    /// Announces the rules that stand in the configuration, and withdraws those that stood there before.
    func adopt(configured announcements: [Announcement], at time: Timestamp) async {
        let (effects, refused) = ledger.adopt(configured: announcements, at: time)
        for reason in refused {
            logger.warning("a rule of the configuration is refused", metadata: ["reason": "\(reason)"])
        }
        await carryOut(effects, changes: [], at: time)
    }
}
