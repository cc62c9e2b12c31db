public import FlowSpec
public import NetworkTypes

/// Rules that stand in the configuration.
///
/// They have an expiry as every rule has: a lease of an hour, which is renewed while the configuration has them. One
/// that an operator withdraws stays away until the configuration is read again.
extension Ledger {
    static let configuredLease = Duration.seconds(3600)

    /// Announces what the configuration has, and withdraws what it has no more.
    ///
    /// - Returns: what is to be carried out, and what was refused, with the reasons.
    public mutating func adopt(
        configured wanted: [Announcement],
        at time: Timestamp
    ) -> (effects: [LedgerEffect], refused: [String]) {
        var effects: [LedgerEffect] = []
        var refused: [String] = []
        let routes = Set(wanted.map(\.route))
        for entry in inForce
        where entry.requesters.contains(.configuration) && !routes.contains(entry.announcement.route) {
            let because = "the configuration has it no more"
            effects += withdraw(entry.id, by: .configuration, because: because, at: time).effects
        }
        changedConfiguration = []
        for announcement in wanted {
            effects += change(to: announcement, at: time)
            // It waits until there may be changes again.
            if changedConfiguration.last?.route == announcement.route { continue }
            let answer = announce(
                announcement,
                for: Self.configuredLease,
                by: .configuration,
                reason: "it stands in the configuration",
                at: time
            )
            effects += answer.effects
            if answer.isRefused { refused.append("\(announcement.route): \(answer.text)") }
        }
        return (effects, refused)
    }

    /// What is the configuration's alone is as the configuration says, for fewer neighbors too.
    private mutating func change(to announcement: Announcement, at time: Timestamp) -> [LedgerEffect] {
        guard let id = byRoute[.init(announcement)], let standing = entries[id],
            standing.requesters == [.configuration], standing.announcement != announcement
        else { return [] }
        guard standing.state != .announced || budget.allowsAnnouncement(at: time) else {
            // What stands does until there may be changes again.
            changedConfiguration.append(announcement)
            return []
        }
        return replace(id, with: announcement, at: time)
    }

    private mutating func changeConfigured(at time: Timestamp) -> [LedgerEffect] {
        guard !changedConfiguration.isEmpty, budget.allowsAnnouncement(at: time) else { return [] }
        let wanted = changedConfiguration
        var effects: [LedgerEffect] = []
        for (place, announcement) in wanted.enumerated() {
            changedConfiguration = []
            effects += change(to: announcement, at: time)
            guard changedConfiguration.isEmpty else {
                changedConfiguration = Array(wanted[place...])
                return effects
            }
        }
        return effects
    }

    mutating func renewConfigured(at time: Timestamp) -> [LedgerEffect] {
        guard time >= nextConfiguredRenewal else { return [] }
        let changes = changeConfigured(at: time)
        nextConfiguredRenewal = time + (changedConfiguration.isEmpty ? .seconds(10) : .seconds(1))
        let due = time + Self.configuredLease / 2
        let waning = index.configured.filter { id in entries[id].map { $0.expires < due } ?? false }
        return changes
            + waning.sorted().flatMap { id in update(id) { $0.expires = time + Self.configuredLease } }
    }
}
