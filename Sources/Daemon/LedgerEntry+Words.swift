import FlowSpec
import Logging
import Mitigation

/// A rule as the log and the events tell of it: limits also in the unit that people think in, which FlowSpec's is not.
extension LedgerEntry {
    var metadata: Logger.Metadata {
        var told: Logger.Metadata = ["rule": "\(id)", "announcement": "\(announcement)", "reason": "\(reason)"]
        told["limit"] = announcement.limitText.map { "\($0)" }
        told["expected"] = expectation.map { "\($0)" }
        return told
    }

    /// `flow route … rate-limit 100000 (800 kbit/s)`.
    var words: String { "\(announcement)" + (announcement.limitText.map { " (\($0))" } ?? "") }
}
